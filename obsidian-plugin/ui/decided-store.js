/** What became of proposals: those that were accepted or refused, newest first. */

import { computed, signal } from "@preact/signals";

/** @import { Signal } from "@preact/signals" */
/** @import { Proposal, ProposalPage } from "../src/api-types.d.ts" */
/** @import { Api } from "./api.js" */

const PAGE = 200;

export class DecidedStore {
  /** @type {Signal<Proposal[]>} */
  list = signal([]);
  /** How many there were when this was opened. */
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
    this.list.value = page.proposals.sort((a, b) => moment(b) - moment(a));
    this.isLoaded.value = true;
    this.currentId.value ??= this.list.value[0]?.id ?? null;
  }

  /** @param {number} id of one that is open again */
  remove(id) {
    const at = this.list.peek().findIndex((each) => each.id === id);
    this.list.value = this.list.peek().filter((each) => each.id !== id);
    this.currentId.value = (this.list.value[at] ?? this.list.value[at - 1])?.id ?? null;
  }
}
