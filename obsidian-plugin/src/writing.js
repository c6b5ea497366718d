/** The daemon's edits written into a note that the user may be typing in. */

import { notifyWithButton } from "./dialogs.js";
import { ConnectionFault, NoteUnavailable } from "./errors.js";
import { applyEdits, editNote, readNote, saveOpen, sha256 } from "./note-text.js";
import { findEditing } from "./open-notes.js";
import { updateStatusBar } from "./status-bar.js";
import { say } from "./words.js";

/** @import { App, TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { ChangeMade, EditShape, EditsInPart, OfferShape, WaitingEdits } from "./api-types.d.ts" */

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
 * Make the edits of a row in its note, tell the daemon once it answers, and return the change, and why it is not the whole.
 * When the note's text changes meanwhile, the edits for the new text are asked for.
 *
 * Throws NoteUnavailable if the note is deleted or keeps changing, and ApiError if the edits are not wanted any more.
 *
 * @type {(plugin: CompanionPlugin, making: Making) => Promise<{ change: number, reason: string | null }>}
 */
export async function makeEdits(plugin, making) {
  const { activity, api, app, timers } = plugin;
  const { file, row, rest } = making;
  const isAllowed = () => rest === null || activity.isIdle(rest);
  for (let tries = 0; tries < TRIES; tries++) {
    await timers.pause(tries && PAUSE);
    requireThere(app, making);
    if (!findEditing(app, file)) {
      await awaitUser(plugin, making, "", []);
      await saveOpen(plugin, file.path); // what was typed in its card on a canvas
    }
    const text = await readNote(app, file);
    /** @type {EditsInPart} */
    const { offer: { edits, ...hashes }, reason } = await api.post(`/outbox/${row.id}/edits`, { text });
    if (!(await fits(text, { edits, ...hashes }))) continue;
    if (await awaitUser(plugin, making, text, edits)) tries = 0;
    if (!isAllowed()) throw new NoteUnavailable("the user types");
    const mayEdit = () => isAllowed() && !findWaitReason(plugin, making, text, edits);
    if (!(await editNote(app, file, text, edits, mayEdit))) continue;
    const body = { ...hashes, ...(file.path !== row.path && { moved_to: file.path }) };
    /** @type {ChangeMade} */
    const { change } = await api.post(`/outbox/${row.id}/applied`, body, true);
    return { change, reason };
  }
  throw new NoteUnavailable(say("keepsChanging", { name: file.basename }));
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
  const { api, timers, work } = plugin;
  const name = file.basename;
  let what = findWaitReason(plugin, making, text, edits);
  if (!what) return false;
  const words = say("waitsUntil", { name, what });
  if (rest !== null) throw new NoteUnavailable(words);
  const wait = { name, what, isCancelled: false };
  work.waits.add(wait);
  notifyWithButton(plugin, words, say("cancel"), () => work.cancelWaits([wait]));
  try {
    for (; what; what = findWaitReason(plugin, making, text, edits)) {
      wait.what = what;
      updateStatusBar(plugin);
      await timers.pause(PAUSE);
      requireThere(plugin.app, making);
      if (!wait.isCancelled) continue;
      await api.post(`/outbox/${row.id}/withdraw`);
      const more = row.change === null ? say("staysProposed", { name }) : "";
      throw new NoteUnavailable(`${say("workCancelled", { name })} ${more}`.trim());
    }
  } finally {
    work.waits.delete(wait);
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
  if (vault.getFileByPath(file.path) !== file) throw new NoteUnavailable(say("deleted", { path }));
}

/**
 * Return whether the offer was made for this text.
 *
 * Throws ConnectionFault if its edits make another text than the offer says.
 *
 * @type {(text: string, offer: OfferShape) => Promise<boolean>}
 */
async function fits(text, offer) {
  if ((await sha256(text)) !== offer.base_sha256) return false;
  if ((await sha256(applyEdits(text, offer.edits))) !== offer.new_sha256) throw new ConnectionFault("trouble");
  return true;
}
