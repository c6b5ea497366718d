/** The inbox's state: open proposals by id, which are shown, the current one, and what is typed into them. */

import { batch, computed, signal } from "@preact/signals";
import { ApiError } from "./api.js";
import { PlaceStore } from "./places.js";
import { linesOf } from "./proposal.js";

/** @import { Signal } from "@preact/signals" */
/** @import { Proposal, ProposalPage } from "../src/api-types.d.ts" */
/** @import { Api } from "./api.js" */

/** @typedef {{ flagged: boolean, kind: string, search: string }} Filters */
/** @typedef {{ path: string, ids: number[] }} Group the proposals of a note */
/** @typedef {{ why: string, isGone: boolean }} Fault why a proposal is not decided on; isGone: it cannot be any more */

export const NO_FILTERS = Object.freeze({ flagged: false, kind: "", search: "" });
const DRAFTS = "companion-drafts"; // in the storage of this tab
const ROWS = 200; // that are shown at a time, and read first
const PAGE = 1000; // proposals of a later page
const FEW = 20; // proposals that are read one by one
const PAUSE = 1000; // milliseconds before all is read once more
const ELSEWHERE = "This was decided in another window, or by another program.";

export class InboxStore {
  /** All that were read, as they were then, in the order in which they were seen first. @type {Signal<Map<number, Proposal>>} */
  proposals = signal(new Map());
  /** Open ones, in the order that is shown: by note, newest note first; notes that come later are at the end. @type {Signal<number[]>} */
  order = signal([]);
  /** @type {Signal<Filters>} */
  filters = signal({ ...NO_FILTERS });
  /** The one that is shown; or that the address names, which may be read only later. @type {Signal<number | null>} */
  currentId = signal(null);
  /** What the current one is being: read, edited, or asked for again. @type {Signal<"read" | "edit" | "again">} */
  mode = signal("read");
  /** What was typed, by proposal; it survives a reload. @type {Signal<Map<number, string>>} */
  drafts = signal(new Map(JSON.parse(sessionStorage.getItem(DRAFTS) ?? "[]")));
  /** @type {Signal<Map<number, Fault>>} */
  faults = signal(new Map());
  /** Those that are asked for again, with the run that does it. @type {Signal<Map<number, string>>} */
  asked = signal(new Map());
  isLoaded = signal(false);
  /** Whether a decision is under way. */
  isBusy = signal(false);
  /** How many rows the list has at most. */
  limit = signal(ROWS);
  /** When another one took the place of the current one by itself, as performance.now: keys that were meant for the old one do nothing. */
  replacedAt = -Infinity;
  /** What is to be read again: ids, or null for all; undefined: nothing. @type {Set<number> | null | undefined} */
  #told = undefined;
  /** @type {Promise<void> | null} */
  #reading = null;
  #turn = 0; // counts what is done here, so that an answer from before is not believed

  shown = computed(() => {
    const filters = this.filters.value;
    return this.order.value.filter((id) => this.#fits(id, filters));
  });

  /** Those that are shown and not flagged, and into which nothing was typed. */
  unflagged = computed(() => this.shown.value.filter((id) => !this.get(id)?.flags.length && !this.drafts.value.has(id)));

  groups = computed(() => {
    /** @type {Group[]} */
    const groups = [];
    for (const id of this.shown.value.slice(0, this.limit.value)) {
      const path = this.get(id)?.path ?? "";
      const last = groups.at(-1);
      if (last?.path === path) last.ids.push(id);
      else groups.push({ path, ids: [id] });
    }
    return groups;
  });

  current = computed(() => this.proposals.value.get(this.currentId.value ?? -1) ?? null);

  counts = computed(() => {
    const proposals = this.order.value.flatMap((id) => this.get(id) ?? []);
    /** @type {Record<string, number>} */
    const kinds = {};
    for (const { kind } of proposals) kinds[kind] = (kinds[kind] ?? 0) + 1;
    return { kinds, flagged: proposals.filter(({ flags }) => flags.length).length, all: proposals.length };
  });

  /** @param {Pick<Api, "get">} api */
  constructor(api) {
    this.api = api;
    this.places = new PlaceStore(api);
  }

  /** @param {number} id */
  get(id) {
    return this.proposals.value.get(id) ?? null;
  }

  /** @type {(id: number, filters: Filters) => boolean} */
  #fits(id, { flagged, kind, search }) {
    const proposal = this.get(id);
    if (!proposal || (flagged && !proposal.flags.length) || (kind && proposal.kind !== kind)) return false;
    return !search || `${proposal.path}\n${linesOf(proposal)}`.toLowerCase().includes(search.toLowerCase());
  }

