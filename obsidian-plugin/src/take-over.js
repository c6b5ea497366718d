/** Open notes changed by this window instead of the daemon, while the user pauses. */

import { tellOutcome } from "./enrich.js";
import { NoteInTheWay, Refused } from "./errors.js";
import { reportOpen } from "./heartbeat.js";
import { findViews, readNote } from "./note-text.js";
import { saveOpen } from "./open-notes.js";
import { askModel } from "./runs.js";
import { undoChange } from "./undo.js";
import { findHold, isEditing } from "./user-activity.js";
import { workOn } from "./work.js";
import { writeEnrichment } from "./writing.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Enrichment } from "./runs.js" */
/** @import { Asked, Result } from "./shapes.js" */
/** @import { Pending } from "./work.js" */

/**
 * waiting: notes that wait for edits. typedAt, tried: when the user typed, and when a note was
 * tried last, in milliseconds since the epoch. composing: where an input method shows candidates.
 *
 * @typedef {{
 *   waiting: string[], typedAt: number, tried: Map<string, number>, isBusy: boolean,
 *   composing: Element | null,
 * }} Rest
 */

/**
 * waiting: what the daemon said last. tried: when each was tried last, in milliseconds since the
 * epoch, as is reportedAt, when the daemon was asked.
 *
 * @typedef {{
 *   waiting: Asked[], tried: Map<string, number>, reportedAt: number, isBusy: boolean,
 * }} AskedChanges
 */

export const LOOK = 1_000; // milliseconds between two looks whether the user rests

const REST = 5_000; // milliseconds without typing
const LONGEST = 120; // looks until other notes get their turn
const RETRY = 60_000; // milliseconds until the same note is tried again
const PAUSE = 1_000; // milliseconds without typing, where it was asked for
const RETRY_ASKED = 5_000; // milliseconds until the same is tried again
const ASK_AGAIN = 2_000; // milliseconds between two questions while there is a run
const WHY = "The plugin's settings say that open notes are filled while you rest.";

/** @returns {Rest} */
export function newRest() {
  return { waiting: [], typedAt: 0, tried: new Map(), isBusy: false, composing: null };
}

/** @returns {AskedChanges} */
export function newAskedChanges() {
  return { waiting: [], tried: new Map(), reportedAt: 0, isBusy: false };
}

/**
 * Take a note over, if one waits and the user rests. Never rejects.
 *
 * @param {CompanionPlugin} plugin
 */
export async function takeOver(plugin) {
  const { app, rest, settings } = plugin;
  if (rest.isBusy || !settings.takeOver || !isIdle(plugin, REST)) return;
  const waiting = [...rest.waiting, ...[...plugin.quiet.keys()].map(({ path }) => path)];
  const file = app.vault.getFileByPath(waiting.find((path) => isDue(plugin, path)) ?? "");
  if (!file) return;
  rest.isBusy = true;
  rest.tried.set(file.path, Date.now());
  try {
    await fillWhileResting(plugin, file);
  } catch {
    // nobody asked for it; the daemon tries again, and its status says what is wrong
  }
  rest.isBusy = false;
}

/**
 * Change what was asked for, as soon as nothing is typed and nothing else is done with the note.
 * What would disturb the user is tried again. Never rejects: whoever asked hears of it from the
 * daemon.
 *
 * @param {CompanionPlugin} plugin
 */
export async function changeAsAsked(plugin) {
  const { asked, runs, told, watch } = plugin;
  if (asked.isBusy) return;
  asked.isBusy = true;
  if ((runs.size || watch.status?.runs.length) && told && Date.now() - asked.reportedAt >= ASK_AGAIN) {
    asked.reportedAt = Date.now();
    await reportOpen(plugin).catch(() => {});
  }
  for (const one of asked.waiting) {
    if (isIdle(plugin, PAUSE)) await applyAsked(plugin, one).catch(() => {});
  }
  asked.isBusy = false;
}

