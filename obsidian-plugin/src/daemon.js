/**
 * The calls of the daemon's HTTP API. Each rejects as locate() does, or with NotPaired, Refused or
 * UnexpectedAnswer.
 */

import { get, post } from "./connection.js";
import * as shapes from "./shapes.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { Change, Offer, Order } from "./shapes.js" */

const PAGE = 1000; // changes per page, the most that the daemon allows
const WAIT = 5; // seconds that the daemon may wait for news; short, since requestUrl cannot be aborted

/**
 * Return the status of the daemon.
 *
 * @param {CompanionPlugin} plugin
 */
export function readStatus(plugin) {
  return get(plugin, "/status", {}, shapes.asStatus);
}

/**
 * Return a page of the open proposals, newest first, and how many there are on all.
 *
 * @param {CompanionPlugin} plugin
 * @param {{ path?: string, folder?: string, before?: number, limit: number }} query
 */
export function readProposals(plugin, query) {
  return get(plugin, "/proposals", query, shapes.asProposals);
}

/**
 * Have the daemon accept, refuse or open again proposals, and return what became of each.
 *
 * @param {CompanionPlugin} plugin
 * @param {{ accept?: { id: number, state: string, text?: string }[], refuse?: number[], undo?: number[] }} decisions
 */
export function decideProposals(plugin, decisions) {
  return post(plugin, "/proposals/decide", decisions, shapes.asDecisions);
}

/**
 * Return the edits that accept a proposal in a text, and the run by which they are confirmed.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} proposal
 * @param {string} text
 * @param {string} state of the proposal, as it is shown
 * @param {string} [value] what the user made of the proposal's text
 */
export function readProposalEdits(plugin, proposal, text, state, value) {
  const body = { text, state, ...(value !== undefined && { value }) };
  return post(plugin, `/proposals/${proposal}/edits`, body, shapes.asProposalOffer);
}

/**
 * Return the configured model, the catalogue of models, and how far a fetch is.
 *
 * @param {CompanionPlugin} plugin
 */
export function readModel(plugin) {
  return get(plugin, "/model", {}, shapes.asModel);
}

/**
 * Have the daemon fetch a model of its catalogue, and return how far that is.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} name
 */
export function fetchModel(plugin, name) {
  return post(plugin, "/model/fetch", { name }, shapes.asModel);
}

/**
 * Pause or resume background work, and return the status then.
 *
 * @param {CompanionPlugin} plugin
 * @param {boolean} isPaused
 */
export function pauseBackground(plugin, isPaused) {
  return post(plugin, isPaused ? "/pause" : "/resume", {}, shapes.asStatus);
}

/**
 * Tell the daemon whether to fill the notes of the backlog, and return the status then.
 *
 * @param {CompanionPlugin} plugin
 * @param {boolean} fill
 * @param {number} notes the size of the backlog that the user was told
 */
export function answerBacklog(plugin, fill, notes) {
  return post(plugin, "/backlog", { fill, notes }, shapes.asStatus);
}

/**
 * Return how many notes in a folder need something.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} folder empty for the vault
 */
export async function countToDo(plugin, folder) {
  return (await get(plugin, "/notes", { folder, limit: 1 }, shapes.asTotal)).total;
}

/**
 * Start a run and return its id.
 *
 * @param {CompanionPlugin} plugin
 * @param {Order} order
 */
export async function startRun(plugin, order) {
  return (await post(plugin, "/runs", order, shapes.asBegun)).id;
}

/**
 * Return the progress of the run, with its results after a number. Waits up to five seconds for one.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {number} since
 */
export function readRun(plugin, run, since) {
  return get(plugin, `/runs/${run}`, { since, wait: WAIT }, shapes.asProgress);
}

/**
 * Return the runs that the daemon remembers.
 *
 * @param {CompanionPlugin} plugin
 */
export async function readRuns(plugin) {
  return (await get(plugin, "/runs", {}, shapes.asRuns)).runs;
}

/**
 * Cancel runs.
 *
 * @param {CompanionPlugin} plugin
 * @param {Iterable<string>} runs
 */
export async function cancelRuns(plugin, runs) {
  for (const run of runs) await post(plugin, `/runs/${run}/cancel`, {}, shapes.asBegun);
}

/**
 * Return the edits of a run's result for the note's current text.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {string} path
 * @param {string} text
 * @param {number[] | null} only the numbers of the wanted changes of the result, null for all
 */
export function readEdits(plugin, run, path, text, only) {
  return post(plugin, `/runs/${run}/edits`, { path, text, ...(only && { only }) }, shapes.asOffer);
}

/**
 * Tell the daemon that the edits of an offer were made, and return the id of the change.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {string} path of the note when the run was started
 * @param {Offer} offer
 * @param {string} now its current path
 */
export async function confirmEdits(plugin, run, path, { edits, ...hashes }, now) {
  const body = { path, ...hashes, ...(now !== path && { moved_to: now }) };
  return (await post(plugin, `/runs/${run}/applied`, body, shapes.asMade)).change;
}

/**
 * Tell the daemon that the user refused these changes of the result.
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
 * Yield all changes of a note or a run, newest first. Pages are read as they are needed.
 *
 * @param {CompanionPlugin} plugin
 * @param {{ path: string } | { run: string }} which
 * @returns {AsyncGenerator<Change, void>}
 */
export async function* readChanges(plugin, which) {
  /** @type {number | null} */
  let before = null;
  do {
    /** @type {ReturnType<typeof shapes.asChanges>} */
    const page = await readChangePage(plugin, which, PAGE, before);
    yield* page.changes;
    before = page.before;
  } while (before !== null);
}

/**
 * Return a page of changes, newest first, and where the next one begins.
 *
 * @param {CompanionPlugin} plugin
 * @param {{ path?: string, run?: string }} which all of the vault, of a note or of a run
 * @param {number} limit
 * @param {number | null} before
 */
export function readChangePage(plugin, which, limit, before) {
  return get(plugin, "/changes", { ...which, limit, ...(before !== null && { before }) }, shapes.asChanges);
}

/**
 * Return the current path of the change's note.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} change
 */
export async function readChangePath(plugin, change) {
  return (await get(plugin, `/changes/${change}`, {}, shapes.asChange)).path;
}

/**
 * Have the daemon undo the change. The answer's reason says why a part of it stays, null if none does.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} change
 * @param {boolean} isShown whether the note is open in this app, with nothing unsaved
 */
export function undo(plugin, change, isShown) {
  return post(plugin, `/changes/${change}/undo`, { ...(isShown && { even_open: true }) }, shapes.asUndone);
}

/**
 * Return the edits that undo the change in a text, with the reason as above.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} change
 * @param {string} text
 */
export function offerUndo(plugin, change, text) {
  return post(plugin, `/changes/${change}/undo`, { apply: "client", text }, shapes.asOffered);
}

/**
 * Tell the daemon that the edits that undo a change were made.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} change
 * @param {Offer} offer
 */
export function confirmUndo(plugin, change, { edits, ...hashes }) {
  return post(plugin, `/changes/${change}/applied`, hashes, shapes.asMade);
}

/**
 * Return what the note needs, or why it is skipped.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} path
 */
export function readNeeds(plugin, path) {
  return get(plugin, "/notes", { path }, shapes.asNote);
}

/**
 * Tell the daemon which notes are open. Return those that the background would fill, and the changes
 * in them that were asked for elsewhere.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} client
 * @param {string[]} open
 */
export function reportPresence(plugin, client, open) {
  return post(plugin, "/presence", { client, open }, shapes.asAttended);
}
