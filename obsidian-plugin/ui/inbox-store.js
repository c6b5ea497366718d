/** The inbox's state: open proposals by id, which are shown, the current one, and what is typed into them. */

import { batch, computed, signal } from "@preact/signals";
import { readList } from "./api.js";
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
const NEWEST = 20; // that are looked at for what is new
const ALL = 1000; // of a page when all are compared
const CONTEXT = 200; // lines of a note around a proposal

export class InboxStore {
  /** @type {Map<number, Signal<Proposal>>} */
  proposals = new Map();
  /** Open ones, in the order that is shown: by note, newest note first. @type {Signal<number[]>} */
  order = signal([]);
  /** Those that came since, and are not shown yet. @type {Signal<number[]>} */
  fresh = signal([]);
  /** @type {Signal<Filters>} */
  filters = signal({ ...NO_FILTERS });
  /** @type {Signal<number | null>} */
  currentId = signal(null);
  /** The one that the address names, until it is there. @type {number | null} */
  wantedId = null;
  /** What the current one is being: read, edited, or asked for again. @type {Signal<"read" | "edit" | "again">} */
  mode = signal("read");
  /** What was typed or left out, by proposal. @type {Map<number, Signal<string | null>>} */
  drafts = new Map();
  /** @type {Map<number, Signal<Placed | null>>} */
  places = new Map();
  /** Why a decision was not made, or cannot be, by proposal. @type {Signal<Map<number, string>>} */
  faults = signal(new Map());
  isLoaded = signal(false);
  isWhole = signal(false); // all pages are there
  /** Those whose decision is under way. @type {Set<number>} */
  settled = new Set();
  /** Whether somebody has decided on all that there was, and is told so. */
  isAtEnd = () => false;
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
    const id = this.currentId.value;
    return id === null ? null : (this.proposals.get(id)?.value ?? null);
  });

  counts = computed(() => {
    const proposals = this.order.value.flatMap((id) => this.get(id) ?? []);
    const folders = proposals.flatMap(({ path }) => (path.includes("/") ? path.slice(0, path.indexOf("/")) : []));
    const flagged = proposals.filter(({ flags }) => flags.length).length;
    return { kinds: count(proposals.map(({ kind }) => kind)), folders: count(folders), flagged, all: proposals.length };
  });

  /** @param {Api} api */
  constructor(api) {
    this.api = api;
  }

  /** @param {number} id */
  get(id) {
    return this.proposals.get(id)?.peek() ?? null;
  }

  /** @type {(id: number, filters: Filters) => boolean} */
  fits(id, { flagged, kind, folder, search, path }) {
    const proposal = this.get(id);
    if (!proposal) return false;
    if ((flagged && !proposal.flags.length) || (kind && proposal.kind !== kind) || (path && proposal.path !== path)) return false;
    if (folder && !proposal.path.startsWith(`${folder}/`)) return false;
    return !search || `${proposal.path}\n${linesOf(proposal)}`.toLowerCase().includes(search.toLowerCase());
  }

  /** Read all open proposals: the newest at once, the others while somebody looks at these. */
  async load() {
    let before = await this.#loadPage({ limit: FIRST });
    this.isLoaded.value = true;
    while (before !== null) before = await this.#loadPage({ limit: REST, before });
    this.isWhole.value = true;
  }

  /** @param {Record<string, string | number>} query */
  async #loadPage(query) {
    /** @type {ProposalPage} */
    const page = await this.api.get("/proposals", query);
    batch(() => {
      this.add(page.proposals);
      if (this.wantedId !== null && this.order.peek().includes(this.wantedId)) {
        this.currentId.value = this.wantedId;
        this.wantedId = null;
      } else if (page.next === null || this.wantedId === null) this.currentId.value ??= this.shown.peek()[0] ?? null;
      if (page.next === null) this.wantedId = null;
    });
    return page.next;
  }

  /** Take in proposals, and show those that are open. @param {Proposal[]} proposals */
  add(proposals) {
    const isThere = new Set(this.order.peek());
    /** @type {number[]} */
    const added = [];
    for (const proposal of proposals) {
      this.#keep(proposal);
      if (proposal.state === "open" && !isThere.has(proposal.id) && !this.settled.has(proposal.id)) added.push(proposal.id);
    }
    if (added.length) this.order.value = this.#arrange([...this.order.peek(), ...added]);
  }

  /** @param {Proposal} proposal */
  #keep(proposal) {
    const kept = this.proposals.get(proposal.id);
    if (!kept) this.proposals.set(proposal.id, signal(proposal));
    else if (JSON.stringify(kept.peek()) !== JSON.stringify(proposal)) kept.value = proposal;
  }

  /** @param {number[]} ids */
  #arrange(ids) {
    /** @type {Map<string, number[]>} */
    const notes = new Map();
    for (const id of ids) {
      const path = this.get(id)?.path ?? "";
      const note = notes.get(path);
      if (note) note.push(id);
      else notes.set(path, [id]);
    }
    return [...notes.values()].flatMap((note) => note.sort((a, b) => a - b));
  }

  /** Take those out that are decided on, and go on to the one after. @param {number[]} ids */
  takeOut(ids) {
    const gone = new Set(ids);
    this.turn += 1;
    batch(() => {
      if (gone.has(this.currentId.peek() ?? -1)) this.choose(this.after(ids));
      this.order.value = this.order.peek().filter((id) => !gone.has(id));
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

  /**
   * Put those back that were taken out.
   *
   * @param {number[]} ids
   * @param {boolean} isWanted whether the first becomes the current one; it does so, too, where there is none
   */
  putBack(ids, isWanted) {
    const isThere = new Set(this.order.peek());
    this.turn += 1;
    batch(() => {
      this.order.value = this.#arrange([...ids.filter((id) => !isThere.has(id)), ...this.order.peek()]);
      if (isWanted || this.currentId.peek() === null) this.choose(ids[0] ?? null);
    });
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
    return (this.drafts.get(id)?.value ?? null) !== null;
  }

  /** Whether something was typed that is not decided on. */
  hasDrafts() {
    void this.order.value; // what is typed into any of them is looked at again
    return [...this.drafts.keys()].some((id) => this.isTyped(id));
  }

  /** Return where the proposal goes in its note; it is asked for once, and again once it is out of date. @param {number} id */
  place(id) {
    const known = this.places.get(id);
    if (known) return known;
    /** @type {Signal<Placed | null>} */
    const place = signal(null);
    this.places.set(id, place);
    this.#readPlace(id, place);
    return place;
  }

  /** @type {(id: number, place: Signal<Placed | null>) => void} */
  #readPlace(id, place) {
    this.api.get(`/proposals/${id}/place`, { context: CONTEXT }).then(
      (/** @type {{ parts: Parts }} */ { parts }) => void (place.value = { parts, why: "" }),
      (/** @type {Error & { status?: number }} */ error) => {
        if (this.settled.has(id)) return; // its note is being written, and it is asked for again after that
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

  /** Look what is new and what others have decided; nothing moves under somebody's hands. */
  async follow() {
    const { turn } = this;
    /** @type {ProposalPage} */
    const newest = await this.api.get("/proposals", { limit: NEWEST });
    if (this.turn !== turn || this.settled.size) return; // it may be from before what was done here
    const ids = new Set([...this.order.peek(), ...this.fresh.peek()]);
    const fresh = newest.proposals.filter(({ id }) => !ids.has(id));
    const isFirst = !ids.size && newest.total > fresh.length; // there are more of them than these
    if (!isFirst) this.#takeNew(fresh);
    if (isFirst || newest.total !== ids.size + fresh.length) await this.#compare();
  }

  /** @param {Proposal[]} fresh */
  #takeNew(fresh) {
    if (!fresh.length) return;
    for (const proposal of fresh) this.#keep(proposal);
    if (this.order.peek().length || this.isAtEnd()) this.fresh.value = [...fresh.map(({ id }) => id), ...this.fresh.peek()];
    else batch(() => (this.add(fresh), (this.currentId.value ??= this.shown.peek()[0] ?? null)));
  }

  /** Return all that are open now. */
  async findOpen() {
    /** @type {Map<number, Proposal>} */
    const open = new Map();
    /** @type {AsyncGenerator<Proposal, void>} */
    const proposals = readList(this.api, "/proposals", { limit: ALL });
    for await (const each of proposals) open.set(each.id, each);
    return open;
  }

  /** What the daemon takes as those that are shown and not flagged, of which `except` is left out: what came since, or is typed into. */
  describeUnflagged() {
    const { kind, folder, search, path } = this.filters.peek();
    const query = new URLSearchParams({ flagged: "false" });
    for (const [name, value] of Object.entries({ kind, folder: path ? "" : folder, path, text: search })) if (value) query.set(name, value);
    const typed = [...this.drafts.keys()].filter((id) => this.isTyped(id));
    return { query: query.toString(), except: { before: Math.max(...this.order.peek()) + 1, without: [...this.fresh.peek(), ...typed] } };
  }

  /** Read again which are open, since another window has decided on some; those that somebody types into stay. */
  async #compare() {
    const { turn } = this;
    const open = await this.findOpen();
    if (this.turn !== turn || this.settled.size) return;
    const gone = this.order.peek().filter((id) => !open.has(id));
    const isHeld = (/** @type {number} */ id) => (id === this.currentId.peek() && this.isUsed()) || this.isTyped(id);
    const held = gone.filter(isHeld);
    if (held.length) this.faults.value = new Map([...this.faults.peek(), ...held.map((id) => /** @type {const} */ ([id, say("decidedElsewhere")]))]);
    this.takeOut(gone.filter((id) => !isHeld(id)));
    this.fresh.value = this.fresh.peek().filter((id) => open.has(id));
    const ids = new Set([...this.order.peek(), ...this.fresh.peek()]);
    this.#takeNew([...open.values()].filter(({ id }) => !ids.has(id)));
  }

  /** Show the new ones. */
  takeFresh() {
    batch(() => {
      const fresh = this.fresh.peek();
      this.fresh.value = [];
      this.order.value = this.#arrange([...fresh, ...this.order.peek()]);
      if (this.currentId.peek() === null) this.choose(this.shown.peek()[0] ?? null);
    });
  }
}

/** Return how often each name is there. @param {string[]} names */
function count(names) {
  /** @type {Record<string, number>} */
  const counts = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
