/** The JSON that the daemon answers, read with distrust: what has another form is Garbled. */

import { Garbled } from "./errors.js";

/**
 * Returns the value when it has the form, else throws Garbled.
 *
 * @template T
 * @typedef {(value: unknown) => T} Reader
 */

/** @param {unknown} value */
export function asText(value) {
  return typeof value === "string" ? value : refuse();
}

/** @param {unknown} value */
export function asNumber(value) {
  return typeof value === "number" ? value : refuse();
}

/** @param {unknown} value */
export function asTruth(value) {
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
  /** @type {Reader<any>} */
  const read = (value) => {
    if (!(value instanceof Object)) return refuse();
    const fields = Object.entries(readers);
    return Object.fromEntries(fields.map(([name, reader]) => [name, reader(Reflect.get(value, name))]));
  };
  return read;
}

/** @param {unknown} value */
export function asAnything(value) {
  return value;
}

/** @param {unknown} value */
function textOrLines(value) {
  return Array.isArray(value) ? list(asText)(value) : asText(value);
}

/** @returns {never} */
function refuse() {
  throw new Garbled();
}

const asEdit = object({ start: asNumber, end: asNumber, text: asText });
const asFilled = object({ kind: asText, heading: maybe(asText), reason: asText, text: textOrLines });
const asNeed = object({ kind: asText, heading: maybe(asText), reason: asText });

/**
 * Numbers by name.
 *
 * @param {unknown} value
 * @returns {Record<string, number>}
 */
function asCounts(value) {
  return Object.fromEntries(Object.entries(value ?? {}).map(([name, one]) => [name, asNumber(one)]));
}

export const asOffer = object({ edits: list(asEdit), base_sha256: asText, new_sha256: asText });
export const asOffered = object({ offer: asOffer });
export const asMade = object({ change: asNumber });
export const asPaired = object({ token: asText });
export const asBegun = object({ id: asText });
export const asProblem = object({ type: asText, detail: asText });
const asAsked = object({ path: asText, run: maybe(asText), change: maybe(asNumber) });
export const asAttended = object({ to_do: list(asText), asked: maybe(list(asAsked)) });
export const asNote = object({ needs: list(asNeed), left: list(asText), skipped: maybe(asText) });
export const asResult = object({
  path: asText,
  status: asText,
  reason: maybe(asText),
  changes: list(asFilled),
  left: list(asText),
  change: maybe(asNumber),
  offer: maybe(asOffer),
});
export const asProgress = object({
  state: asText,
  total: asNumber,
  counts: asCounts,
  waits: asText,
  fault: asText,
  results: list(asResult),
  next: asNumber,
});
export const asChanges = object({
  changes: list(object({ id: asNumber, path: asText, state: asText, undoes: maybe(asNumber) })),
});
export const asStatus = object({
  vault: asText,
  paused: asTruth,
  model: asText,
  endpoint: asText,
  fault: maybe(object({ reason: asText })),
  background: object({ off: asText, waiting: asNumber, notes_today: asNumber, notes_a_day: asNumber }),
  today: object({ notes: asNumber, input_tokens: asNumber, output_tokens: asNumber, dollars: maybe(asNumber) }),
  notes: asNumber,
  to_do: asNumber,
  in_hand: list(asText),
  runs: list(asText),
});

/** @typedef {ReturnType<typeof asEdit>} Edit */
/** @typedef {ReturnType<typeof asAsked>} Asked */
/** @typedef {ReturnType<typeof asFilled>} Filled */
/** @typedef {ReturnType<typeof asOffer>} Offer */
/** @typedef {ReturnType<typeof asResult>} Result */
/** @typedef {ReturnType<typeof asProgress>} Progress */
/** @typedef {ReturnType<typeof asStatus>} Status */
/** @typedef {ReturnType<typeof asNote>} Note */

/**
 * An order of a run, as the API takes it.
 *
 * @typedef {{
 *   paths: string[], section?: string | undefined, requests?: boolean | undefined,
 *   priority: "interactive" | "request" | "background",
 *   on_fault?: "wait" | "stop", apply?: "daemon" | "client", text?: string, agreed?: boolean,
 *   even_open?: boolean,
 * }} Order
 */
