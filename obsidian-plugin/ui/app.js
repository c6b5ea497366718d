/** What the components share: the stores, what is shown, and what somebody does. */

import { batch, signal } from "@preact/signals";
import { ApiError } from "./api.js";
import { DecisionStore } from "./decisions.js";
import { HistoryStore } from "./history-store.js";
import { InboxStore } from "./inbox-store.js";
import { titleOf } from "./proposal.js";
import { explain, isRunOver, StatusStore } from "./status-store.js";

/** @import { Signal } from "@preact/signals" */
/** @import { DecisionsMade, News, NoteResult, Proposal } from "../src/api-types.d.ts" */
/** @import { Api } from "./api.js" */

/** @typedef {{ name: string } & Record<string, any>} OpenDialog */

const KEYS = "companion-keys"; // whether single keys act, in the storage of the browser
const READ_AGAIN = 3000; // milliseconds until what could not be read is read again
const UNREAD = 700; // milliseconds in which nobody has read the answer that took a proposal's place

export class App {
  /** @type {Signal<"inbox" | "history">} */
  page = signal("inbox");
  /** On one pane: whether the list is shown, or the proposal. */
  isListShown = signal(false);
  /** Counts the wishes to have the focus in the search field. */
  searches = signal(0);
  /** Whether the note's source is shown; null: where something is replaced. @type {Signal<boolean | null>} */
  asSource = signal(null);
  /** @type {Signal<OpenDialog | null>} */
  dialog = signal(null);
  hasKeys = signal(localStorage.getItem(KEYS) !== "off");

  /** @param {Api} api */
  constructor(api) {
    this.api = api;
    this.inbox = new InboxStore(api);
    this.status = new StatusStore(api);
    this.decisions = new DecisionStore(api, this.inbox, this.status);
    this.history = new HistoryStore(api, this.status);
  }

  /** Take in what the feed tells. @type {(news: News, isBack: boolean) => void} */
  take(news, isBack) {
    this.status.takeNews(news);
    const ids = isBack || news.is_whole ? null : news.proposals;
    if (!ids || ids.length) void this.refresh(ids);
    if (!news.changes || news.changes.length) this.inbox.lookAgain();
    for (const [id, run] of this.inbox.asked.peek()) {
      const isOver = this.status.runs.peek().every((each) => each.id !== run || isRunOver(each));
      if (run && isOver) void this.#endAsking(id, run);
    }
  }

  /** Read what has changed, again and again until it can be read. @param {number[] | null} [ids] null: any */
  async refresh(ids = null) {
    try {
      await this.inbox.refresh(ids);
    } catch {
      setTimeout(() => void this.refresh(null), READ_AGAIN);
    }
  }

  /** Accept or refuse the current proposal. ids: others with it, as one step. @type {(what: "accept" | "refuse", ids?: number[]) => Promise<void>} */
  async decide(what, ids) {
    const { currentId, order, replacedAt } = this.inbox;
    const id = currentId.peek();
    if (id === null || !order.peek().includes(id) || performance.now() - replacedAt < UNREAD) return;
    await this.decisions.decide(what, ids ?? [id]);
    this.settle();
  }

  /** Undo the last decision, and show it. */
  async undo() {
    this.isListShown.value = false;
    await this.decisions.undo();
    this.settle();
  }

  /** Have the keyboard where it is useful: in the bar, unless it is somewhere else already. */
  settle() {
    if (!this.inbox.order.peek().length) this.isListShown.value = false;
    requestAnimationFrame(() => {
      if (document.activeElement && document.activeElement !== document.body) return;
      const bar = /** @type {HTMLElement | null} */ (document.querySelector(".cc-actions .cc-btn--main"));
      bar?.focus({ preventScroll: true });
    });
  }

  /** @param {"read" | "edit" | "again"} mode of the current proposal */
  setMode(mode) {
    if (this.inbox.current.peek() && !this.inbox.isBusy.peek()) this.inbox.mode.value = mode;
    this.settle();
  }

