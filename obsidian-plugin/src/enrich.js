/** Runs that the user asks for: notes and folders filled, and changes undone. The daemon tells what became of them. */

import { ask, choose } from "./dialogs.js";
import { ApiError, NoteUnavailable } from "./errors.js";
import { saveOpen } from "./note-text.js";
import { findEditing, findFile } from "./open-notes.js";
import { count, nameNote, sentence, showHidden } from "./words.js";

/** @import { TFile, TFolder } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { ChangePage, RunRequest, RunShape, UndoneChanges } from "./api-types.d.ts" */
/** @import { Choice } from "./dialogs.js" */

/** @typedef {Partial<Pick<RunRequest, "mode" | "field" | "section" | "propose">>} Options what of a note is asked for */

const RENAMING = 200; // milliseconds that it takes at most
const GONE = "change-gone"; // the code of a change that is not in the note any more

/** Return the id of a run that is begun here. */
export function newRunId() {
  return crypto.randomUUID();
}

/**
 * Have a model asked about a note, and write what it gives. If the note is renamed before the daemon looks at it, it is asked
 * about again.
 *
 * Throws NoteUnavailable if it is being worked on, or cannot be saved.
 *
 * @type {(plugin: CompanionPlugin, file: TFile, options?: Options) => Promise<void>}
 */
export async function enrichNote(plugin, file, options = {}) {
  const { path } = file;
  if (plugin.feed.isBusy(path)) throw new NoteUnavailable(`“${nameNote(path)}” is being worked on already.`);
  await saveOpen(plugin, path);
  await plugin.feed.reportOpenIfChanged();
  if (!options.propose) plugin.outbox.makeAll(file);
  const asked = file.path;
  const repeat = async () => {
    await plugin.timers.pause(RENAMING);
    return file.path !== asked && (await enrichNote(plugin, file, options), true);
  };
  try {
    await startRun(plugin, asked, { paths: [asked], priority: "interactive", ...options }, repeat);
  } catch (error) {
    if (!(error instanceof ApiError) || !(await repeat())) throw error;
  }
}

/** Have the user choose what of a note is asked for. @type {(plugin: CompanionPlugin, file: TFile) => void} */
export function enrichPart(plugin, file) {
  const { status } = plugin.feed;
  if (!status) throw plugin.feed.error;
  const choice = (/** @type {string} */ name, /** @type {Options} */ options) => /** @type {Choice} */ ([name, () => enrichNote(plugin, file, options)]);
  const line = findEditing(plugin.app, file)?.editor?.getCursor().line;
  choose(plugin, `Enrich one part of ${nameNote(file.path)}`, [
    ...Object.keys(status.modes).map((field) => choice(field, { field })),
    ...(line === undefined ? [] : [choice("The section at the cursor", { section: line + 1 })]),
    choice("The questions in it", { mode: "requests" }),
    choice("Only propose", { propose: true }),
  ]);
}

/** Have the notes in a folder filled that need it. @type {(plugin: CompanionPlugin, folder: TFolder) => Promise<void>} */
export function enrichFolder(plugin, folder) {
  return folder.isRoot() ? enrichMany(plugin, [""], "the vault") : enrichMany(plugin, [folder.path], showHidden(folder.path));
}

/** Have notes filled that were selected together. @type {(plugin: CompanionPlugin, files: TFile[]) => Promise<void>} */
export function enrichFiles(plugin, files) {
  const [first] = files;
  if (first && files.length === 1) return enrichNote(plugin, first);
  return enrichMany(plugin, files.map(({ path }) => path), count(files.length, "note"));
}

/**
 * Have many notes filled. A costly run asks first.
 *
 * @param {CompanionPlugin} plugin
 * @param {string[]} paths
 * @param {string} name of what is enriched, for the user
 * @param {boolean} [agreed] whether the user agreed to the cost
 */
async function enrichMany(plugin, paths, name, agreed = false) {
  try {
    for (const path of paths) await saveOpen(plugin, path);
    await startRun(plugin, "", { paths, priority: "request", agreed });
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "not-agreed") throw error;
    ask(plugin, `Enrich ${name}?`, sentence(error.message), ["Send them", () => enrichMany(plugin, paths, name, true)]);
  }
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} path of the note; empty: it is about many
 * @param {Partial<RunRequest>} options
 * @param {() => Promise<boolean>} [repeat] starts it again if the note was renamed, and returns whether it was
 */
async function startRun(plugin, path, options, repeat) {
  const { client, connection, feed, outbox } = plugin;
  const id = newRunId();
  if (path) outbox.expect(id); // before the answer: its edits may come first
  /** @type {RunShape} */
  const run = await connection.post("/runs", { ...options, id, client });
  feed.own(run, path, repeat);
}

/** Cancel all runs, and what waits here for the user. @param {CompanionPlugin} plugin */
export async function cancelAll({ connection, feed, outbox }) {
  outbox.cancelWaits();
  await Promise.all(feed.active.map(({ id }) => connection.post(`/runs/${id}/cancel`)));
}

/**
 * Undo a change, or else all that a run did.
 *
 * @param {CompanionPlugin} plugin
 * @param {{ change: number | null, run: string | null }} what
 */
export async function undo(plugin, { change, run }) {
  if (change !== null) return void (await undoChange(plugin, change));
  await saveOpen(plugin, "");
  plugin.outbox.expectUndos();
  /** @type {RunShape} */
  const undone = await plugin.connection.post(`/changes/undo-all?run=${run}&client=${plugin.client}`);
  plugin.feed.own(undone, "");
}

/**
 * Undo the newest change of the note that is still in it. Newer ones may have been undone by the editor, and be redone
 * there, so that each is tried every time.
 *
 * Throws NoteUnavailable if there is none.
 *
 * @type {(plugin: CompanionPlugin, file: TFile) => Promise<void>}
 */
export async function undoLast(plugin, file) {
  await saveOpen(plugin, file.path);
  /** @type {ChangePage} */
  const { changes } = await plugin.connection.get("/changes", { path: file.path, undoable: "whole" });
  for (const { id } of changes) if (await undoChange(plugin, id)) return;
  throw new NoteUnavailable(`There is nothing to undo in “${nameNote(file.path)}”.`);
}

/**
 * Undo a change, by the editor here if that shows its note; return whether it was in the note.
 *
 * @type {(plugin: CompanionPlugin, change: number) => Promise<boolean>}
 */
async function undoChange({ app, client, connection, outbox }, change) {
  /** @type {UndoneChanges} */
  const { undone } = await connection.post("/changes/undo", { ids: [change], client });
  let isThere = false;
  for (const { code, path, waits } of undone) {
    const file = waits === null ? null : findFile(app, path);
    isThere ||= file && waits !== null ? await outbox.makeNow(file, { id: waits, path, run: null, change }) : code !== GONE;
  }
  return isThere;
}
