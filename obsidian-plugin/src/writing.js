/** The daemon's edits written into a note that the user may be typing in. */

import { confirmEdits, readEdits } from "./daemon.js";
import { notify } from "./dialogs.js";
import { AnotherVault, DaemonAway, UnexpectedAnswer, NoteUnavailable, Refused } from "./errors.js";
import { applyEdits, editNote, hasForm, readNote, sha256 } from "./note-text.js";
import { findWaitReason } from "./user-activity.js";
import { sentence } from "./words.js";
import { showProgress } from "./work.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Enrichment } from "./runs.js" */
/** @import { Offer } from "./shapes.js" */

const LONGEST_PAUSE = 16_000; // milliseconds until the daemon is told again of what was written

/**
 * The id of the change that made the changes `only` of what was given.
 *
 * @param {CompanionPlugin} plugin
 * @param {Enrichment} given with an offer
 * @param {number[]} only
 * @param {() => Promise<void>} [beforeWrite] see applyOffer
 */
export async function writeEnrichment(plugin, { file, path, run, text, result }, only, beforeWrite) {
  const some = only.length < result.changes.length ? only : null;
  const readOffer = (/** @type {string} */ now) =>
    readEdits(plugin, run, path, now, some).catch((error) => {
      if (!(error instanceof Refused)) throw error;
      throw new Refused(`“${file.basename}” is left as it is. ${sentence(error.message)}`);
    });
  const base = text ?? "";
  const offer = (!some && result.offer) || (await readOffer(base));
  const made = await applyOffer(plugin, { file, path, text: base, offer, readOffer, beforeWrite, fills: true });
  return confirmWritten(plugin, file, () => confirmEdits(plugin, run, path, made, file.path));
}

/**
 * The id of the change, once the daemon knows of it: it may be away for a moment.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @param {() => Promise<number>} tellDaemon
 */
async function confirmWritten(plugin, file, tellDaemon) {
  for (let pause = 1_000; pause <= LONGEST_PAUSE; pause *= 2) {
    try {
      return await tellDaemon();
    } catch (error) {
      if (!(error instanceof DaemonAway || error instanceof AnotherVault)) throw error;
      await plugin.timers.pause(pause);
    }
  }
  throw new NoteUnavailable(
    `“${file.basename}” was filled, but Callout Companion went away. Once it is back it finds that ` +
      "in the note; then it can be undone.",
  );
}

/**
 * path: where the note was when the daemon was asked; it may be renamed. text: what the offer was
 * made for. readOffer: the offer for another text. rest: resolves when the note may be written now;
 * given where nobody asked for it here. fills: whether a property that the cursor stands in has to
 * wait.
 *
 * @typedef {{
 *   file: TFile, path: string, text: string, offer: Offer, readOffer: (text: string) => Promise<Offer>,
 *   beforeWrite?: (() => Promise<void>) | undefined, fills?: boolean,
 * }} Application
 */

const TRIES = 5;
const PAUSE = 400; // milliseconds

/**
 * The offer whose edits were made.
 *
 * Throws NoteUnavailable when the note is deleted or changes all the time.
 *
 * @param {CompanionPlugin} plugin
 * @param {Application} application
 */
export async function applyOffer(plugin, application) {
  const { app, timers } = plugin;
  const { file, readOffer, beforeWrite } = application;
  let { text, offer } = application;
  for (let tries = 0; tries < TRIES; tries++) {
    await timers.pause(tries && PAUSE);
    await beforeWrite?.();
    requireThere(plugin, application);
    if (tries) {
      ({ text } = await readNote(app, file));
      offer = await readOffer(text);
    }
    if (!(await hasForm(app, file, text)) || !(await fits(text, offer))) continue;
    if (await awaitUser(plugin, { ...application, text, offer })) tries = 0;
    if (await editNote(app, file, text, offer.edits)) return offer;
  }
  throw new NoteUnavailable(
    `“${file.basename}” keeps changing, so nothing was written. Try again when it rests.`,
  );
}

/**
 * Whether it was waited until the edits disturb nothing that the user is in the middle of, however
 * long that is. Throws NoteUnavailable at once where nobody asked for them here: then the user goes first.
 *
 * @param {CompanionPlugin} plugin
 * @param {Application} application
 */
async function awaitUser(plugin, application) {
  const { file, text, offer, beforeWrite, fills } = application;
  for (let looks = 0; ; looks++) {
    const hold = findWaitReason(plugin, file, text, fills ? offer.edits : []);
    if (!hold) return looks > 0;
    const words = `“${file.basename}” waits until ${hold}.`;
    if (beforeWrite) throw new NoteUnavailable(words);
    if (!looks) notify(words);
    showProgress(plugin, file.path, `waiting until ${hold}`);
    await plugin.timers.pause(PAUSE);
    requireThere(plugin, application);
  }
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Application} application
 */
function requireThere({ app }, { file, path }) {
  if (app.vault.getFileByPath(file.path) === file) return;
  throw new NoteUnavailable(`“${path}” was deleted; nothing was written.`);
}

/**
 * Whether the offer is for this text. Throws UnexpectedAnswer when its edits make another text than it says.
 *
 * @param {string} text
 * @param {Offer} offer
 */
async function fits(text, offer) {
  if ((await sha256(text)) !== offer.base_sha256) return false;
  if ((await sha256(applyEdits(text, offer.edits))) !== offer.new_sha256) throw new UnexpectedAnswer();
  return true;
}
