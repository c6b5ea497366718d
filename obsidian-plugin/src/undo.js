/** Changes undone: by the daemon, or in the editor that shows the note. */

import { notify, showLists } from "./dialogs.js";
import { ChangeNotInNote, explain, NoteUnavailable, Refused, Stopped } from "./errors.js";
import { findFile } from "./note-text.js";
import { saveOpen } from "./open-notes.js";
import { countNotes, say, sentence } from "./words.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Change, Undone as UndoneShape } from "./api-types.d.ts" */

/** @typedef {{ path: string, reason: string | null }} Undone */

/**
 * Undo the newest change of the note that is still in it. Newer ones may have been undone by the
 * editor, and be redone there, so that each is tried every time.
 *
 * Throws NoteUnavailable if there is none.
 *
 * @type {(plugin: CompanionPlugin, file: TFile) => Promise<void>}
 */
export async function undoLast(plugin, file) {
  let gone = 0;
  for await (const { id, left } of plugin.api.readUndoable({ path: file.path })) {
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
 * @type {(plugin: CompanionPlugin, change: number, path: string) => Promise<void>}
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
  const told = say(gone ? "undoneOlder" : "undoneAt", { path });
  notify([told, reason && sentence(reason)].filter(Boolean).join(" "));
}

/**
 * Undo all changes of a run that can be undone, notify the user of the number of notes, and list the rest.
 *
 * @type {(plugin: CompanionPlugin, run: string) => Promise<void>}
 */
export async function undoRun(plugin, run) {
  /** @type {Change[]} */
  const found = [];
  for await (const change of plugin.api.readUndoable({ run })) found.push(change);
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
      if (!(error instanceof Refused || error instanceof NoteUnavailable)) {
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
 * Undo a change, and return where, and why a part of it stays if one does.
 *
 * @type {(plugin: CompanionPlugin, change: number, path: string) => Promise<Undone>}
 */
async function undoOne(plugin, change, path) {
  const file = findFile(plugin.app, path);
  if (file) await saveOpen(plugin, file.path);
  /** @type {UndoneShape} */
  const undone = await plugin.api.post(`/changes/${change}/undo`);
  const now = undone.path ?? path; // it may have been moved since
  if (undone.waits === null) return { path: now, reason: undone.reason };
  const [made] = await plugin.outbox.makeNow(now, undone.waits);
  if (!made) throw new Refused(sentence(`${now}: ${undone.reason}`)); // another window has it open
  return { path: findFile(plugin.app, now)?.path ?? now, reason: made.reason };
}
