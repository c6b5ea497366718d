/** The HTTP transport: one request to a daemon, and its answer turned into a value or an error. */

import { requestUrl } from "obsidian";
import {
  AnswerLost,
  ChangeNotInNote,
  DaemonAway,
  UnexpectedAnswer,
  ConsentMissing,
  NotPaired,
  NotThere,
  Refused,
  TooOld,
} from "./errors.js";
import { asProblem } from "./shapes.js";
import { formatBytes, say } from "./words.js";

/** @import { RequestUrlParam } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Reader } from "./shapes.js" */

/** @typedef {{ status: number, text: string }} Answer */

/**
 * A request. token: empty to send none. key: of one that is not to be done twice. patience: milliseconds until it is given up.
 *
 * @typedef {{ method: string, path: string, body?: object | null, token?: string, key?: string, patience?: number }} Question
 */

const PATIENCE = 30_000; // milliseconds until a request is given up; the daemon waits a few seconds at most
const LARGEST = 1024 * 1024; // bytes that the daemon takes

/**
 * Send a request and return the answer. Rejects with DaemonAway.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} address
 * @param {Question} question
 * @returns {Promise<Answer>}
 */
export function send({ manifest, timers }, address, { method, path, body, token, key, patience = PATIENCE }) {
  /** @type {Record<string, string>} */
  const headers = { "Companion-Version": manifest.version };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (key) headers["Idempotency-Key"] = key;
  /** @type {RequestUrlParam} */
  const request = { url: `${address}${path}`, method, headers, throw: false };
  if (body) Object.assign(request, { contentType: "application/json", body: JSON.stringify(body) });
  return new Promise((resolve, reject) => {
    const timer = timers.after(patience, () => reject(new DaemonAway(address)));
    requestUrl(request)
      .then(resolve, () => reject(new AnswerLost(address)))
      .finally(() => timers.cancel(timer));
  });
}

/**
 * Return the answer's JSON as the reader reads it.
 *
 * Throws the error for the answer's status and problem type (RFC 9457), or UnexpectedAnswer.
 *
 * @template T
 * @param {Answer} answer
 * @param {Reader<T>} reader
 */
export function read({ status, text }, reader) {
  if (status === 401) throw new NotPaired();
  const value = parse(text);
  if (status >= 200 && status <= 299) return reader(value);
  if (status === 413) throw new Refused(say("tooLarge", { size: formatBytes(LARGEST) })); // only a note is ever that large
  const { type, detail } = asProblem(value);
  if (type.includes(":client-too-")) throw new TooOld(detail);
  if (type.endsWith(":not-agreed")) throw new ConsentMissing(detail);
  if (type.endsWith(":change-gone")) throw new ChangeNotInNote(detail);
  throw new (status === 404 ? NotThere : Refused)(detail);
}

/**
 * Parse JSON. Throws UnexpectedAnswer.
 *
 * @param {string} text
 * @returns {unknown}
 */
export function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnexpectedAnswer();
  }
}
