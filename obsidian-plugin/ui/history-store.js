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

  shownProposals = computed(() => this.proposals.value.filter((each) => this.#isShown(each)));

  /**
   * @param {Api} api
   * @param {StatusStore} status
   */
  constructor(api, status) {
    this.api = api;
    this.status = status;
  }

  /** @param {Change | Proposal} row whether it is shown */
  #isShown(row) {
    const fits = (/** @type {string[]} */ ...words) => words.join("\n").toLowerCase().includes(this.search.value.trim().toLowerCase());
    if (!("needs" in row)) return fits(row.path, row.kind, linesOf(row));
    if (row.undoes !== null || (this.filter.value === "undone" && !isTakenBack(row))) return false;
    return fits(row.path, ...row.needs, row.model);
  }

  /** Read the newest; before a row: older ones, and more until there is one more to show. @param {number | null} [before] */
  async load(before = null) {
    const turn = (this.#turn += 1);
    const isOfProposals = this.isOfProposals.peek();
    /** @type {Signal<(Change | Proposal)[]>} */
    const rows = isOfProposals ? this.proposals : this.changes;
    const read = before === null ? [] : [...rows.peek()];
    let limit = before === null ? Math.min(Math.max(PAGE, rows.peek().length), ALL) : PAGE;
    let next = before;
    let isFound = false;
    do {
      const query = { limit, ...(isOfProposals && { state: this.filter.peek() }), ...(next !== null && { before: next }) };
      /** @type {ChangePage | ProposalPage} */
      const page = await this.api.get(isOfProposals ? "/proposals" : "/changes", query);
      if (turn !== this.#turn) return;
      const added = "changes" in page ? page.changes : page.proposals;
      read.push(...added);
      isFound ||= added.some((each) => this.#isShown(each));
      ({ next } = page);
      limit = ALL;
    } while (next !== null && !isFound);
    batch(() => {
      rows.value = read;
      this.next.value = next;
      this.isLoaded.value = true;
    });
  }

  /** Undo a change; return why nothing was undone, empty if it was. @param {number} id */
  async undo(id) {
    /** @type {UndoneChanges} */
    const { undone: [one] } = await this.api.post("/changes/undo", { ids: [id] });
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
