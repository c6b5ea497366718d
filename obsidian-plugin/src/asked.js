/** Open notes that a run or an undo of somebody else's waits for: they are changed here. */

import { write } from "./enrich.js";
import { NoteInTheWay } from "./errors.js";
import { isAtWork } from "./hands.js";
import { readNote } from "./note-text.js";
import { saveOpen } from "./open-notes.js";
import { reportOpen } from "./presence.js";
import { undoChange } from "./undo.js";
import { workOn } from "./work.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Asked, Result } from "./shapes.js" */

/**
 * waiting: what the daemon said last. tried: when each was tried last, in milliseconds since the
 * epoch, as is reportedAt, when the daemon was asked.
 *
 * @typedef {{
 *   waiting: Asked[], tried: Map<string, number>, reportedAt: number, isBusy: boolean,
 * }} AskedHere
 */

const PAUSE = 1_000; // milliseconds without typing
const AGAIN = 5_000; // milliseconds until the same is tried again
const OFTEN = 2_000; // milliseconds between two questions while there is a run

/** @returns {AskedHere} */
export function newAsked() {
  return { waiting: [], tried: new Map(), reportedAt: 0, isBusy: false };
}

/**
 * Change what was asked for, as soon as nothing is typed and nothing else is done with the note.
 * What would disturb the user is tried again. Never rejects: whoever asked hears of it from the
 * daemon.
 *
 * @param {CompanionPlugin} plugin
 */
export async function takeAsked(plugin) {
  const { asked, runs, told, watch } = plugin;
  if (asked.isBusy) return;
  asked.isBusy = true;
  if ((runs.size || watch.status?.runs.length) && told && Date.now() - asked.reportedAt >= OFTEN) {
    asked.reportedAt = Date.now();
    await reportOpen(plugin).catch(() => {});
  }
  for (const one of asked.waiting) {
    if (isPausing(plugin)) await take(plugin, one).catch(() => {});
  }
  asked.isBusy = false;
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Asked} one
 */
async function take(plugin, one) {
  const { app, asked, doing } = plugin;
  const file = app.vault.getFileByPath(one.path);
  const key = `${one.run ?? one.change} ${one.path}`;
  if (!file || doing.has(one.path) || Date.now() - (asked.tried.get(key) ?? 0) < AGAIN) return;
  asked.tried.set(key, Date.now());
  if (one.change !== null) await undoChange(plugin, one.change, one.path, () => requirePause(plugin));
  else if (one.run !== null) await fill(plugin, file, one.run);
  asked.waiting = asked.waiting.filter((other) => other !== one);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @param {string} run
 */
async function fill(plugin, file, run) {
  const { path } = file;
  await workOn(plugin, path, async () => {
    await saveOpen(plugin, path);
    const { text } = await readNote(plugin.app, file);
    /** @type {Result} */
    const result = { path, status: "", reason: null, changes: [], left: [], change: null, offer: null };
    await write(plugin, { file, path, run, text, result }, [], () => requirePause(plugin));
  });
}

/** @param {CompanionPlugin} plugin */
function requirePause(plugin) {
  if (isPausing(plugin)) return Promise.resolve();
  return Promise.reject(new NoteInTheWay("the user types"));
}

/** @param {CompanionPlugin} plugin */
function isPausing(plugin) {
  return Date.now() - plugin.rest.typedAt >= PAUSE && !isAtWork(plugin);
}
