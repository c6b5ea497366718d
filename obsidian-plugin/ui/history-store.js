/** What was written, newest first, what was refused or replaced, and undoing exactly what is shown. */

import { batch, computed, signal } from "@preact/signals";
import { toQuery } from "./api.js";
import { linesOf } from "./proposal.js";

/** @import { Signal } from "@preact/signals" */
/** @import { Change, ChangePage, Proposal, ProposalPage, RunShape, UndoneChanges } from "../src/api-types.d.ts" */
/** @import { Api } from "./api.js" */
/** @import { StatusStore } from "./status-store.js" */

/** @typedef {{ run: string, day: string, at: string, changes: Change[] }} Entry the changes of a run on one day, newest first */
/** @typedef {"written" | "undone" | "refused" | "superseded"} Filter the changes, those that were undone, or proposals in a state */

const PAGE = 200; // rows that are shown at a time
const ALL = 1000; // of a page that is not shown

export class HistoryStore {
  /** @type {Signal<Filter>} */
  filter = signal("written");
  search = signal("");
  /** @type {Signal<Change[]>} */
  changes = signal([]);
  /** Those in the state that the filter names. @type {Signal<Proposal[]>} */
  proposals = signal([]);
  /** What the next page is before; null: there is none. @type {Signal<number | null>} */
  next = signal(null);
  isLoaded = signal(false);
  /** @type {Signal<Map<number, string>>} why a change stays, by its id */
  stays = signal(new Map());
  #turn = 0; // counts the looks, so that the answer to one before is not believed

  /** Whether proposals are shown, which changed nothing. */
  isOfProposals = computed(() => this.filter.value === "refused" || this.filter.value === "superseded");

  entries = computed(() => {
    /** @type {Entry[]} */
    const entries = [];
    for (const change of this.changes.value.filter((each) => this.#isShown(each))) {
      const day = new Date(change.made_at).toDateString();
      const last = entries.at(-1);
      if (last?.run === change.run && last.day === day) {
        last.changes.push(change);
        last.at = change.made_at;
      } else entries.push({ run: change.run, day, at: change.made_at, changes: [change] });
    }
    return entries;
  });

  shownProposals = computed(() => this.proposals.value.filter((each) => this.#fits(`${each.path}\n${each.kind}\n${linesOf(each)}`)));

  /**
   * @param {Api} api
   * @param {StatusStore} status
   */
  constructor(api, status) {
    this.api = api;
    this.status = status;
  }

  /** @param {string} text */
  #fits(text) {
    return text.toLowerCase().includes(this.search.value.trim().toLowerCase());
  }

  /** @param {Change} change whether it has a row */
  #isShown(change) {
    if (change.undoes !== null || (this.filter.value === "undone" && !isTakenBack(change))) return false;
    return this.#fits(`${change.path}\n${change.needs.join("\n")}\n${change.model}`);
  }

  /** Read the newest. */
  async load() {
    this.#turn += 1;
    if (this.isOfProposals.peek()) await this.#readProposals(null);
    else await this.#readChanges(Math.min(Math.max(PAGE, this.changes.peek().length), ALL), null);
  }

  /** Read older ones, unless the newest are read meanwhile. */
  async loadMore() {
    const before = this.next.peek();
    if (before === null) return;
    if (this.isOfProposals.peek()) await this.#readProposals(before);
    else await this.#readChanges(PAGE, before);
  }

  /** Read a page of changes, and more until there is one more to show. @type {(limit: number, before: number | null) => Promise<void>} */
  async #readChanges(limit, before) {
    const turn = this.#turn;
    const changes = before === null ? [] : [...this.changes.peek()];
    let next = before;
    let isFound = false;
    do {
      /** @type {ChangePage} */
      const page = await this.api.get("/changes", { limit, ...(next !== null && { before: next }) });
      changes.push(...page.changes);
      isFound ||= page.changes.some((each) => this.#isShown(each));
      ({ next } = page);
      limit = ALL;
    } while (turn === this.#turn && next !== null && !isFound);
    if (turn === this.#turn) this.#show({ changes }, next);
  }

  /** @param {number | null} before */
  async #readProposals(before) {
    const turn = this.#turn;
    const query = { state: this.filter.peek(), limit: this.search.peek() ? ALL : PAGE, ...(before !== null && { before }) };
    /** @type {ProposalPage} */
    const page = await this.api.get("/proposals", query);
    const proposals = before === null ? page.proposals : [...this.proposals.peek(), ...page.proposals];
    if (turn === this.#turn) this.#show({ proposals }, page.next);
  }

  /** @type {(read: { changes?: Change[], proposals?: Proposal[] }, next: number | null) => void} */
  #show({ changes, proposals }, next) {
    batch(() => {
      if (changes) this.changes.value = changes;
      if (proposals) this.proposals.value = proposals;
      this.next.value = next;
      this.isLoaded.value = true;
    });
  }

  /** Undo a change; return why nothing was undone, empty if it was. @param {number} id */
  async undo(id) {
    /** @type {UndoneChanges} */
    const { undone: [one] } = await this.api.post("/changes/undo", { ids: [id] });
    const stays = new Map(this.stays.peek());
    if (one?.reason) stays.set(id, one.reason);
    else stays.delete(id);
    this.stays.value = stays;
    await this.load();
    return one?.undone_by == null ? (one?.reason ?? "nothing was undone") : "";
  }

  /**
   * Have the daemon undo all that a filter means, as one run; what is made after those that are shown is not meant.
   *
   * @param {Record<string, string | number>} filter
   * @returns {Promise<Record<string, number>>} how many are undone, and how many not, by status
   */
  async undoAll(filter) {
    const newest = this.changes.peek()[0]?.id ?? 0;
    /** @type {RunShape} */
    const run = await this.api.post(`/changes/undo-all${toQuery({ ...filter, before: newest + 1 })}`);
    await this.status.untilOver(run);
    await this.load();
    return this.status.runs.peek().find(({ id }) => id === run.id)?.counts ?? {};
  }
}

/** @param {Change} change whether nothing of it is left */
export function isTakenBack({ state, undone_by: by, left }) {
  return state === "undone" || (by !== null && !left.length);
}

/** @param {Change} change */
export function canBeUndone(change) {
  return change.state === "done" && !isTakenBack(change);
}
