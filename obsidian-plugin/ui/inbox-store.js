/** The inbox's state: open proposals by id, which are shown, the current one, and what is typed into them. */

import { batch, computed, signal } from "@preact/signals";
import { linesOf } from "./proposal.js";
import { say } from "./words.js";

/** @import { Signal } from "@preact/signals" */
/** @import { Proposal, ProposalPage } from "../src/api-types.d.ts" */
/** @import { Api } from "./api.js" */

/** @typedef {{ flagged: boolean, kind: string, folder: string, search: string, path: string }} Filters */
/** @typedef {{ path: string, ids: number[] }} Group the proposals of a note */
/** @typedef {[string, string][]} Parts of a word diff, each with its mark */
/** @typedef {{ parts: Parts | null, why: string }} Placed where a proposal goes in its note, or why it cannot */

export const NO_FILTERS = Object.freeze({ flagged: false, kind: "", folder: "", search: "", path: "" });
const FIRST = 100; // proposals of the first page, which is shown at once
const REST = 500; // of the others
const CONTEXT = 200; // lines of a note around a proposal

export class InboxStore {
  /** All that were read, as they were then. @type {Map<number, Proposal>} */
  proposals = new Map();
  /** Open ones, in the order that is shown: by note, newest note first. @type {Signal<number[]>} */
  order = signal([]);
  /** Those that came since, and are not shown yet. @type {Signal<number[]>} */
  fresh = signal([]);
  /** @type {Signal<Filters>} */
  filters = signal({ ...NO_FILTERS });
  /** The one that is shown; or that the address names, which may be read only later. @type {Signal<number | null>} */
  currentId = signal(null);
  /** What the current one is being: read, edited, or asked for again. @type {Signal<"read" | "edit" | "again">} */
  mode = signal("read");
  /** What was typed or left out, by proposal. @type {Map<number, Signal<string | null>>} */
  drafts = new Map();
  /** @type {Map<number, Signal<Placed | null>>} */
  places = new Map();
  /** The last look at each place. @type {Map<number, Promise<unknown>>} */
  #looks = new Map();
  /** Why a decision was not made, or cannot be, by proposal. @type {Signal<Map<number, string>>} */
  faults = signal(new Map());
  isLoaded = signal(false);
  isWhole = signal(false); // all pages are there
  total = signal(0); // how many there are, by the first of them
  /** The decision that is under way, by proposal. @type {Map<number, object>} */
  deciding = new Map();
  /** Whether somebody may be about to press a key for the current one. */
  isUsed = () => true;
  /** Counts what is done here, so that an answer from before is not believed. */
  turn = 0;

  shown = computed(() => {
    const filters = this.filters.value;
    return this.order.value.filter((id) => this.fits(id, filters));
  });

  /** Those that are shown and not flagged, and into which nothing was typed. */
  unflagged = computed(() => this.shown.value.filter((id) => !this.get(id)?.flags.length && !this.isTyped(id)));

  groups = computed(() => {
    /** @type {Group[]} */
    const groups = [];
    for (const id of this.shown.value) {
      const path = this.get(id)?.path ?? "";
      const last = groups.at(-1);
      if (last?.path === path) last.ids.push(id);
      else groups.push({ path, ids: [id] });
    }
    return groups;
  });

  current = computed(() => {
    void this.order.value; // it may be read only after it is chosen
    return this.get(this.currentId.value ?? -1);
  });

  counts = computed(() => {
    const proposals = this.order.value.flatMap((id) => this.get(id) ?? []);
    const folders = proposals.flatMap(({ path }) => (path.includes("/") ? path.slice(0, path.indexOf("/")) : []));
    const flagged = proposals.filter(({ flags }) => flags.length).length;
    const decided = this.proposals.size - proposals.length;
    const all = Math.max(proposals.length, this.isWhole.value ? 0 : this.total.value - decided);
    return { kinds: count(proposals.map(({ kind }) => kind)), folders: count(folders), flagged, all };
  });

  /** @param {Api} api */
  constructor(api) {
    this.api = api;
  }