/**
 * Fill the note once the user rests. An answer that cannot be written now is kept for the next try.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
async function fillWhileResting(plugin, file) {
  const quiet = plugin.quiet.get(file) ?? askInBackground(plugin, file);
  try {
    const given = await quiet.given;
    await awaitTurn(plugin, quiet, given);
    if (quiet.isTaken) return;
    quiet.writing = workOn(plugin, file.path, () => writeWhileResting(plugin, quiet, given));
    await quiet.writing;
  } catch (error) {
    quiet.writing = null;
    if (!(error instanceof Refused)) throw error;
  }
  if (!quiet.isTaken) plugin.quiet.delete(file);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
function askInBackground(plugin, file) {
  const given = askModel(plugin, file, { isQuiet: true }, false);
  /** @type {Pending} */
  const quiet = { given, writing: null, isTaken: false };
  plugin.quiet.set(file, quiet);
  given.catch(() => !quiet.isTaken && plugin.quiet.delete(file));
  return quiet;
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Pending} quiet
 * @param {Enrichment} given
 */
async function writeWhileResting(plugin, quiet, given) {
  const { result } = given;
  const all = [...result.changes.keys()];
  if (result.offer) {
    result.change = await writeEnrichment(plugin, given, all, () => requireIdle(plugin, REST));
  }
  if (result.change !== null) tellOutcome(plugin, given, all, WHY);
}

/**
 * Resolves when the user rests and the edits disturb nothing, or nothing is to be written any more.
 * Rejects when that takes long.
 *
 * @param {CompanionPlugin} plugin
 * @param {Pending} quiet
 * @param {Enrichment} given
 */
async function awaitTurn(plugin, quiet, { file, text, result }) {
  const edits = result.offer?.edits ?? [];
  const isTurn = () => isIdle(plugin, REST) && !findHold(plugin, file, text ?? "", edits);
  for (let looks = 0; !quiet.isTaken && !isTurn(); looks++) {
    if (looks === LONGEST) throw new NoteInTheWay("the user types all the time");
    await plugin.timers.pause(LOOK);
  }
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} path
 */
function isDue({ app, doing, rest }, path) {
  const isOpen = findViews(app).some((view) => view.file?.path === path);
  return isOpen && !doing.has(path) && Date.now() - (rest.tried.get(path) ?? 0) >= RETRY;
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Asked} one
 */
async function applyAsked(plugin, one) {
  const { app, asked, doing } = plugin;
  const file = app.vault.getFileByPath(one.path);
  const key = `${one.run ?? one.change} ${one.path}`;
  if (!file || doing.has(one.path) || Date.now() - (asked.tried.get(key) ?? 0) < RETRY_ASKED) return;
  asked.tried.set(key, Date.now());
  if (one.change !== null) await undoChange(plugin, one.change, one.path, () => requireIdle(plugin, PAUSE));
  else if (one.run !== null) await fillForRun(plugin, file, one.run);
  asked.waiting = asked.waiting.filter((other) => other !== one);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @param {string} run
 */
async function fillForRun(plugin, file, run) {
  const { path } = file;
  await workOn(plugin, path, async () => {
    await saveOpen(plugin, path);
    const { text } = await readNote(plugin.app, file);
    /** @type {Result} */
    const result = { path, status: "", reason: null, changes: [], left: [], change: null, offer: null };
    await writeEnrichment(plugin, { file, path, run, text, result }, [], () => requireIdle(plugin, PAUSE));
  });
}

/**
 * Resolves when isIdle; rejects with NoteInTheWay when not.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} ms
 */
function requireIdle(plugin, ms) {
  if (isIdle(plugin, ms)) return Promise.resolve();
  return Promise.reject(new NoteInTheWay("the user types"));
}

/**
 * Whether nothing was typed for so many milliseconds, and nothing is being edited.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} ms
 */
function isIdle(plugin, ms) {
  return Date.now() - plugin.rest.typedAt >= ms && !isEditing(plugin);
}
