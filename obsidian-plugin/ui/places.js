/** Where proposals go in their notes, as the notes are now. */

import { signal } from "@preact/signals";
import { ApiError } from "./api.js";
import { parseBlocks, toLines } from "./markdown.js";

/** @import { Signal } from "@preact/signals" */
/** @import { Proposal } from "../src/api-types.d.ts" */
/** @import { Api } from "./api.js" */

/** @typedef {[string, string][]} Parts of a word diff, each with its mark */
/** @typedef {{ parts: Parts | null, why: string }} Placed where a proposal goes in its note, or why it cannot */

const CONTEXT = 200; // lines of a note around a proposal
const UNKNOWN = 1000; // after all properties that are known

export class PlaceStore {
  /** @type {Map<number, Signal<Placed | null>>} */
  #places = new Map();
  /** Names of properties, in the order of a note that was read. @type {string[]} */
  #properties = [];

  /** @param {Pick<Api, "get">} api */
  constructor(api) {
    this.api = api;
  }

  /** Return where a proposal goes, null until it is read. @param {number} id */
  at(id) {
    let place = this.#places.get(id);
    if (!place) this.#places.set(id, (place = signal(null)));
    return place;
  }

  /** Look where a proposal goes in its note now. Never rejects. @param {number} id */
  async look(id) {
    const place = this.at(id);
    try {
      /** @type {{ parts: Parts }} */
      const { parts } = await this.api.get(`/proposals/${id}/place`, { context: CONTEXT });
      place.value = { parts, why: "" };
      const [properties] = this.#properties.length ? [] : parseBlocks(toLines(parts), true);
      if (properties?.type === "properties") this.#properties = properties.properties.map(({ name }) => name);
    } catch (error) {
      if (error instanceof ApiError) place.value = { parts: null, why: error.message };
    }
  }

  /** Return what a proposal is sorted by within its note: properties as notes have them, then callouts. @param {Proposal | null} proposal */
  rankOf(proposal) {
    if (proposal?.kind === "callout") return proposal.heading === null ? UNKNOWN + 1 : UNKNOWN + 2;
    const at = this.#properties.indexOf(proposal?.kind ?? "");
    return at < 0 ? UNKNOWN : at;
  }
}
