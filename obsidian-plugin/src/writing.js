/** The daemon's edits written into a note that the user may be typing in. */

import { notifyWithButton } from "./dialogs.js";
import { isPassing, NoteUnavailable, UnexpectedAnswer } from "./errors.js";
import { applyEdits, editNote, readNote, saveOpen, sha256 } from "./note-text.js";
import { findEditing } from "./open-notes.js";
import { say } from "./words.js";

/** @import { App, TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { EditShape, OfferShape } from "./api-types.d.ts" */

const LONGEST_PAUSE = 16_000; // milliseconds, the last pause before the daemon is told of a write again
const TRIES = 5;
const PAUSE = 400; // milliseconds

/**
 * Call tellDaemon until the daemon answers, and return what it answers.
 *
 * Throws NoteUnavailable if it does not in half a minute.
 *
 * @template T
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @param {() => Promise<T>} tellDaemon
 */
export async function confirmWritten(plugin, file, tellDaemon) {
  for (let pause = 1_000; pause <= LONGEST_PAUSE; pause *= 2) {
    try {
      return await tellDaemon();
    } catch (error) {
      if (!isPassing(error)) throw error;
      await plugin.timers.pause(pause);
    }
  }
  throw new NoteUnavailable(say("filledButAway", { name: file.basename }));
}

/**
 * An offer of edits, and how to apply it.
 *
 * path: of the note when the daemon was asked; it may have been renamed since. readOffer: returns the offer for a text.
 * isRequested: whether the user of this window asked for it; if not, nothing waits for them. isAllowed: whether the
 * note may be written now. withdraw: has the daemon forget the offer. fills: whether to wait while the cursor is in a
 * property that the edits change.
 *
 * @typedef {{
 *   file: TFile, path: string, readOffer: (text: string) => Promise<OfferShape>, isRequested: boolean,
 *   isAllowed: () => boolean, withdraw: () => Promise<unknown>, fills: boolean,
 * }} Application
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
  const { file, readOffer, isAllowed } = application;
  for (let tries = 0; tries < TRIES; tries++) {
    await timers.pause(tries && PAUSE);
    requireThere(app, application);
    if (!findEditing(app, file)) {
      await awaitUser(plugin, application, "", []);
      await saveOpen(plugin, file.path); // what was typed in its card on a canvas
    }
    const text = await readNote(app, file);
    const offer = await readOffer(text);
    if (!(await fits(text, offer))) continue;
    if (await awaitUser(plugin, application, text, offer.edits)) tries = 0;
    if (!isAllowed()) throw new NoteUnavailable("the user types");
    const mayEdit = () => isAllowed() && !findWaitReason(plugin, application, text, offer.edits);
    if (await editNote(app, file, text, offer.edits, mayEdit)) return offer;
  }
  throw new NoteUnavailable(say("keepsChanging", { name: file.basename }));
}

/**
 * Wait until the edits disturb nothing that the user is doing, and return whether it took any time.
 *
 * Throws NoteUnavailable if the user cancels the wait; at once if they did not ask for the edits: then they go first.
 *
 * @type {(plugin: CompanionPlugin, application: Application, text: string, edits: EditShape[]) => Promise<boolean>}
 */
async function awaitUser(plugin, application, text, edits) {
  const { file, isRequested, fills, withdraw } = application;
  const { timers, work } = plugin;
  const findReason = () => findWaitReason(plugin, application, text, edits);
  let reason = findReason();
  if (!reason) return false;
  const words = say("waitsUntil", { name: file.basename, what: reason });
  if (!isRequested) throw new NoteUnavailable(words);
  const wait = { words, isCancelled: false };
  work.waits.add(wait);
  notifyWithButton(plugin, words, say("cancel"), () => work.cancelWaits([wait]));
  try {
    for (; reason; reason = findReason()) {
      work.show(file.path, say("waitingUntil", { what: reason }));
      await timers.pause(PAUSE);
      requireThere(plugin.app, application);
      if (!wait.isCancelled) continue;
      await withdraw();
      const more = fills ? say("staysProposed", { name: file.basename }) : "";
      throw new NoteUnavailable(`${say("workCancelled", { name: file.basename })} ${more}`.trim());
    }
  } finally {
    work.waits.delete(wait);
  }
  return true;
}

/** @type {(plugin: CompanionPlugin, application: Application, text: string, edits: EditShape[]) => string | null} */
function findWaitReason({ activity }, { file, isRequested, fills }, text, edits) {
  return activity.findWaitReason(file, text, fills || !isRequested ? edits : [], isRequested);
}

/** Throw NoteUnavailable if the note was deleted. @type {(app: App, application: Application) => void} */
function requireThere({ vault }, { file, path }) {
  if (vault.getFileByPath(file.path) !== file) throw new NoteUnavailable(say("deleted", { path }));
}

/**
 * Return whether the offer was made for this text.
 *
 * Throws UnexpectedAnswer if its edits make another text than the offer says.
 *
 * @type {(text: string, offer: OfferShape) => Promise<boolean>}
 */
async function fits(text, offer) {
  if ((await sha256(text)) !== offer.base_sha256) return false;
  if ((await sha256(applyEdits(text, offer.edits))) !== offer.new_sha256) throw new UnexpectedAnswer();
  return true;
}
