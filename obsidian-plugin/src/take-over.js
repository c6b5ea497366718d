/**
 * Open notes changed by this window instead of the daemon, while the user pauses: those that the
 * background would fill, and those that a run or an undo started elsewhere waits for.
 */

import { notifyOfOutcome } from "./enrich.js";
import { NoteUnavailable, Refused } from "./errors.js";
import { reportOpen } from "./heartbeat.js";
import { findViews } from "./note-text.js";
import { saveOpen } from "./open-notes.js";
import { askModel } from "./runs.js";
import { undoChange } from "./undo.js";
import { findWaitReason, isEditing } from "./user-activity.js";
import { say } from "./words.js";
import { workOn } from "./work.js";
import { writeEnrichment } from "./writing.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Enrichment } from "./runs.js" */
/** @import { Asked, Result } from "./shapes.js" */
/** @import { Pending } from "./work.js" */

/**
 * waiting: paths of the open notes that the background would fill. tried: when a note was tried
 * last, in milliseconds since the epoch.
 *
 * @typedef {{ waiting: string[], tried: Map<string, number>, isBusy: boolean }} TakeOverState
 */

/**
 * waiting: what was asked for elsewhere, as the daemon said last. tried: when each was tried last.
 * reportedAt: when the daemon was asked last. Both in milliseconds since the epoch.
 *
 * @typedef {{
 *   waiting: Asked[], tried: Map<string, number>, reportedAt: number, isBusy: boolean,
 * }} AskedChanges
 */

export const LOOK = 1_000; // milliseconds between two checks whether the user pauses

const REST = 5_000; // milliseconds without typing before an open note is filled unasked
const LONGEST = 120; // checks until other notes get their turn
const RETRY = 60_000; // milliseconds until a note is tried again
const PAUSE = 1_000; // milliseconds without typing before a change that was asked for elsewhere
const RETRY_ASKED = 5_000; // milliseconds until such a change is tried again
const ASK_AGAIN = 2_000; // milliseconds between two questions to the daemon while a run is in progress

/** @returns {TakeOverState} */
export function newTakeOverState() {
  return { waiting: [], tried: new Map(), isBusy: false };
}

/** @returns {AskedChanges} */
export function newAskedChanges() {
  return { waiting: [], tried: new Map(), reportedAt: 0, isBusy: false };
}

/**
 * Fill one of the waiting open notes if the user pauses and the settings allow it. Never rejects.
 *
 * @param {CompanionPlugin} plugin
 */
export async function takeOver(plugin) {
  const { app, settings } = plugin;
  const state = plugin.takeOver;
  if (state.isBusy || !settings.takeOver || !isIdle(plugin, REST)) return;
  const waiting = [...state.waiting, ...[...plugin.pending.keys()].map(({ path }) => path)];
  const file = app.vault.getFileByPath(waiting.find((path) => isDue(plugin, path)) ?? "");
  if (!file) return;
  state.isBusy = true;
  state.tried.set(file.path, Date.now());
  try {
    await fillWhileResting(plugin, file);
  } catch {
    // nobody asked for it: it is tried again, and the daemon's status says what is wrong
  }
  state.isBusy = false;
}

/**
 * Make the changes that were asked for elsewhere, as soon as nothing is being typed and nothing else
 * is being done with the note. A change that would disturb the user is tried again later. Never
 * rejects: whoever asked learns from the daemon what became of it.
 *
 * @param {CompanionPlugin} plugin
 */
export async function changeAsAsked(plugin) {
  const { asked, runs, reportedOpen, daemon } = plugin;
  if (asked.isBusy) return;
  asked.isBusy = true;
  if ((runs.size || daemon.status?.runs.length) && reportedOpen && Date.now() - asked.reportedAt >= ASK_AGAIN) {
    asked.reportedAt = Date.now();
    await reportOpen(plugin).catch(() => {});
  }
  for (const one of asked.waiting) {
    if (isIdle(plugin, PAUSE)) await applyAsked(plugin, one).catch(() => {});
  }
  asked.isBusy = false;
}

/**
 * Ask a model about the note, and write the result once the user pauses. A result that cannot be
 * written now is kept for the next try.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
async function fillWhileResting(plugin, file) {
  const pending = plugin.pending.get(file) ?? askInBackground(plugin, file);
  try {
    const given = await pending.given;
    await awaitTurn(plugin, pending, given);
    if (pending.isTaken) return;
    pending.writing = workOn(plugin, file.path, () => writeWhileResting(plugin, pending, given));
    await pending.writing;
  } catch (error) {
    pending.writing = null;
    if (!(error instanceof Refused)) throw error;
  }
  if (!pending.isTaken) plugin.pending.delete(file);
}

/**
 * Start asking a model about the note, and return its pending result.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
function askInBackground(plugin, file) {
  const given = askModel(plugin, file, { isQuiet: true }, false);
  /** @type {Pending} */
  const pending = { given, writing: null, isTaken: false };
  plugin.pending.set(file, pending);
  given.catch(() => !pending.isTaken && plugin.pending.delete(file));
  return pending;
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Pending} pending
 * @param {Enrichment} given
 */
async function writeWhileResting(plugin, pending, given) {
  const { result } = given;
  const all = [...result.changes.keys()];
  if (result.offer) {
    result.change = await writeEnrichment(plugin, given, all, () => requireIdle(plugin, REST));
  }
  if (result.change !== null) notifyOfOutcome(plugin, given, all, say("filledWhileResting"));
}

/**
 * Resolve when the user pauses and the edits disturb nothing, or when the result was claimed.
 *
 * Throws NoteUnavailable when that takes too long.
 *
 * @param {CompanionPlugin} plugin
 * @param {Pending} pending
 * @param {Enrichment} given
 */
async function awaitTurn(plugin, pending, { file, text, result }) {
  const edits = result.offer?.edits ?? [];
  const isTurn = () => isIdle(plugin, REST) && !findWaitReason(plugin, file, text ?? "", edits);
  for (let looks = 0; !pending.isTaken && !isTurn(); looks++) {
    if (looks === LONGEST) throw new NoteUnavailable("the user types all the time");
    await plugin.timers.pause(LOOK);
  }
}

/**
 * Return whether the note is open in a tab, not being worked on, and was not tried just before.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} path
 */
function isDue({ app, doing, takeOver: { tried } }, path) {
  const isOpen = findViews(app).some((view) => view.file?.path === path);
  return isOpen && !doing.has(path) && Date.now() - (tried.get(path) ?? 0) >= RETRY;
}

/**
 * Undo or fill one note, if it is not being worked on and was not tried just before.
 *
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
 * Write into the note what a run gave for it that was started elsewhere.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @param {string} run
 */
async function fillForRun(plugin, file, run) {
  const { path } = file;
  await workOn(plugin, path, async () => {
    await saveOpen(plugin, path);
    /** @type {Result} */
    const result = { path, status: "", reason: null, changes: [], left: [], change: null, offer: null };
    await writeEnrichment(plugin, { file, path, run, text: null, result }, [], () => requireIdle(plugin, PAUSE));
  });
}

/**
 * Resolve if the user is idle, reject with NoteUnavailable if not.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} ms
 */
function requireIdle(plugin, ms) {
  if (isIdle(plugin, ms)) return Promise.resolve();
  return Promise.reject(new NoteUnavailable("the user types"));
}

/**
 * Return whether nothing was typed for so many milliseconds, and no property or dialog is being edited.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} ms
 */
function isIdle(plugin, ms) {
  return Date.now() - plugin.activity.typedAt >= ms && !isEditing(plugin);
}
