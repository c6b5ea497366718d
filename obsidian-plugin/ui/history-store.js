/** What was written, newest first, and undoing exactly what is shown. */

import { batch, computed, signal } from "@preact/signals";
import { readList, toQuery } from "./api.js";

/** @import { Signal } from "@preact/signals" */
/** @import { Change, ChangePage, Undone, UndoneChanges } from "../src/api-types.d.ts" */
/** @import { Api } from "./api.js" */
/** @import { StatusStore } from "./status-store.js" */

/** @typedef {{ run: string, day: string, at: string, changes: Change[] }} Entry the changes of a run on one day, newest first */

const PAGE = 100;
const ALL = 1000; // changes of a page that is not shown

export class HistoryStore {
  /** @type {Signal<Change[]>} */
  changes = signal([]);
  /** @type {Signal<number | null>} */
  next = signal(null);
  isLoaded = signal(false);
  /** Of this folder or note; empty: of the vault. */
  path = signal("");
  isUndone = signal(false);
  /** @type {Signal<Map<number, string>>} why a change stays, by its id */
  stays = signal(new Map());
  /** Counts the looks at the newest changes, so that the answer to one before is not believed. */
  #turn = 0;

  entries = computed(() => {
    const isUndone = this.isUndone.value;
    /** @type {Entry[]} */
    const entries = [];
    for (const change of this.changes.value.filter((each) => isShown(each, isUndone))) {
      const day = new Date(change.made_at).toDateString();
      const last = entries.at(-1);
      if (last?.run === change.run && last.day === day) {
        last.changes.push(change);
        last.at = change.made_at;
      } else entries.push({ run: change.run, day, at: change.made_at, changes: [change] });
    }
    return entries;
  });

  /**
   * @param {Api} api
   * @param {StatusStore} status
   */
  constructor(api, status) {
    this.api = api;
    this.status = status;
  }

  /** @param {Record<string, string | number>} [more] */
  #query(more = {}) {
    return { ...(this.path.peek() && { path: this.path.peek() }), ...more };
  }

  /** Read the newest changes. */
  async load() {
    this.#turn += 1;
    await this.#read(Math.min(Math.max(PAGE, this.changes.peek().length), ALL));
  }

  /** Read older changes, unless the newest are read meanwhile. */
  async loadMore() {
    const before = this.next.peek();
    if (before !== null) await this.#read(PAGE, before);
  }

  /**
   * Read changes until there is one more to show.
   *
   * @param {number} limit of the first page
   * @param {number} [before] of older ones: the id that they are older than
   */
  async #read(limit, before) {
    const [turn, query, isUndone] = [this.#turn, this.#query(), this.isUndone.peek()];
    const isStale = () => turn !== this.#turn || (before !== undefined && before !== this.next.peek());
    /** @type {ChangePage} */
    let page = await this.api.get("/changes", { ...query, limit, ...(before !== undefined && { before }) });
    const changes = [...page.changes];
    while (!isStale() && page.next !== null && !page.changes.some((change) => isShown(change, isUndone))) {
      page = await this.api.get("/changes", { ...query, limit: ALL, before: page.next });
      changes.push(...page.changes);
    }
    if (isStale()) return;
    batch(() => {
      this.changes.value = before === undefined ? changes : [...this.changes.peek(), ...changes];
      this.next.value = page.next;
      this.isLoaded.value = true;
    });
  }

  /**
   * @param {Record<string, string | number>} query
   * @returns {Promise<Change[]>} what of it can be undone, newest first
   */
  async findUndoable(query) {
    /** @type {AsyncGenerator<Change, void>} */
    const changes = readList(this.api, "/changes", this.#query({ undoable: "part", limit: ALL, ...query }));
    const all = [];
    for await (const change of changes) all.push(change);
    return all;
  }

  /** Undo a change, and return what became of it. @param {number} id */
  async undo(id) {
    /** @type {UndoneChanges} */
    const { undone } = await this.api.post("/changes/undo", { changes: [id] });
    await this.#take(undone);
    return undone[0];
  }

  /**
   * Have the daemon undo all that a filter means, as one run.
   *
   * @param {Record<string, string | number>} only
   * @param {number} total how many it means
   * @returns {Promise<{ done: number, isCut: boolean }>} isCut: whether a restart of the daemon ended the run
   */
  async undoAll(only, total) {
    const results = await this.status.follow(await this.api.post(`/changes/undo-all${toQuery(this.#query(only))}`));
    const undone = (results ?? []).flatMap((result) => result.undone ?? []);
    await this.#take(undone);
    if (!results) return { done: total - (await this.findUndoable(only)).length, isCut: true };
    return { done: undone.filter(({ undone_by: by }) => by !== null).length, isCut: false };
  }

  /** Show with each change why it stays. @param {Undone[]} undone */
  async #take(undone) {
    const stays = new Map(this.stays.peek());
    for (const { change, reason } of undone) {
      if (reason) stays.set(change, reason);
      else stays.delete(change);
    }
    this.stays.value = stays;
    await this.load();
  }
}

/** @type {(change: Change, isUndone: boolean) => boolean} whether it has a row; isUndone: only those do that were taken back */
function isShown(change, isUndone) {
  return change.undoes === null && (!isUndone || isTakenBack(change));
}

/** @param {Change} change whether nothing of it is left */
export function isTakenBack({ state, undone_by: by, left }) {
  return state === "undone" || (by !== null && !left.length);
}

/** @param {Change} change */
export function canBeUndone(change) {
  return change.state === "done" && !isTakenBack(change);
}
