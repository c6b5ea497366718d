/** One request to a daemon, and its answer turned into a value or an error. */

import { requestUrl } from "obsidian";
import { ApiError } from "../ui/api.js";
import { AnswerLost, DaemonAway, NotPaired, TooOld, UnexpectedAnswer } from "./errors.js";
import { formatBytes, say } from "./words.js";

/** @import { RequestUrlParam } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Problem } from "./api-types.d.ts" */

/** @typedef {{ status: number, text: string }} Answer */

/**
 * A request. token: empty to send none. key: of one that is not to be done twice. patience: milliseconds until it is given up.
 *
 * @typedef {{ method: string, path: string, body?: object | null, token?: string, key?: string, patience?: number }} Question
 */

const PATIENCE = 30_000; // milliseconds until a request is given up; the daemon answers within 26 seconds
const LARGEST = 1024 * 1024; // bytes that the daemon takes

/**
 * Send a request and return the answer. Rejects with DaemonAway.
 *
 * @type {(plugin: CompanionPlugin, address: string, question: Question) => Promise<Answer>}
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

/** Return the answer's text. Throws ApiError, NotPaired or TooOld, by its status and problem (RFC 9457). @param {Answer} answer */
export function read({ status, text }) {
  if (status === 401) throw new NotPaired();
  if (status >= 200 && status <= 299) return text;
  if (status === 413) throw new ApiError(say("tooLarge", { size: formatBytes(LARGEST) }), status); // only a note is ever that large
  /** @type {Partial<Problem>} */
  const { code = "", detail = "The daemon does not do that." } = parse(text) ?? {};
  throw code.startsWith("client-too-") ? new TooOld(detail) : new ApiError(detail, status, code);
}

/**
 * Parse JSON. Throws UnexpectedAnswer.
 *
 * @template T
 * @param {string} text
 * @returns {T}
 */
export function parse(text) {
  try {
    /** @type {unknown} */
    const value = JSON.parse(text);
    return /** @type {T} */ (value);
  } catch {
    throw new UnexpectedAnswer();
  }
}
