/** Open notes that the background would fill: they are filled here while the user rests. */

import { askFor, tell, write } from "./enrich.js";
import { NoteInTheWay, Refused } from "./errors.js";
import { findHold, isAtWork } from "./hands.js";
import { findViews } from "./note-text.js";
import { workOn } from "./work.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Given } from "./enrich.js" */
/** @import { Quiet } from "./quiet.js" */

/**
 * waiting: notes that wait for edits. typedAt, tried: when the user typed, and when a note was
 * tried last, in milliseconds since the epoch. composing: where an input method shows candidates.
 *
 * @typedef {{
 *   waiting: string[], typedAt: number, tried: Map<string, number>, isBusy: boolean,
 *   composing: Element | null,
 * }} Rest
 */

export const LOOK = 1_000; // milliseconds between two looks whether the user rests

const REST = 5_000; // milliseconds without typing
const LONGEST = 120; // looks until other notes get their turn
const AGAIN = 60_000; // milliseconds until the same note is tried again
const WHY = "The plugin's settings say that open notes are filled while you rest.";

/** @returns {Rest} */
export function newRest() {
  return { waiting: [], typedAt: 0, tried: new Map(), isBusy: false, composing: null };
}

/**
 * Take a note over, if one waits and the user rests. Never rejects.
 *
 * @param {CompanionPlugin} plugin
 */
export async function takeOver(plugin) {
  const { app, rest, settings } = plugin;
  if (rest.isBusy || !settings.takeOver || !isResting(plugin)) return;
  const waiting = [...rest.waiting, ...[...plugin.quiet.keys()].map(({ path }) => path)];
  const file = app.vault.getFileByPath(waiting.find((path) => mayTry(plugin, path)) ?? "");
  if (!file) return;
  rest.isBusy = true;
  rest.tried.set(file.path, Date.now());
  try {
    await fillQuietly(plugin, file);
  } catch {
    // nobody asked for it; the daemon tries again, and its status says what is wrong
  }
  rest.isBusy = false;
}

/**
 * Fill the note once the user rests. An answer that cannot be written now is kept for the next try.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
async function fillQuietly(plugin, file) {
  const quiet = plugin.quiet.get(file) ?? begin(plugin, file);
  try {
    const given = await quiet.given;
    await awaitTurn(plugin, quiet, given);
    if (quiet.isTaken) return;
    quiet.writing = workOn(plugin, file.path, () => writeNow(plugin, quiet, given));
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
function begin(plugin, file) {
  const given = askFor(plugin, file, { isQuiet: true }, false);
  /** @type {Quiet} */
  const quiet = { given, writing: null, isTaken: false };
  plugin.quiet.set(file, quiet);
  given.catch(() => !quiet.isTaken && plugin.quiet.delete(file));
  return quiet;
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Quiet} quiet
 * @param {Given} given
 */
async function writeNow(plugin, quiet, given) {
  const { result } = given;
  const all = [...result.changes.keys()];
  if (result.offer) {
    result.change = await write(plugin, given, all, () => requireRest(plugin));
  }
  if (result.change !== null) tell(plugin, given, all, WHY);
}

/**
 * Resolves when the user rests and the edits disturb nothing, or nothing is to be written any more.
 * Rejects when that takes long.
 *
 * @param {CompanionPlugin} plugin
 * @param {Quiet} quiet
 * @param {Given} given
 */
async function awaitTurn(plugin, quiet, { file, text, result }) {
  const edits = result.offer?.edits ?? [];
  const isTurn = () => isResting(plugin) && !findHold(plugin, file, text ?? "", edits);
  for (let looks = 0; !quiet.isTaken && !isTurn(); looks++) {
    if (looks === LONGEST) throw new NoteInTheWay("the user types all the time");
    await plugin.timers.pause(LOOK);
  }
}

/** @param {CompanionPlugin} plugin */
function requireRest(plugin) {
  if (isResting(plugin)) return Promise.resolve();
  return Promise.reject(new NoteInTheWay("the user types"));
}

/** @param {CompanionPlugin} plugin */
function isResting(plugin) {
  return Date.now() - plugin.rest.typedAt >= REST && !isAtWork(plugin);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} path
 */
function mayTry({ app, doing, rest }, path) {
  const isOpen = findViews(app).some((view) => view.file?.path === path);
  return isOpen && !doing.has(path) && Date.now() - (rest.tried.get(path) ?? 0) >= AGAIN;
}