  /** Leave the text as it was. */
  leaveEditing() {
    const id = this.inbox.currentId.peek();
    if (id !== null) this.inbox.type(id, null);
    this.setMode("read");
  }

  /** Ask for a proposal once more with a sentence; its answer takes the place of the old one. @type {(proposal: Proposal, wish: string) => Promise<void>} */
  async askAgain({ id }, wish) {
    const { inbox } = this;
    inbox.mode.value = "read";
    inbox.setFault(id, null);
    inbox.setAsked(id, ""); // the answer may be there before the run is
    await this.attempt(async () => {
      const run = await this.api.post(`/proposals/${id}/again`, { wish }).catch((error) => {
        inbox.setAsked(id, null);
        throw error;
      });
      if (!inbox.asked.peek().has(id)) return;
      inbox.setAsked(id, run.id);
      this.status.takeRuns([run]);
    });
  }

  /** Say what came of asking again, unless an answer has its place. @type {(id: number, run: string) => Promise<void>} */
  async #endAsking(id, run) {
    /** @type {{ results: NoteResult[], fault: string, code: string }} */
    const { results, fault, code } = await this.api.get(`/runs/${run}`).catch((error) => {
      if (error instanceof ApiError) return { results: [], fault: "Companion restarted", code: "" };
      throw error;
    });
    await this.refresh([id, ...results.flatMap(({ proposals }) => proposals)]);
    if (!this.inbox.asked.peek().has(id)) return;
    this.inbox.setAsked(id, null);
    const { reason = null, left = [] } = results[0] ?? {};
    const why = fault || left[0] || reason || "the model gave the same";
    const words = code === "endpoint" ? "Model not answering: there is no other answer yet." : `There is no other answer: ${why}`;
    this.inbox.setFault(id, { why: explain(words, this.inbox.get(id)?.path), isGone: false });
  }

  /**
   * Have the model asked for all notes that need something; what it gives waits. agreed: to what it may cost.
   *
   * @param {boolean} [agreed]
   */
  async askForMore(agreed = false) {
    await this.attempt(async () => {
      try {
        this.status.takeRuns([await this.api.post("/runs", { paths: [""], propose: true, agreed })]);
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== "not-agreed") throw error;
        const act = () => this.askForMore(true);
        this.dialog.value = { name: "confirm", title: "Ask for all of them?", words: error.message, yes: "Ask", act };
      }
    });
  }

  /** Show one of the list. @param {number} id */
  open(id) {
    batch(() => {
      this.inbox.choose(id);
      this.isListShown.value = false;
    });
  }

  /** Go to the search field, which may be in the list. */
  startSearch() {
    batch(() => {
      if (this.page.peek() === "inbox") this.isListShown.value = true;
      this.searches.value += 1;
    });
  }

  /** Go to a page without loading it. @param {string} address */
  go(address) {
    history.pushState(null, "", address);
    dispatchEvent(new Event("popstate"));
    /** @type {HTMLElement | null} */ (document.querySelector("#view"))?.focus({ preventScroll: true });
  }

  /** Undo a refusal, or have the one back that was replaced: the proposal is open again. @param {Proposal} proposal */
  async restore(proposal) {
    await this.attempt(async () => {
      /** @type {DecisionsMade} */
      const { notes } = await this.api.post("/proposals/decide", { undo: [proposal.id] });
      const why = notes.flatMap((note) => note.decided).find(({ id }) => id === proposal.id)?.reason;
      if (why) throw new Error(explain(`${titleOf(proposal)}: ${why}`, proposal.path));
      await this.inbox.reopen([proposal.id], {});
      await this.history.load();
      this.decisions.announce("It waits in the inbox again.");
    });
  }

  /** Do something, and tell why it fails. Never rejects. @param {() => Promise<unknown>} act */
  async attempt(act) {
    await act().catch((/** @type {Error} */ error) => this.decisions.announce(error.message, { isFault: true }));
  }

  /** @param {boolean} isOn whether single keys act */
  setKeys(isOn) {
    this.hasKeys.value = isOn;
    localStorage.setItem(KEYS, isOn ? "on" : "off");
  }
}
