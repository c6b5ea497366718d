/** What became of proposals: those that were accepted or refused, newest first. */

import { batch, computed, signal } from "@preact/signals";

/** @import { Signal } from "@preact/signals" */
/** @import { Proposal, ProposalPage } from "../src/api-types.d.ts" */
/** @import { Api } from "./api.js" */

const PAGE = 200;

export class DecidedStore {
  /** @type {Signal<Proposal[]>} */
  list = signal([]);
  /** How many there are. */
  total = signal(0);
  isLoaded = signal(false);
  /** @type {Signal<number | null>} */
  currentId = signal(null);
  current = computed(() => this.list.value.find(({ id }) => id === this.currentId.value) ?? null);

  /** @param {Api} api */
  constructor(api) {
    this.api = api;
  }

  /** Count them; which they are is asked once somebody looks. */
  async count() {
    /** @type {ProposalPage} */
    const page = await this.api.get("/proposals", { state: "decided", limit: 1 });
    this.total.value = page.total;
  }

  async load() {
    /** @type {ProposalPage} */
    const page = await this.api.get("/proposals", { state: "decided", limit: PAGE });
    const moment = (/** @type {Proposal} */ each) => Date.parse(each.decided_at ?? each.made_at);
    const ids = new Set(page.proposals.map(({ id }) => id));
    const isGone = this.list.peek().some(({ id }) => id === this.currentId.peek() && !ids.has(id));
    batch(() => {
      this.total.value = page.total;
      this.list.value = page.proposals.sort((a, b) => moment(b) - moment(a));
      this.isLoaded.value = true;
      if (isGone) this.currentId.value = null;
      this.currentId.value ??= this.list.peek()[0]?.id ?? null;
    });
  }

  /** @param {number} id of one that is open again */
  remove(id) {
    const at = this.list.peek().findIndex((each) => each.id === id);
    this.list.value = this.list.peek().filter((each) => each.id !== id);
    this.currentId.value = (this.list.value[at] ?? this.list.value[at - 1])?.id ?? null;
  }
}
