/** The daemon's edits written into a note that the user may be typing in. */

import { notifyWithButtons } from "./dialogs.js";
import { NoAnswer, NoteUnavailable } from "./errors.js";
import { applyEdits, editNote, readNote, saveOpen, sha256 } from "./note-text.js";
import { findEditing } from "./open-notes.js";
import { updateStatusBar } from "./status-bar.js";
import { nameNote, showHidden } from "./words.js";

/** @import { App, TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { EditShape, EditsToMake, OfferShape, WaitingEdits } from "./api-types.d.ts" */

const TRIES = 5;
const PAUSE = 400; // milliseconds

/**
 * A row of the outbox, and how its edits are made.
 *
 * file: of its note, which may have been renamed since. rest: how many milliseconds the user has to pause before; null
 * where they asked for the edits in this window: then these wait until what the user is doing is done.
 *
 * @typedef {{ file: TFile, row: WaitingEdits, rest: number | null }} Making
 */

/**
 * Make the edits of a row in its note, and tell the daemon once it answers. When the note's text changes meanwhile, the
 * edits for the new text are asked for.
 *
 * Throws NoteUnavailable if the note is deleted or keeps changing, and ApiError if the edits are not wanted any more.
 *
 * @type {(plugin: CompanionPlugin, making: Making) => Promise<void>}
 */
export async function makeEdits(plugin, making) {
  const { activity, app, connection, timers } = plugin;
  const { file, row, rest } = making;
  const isAllowed = () => rest === null || activity.isIdle(rest);
  for (let tries = 0; tries < TRIES; tries++) {
    await timers.pause(tries && PAUSE);
    requireThere(app, making);
    if (!findEditing(app, file)) {
      await awaitUser(plugin, making, "", []);
      await saveOpen(plugin, file.path);
    }
    const text = await readNote(app, file);
    /** @type {EditsToMake} */
    const { offer: { edits, ...hashes } } = await connection.post(`/outbox/${row.id}/edits`, { text });
    if (!(await fits(text, { edits, ...hashes }))) continue;
    if (await awaitUser(plugin, making, text, edits)) tries = 0;
    if (!isAllowed()) throw new NoteUnavailable("the user types");
    const mayEdit = () => isAllowed() && !findWaitReason(plugin, making, text, edits);
    if (!(await editNote(app, file, text, edits, mayEdit))) continue;
    return confirm(plugin, row.id, { ...hashes, client: plugin.client, ...(file.path !== row.path && { moved_to: file.path }) });
  }
  throw new NoteUnavailable(`“${nameNote(file.path)}” keeps changing, so nothing was written. It is filled once you pause.`);
}

/** Tell the daemon that the edits were made, until it answers. @type {(plugin: CompanionPlugin, row: number, body: object) => Promise<void>} */
async function confirm({ connection, timers }, row, body) {
  for (;;) {
    try {
      return await connection.post(`/outbox/${row}/applied`, body);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      await timers.pause(PAUSE);
    }
  }
}

/**
 * Wait until the edits disturb nothing that the user is doing, and return whether it took any time.
 *
 * Throws NoteUnavailable if the user cancels the wait; at once if they did not ask for the edits: then they go first.
 *
 * @type {(plugin: CompanionPlugin, making: Making, text: string, edits: EditShape[]) => Promise<boolean>}
 */
async function awaitUser(plugin, making, text, edits) {
  const { file, row, rest } = making;
  const { connection, outbox, timers } = plugin;
  const name = nameNote(file.path);
  let what = findWaitReason(plugin, making, text, edits);
  if (!what) return false;
  const words = `“${name}” waits until ${what}.`;
  if (rest !== null) throw new NoteUnavailable(words);
  const wait = { name, what, isCancelled: false };
  outbox.waits.add(wait);
  notifyWithButtons(plugin, words, ["Cancel", () => outbox.cancelWaits([wait])]);
  try {
    for (; what; what = findWaitReason(plugin, making, text, edits)) {
      wait.what = what;
      updateStatusBar(plugin);
      await timers.pause(PAUSE);
      requireThere(plugin.app, making);
      if (!wait.isCancelled) continue;
      await connection.post(`/outbox/${row.id}/withdraw`);
      const more = row.change === null ? " What was proposed for it goes on waiting for you." : "";
      throw new NoteUnavailable(`The work on “${name}” was cancelled.${more}`);
    }
  } finally {
    outbox.waits.delete(wait);
    updateStatusBar(plugin);
  }
  return true;
}

/** @type {(plugin: CompanionPlugin, making: Making, text: string, edits: EditShape[]) => string | null} */
function findWaitReason({ activity }, { file, row, rest }, text, edits) {
  const isRequested = rest === null;
  const isUndo = row.change !== null; // which the user sees coming, if they asked for it
  return activity.findWaitReason(file, text, isRequested && isUndo ? [] : edits, isRequested);
}

/** Throw NoteUnavailable if the note was deleted. @type {(app: App, making: Making) => void} */
function requireThere({ vault }, { file, row: { path } }) {
  if (vault.getFileByPath(file.path) !== file) throw new NoteUnavailable(`“${showHidden(path)}” was deleted; nothing was written.`);
}

/**
 * Return whether the offer was made for this text.
 *
 * Throws NoAnswer if its edits make another text than the offer says.
 *
 * @type {(text: string, offer: OfferShape) => Promise<boolean>}
 */
async function fits(text, offer) {
  if ((await sha256(text)) !== offer.base_sha256) return false;
  if ((await sha256(applyEdits(text, offer.edits))) !== offer.new_sha256) throw new NoAnswer("trouble");
  return true;
}
