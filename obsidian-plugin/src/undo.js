/** Changes undone: by the daemon, or in the editor that shows the note. */

import { notify, showLists } from "./dialogs.js";
import { ChangeNotInNote, explain, NoteUnavailable, Refused, Stopped } from "./errors.js";
import { findEditing, findFile } from "./note-text.js";
import { isOpen, saveOpen } from "./open-notes.js";
import { countNotes, say, sentence } from "./words.js";
import { applyOffer } from "./writing.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Change } from "./shapes.js" */

/** @typedef {{ path: string, reason: string | null }} Undone */

/**
 * Undo the newest change of the note that is still in it. Newer ones may have been undone by the
 * editor, and be redone there, so that each is tried every time.
 *
 * Throws NoteUnavailable if there is none.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
export async function undoLast(plugin, file) {
  let gone = 0;
  for await (const { id, left } of readUndoable(plugin, { path: file.path })) {
    if (left?.length) continue; // undone in part already: the rest cannot be
    try {
      return tellUndone(await undoOne(plugin, id, file.path), gone);
    } catch (error) {
      if (!(error instanceof ChangeNotInNote)) throw error;
      gone += 1;
    }
  }
  throw new NoteUnavailable(say(gone ? "nothingLeftToUndo" : "nothingToUndo", { name: file.basename }));
}

/**
 * Undo a change, and notify the user of that and of what stays of it.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} change
 * @param {string} path
 */
export async function undoChange(plugin, change, path) {
  tellUndone(await undoOne(plugin, change, path));
}

/**
 * Notify the user of what was undone, and of what stays of it.
 *
 * @param {Undone} undone
 * @param {number} [gone] the number of newer changes that were not in the note any more
 */
export function tellUndone({ path, reason }, gone = 0) {
  const told = say(gone ? "undoneOlder" : "undone", { path });
  notify([told, reason && sentence(reason)].filter(Boolean).join(" "));
}

/**
 * Undo all changes of a run that can be undone, notify the user of the number of notes, and list the rest.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 */
export async function undoRun(plugin, run) {
  /** @type {Change[]} */
  const found = [];
  for await (const change of readUndoable(plugin, { run })) found.push(change);
  const notes = new Set();
  /** @type {string[]} */
  const kept = [];
  for (const [index, { id, path }] of found.entries()) {
    try {
      const undone = await undoOne(plugin, id, path);
      notes.add(undone.path);
      if (undone.reason) kept.push(sentence(`${undone.path}: ${undone.reason}`));
    } catch (error) {
      if (error instanceof Stopped) throw error;
      if (error instanceof ChangeNotInNote) continue; // nothing of it stays
      const why = explain(plugin, error);
      kept.push(why.startsWith(path) ? why : `${path}: ${why}`);
      if (failsForAll(error)) {
        const rest = found.length - index - 1;
        if (rest) kept.push(say("notTried", { n: rest }));
        break;
      }
    }
  }
  const told = say("undoneNotes", { notes: countNotes(notes.size) });
  notify(kept.length ? `${told} ${say("notAllUndone")}` : told);
  if (kept.length) showLists(plugin, told, [[say("whatStays"), kept]]);
}

/**
 * Return whether the error would happen with every other note, too.
 *
 * @param {unknown} error
 */
function failsForAll(error) {
  return !(error instanceof Refused || error instanceof NoteUnavailable);
}

/**
 * Yield the changes that are neither undone nor an undo, newest first.
 *
 * @param {CompanionPlugin} plugin
 * @param {{ path: string } | { run: string }} which
 */
async function* readUndoable(plugin, which) {
  for await (const change of plugin.api.readChanges(which)) {
    if (change.state === "done" && change.undoes === null) yield change;
  }
}

/**
 * Undo a change, and return where, and why a part of it stays if one does.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} change
 * @param {string} path
 * @returns {Promise<Undone>}
 */
async function undoOne(plugin, change, path) {
  const { app } = plugin;
  let file = findFile(app, path);
  if (!file) {
    path = await plugin.api.readChangePath(change); // it may have been moved since
    file = findFile(app, path);
  }
  path = file?.path ?? path;
  /** @type {Undone} */
  let undone = { path, reason: null };
  await plugin.work.do(path, async () => {
    if (file) await saveOpen(plugin, file.path);
    if (!file || !findEditing(app, file)) {
      const made = await plugin.api.undo(change, isOpen(plugin, path));
      if (made.waits !== null) throw new Refused(sentence(`${path}: ${made.reason}`)); // another window has it open
      undone = { path: made.path ?? path, reason: made.reason };
      return;
    }
    const readOffer = async (/** @type {string} */ now) => {
      const { offer, reason } = await plugin.api.offerUndo(change, now);
      undone = { path: file.path, reason };
      return offer;
    };
    const made = await applyOffer(plugin, { file, path, readOffer });
    await plugin.api.confirmUndo(change, made);
  });
  return undone;
}