  /**
   * Read what has changed; resolves once that is done, with what is told meanwhile. It waits while something is decided on.
   *
   * @param {number[] | null} ids null: any
   */
  refresh(ids = null) {
    if (ids === null || this.#told === null) this.#told = null;
    else if (ids.length) this.#told = new Set([...(this.#told ?? []), ...ids]);
    this.#reading ??= this.#readTold().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #readTold() {
    while (this.#told !== undefined && !this.isBusy.peek()) {
      const [told, turn] = [this.#told, this.#turn];
      this.#told = undefined;
      try {
        if (told && told.size <= FEW) this.#take(await this.#readFew([...told]), told, turn);
        else await this.#readAll(turn);
      } catch (error) {
        this.#told = null;
        throw error;
      }
    }
  }

  /** Return these proposals, but for those that there are not. @param {number[]} ids @returns {Promise<Proposal[]>} */
  async #readFew(ids) {
    const read = ids.map((id) => this.api.get(`/proposals/${id}`).catch((error) => {
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    }));
    return (await Promise.all(read)).flat();
  }

  /** Read all that are open; the first ones are shown at once, with those that the address names, or somebody typed into. @param {number} turn */
  async #readAll(turn) {
    /** @type {Proposal[]} */
    const all = [];
    /** @type {number | null} */
    let next = null;
    const isFirst = !this.isLoaded.peek();
    if (!isFirst) await new Promise((done) => setTimeout(done, PAUSE));
    do {
      /** @type {ProposalPage} */
      const page = await this.api.get("/proposals", { limit: next === null ? ROWS : PAGE, ...(next !== null && { before: next }) });
      all.push(...page.proposals);
      if (next === null) all.push(...(await this.#readFew(this.#namedBeside(page.proposals))));
      ({ next } = page);
      if (isFirst && !this.isLoaded.peek()) await this.#begin(all, turn);
    } while (next !== null);
    this.#take(all, null, turn);
  }

  /** Return those that are to be read beside a page of proposals. @param {Proposal[]} page */
  #namedBeside(page) {
    const ids = new Set(page.map(({ id }) => id));
    return [this.currentId.peek() ?? -1, ...this.drafts.peek().keys()].filter((id) => id > 0 && !ids.has(id));
  }

  /** Show the first page, once it is known in what order notes have their properties. @type {(proposals: Proposal[], turn: number) => Promise<void>} */
  async #begin(proposals, turn) {
    const first = proposals.find(({ id }) => id === this.currentId.peek()) ?? proposals[0];
    if (first) await this.places.look(first.id);
    batch(() => {
      this.#take(proposals, new Set(), turn);
      this.isLoaded.value = true;
    });
  }

  /**
   * Take in what was read, unless something was done here meanwhile: then all is read again. Those that are not open any more go, but for
   * the current one and those that somebody typed into. One that was asked for again has its answer in its place.
   *
   * @param {Proposal[]} read
   * @param {Set<number> | null} ids of what was to be read; null: all that are open
   * @param {number} turn at which it was read
   */
  #take(read, ids, turn) {
    if (turn !== this.#turn) return void (this.#told = null);
    const open = new Set(read.filter((each) => each.state === "open" && !each.decided_by).map(({ id }) => id)); // not those that an editor writes
    const here = new Set(this.order.peek());
    const gone = [...here].filter((id) => !open.has(id) && (!ids || ids.has(id)));
    batch(() => {
      this.#keep(read);
      for (const id of gone.filter((each) => this.asked.peek().has(each))) {
        const answer = [...open].find((each) => isSameNeed(this.get(each), this.get(id)));
        if (answer !== undefined) this.#replace(id, answer);
      }
      const closed = new Set([...gone, ...read.map(({ id }) => id).filter((id) => !open.has(id))]);
      const isHeld = (/** @type {number} */ id) => this.drafts.peek().has(id) || (here.has(id) && id === this.currentId.peek());
      const held = [...closed].filter(isHeld);
      for (const id of held) this.setFault(id, { why: this.faults.peek().get(id)?.why ?? ELSEWHERE, isGone: true });
      for (const [id, { isGone }] of this.faults.peek()) if (isGone && open.has(id)) this.setFault(id, null); // somebody undid that
      this.#show([...[...here].filter((id) => !closed.has(id)), ...open, ...held]);
      if (this.order.peek().includes(this.currentId.peek() ?? -1)) return;
      if (this.isLoaded.peek()) this.replacedAt = performance.now();
      this.choose(this.shown.peek()[0] ?? null);
    });
  }