  /** @param {number} id */
  get(id) {
    return this.proposals.get(id) ?? null;
  }

  /** @type {(id: number, filters: Filters) => boolean} */
  fits(id, { flagged, kind, folder, search, path }) {
    const proposal = this.get(id);
    if (!proposal) return false;
    if ((flagged && !proposal.flags.length) || (kind && proposal.kind !== kind) || (path && proposal.path !== path)) return false;
    if (folder && !proposal.path.startsWith(`${folder}/`)) return false;
    return !search || `${proposal.path}\n${linesOf(proposal)}`.toLowerCase().includes(search.toLowerCase());
  }

  /** Return the ids of all that are open now, newest first. @returns {Promise<number[]>} */
  async findOpen() {
    return (await this.api.get("/proposals/ids")).ids;
  }

  /**
   * Look which are open now: read those that are not here yet, the first ones at once, and take out those that others have
   * decided on. Nothing moves under somebody's hands.
   */
  async follow() {
    if (!this.isLoaded.peek()) await this.#read({ limit: FIRST });
    let turn, open;
    do {
      ({ turn } = this);
      open = await this.findOpen();
      if (this.deciding.size) return; // it may be from before what is done here: the end of that looks again
    } while (this.turn !== turn);
    this.#leaveOut(new Set(open));
    const here = new Set([...this.order.peek(), ...this.fresh.peek()]);
    let unread = open.filter((id) => !here.has(id));
    while (unread[0] !== undefined) {
      const next = await this.#read({ limit: Math.min(unread.length, REST), before: unread[0] + 1 }, new Set(unread));
      unread = unread.filter((id) => next !== null && id < next);
    }
    batch(() => {
      this.isWhole.value = true;
      if (!this.order.peek().includes(this.currentId.peek() ?? -1)) this.choose(this.shown.peek()[0] ?? null);
    });
  }

