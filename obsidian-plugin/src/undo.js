/** Changes undone, by the daemon or in the editor that shows the note, and notices of what was filled, with the way back. */

import { ApiError, readList } from "../ui/api.js";
import { notify, notifyWithButton, showLists } from "./dialogs.js";
import { explain, NoteUnavailable, Stopped } from "./errors.js";
import { saveOpen } from "./note-text.js";
import { findFile } from "./open-notes.js";
import { countNotes, nameFilled, say, sentence } from "./words.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Change, Undone as UndoneShape } from "./api-types.d.ts" */

/**
 * @typedef {Pick<UndoneShape, "path" | "undone_by" | "reason" | "code">} Undone what is told of a change
 * @typedef {{ undone: Undone[], fault?: string }} Outcome fault: why it ended early
 */

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
  const changes = readList(plugin.connection, "/changes", { path: file.path, undoable: "whole" });
  for await (const { id } of changes) {
    const outcome = await undoChange(plugin, file, id);
    if (outcome.undone.some(({ code }) => code !== GONE)) return tellUndone(plugin, outcome, gone > 0);
    gone += 1;
  }
  throw new NoteUnavailable(say(gone ? "nothingLeftToUndo" : "nothingToUndo", { name: file.basename }));
}

/** @type {(plugin: CompanionPlugin, file: TFile, change: number) => Promise<Outcome>} */
function undoChange(plugin, file, change) {
  return undo(plugin, file.path, () => plugin.api.post("/changes/undo", { changes: [change] }));
}

/**
 * Undo all that a run did, as one run, and notify the user.
 *
 * @type {(plugin: CompanionPlugin, run: string) => Promise<void>}
 */
export async function undoRun(plugin, run) {
  const outcome = await undo(plugin, "", async () => {
    const { results, fault } = await plugin.work.follow(await plugin.api.post(`/changes/undo-all?run=${run}`));
    return { undone: results.flatMap(({ undone }) => undone ?? []), fault };
  });
  tellUndone(plugin, outcome);
}

/**
 * Have the daemon undo changes, and the editors here what it leaves to them, and return what became of each.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} where the start of the notes' paths
 * @param {() => Promise<{ undone: UndoneShape[], fault?: string }>} ask has the daemon undo them
 */
async function undo(plugin, where, ask) {
  await saveOpen(plugin, where);
  return plugin.outbox.hold(async () => {
    const { undone, ...more } = await ask();
    /** @type {Outcome} */
    const outcome = { undone: [], ...more };
    for (const one of undone) outcome.undone.push(one.waits === null ? one : await undoHere(plugin, one, one.waits));
    return outcome;
  });
}

/** Undo what waits for an editor here. @type {(plugin: CompanionPlugin, undone: Undone, row: number) => Promise<Undone>} */
async function undoHere({ app, outbox }, undone, row) {
  const { path } = undone;
  try {
    const [made] = await outbox.makeNow(path, row);
    if (!made) return undone; // another window has it open
    return { path: findFile(app, path)?.path ?? path, undone_by: made.change, reason: made.reason, code: null };
  } catch (error) {
    if (error instanceof Stopped) throw error;
    return { path, undone_by: null, reason: explain(error), code: error instanceof ApiError ? error.code : null };
  }
}

/**
 * Notify the user of what was undone, and of what stays; where it was more than one change, that is listed.
 *
 * @param {CompanionPlugin} plugin
 * @param {Outcome} outcome
 * @param {boolean} [isOlder] whether newer changes were not in the note any more
 */
export function tellUndone(plugin, { undone, fault }, isOlder = false) {
  const present = undone.filter(({ code }) => code !== GONE); // nothing of the others stays
  const paths = [...new Set(present.filter(({ undone_by: by }) => by !== null).map(({ path }) => path))];
  const [path] = paths;
  const notes = countNotes(paths.length);
  const told = path === undefined || paths.length > 1 ? say("undoneNotes", { notes }) : say(isOlder ? "undoneOlder" : "undoneAt", { path });
  if (fault && !undone.length) return notify(sentence(fault));
  if (undone.length === 1 && !fault) {
    const reasons = undone.flatMap(({ reason }) => (reason ? [sentence(reason)] : []));
    return notify([...(path === undefined ? [] : [told]), ...reasons].join(" "));
  }
  const stays = present.flatMap((one) => (one.reason ? [sentence(`${one.path}: ${one.reason}`)] : []));
  if (fault) stays.push(sentence(fault));
  notify(stays.length ? `${told} ${say("notAllUndone")}` : told);
  if (stays.length) showLists(plugin, told, [[say("whatStays"), stays]]);
}

/**
 * Notify the user of what a change filled, with a button to undo it.
 *
 * @type {(plugin: CompanionPlugin, file: TFile, change: number, more?: string) => Promise<string>}
 */
export async function tellFilled(plugin, file, change, more = "") {
  /** @type {Change} */
  const { needs } = await plugin.api.get(`/changes/${change}`);
  const told = say("filledIn", { what: nameFilled(needs), name: file.basename });
  notifyWithButton(plugin, `${told} ${more}`.trim(), say("undo"), async () => tellUndone(plugin, await undoChange(plugin, file, change)));
  return told;
}
