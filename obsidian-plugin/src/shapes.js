/**
 * Readers of the daemon's JSON. They throw UnexpectedAnswer for a value of another form. Unknown fields
 * are left out, and fields that are only displayed may be missing, so that the plugin works with
 * daemons of other versions.
 */

import { UnexpectedAnswer } from "./errors.js";

/**
 * @import {
 *   AskedShape, Change as ChangeShape, ChangePage, DecisionsMade, EditShape, Filled as FilledShape, ModelShape, Note as NoteShape, OfferShape, Problem, Proof,
 *   Proposal as ProposalShape, ProposalOffer,
 *   ReportTaken, ResultShape, RunOptions, RunProgress, RunShape, Status as StatusShape, TokenSecret, Undone as UndoneShape, EditsInPart,
 * } from "./api-types.d.ts"
 */

/**
 * A function that returns the value if it has the right form, else throws UnexpectedAnswer.
 *
 * @template T
 * @typedef {(value: unknown) => T} Reader
 */

/** @param {unknown} value */
function asText(value) {
  return typeof value === "string" ? value : refuse();
}

/** @param {unknown} value */
function asNumber(value) {
  return typeof value === "number" ? value : refuse();
}

/** @param {unknown} value */
function asBoolean(value) {
  return typeof value === "boolean" ? value : refuse();
}

/**
 * @template T
 * @param {Reader<T>} reader
 * @returns {Reader<T | null>}
 */
function maybe(reader) {
  return (value) => (value === null || value === undefined ? null : reader(value));
}

/**
 * @template T
 * @param {Reader<T>} reader
 * @param {T} otherwise the value if there is none
 * @returns {Reader<T>}
 */
function or(reader, otherwise) {
  return (value) => (value === null || value === undefined ? otherwise : reader(value));
}

/**
 * @template T
 * @param {Reader<T>} reader
 * @returns {Reader<T[]>}
 */
function list(reader) {
  return (value) => (Array.isArray(value) ? value.map((one) => reader(one)) : refuse());
}

/**
 * @template {Record<string, Reader<unknown>>} R
 * @param {R} readers of the fields; other fields are left out
 * @returns {Reader<{ [K in keyof R]: ReturnType<R[K]> }>}
 */
function object(readers) {
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
  throw new UnexpectedAnswer();
}

const asOptionalText = or(asText, "");
const asCount = or(asNumber, 0);
const asTextList = or(list(asText), []);
const asCounts = byName(asNumber);
const asTexts = byName(asText);
const asPlaceOfEdit = object({ kind: asText, name: asText, start: asNumber, end: asNumber });
const asEdit = object({ start: asNumber, end: asNumber, text: asText, place: maybe(asPlaceOfEdit) });
const asFilled = object({ kind: asText, heading: maybe(asText), reason: asOptionalText, text: or(textOrLines, "") });
const asNeed = object({ kind: asText, heading: maybe(asText), reason: asOptionalText });

/**
 * @template T
 * @param {Reader<T>} reader
 * @returns {Reader<Record<string, T>>} of values by name
 */
function byName(reader) {
  return (value) => Object.fromEntries(Object.entries(value ?? {}).map(([name, one]) => [name, reader(one)]));
}

/** @param {unknown} value */
function asPort(value) {
  const port = asNumber(value);
  return Number.isInteger(port) && port > 0 && port < 65536 ? port : refuse();
}

/** @param {unknown} value */
function asId(value) {
  const id = asText(value);
  return /^[0-9a-f]{32}$/.test(id) ? id : refuse();
}

