/**
 * The HTTP API of this vault's daemon. Every call rejects as locate() does, or with NotPaired, Refused
 * or UnexpectedAnswer.
 */

import { get, post } from "./connection.js";
import * as shapes from "./shapes.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { Change, Offer, Order } from "./shapes.js" */

const PAGE = 1000; // changes, the most that the daemon gives at once
const WAIT = 5; // seconds; requestUrl cannot be broken off, so that it is not long

/**
 * How the daemon stands.
 *
 * @param {CompanionPlugin} plugin
 */
export function readStatus(plugin) {
  return get(plugin, "/status", {}, shapes.asStatus);
}

/**
 * Stop background work, or let it go on.
 *
 * @param {CompanionPlugin} plugin
 * @param {boolean} isPaused
 */
export function pauseBackground(plugin, isPaused) {
  return post(plugin, isPaused ? "/pause" : "/resume", {}, shapes.asStatus);
}

/**
 * Say whether the notes that lay there before, so many, are filled; how the daemon stands then.
 *
 * @param {CompanionPlugin} plugin
 * @param {boolean} fill
 * @param {number} notes
 */
export function answerBacklog(plugin, fill, notes) {
  return post(plugin, "/backlog", { fill, notes }, shapes.asStatus);
}

/**
 * The id of the new run.
 *
 * @param {CompanionPlugin} plugin
 * @param {Order} order
 */
export async function startRun(plugin, order) {
  return (await post(plugin, "/runs", order, shapes.asBegun)).id;
}

/**
 * How far the run is, and its results after a number; waits a little for one.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {number} since
 */
export function readRun(plugin, run, since) {
  return get(plugin, `/runs/${run}`, { since, wait: WAIT }, shapes.asProgress);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Iterable<string>} runs
 */
export async function cancelRuns(plugin, runs) {
  for (const run of runs) await post(plugin, `/runs/${run}/cancel`, {}, shapes.asBegun);
}

/**
 * The run's edits for the text that the note has now.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {string} path
 * @param {string} text
 * @param {number[] | null} only of the result's changes; null: all of them
 */
export function readEdits(plugin, run, path, text, only) {
  return post(plugin, `/runs/${run}/edits`, { path, text, ...(only && { only }) }, shapes.asOffer);
}

/**
 * The id of the change that the edits of an offer made.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {string} path of the note when the run was started
 * @param {Offer} offer
 * @param {string} now its path by now
 */
export async function confirmEdits(plugin, run, path, { edits, ...hashes }, now) {
  const body = { path, ...hashes, ...(now !== path && { moved_to: now }) };
  return (await post(plugin, `/runs/${run}/applied`, body, shapes.asMade)).change;
}

/**
 * Say that the user does not want these changes of the result.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {string} path
 * @param {number[]} only
 */
export function refuseChanges(plugin, run, path, only) {
  return post(plugin, `/runs/${run}/refused`, { path, only }, shapes.asAnything);
}

/**
 * All changes, newest first; a page is asked for once it is needed.
 *
 * @param {CompanionPlugin} plugin
 * @param {{ path: string } | { run: string }} which
 * @returns {AsyncGenerator<Change, void>}
 */
export async function* readChanges(plugin, which) {
  /** @type {number | null} */
  let before = null;
  do {
    /** @type {Record<string, string | number>} */
    const query = { ...which, limit: PAGE, ...(before !== null && { before }) };
    /** @type {ReturnType<typeof shapes.asChanges>} */
    const page = await get(plugin, "/changes", query, shapes.asChanges);
    yield* page.changes;
    before = page.before;
  } while (before !== null);
}

/**
 * Where the note of the change is now.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} change
 */
export async function readChangePath(plugin, change) {
  return (await get(plugin, `/changes/${change}`, {}, shapes.asChange)).path;
}

/**
 * Let the daemon take the change back; reason: why a part of it stays, where one does.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} change
 * @param {boolean} isShown whether the note is open here, and no editor has anything unsaved
 */
export function undo(plugin, change, isShown) {
  return post(plugin, `/changes/${change}/undo`, { ...(isShown && { even_open: true }) }, shapes.asUndone);
}

/**
 * The edits that take the change out of a text; reason: as above.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} change
 * @param {string} text
 */
export function offerUndo(plugin, change, text) {
  return post(plugin, `/changes/${change}/undo`, { apply: "client", text }, shapes.asOffered);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {number} change
 * @param {Offer} offer
 */
export function confirmUndo(plugin, change, { edits, ...hashes }) {
  return post(plugin, `/changes/${change}/applied`, hashes, shapes.asMade);
}

/**
 * What the note needs, or why it is left alone.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} path
 */
export function readNeeds(plugin, path) {
  return get(plugin, "/notes", { path }, shapes.asNote);
}

/**
 * Say which notes are open; those of them that wait for edits, and what users asked for in them.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} client
 * @param {string[]} open
 */
export function reportPresence(plugin, client, open) {
  return post(plugin, "/presence", { client, open }, shapes.asAttended);
}
