/** Changes undone: by the daemon, or in the editor that shows the note. */

import { ApiError, readList } from "../ui/api.js";
import { notify, showLists } from "./dialogs.js";
import { explain, NoteUnavailable, Stopped } from "./errors.js";
import { saveOpen } from "./note-text.js";
import { findFile } from "./open-notes.js";
import { followRun } from "./runs.js";
import { countNotes, say, sentence } from "./words.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Change, Undone as UndoneShape } from "./api-types.d.ts" */

/** @typedef {{ path: string, reason: string | null }} Undone */

const GONE = "change-gone"; // the code of a change that is not in the note any more

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
  /** @type {AsyncGenerator<Change, void>} */
  const changes = readList(plugin.api, "/changes", { path: file.path, undoable: "whole" });
  for await (const { id } of changes) {
    try {
      return tellUndone(await undoOne(plugin, id, file.path), gone);
    } catch (error) {
      if (!isGone(error)) throw error;
      gone += 1;
    }
  }
  throw new NoteUnavailable(say(gone ? "nothingLeftToUndo" : "nothingToUndo", { name: file.basename }));
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
 * Have the daemon undo all that a run did, as one run; notify the user of the number of notes, and list what stays.
 *
 * @type {(plugin: CompanionPlugin, run: string) => Promise<void>}
 */
export async function undoRun(plugin, run) {
  const { notes, stays } = await plugin.outbox.hold(() => undoAll(plugin, run));
  const told = say("undoneNotes", { notes: countNotes(notes.size) });
  notify(stays.length ? `${told} ${say("notAllUndone")}` : told);
  if (stays.length) showLists(plugin, told, [[say("whatStays"), stays]]);
}

/** @type {(plugin: CompanionPlugin, run: string) => Promise<{ notes: Set<string>, stays: string[] }>} */
async function undoAll(plugin, run) {
  await saveOpen(plugin, "");
  const { results, fault } = await followRun(plugin, await plugin.api.post(`/changes/undo-all?run=${run}`));
  /** @type {Set<string>} */
  const notes = new Set();
  /** @type {string[]} */
  const stays = [];
  for (const { undone } of results) {
    if (!undone || undone.code === GONE) continue; // nothing of it stays
    try {
      const { path, reason } = await finish(plugin, undone);
      notes.add(path);
      if (reason) stays.push(sentence(`${path}: ${reason}`));
    } catch (error) {
      if (error instanceof Stopped) throw error;
      if (!isGone(error)) stays.push(explain(error));
    }
  }
  if (fault) stays.push(sentence(fault));
  return { notes, stays };
}

/** Return whether the change is not in the note any more. @param {unknown} error */
function isGone(error) {
  return error instanceof ApiError && error.code === GONE;
}

/**
 * Undo a change, and return where, and why a part of it stays if one does.
 *
 * @type {(plugin: CompanionPlugin, change: number, path: string) => Promise<Undone>}
 */
export async function undoOne(plugin, change, path) {
  const file = findFile(plugin.app, path);
  if (file) await saveOpen(plugin, file.path);
  return plugin.outbox.hold(async () => finish(plugin, await plugin.api.post(`/changes/${change}/undo`)));
}

/**
 * Have the editor here undo what was left to it, and return where, and why a part of the change stays if one does.
 *
 * Throws ApiError if all of it stays.
 *
 * @type {(plugin: CompanionPlugin, undone: UndoneShape) => Promise<Undone>}
 */
async function finish(plugin, { path, reason, code, waits }) {
  const [made] = waits === null ? [] : await plugin.outbox.makeNow(path, waits);
  if (made) return { path: findFile(plugin.app, path)?.path ?? path, reason: made.reason };
  if (code || waits !== null) throw new ApiError(sentence(`${path}: ${reason}`)); // another window has it open
  return { path, reason };
}
