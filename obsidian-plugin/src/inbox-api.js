/** The daemon's API for the inbox: notes that are open in this window are changed here, all others by the daemon. */

import { ApiError, Away } from "../ui/api.js";
import { decide } from "./decisions.js";
import { explain, NoteUnavailable, NotThere, Refused } from "./errors.js";
import { findFile } from "./note-text.js";
import { isOpen } from "./open-notes.js";
import { closePlace } from "./place.js";

/** @import { Api } from "../ui/api.js" */
/** @import { Acceptance, Decisions, NoteDecision } from "./api-types.d.ts" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Proposal } from "./shapes.js" */

/**
 * @param {CompanionPlugin} plugin
 * @param {(id: number) => Proposal | null} find a proposal that the inbox has
 * @returns {Api}
 */
export function makeInboxApi(plugin, find) {
  /** @type {<T>(act: () => Promise<T>) => Promise<T>} */
  const attempt = async (act) => {
    try {
      return await act();
    } catch (error) {
      const isRefused = error instanceof Refused || error instanceof NotThere;
      throw isRefused ? new ApiError(error.message, error instanceof NotThere ? 404 : 409) : new Away(explain(plugin, error));
    }
  };
  return {
    get: (path, query) => attempt(() => plugin.api.read(path, query)),
    post: (path, body) => attempt(() => plugin.api.send(path, body)),
    decide: (decisions) => attempt(() => decideAll(plugin, /** @type {Partial<Decisions>} */ (decisions), find)),
  };
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Partial<Decisions>} decisions
 * @param {(id: number) => Proposal | null} find
 */
async function decideAll(plugin, { accept = [], refuse = [], undo = [], ...more }, find) {
  /** @type {Acceptance[]} */
  const elsewhere = [];
  /** @type {NoteDecision[]} */
  const notes = [];
  for (const id of [...accept.map((one) => one.id), ...refuse, ...undo]) closePlace(plugin, { id });
  for (const one of accept) {
    const proposal = find(one.id);
    const file = proposal && findFile(plugin.app, proposal.path);
    if (!file || !isOpen(plugin, file.path)) elsewhere.push(one);
    else notes.push(await decideHere(plugin, proposal, { what: "accept", ...(typeof one.text === "string" && { value: one.text }) }));
  }
  for (const id of undo) {
    const proposal = find(id);
    if (proposal && isOpen(plugin, proposal.path)) notes.push(await decideHere(plugin, proposal, { what: "undo" }));
  }
  const rest = undo.filter((id) => !notes.some(({ proposals }) => proposals.some((each) => each.id === id)));
  if (!elsewhere.length && !refuse.length && !rest.length) return { notes };
  const made = await plugin.api.send("/proposals/decide", { accept: elsewhere, refuse, undo: rest, ...more });
  return { notes: [...notes, .../** @type {{ notes: NoteDecision[] }} */ (made).notes] };
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Proposal} proposal
 * @param {import("./decisions.js").Decision} decision
 * @returns {Promise<NoteDecision>} what became of it, as the daemon would say it
 */
async function decideHere(plugin, proposal, decision) {
  const { id, path } = proposal;
  const tell = (/** @type {string | null} */ reason) => {
    const state = reason ? proposal.state : decision.what === "undo" ? "open" : "accepted";
    return /** @type {NoteDecision} */ (/** @type {unknown} */ ({ path, status: reason ? "failed" : "enriched", reason: null, proposals: [{ id, state, reason }] }));
  };
  try {
    await decide(plugin, proposal, decision);
    return tell(null);
  } catch (error) {
    if (error instanceof Refused || error instanceof NoteUnavailable) return tell(error.message);
    throw error;
  }
}
