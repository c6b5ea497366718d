/** The JSON that the daemon answers, read with distrust: what has another form is Garbled. */

import { Garbled } from "./errors.js";

/**
 * Returns the value when it has the form, else throws Garbled.
 *
 * @template T
 * @typedef {(value: unknown) => T} Reader
 */

/** @param {unknown} value */
export function text(value) {
  return typeof value === "string" ? value : refuse();
}

/** @param {unknown} value */
export function number(value) {
  return typeof value === "number" ? value : refuse();
}

/** @param {unknown} value */
export function truth(value) {
  return typeof value === "boolean" ? value : refuse();
}

/**
 * @template T
 * @param {Reader<T>} reader
 * @returns {Reader<T | null>}
 */
export function maybe(reader) {
  return (value) => (value === null || value === undefined ? null : reader(value));
}

/**
 * @template T
 * @param {Reader<T>} reader
 * @returns {Reader<T[]>}
 */
export function list(reader) {
  return (value) => (Array.isArray(value) ? value.map((one) => reader(one)) : refuse());
}

/**
 * @template {Record<string, Reader<unknown>>} R
 * @param {R} readers of the fields; others are left out
 * @returns {Reader<{ [K in keyof R]: ReturnType<R[K]> }>}
 */
export function object(readers) {
  return (value) => {
    if (typeof value !== "object" || value === null) return refuse();
    const found = /** @type {Record<string, unknown>} */ (value);
    const read = Object.entries(readers).map(([name, reader]) => [name, reader(found[name])]);
    return /** @type {{ [K in keyof R]: ReturnType<R[K]> }} */ (Object.fromEntries(read));
  };
}

/** @param {unknown} value */
export function anything(value) {
  return value;
}

/** @param {unknown} value */
function textOrLines(value) {
  return Array.isArray(value) ? list(text)(value) : text(value);
}

/** @returns {never} */
function refuse() {
  throw new Garbled();
}

const edit = object({ start: number, end: number, text });
const filled = object({ kind: text, heading: maybe(text), reason: text, text: textOrLines });
const need = object({ kind: text, heading: maybe(text), reason: text });

export const offer = object({ edits: list(edit), base_sha256: text, new_sha256: text });
export const offered = object({ offer });
export const made = object({ change: number });
export const paired = object({ token: text });
export const begun = object({ id: text });
export const problem = object({ detail: text });
export const attended = object({ to_do: list(text) });
export const note = object({ needs: list(need), left: list(text), skipped: maybe(text) });
export const result = object({
  path: text,
  status: text,
  reason: maybe(text),
  changes: list(filled),
  left: list(text),
  change: maybe(number),
  offer: maybe(offer),
});
export const progress = object({
  state: text,
  total: number,
  waits: text,
  fault: text,
  results: list(result),
  next: number,
});
export const changes = object({
  changes: list(
    object({ id: number, path: text, state: text, undoes: maybe(number) }),
  ),
});
export const status = object({
  version: text,
  vault: text,
  paused: truth,
  model: text,
  endpoint: text,
  is_remote: truth,
  fault: maybe(object({ reason: text })),
  background: object({ off: text, waiting: number, notes_today: number, notes_a_day: number }),
  today: object({ input_tokens: number, output_tokens: number, dollars: maybe(number) }),
  notes: number,
  to_do: number,
  in_hand: list(text),
  runs: list(text),
});

/** @typedef {ReturnType<typeof edit>} Edit */
/** @typedef {ReturnType<typeof filled>} Filled */
/** @typedef {ReturnType<typeof offer>} Offer */
/** @typedef {ReturnType<typeof result>} Result */
/** @typedef {ReturnType<typeof progress>} Progress */
/** @typedef {ReturnType<typeof status>} Status */
/** @typedef {ReturnType<typeof note>} Note */
