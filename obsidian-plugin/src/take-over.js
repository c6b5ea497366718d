/** Open notes that the background would fill: they are filled here while the user rests. */

import { enrichNote } from "./enrich.js";
import { NoteInTheWay } from "./errors.js";
import { isAtWork } from "./hands.js";
import { findViews } from "./note-text.js";

/** @import CompanionPlugin from "./main.js" */

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
const LONGEST = 120; // looks until an answer is dropped
const AGAIN = 60_000; // milliseconds until the same note is tried again

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
  const file = app.vault.getFileByPath(rest.waiting.find((path) => mayTry(plugin, path)) ?? "");
  if (!file) return;
  rest.isBusy = true;
  rest.tried.set(file.path, Date.now());
  try {
    await enrichNote(plugin, file, { isQuiet: true, rest: () => awaitRest(plugin) });
  } catch {
    // nobody asked for it; the daemon tries again, and its status says what is wrong
  }
  rest.isBusy = false;
}

/** @param {CompanionPlugin} plugin */
async function awaitRest(plugin) {
  for (let looks = 0; !isResting(plugin); looks++) {
    if (looks === LONGEST) throw new NoteInTheWay("the user types all the time");
    await plugin.timers.pause(LOOK);
  }
}

/** @param {CompanionPlugin} plugin */
function isResting(plugin) {
  return Date.now() - plugin.rest.typedAt >= REST && !isAtWork(plugin);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} path
 */
function mayTry({ app, rest }, path) {
  const isOpen = findViews(app).some((view) => view.file?.path === path);
  return isOpen && Date.now() - (rest.tried.get(path) ?? 0) >= AGAIN;
}
