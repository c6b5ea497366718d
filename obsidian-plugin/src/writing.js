/** The daemon's edits written into a note that the user may be typing in. */

import { notifyWithButton } from "./dialogs.js";
import { AnotherVault, DaemonAway, UnexpectedAnswer, NoteUnavailable, Refused } from "./errors.js";
import { applyEdits, editNote, findEditing, hasForm, readNote, sha256 } from "./note-text.js";
import { saveOpen } from "./open-notes.js";
import { say, sentence } from "./words.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Enrichment } from "./runs.js" */
/** @import { Offer } from "./shapes.js" */

const LONGEST_PAUSE = 16_000; // milliseconds, the last pause before the daemon is told of a write again
const TRIES = 5;
const PAUSE = 400; // milliseconds

/**
 * Write what a run gave for a note, and return the id of the change in the journal.
 *
 * @param {CompanionPlugin} plugin
 * @param {Enrichment} given
 * @param {number[]} only the numbers of the changes to write
 * @param {() => Promise<void>} [beforeWrite] see applyOffer
 */
export async function writeEnrichment(plugin, { file, path, run, text, result }, only, beforeWrite) {
  const some = only.length < result.changes.length ? only : null;
  const readOffer = (/** @type {string} */ now) =>
    plugin.api.readEdits(run, path, now, some).catch((error) => {
      if (!(error instanceof Refused)) throw error;
      throw new Refused(`${say("leftAsItIs", { name: file.basename })} ${sentence(error.message)}`);
    });
  const known = !some && text !== null && result.offer ? { text, offer: result.offer } : null;
  const made = await applyOffer(plugin, { file, path, known, readOffer, beforeWrite, fills: true });
  return confirmWritten(plugin, file, () => plugin.api.confirmEdits(run, path, made, file.path));
}

/**
 * Call tellDaemon until the daemon answers, and return the id of the change that it answers with.
 *
 * Throws NoteUnavailable if it does not in half a minute.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @param {() => Promise<number>} tellDaemon
 */
export async function confirmWritten(plugin, file, tellDaemon) {
  for (let pause = 1_000; pause <= LONGEST_PAUSE; pause *= 2) {
    try {
      return await tellDaemon();
    } catch (error) {
      if (!(error instanceof DaemonAway || error instanceof AnotherVault)) throw error;
      await plugin.timers.pause(pause);
    }
  }
  throw new NoteUnavailable(say("filledButAway", { name: file.basename }));
}

/**
 * An offer of edits, and how to apply it.
 *
 * path: of the note when the daemon was asked; it may have been renamed since. readOffer: returns the
 * offer for a text. known: an offer that is known already, and the text that it was made for.
 * beforeWrite: called before each try, rejects if the note must not be written now; given if the user
 * did not ask for the edits in this window, and then nothing waits for the user. fills: whether to wait
 * while the cursor is in a property that the edits change.
 *
 * @typedef {{
 *   file: TFile, path: string, readOffer: (text: string) => Promise<Offer>, known?: Known | null,
 *   beforeWrite?: (() => Promise<void>) | undefined, fills?: boolean,
 * }} Application
 * @typedef {{ text: string, offer: Offer }} Known
 */

/**
 * Make the edits of the daemon's offer in the note, and return the offer that was applied. When the
 * note's text changes meanwhile, the offer for the new text is asked for.
 *
 * Throws NoteUnavailable if the note is deleted or keeps changing.
 *
 * @param {CompanionPlugin} plugin
 * @param {Application} application
 */
export async function applyOffer(plugin, application) {
  const { app, timers } = plugin;
  const { file, readOffer, beforeWrite } = application;
  let { known } = application;
  for (let tries = 0; tries < TRIES; tries++) {
    await timers.pause(tries && PAUSE);
    await beforeWrite?.();
    requireThere(plugin, application);
    if (!findEditing(app, file)) {
      await awaitUser(plugin, application, null);
      await saveOpen(plugin, file.path); // what was typed in its card on a canvas
    }
    if (tries || !known) {
      const { text: now } = await readNote(app, file);
      known = { text: now, offer: await readOffer(now) };
    }
    const { text, offer } = known;
    if (!(await hasForm(app, file, text)) || !(await fits(text, offer))) continue;
    if (await awaitUser(plugin, application, known)) tries = 0;
    if (await editNote(app, file, text, offer.edits)) return offer;
  }
  throw notWritten(application, "keepsChanging");
}

/**
 * Return the error for edits that are not made, which says where what the model gave is now.
 *
 * @param {Application} application
 * @param {"keepsChanging" | "workCancelled"} why
 */
function notWritten({ file: { basename: name }, fills }, why) {
  return new NoteUnavailable([say(why, { name }), fills ? say("staysProposed", { name }) : ""].join(" ").trim());
}

/**
 * Wait until the edits disturb nothing that the user is doing, and return whether it took any time.
 *
 * Throws NoteUnavailable if the user cancels the wait; at once if the application has beforeWrite: then
 * the user goes first.
 *
 * @param {CompanionPlugin} plugin
 * @param {Application} application
 * @param {Known | null} known null: whatever the edits are
 */
async function awaitUser(plugin, application, known) {
  const { file, beforeWrite, fills } = application;
  const { activity, timers, work } = plugin;
  const edits = fills || beforeWrite ? (known?.offer.edits ?? []) : [];
  const findReason = () => activity.findWaitReason(file, known?.text ?? "", edits, !beforeWrite);
  let reason = findReason();
  if (!reason) return false;
  const words = say("waitsUntil", { name: file.basename, what: reason });
  if (beforeWrite) throw new NoteUnavailable(words);
  const wait = { words, isCancelled: false };
  work.waits.add(wait);
  notifyWithButton(plugin, words, say("cancel"), () => work.cancelWaits([wait]));
  try {
    for (; reason; reason = findReason()) {
      work.show(file.path, say("waitingUntil", { what: reason }));
      await timers.pause(PAUSE);
      requireThere(plugin, application);
      if (wait.isCancelled) throw notWritten(application, "workCancelled");
    }
  } finally {
    work.waits.delete(wait);
  }
  return true;
}

/**
 * Throw NoteUnavailable if the note was deleted.
 *
 * @param {CompanionPlugin} plugin
 * @param {Application} application
 */
function requireThere({ app }, { file, path }) {
  if (app.vault.getFileByPath(file.path) === file) return;
  throw new NoteUnavailable(say("deleted", { path }));
}

/**
 * Return whether the offer was made for this text.
 *
 * Throws UnexpectedAnswer if its edits make another text than the offer says.
 *
 * @param {string} text
 * @param {Offer} offer
 */
async function fits(text, offer) {
  if ((await sha256(text)) !== offer.base_sha256) return false;
  if ((await sha256(applyEdits(text, offer.edits))) !== offer.new_sha256) throw new UnexpectedAnswer();
  return true;
}