  /** @param {Proposal[]} read */
  #keep(read) {
    this.proposals.value = new Map([...this.proposals.peek(), ...read.map((each) => /** @type {const} */ ([each.id, each]))]);
  }

  /** Have an answer take the place of the proposal that was asked for again. @type {(id: number, answer: number) => void} */
  #replace(id, answer) {
    this.setAsked(id, null);
    if (this.currentId.peek() !== id) return;
    this.replacedAt = performance.now();
    this.choose(answer);
  }

  /** Take those out that are decided on, with what was typed, and go on to the one after. @param {number[]} ids */
  takeOut(ids) {
    this.#turn += 1;
    batch(() => {
      if (ids.includes(this.currentId.peek() ?? -1)) this.choose(this.#after(ids));
      this.order.value = this.order.peek().filter((id) => !ids.includes(id));
      for (const id of ids) {
        if (this.faults.peek().has(id)) this.setFault(id, null);
        if (this.drafts.peek().has(id)) this.type(id, null);
      }
    });
  }

  /** Return the next that is shown and none of these; after the last one, the first. @param {number[]} ids */
  #after(ids) {
    const shown = this.shown.peek();
    const at = shown.indexOf(this.currentId.peek() ?? -1);
    return [...shown.slice(at + 1), ...shown.slice(0, at + 1)].find((id) => !ids.includes(id)) ?? null;
  }

  /** Show these, by note, as it was seen first, and within one as it has them. A note keeps its place whatever is decided on. @param {number[]} ids */
  #show(ids) {
    /** @type {Map<string, number>} */
    const places = new Map();
    for (const { path } of this.proposals.peek().values()) if (!places.has(path)) places.set(path, places.size);
    const placeOf = (/** @type {number} */ id) => places.get(this.get(id)?.path ?? "") ?? 0;
    const rank = (/** @type {number} */ id) => this.places.rankOf(this.get(id));
    this.order.value = [...new Set(ids)].sort((a, b) => placeOf(a) - placeOf(b) || rank(a) - rank(b) || a - b);
  }

  /** Undo a decision: have these in the list again, as they are now, with what was typed. @type {(ids: number[], texts: Record<number, string>) => Promise<void>} */
  async reopen(ids, texts = {}) {
    const read = ids.length <= FEW ? await this.#readFew(ids) : [];
    this.#turn += 1;
    batch(() => {
      this.#keep(read);
      for (const id of ids) this.setFault(id, null);
      this.#show([...this.order.peek(), ...ids]);
      for (const [id, text] of Object.entries(texts)) this.type(Number(id), text);
      this.choose(ids[0] ?? null);
    });
  }

  /** @param {number | null} id */
  choose(id) {
    batch(() => {
      if (id !== this.currentId.peek()) this.mode.value = "read";
      this.currentId.value = id;
      const at = this.shown.peek().indexOf(id ?? -1);
      if (at >= this.limit.peek()) this.limit.value = at + 1;
    });
    const next = id === null ? null : this.#after([id]);
    for (const each of [id, next]) if (each !== null) void this.places.look(each);
  }

  /** @param {number} by */
  step(by) {
    const shown = this.shown.peek();
    const at = shown.indexOf(this.currentId.peek() ?? -1);
    const next = shown[(at + by + shown.length) % Math.max(shown.length, 1)];
    if (next !== undefined) this.choose(next);
  }

  /** @param {Partial<Filters>} change */
  filter(change) {
    batch(() => {
      this.filters.value = { ...this.filters.peek(), ...change };
      this.limit.value = ROWS;
      const shown = this.shown.peek();
      if (this.mode.peek() === "read" && this.isLoaded.peek() && !shown.includes(this.currentId.peek() ?? -1)) this.choose(shown[0] ?? null);
    });
  }

  /** Keep what was typed into a proposal; null: it is as it was. @type {(id: number, text: string | null) => void} */
  type(id, text) {
    this.drafts.value = replaceIn(this.drafts.peek(), id, text);
    sessionStorage.setItem(DRAFTS, JSON.stringify([...this.drafts.peek()]));
  }

  /** Say why a proposal is not decided on; null: nothing is in the way. @type {(id: number, fault: Fault | null) => void} */
  setFault(id, fault) {
    this.faults.value = replaceIn(this.faults.peek(), id, fault);
  }

  /** Keep that a proposal is asked for again, by a run; null: it is not any more. @type {(id: number, run: string | null) => void} */
  setAsked(id, run) {
    this.asked.value = replaceIn(this.asked.peek(), id, run);
  }

  /** Look again where the current one goes, as its note may have changed. */
  lookAgain() {
    const id = this.currentId.peek();
    if (id !== null && this.order.peek().includes(id)) void this.places.look(id);
  }
}

/** Return a map with another value; null: without that key. @template V @param {Map<number, V>} map @param {number} key @param {V | null} value */
function replaceIn(map, key, value) {
  const others = [...map].filter(([each]) => each !== key);
  return new Map(value === null ? others : [...others, /** @type {const} */ ([key, value])]);
}

/** @type {(a: Proposal | null, b: Proposal | null) => boolean} */
function isSameNeed(a, b) {
  return a?.path === b?.path && a?.kind === b?.kind && a?.heading === b?.heading;
}
