/** The daemon's HTTP API. Every call rejects with DaemonAway, NotPaired, Refused or Garbled. */

import { requestUrl } from "obsidian";
import { DaemonAway, Garbled, NotAgreed, NotPaired, Refused } from "./errors.js";
import { readToken } from "./pairing.js";
import * as shapes from "./shapes.js";

/** @import { RequestUrlParam } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Offer, Order, Reader } from "./shapes.js" */

/** @typedef {{ status: number, text: string }} Answer */

const PATIENCE = 30_000; // milliseconds; the daemon holds an answer back for WAIT at most
const WAIT = 5; // seconds; requestUrl cannot be broken off, so that it is not long

/**
 * The token for a one-time code.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} code
 */
export async function takeToken(plugin, code) {
  return read(await send(plugin, "POST", "/pair", { code }, ""), shapes.asPaired).token;
}

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
export function offerAgain(plugin, run, path, text, only) {
  return post(plugin, `/runs/${run}/edits`, { path, text, ...(only && { only }) }, shapes.asOffer);
}

/**
 * The id of the change that the edits of an offer made.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {string} path
 * @param {Offer} offer
 */
export async function confirmEdits(plugin, run, path, { edits, ...hashes }) {
  return (await post(plugin, `/runs/${run}/applied`, { path, ...hashes }, shapes.asMade)).change;
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
 * Changes, newest first.
 *
 * @param {CompanionPlugin} plugin
 * @param {{ path: string } | { run: string }} which
 */
export async function readChanges(plugin, which) {
  return (await get(plugin, "/changes", { ...which, limit: 1000 }, shapes.asChanges)).changes;
}

/**
 * Let the daemon take the change back.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} change
 * @param {boolean} isShown whether the note is open here, and no editor has anything unsaved
 */
export function undo(plugin, change, isShown) {
  return post(plugin, `/changes/${change}/undo`, { ...(isShown && { even_open: true }) }, shapes.asMade);
}

/**
 * The edits that take the change out of a text.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} change
 * @param {string} text
 */
export async function offerUndo(plugin, change, text) {
  const body = { apply: "client", text };
  return (await post(plugin, `/changes/${change}/undo`, body, shapes.asOffered)).offer;
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
export function lookAt(plugin, path) {
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

/**
 * @template T
 * @param {CompanionPlugin} plugin
 * @param {string} path
 * @param {Record<string, string | number>} query
 * @param {Reader<T>} reader
 */
async function get(plugin, path, query, reader) {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const address = `${path}?${pairs.join("&")}`;
  return read(await send(plugin, "GET", address, null, requireToken(plugin)), reader);
}

/**
 * @template T
 * @param {CompanionPlugin} plugin
 * @param {string} path
 * @param {object} body
 * @param {Reader<T>} reader
 */
async function post(plugin, path, body, reader) {
  return read(await send(plugin, "POST", path, body, requireToken(plugin)), reader);
}

/** @param {CompanionPlugin} plugin */
function requireToken(plugin) {
  const token = readToken(plugin);
  if (!token) throw new NotPaired();
  return token;
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} method
 * @param {string} path
 * @param {object | null} body
 * @param {string} token empty to send none
 * @returns {Promise<Answer>}
 */
function send({ settings, timers }, method, path, body, token) {
  /** @type {RequestUrlParam} */
  const request = { url: `${settings.address}/api/v1${path}`, method, throw: false };
  if (token) request.headers = { Authorization: `Bearer ${token}` };
  if (body) Object.assign(request, { contentType: "application/json", body: JSON.stringify(body) });
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new DaemonAway());
    const timer = timers.after(PATIENCE, giveUp);
    requestUrl(request)
      .then(resolve, giveUp)
      .finally(() => timers.cancel(timer));
  });
}

/**
 * @template T
 * @param {Answer} answer
 * @param {Reader<T>} reader
 */
function read({ status, text }, reader) {
  if (status === 401) throw new NotPaired();
  const value = parse(text);
  if (status < 200 || status > 299) {
    const { type, detail } = shapes.asProblem(value);
    throw new (type.endsWith(":not-agreed") ? NotAgreed : Refused)(detail);
  }
  return reader(value);
}

/**
 * @param {string} text
 * @returns {unknown}
 */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Garbled();
  }
}