export const asOffer = object({ edits: list(asEdit), base_sha256: asText, new_sha256: asText });
export const asOffered = object({ offer: asOffer, reason: maybe(asText) });
export const asMade = object({ change: asNumber });
export const asUndone = object({ change: asNumber, path: maybe(asText), reason: maybe(asText), waits: maybe(asNumber) });
export const asPaired = object({ token: asText });
export const asPlace = object({ port: asPort, id: asId });
export const asProofs = object({ token: asText, place: asText, version: asText });
export const asHealth = object({ status: asText, name: asOptionalText, version: asOptionalText });
export const asBegun = object({ id: asText });
export const asProblem = object({ type: asOptionalText, detail: or(asText, "The daemon does not do that.") });
const asAsked = object({ id: asNumber, path: asText, run: maybe(asText), change: maybe(asNumber) });
export const asAttended = object({ to_do: asTextList, asked: or(list(asAsked), []) });
export const asNote = object({ needs: or(list(asNeed), []), left: asTextList, skipped: maybe(asText) });
export const asTotal = object({ total: asCount });
const asResult = object({
  path: asText,
  status: asText,
  reason: maybe(asText),
  changes: or(list(asFilled), []),
  left: asTextList,
  change: maybe(asNumber),
  offer: maybe(asOffer),
});
export const asProgress = object({
  state: asText,
  total: asCount,
  counts: asCounts,
  waits: asOptionalText,
  fault: asOptionalText,
  results: list(asResult),
  next: asNumber,
});
const asRunState = object({
  id: asText,
  state: asText,
  total: asCount,
  counts: asCounts,
  waits: asOptionalText,
});
export const asRuns = object({ runs: list(asRunState) });
export const asChange = object({
  id: asNumber,
  run: asOptionalText,
  made_at: asOptionalText,
  path: asText,
  state: asText,
  needs: asTextList,
  undoes: maybe(asNumber),
  left: maybe(list(asText)),
});
export const asChanges = object({ changes: list(asChange), next: maybe(asNumber) });
const asFault = object({ reason: or(asText, "something is wrong with the model") });
const asBackground = object({
  off: asOptionalText,
  waiting: asCount,
  notes_today: asCount,
  notes_a_day: asCount,
  backlog: maybe(object({ notes: asCount, cost: asOptionalText })),
});
const asToday = object({ notes: asCount, input_tokens: asCount, output_tokens: asCount, dollars: maybe(asNumber) });
export const asStatus = object({
  modes: asTexts,
  folder_modes: asTexts,
  vault: or(asText, "the vault"),
  paused: or(asBoolean, false),
  model: or(asText, "a model"),
  endpoint: asOptionalText,
  fault: maybe(asFault),
  rate_limit: asOptionalText,
  background: or(asBackground, asBackground({})),
  today: or(asToday, asToday({})),
  notes: asCount,
  to_do: asCount,
  in_hand: asTextList,
  runs: asTextList,
  settings_fault: asOptionalText,
  settings_to_restart_for: asTextList,
});
export const asProposalOffer = object({ run: asText, offer: asOffer });
const asDecided = object({ id: asNumber, state: maybe(asText), reason: maybe(asText) });
export const asDecisions = object({ notes: list(object({ path: asText, status: asOptionalText, proposals: list(asDecided) })) });
const asFetch = object({ name: asText, state: asText, done: asCount, of: asCount, reason: asOptionalText });
const asEntry = object({ name: asText, title: asOptionalText, bytes: asCount });
export const asModel = object({
  name: asText,
  is_missing: asBoolean,
  catalog: or(list(asEntry), []),
  fetch: maybe(asFetch),
});

/**
 * What is read of a wire object W of the API. TypeScript holds that W, as the daemon's OpenAPI
 * document describes it, has every field that is read here, in the type it is read in.
 *
 * @template {T} W
 * @template T
 * @typedef {T} ReadOf
 */

/** @typedef {ReadOf<EditShape, ReturnType<typeof asEdit>>} Edit */
/** @typedef {ReadOf<AskedShape, ReturnType<typeof asAsked>>} Asked */
/** @typedef {ReadOf<FilledShape, ReturnType<typeof asFilled>>} Filled */
/** @typedef {ReadOf<OfferShape, ReturnType<typeof asOffer>>} Offer */
/** @typedef {ReadOf<ResultShape, ReturnType<typeof asResult>>} Result */
/** @typedef {ReadOf<RunShape, ReturnType<typeof asRunState>>} RunState */
/** @typedef {ReadOf<RunProgress, ReturnType<typeof asProgress>>} Progress */
/** @typedef {ReadOf<StatusShape, ReturnType<typeof asStatus>>} Status */
/** @typedef {Pick<ProposalShape, "id" | "path" | "kind" | "heading" | "text" | "state">} Proposal what the plugin itself needs of one */
/** @typedef {ReadOf<ProposalOffer, ReturnType<typeof asProposalOffer>>} OfferedProposal */
/** @typedef {ReadOf<DecisionsMade, ReturnType<typeof asDecisions>>} Decisions */
/** @typedef {ReadOf<ModelShape, ReturnType<typeof asModel>>} Model */
/** @typedef {ReadOf<NoteShape, ReturnType<typeof asNote>>} Note */
/** @typedef {ReadOf<ChangeShape, ReturnType<typeof asChange>>} Change */
/** @typedef {ReadOf<ChangePage, ReturnType<typeof asChanges>>} Changes */
/** @typedef {ReadOf<UndoneShape, ReturnType<typeof asUndone>>} Undone */
/** @typedef {ReadOf<EditsInPart, ReturnType<typeof asOffered>>} OfferedUndo */
/** @typedef {ReadOf<ReportTaken, ReturnType<typeof asAttended>>} Attended */
/** @typedef {ReadOf<Proof, ReturnType<typeof asProofs>>} Proofs */
/** @typedef {ReadOf<TokenSecret, ReturnType<typeof asPaired>>} Paired */
/** @typedef {ReadOf<Problem, ReturnType<typeof asProblem>>} ReadProblem */
/** @typedef {ReturnType<typeof asPlace>} Place */

/**
 * What a run is started with: all but the paths may be left out.
 *
 * @typedef {Partial<RunOptions> & { paths: string[] }} Order
 */