  /** Take those out that others have decided on; one that somebody looks at or types into stays. @param {Set<number>} open */
  #leaveOut(open) {
    const gone = [...this.order.peek(), ...this.fresh.peek()].filter((id) => !open.has(id));
    const unexplained = gone.filter((id) => this.isHeld(id) && !this.faults.peek().has(id));
    this.addFaults(unexplained.map((id) => [id, say("decidedElsewhere")]));
    this.takeOut(gone.filter((id) => !this.isHeld(id)));
  }

  /**
   * Whether somebody looks at a proposal or types into it, so that it may not be taken away. text: what was not typed just now.
   *
   * @type {(id: number, text?: string | null) => boolean}
   */
  isHeld(id, text = null) {
    return (id === this.currentId.peek() && this.isUsed()) || ![null, text].includes(this.draft(id).peek());
  }

  /**
   * Read a page, and take it in: at the start to be shown at once, later as new ones.
   *
   * @param {Record<string, number>} query
   * @param {Set<number>} [ids] of those of it that are wanted; none: all
   */
  async #read(query, ids) {
    /** @type {ProposalPage} */
    const { proposals, next, total } = await this.api.get("/proposals", query);
    const here = new Set([...this.order.peek(), ...this.fresh.peek(), ...this.deciding.keys()]);
    const added = proposals.filter(({ id }) => !here.has(id) && (!ids || ids.has(id)));
    batch(() => {
      for (const proposal of added) this.proposals.set(proposal.id, proposal);
      this.fresh.value = [...this.fresh.peek(), ...added.map(({ id }) => id)];
      if (!this.isWhole.peek()) this.takeFresh();
      if (!this.isLoaded.peek()) this.total.value = total;
      this.isLoaded.value = true;
    });
    return next;
  }

  /** Take those out that are decided on, and go on to the one after. @param {number[]} ids */
  takeOut(ids) {
    if (!ids.length) return;
    const gone = new Set(ids);
    this.turn += 1;
    batch(() => {
      if (gone.has(this.currentId.peek() ?? -1)) this.choose(this.after(ids));
      this.order.value = this.order.peek().filter((id) => !gone.has(id));
      this.fresh.value = this.fresh.peek().filter((id) => !gone.has(id));
    });
  }

  /**
   * @param {number[]} ids
   * @returns {number | null} the next that is shown and none of these; after the last one, the first
   */
  after(ids) {
    const shown = this.shown.peek();
    const gone = new Set(ids);
    const at = shown.indexOf(this.currentId.peek() ?? -1);
    return [...shown.slice(at + 1), ...shown.slice(0, at + 1)].find((id) => !gone.has(id)) ?? null;
  }

  /** Show these: new ones, or those that were taken out. A note keeps its place whatever is decided on. @param {number[]} ids */
  putIn(ids) {
    if (!ids.length) return;
    /** @type {Map<string, number>} */
    const newest = new Map();
    for (const { id, path } of this.proposals.values()) newest.set(path, Math.max(id, newest.get(path) ?? 0));
    const placeOf = (/** @type {number} */ id) => newest.get(this.get(id)?.path ?? "") ?? id;
    const order = new Set([...this.order.peek(), ...ids]);
    this.turn += 1;
    batch(() => {
      this.order.value = [...order].sort((a, b) => placeOf(b) - placeOf(a) || a - b);
      this.fresh.value = this.fresh.peek().filter((id) => !order.has(id));
      if (this.currentId.peek() === null) this.choose(this.shown.peek()[0] ?? null);
    });
  }

  /** Show the new ones. */
  takeFresh() {
    this.putIn(this.fresh.peek());
  }

  /** @param {number | null} id */
  choose(id) {
    batch(() => {
      if (id === this.currentId.peek()) return;
      this.mode.value = "read";
      this.currentId.value = id;
    });
    const next = id === null ? null : this.after([id]);
    if (next !== null) this.place(next);
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
      const shown = this.shown.peek();
      if (this.mode.peek() === "read" && !shown.includes(this.currentId.peek() ?? -1)) this.choose(shown[0] ?? null);
    });
  }

  /**
   * @param {number} id
   * @returns {Signal<string | null>} what was made of its text; null: it is as it was
   */
  draft(id) {
    let draft = this.drafts.get(id);
    if (!draft) this.drafts.set(id, (draft = signal(null)));
    return draft;
  }

  /** Whether something was typed into a proposal, or left out of it. @param {number} id */
  isTyped(id) {
    return this.draft(id).value !== null;
  }

  /** Say why these are not decided on. @param {[number, string][]} whys by proposal */
  addFaults(whys) {
    if (whys.length) this.faults.value = new Map([...this.faults.peek(), ...whys]);
  }

  /** Whether something was typed that is not decided on. */
  hasDrafts() {
    return [...this.order.value, ...this.fresh.value, ...this.deciding.keys()].some((id) => this.isTyped(id));
  }

  /** Return where the proposal goes in its note; it is asked for once, and again once it is out of date. @param {number} id */
  place(id) {
    let place = this.places.get(id);
    if (!place) {
      this.places.set(id, (place = signal(null)));
      this.#readPlace(id, place);
    }
    return place;
  }

  /** @type {(id: number, place: Signal<Placed | null>) => void} */
  #readPlace(id, place) {
    const answer = this.api.get(`/proposals/${id}/place`, { context: CONTEXT });
    this.#looks.set(id, answer);
    const isLast = () => this.#looks.get(id) === answer; // one from before an undo may come after one from after it
    answer.then(
      (/** @type {{ parts: Parts }} */ { parts }) => void (isLast() && (place.value = { parts, why: "" })),
      (/** @type {Error & { status?: number }} */ error) => {
        if (!isLast() || this.deciding.has(id)) return; // its note is being written, and it is asked for again after that
        if (error.status) place.value = { parts: null, why: error.message };
        else this.places.delete(id); // nobody answered: it is asked for the next time
      },
    );
  }

  /** @param {string} path of a note that has changed */
  forgetPlaces(path) {
    for (const [id, place] of this.places) {
      if (this.get(id)?.path !== path) continue;
      if (id === this.currentId.peek()) this.#readPlace(id, place);
      else this.places.delete(id);
    }
  }
}

/** Return how often each name is there. @param {string[]} names */
function count(names) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
