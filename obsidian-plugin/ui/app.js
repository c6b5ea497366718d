/** What the page and the view share: the stores, what is shown, and what somebody does. */

import { batch, computed, effect, signal } from "@preact/signals";
import { DecisionStore } from "./decisions.js";
import { InboxStore, NO_FILTERS } from "./inbox-store.js";
import { followMoves, renameNote } from "./moves.js";
import { titleOf } from "./proposal.js";
import { StatusStore } from "./status-store.js";
import { say } from "./words.js";

/** @import { Signal } from "@preact/signals" */
/** @import { News, Proposal, ProposalPage } from "../src/api-types.d.ts" */
/** @import { Api } from "./api.js" */

/**
 * Where it is shown. hrefOf: the address of a proposal; noteHref: of a note, by its path or a link's target.
 * openNote: opens one, where that is not the browser's to do. follow: goes to another page without loading it.
 * propose: asks for more for the open note. signOut: ends the session. root: what everything is in.
 *
 * @typedef {{
 *   isPage: boolean, root: () => HTMLElement, hrefOf: (id: number) => string, noteHref: (target: string) => string,
 *   openNote?: (target: string, event: MouseEvent) => void, follow?: (event: MouseEvent) => void,
 *   propose?: () => void, signOut?: () => void,
 * }} Shell
 */

/** @typedef {{ name: string } & Record<string, any>} OpenDialog */

const KEYS = "companion-keys"; // whether single keys act, in the storage of the browser
const DECIDED = 200; // decided proposals that are listed

export class App {
  /** @type {Signal<"review" | "decided" | "note">} */
  tab = signal("review");
  /** On one pane: whether the list is shown, or the proposal. */
  isListShown = signal(false);
  /** Whether the note's source is shown; null: where something is replaced. @type {Signal<boolean | null>} */
  asSource = signal(null);
  /** @type {Signal<OpenDialog | null>} */
  dialog = signal(null);
  /** The note that is open beside the view. */
  openPath = signal("");
  hasKeys = signal(localStorage.getItem(KEYS) !== "off");
  #isTold = false;
  #isLooking = false;
  isWriting = computed(() => this.inbox.mode.value !== "read");

  /**
   * @param {Api} api
   * @param {Shell} shell
   * @param {StatusStore} [status] which somebody keeps up to date
   */
  constructor(api, shell, status = new StatusStore(api)) {
    this.api = api;
    this.shell = shell;
    this.inbox = new InboxStore(api);
    this.status = status;
    this.decisions = new DecisionStore(api, this.inbox, this.status);
    this.inbox.isUsed = () => {
      const root = shell.root();
      return root.ownerDocument.hasFocus() && root.contains(root.ownerDocument.activeElement);
    };
    this.decided = new DecidedStore(api);
    if (shell.isPage) return;
    effect(() => {
      if (!this.isWriting.value) this.#showNote(); // nothing changes under somebody's hands
    });
  }

  /** Have the tab of the open note be about that. */
  #showNote() {
    this.inbox.filter({ path: this.tab.value === "note" ? this.openPath.value : "" });
  }

  /** See what is proposed and decided on, here or elsewhere; what is told meanwhile is seen after that. */
  async follow() {
    this.#isTold = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      while (this.#isTold && !this.status.deciding.peek()) {
        this.#isTold = false;
        await Promise.all([this.inbox.follow(), this.decided.load(this.tab.peek() === "decided")]);
        if (!this.inbox.order.peek().length && !this.decisions.log.peek().length) this.inbox.takeFresh();
      }
    } finally {
      this.#isLooking = false;
    }
  }

  /** Go along with a note that is renamed. @type {(before: string, path: string) => void} */
  rename(before, path) {
    batch(() => {
      renameNote(this.inbox, before, path);
      if (this.openPath.peek() === before) this.openPath.value = path;
    });
  }

  /** See what the feed tells, once the status has it. @param {News} news */
  take({ proposals, runs }) {
    if (!proposals || proposals.length) void followMoves(this.inbox, proposals).catch(() => {});
    if (!proposals || proposals.length || (runs.length && this.#isTold)) void this.follow().catch(() => {});
  }

  /**
   * Decide on the current proposal. isOfNote: on all for its note, as one step.
   *
   * @type {(what: "accept" | "refuse", isOfNote?: boolean) => void}
   */
  decide(what, isOfNote = false) {
    const current = this.inbox.current.peek();
    const isMeant = (/** @type {number} */ id) => id === current?.id || (isOfNote && this.inbox.get(id)?.path === current?.path);
    if (this.tab.peek() !== "decided") void this.decisions.decide(what, this.inbox.order.peek().filter(isMeant));
    this.#settle();
  }

  /** The keyboard stays where it is useful: in the bar, or in what takes its place. */
  #settle() {
    if (this.inbox.order.peek().length === 0) this.isListShown.value = false;
    const root = this.shell.root();
    requestAnimationFrame(() => {
      const { activeElement: active, body } = root.ownerDocument;
      if (active && active !== body) return;
      const bar = /** @type {HTMLElement | null} */ (root.querySelector(".cc-actions .cc-btn--main"));
      bar?.focus({ preventScroll: true });
    });
  }

  startEditing() {
    if (this.inbox.current.peek()) this.inbox.mode.value = "edit";
  }

  /** Leave the text as it was. */
  leaveEditing() {
    const id = this.inbox.currentId.peek();
    batch(() => {
      if (id !== null) this.inbox.draft(id).value = null;
      this.inbox.mode.value = "read";
    });
    this.#settle();
  }

  toggleAgain() {
    if (!this.inbox.current.peek()) return;
    this.inbox.mode.value = this.inbox.mode.peek() === "again" ? "read" : "again";
    this.#settle();
  }

  /**
   * Ask for a proposal once more with a sentence; its answer takes the place of the old one.
   *
   * @type {(proposal: Proposal, wish: string) => Promise<void>}
   */
  async askAgain(proposal, wish) {
    await this.attempt(async () => {
      await this.api.post(`/proposals/${proposal.id}/again`, { wish });
      this.inbox.mode.value = "read";
      this.decisions.announce(say("askedAgain", { name: titleOf(proposal) }), false);
    });
  }

  /** @param {string} name */
  showTab(name) {
    batch(() => {
      this.tab.value = name === "decided" || name === "note" ? name : "review";
      this.isListShown.value = this.shell.isPage;
      if (!this.shell.isPage) this.#showNote();
    });
    if (name === "decided") void this.decided.load();
  }

  /** Show one of the list: of those to review, or of the decided ones. @param {number} id */
  open(id) {
    batch(() => {
      if (this.tab.peek() === "decided") this.decided.currentId.value = id;
      else this.inbox.choose(id);
      this.isListShown.value = false;
    });
  }

  /** Go to a proposal that could not be decided on, and to what was typed into it. @param {number | undefined} id */
  look(id) {
    if (id === undefined || !this.inbox.order.peek().includes(id)) return;
    this.tab.value = "review";
    this.open(id);
    if (this.inbox.draft(id).peek() !== null) this.startEditing();
    this.decisions.toast.value = null;
  }

  clearFilters() {
    this.inbox.filter({ ...NO_FILTERS, path: this.tab.peek() === "note" ? this.openPath.peek() : "" });
  }

  /** Undo a decision: the proposal is open again. @param {Proposal} proposal */
  async reopen(proposal) {
    await this.attempt(async () => {
      const { notes } = await this.api.decide({ undo: [proposal.id], run: this.decisions.run });
      const why = notes.flatMap((note) => note.decided).find(({ id }) => id === proposal.id)?.reason;
      if (why) return this.decisions.announce(say("notDone", { name: titleOf(proposal), why }), true);
      const open = await this.api.get(`/proposals/${proposal.id}`);
      this.inbox.places.delete(proposal.id);
      this.inbox.proposals.set(open.id, open);
      this.inbox.putIn([open.id]);
      await this.decided.load();
      this.decisions.announce(say("undoneHere"), false);
    });
  }

  /** Do something, and tell why it fails. Never rejects. @param {() => Promise<unknown>} act */
  async attempt(act) {
    await act().catch((/** @type {Error} */ error) => this.decisions.announce(error.message, true));
  }

  /** @param {boolean} isOn whether single keys act */
  setKeys(isOn) {
    this.hasKeys.value = isOn;
    localStorage.setItem(KEYS, isOn ? "on" : "off");
  }
}

/** What became of proposals: those that were accepted or refused, newest first. */
class DecidedStore {
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

  /** Read them; or only how many they are, until somebody looks. */
  async load(isShown = true) {
    /** @type {ProposalPage} */
    const page = await this.api.get("/proposals", { state: "decided", limit: isShown ? DECIDED : 1 });
    const moment = (/** @type {Proposal} */ each) => Date.parse(each.decided_at ?? each.made_at);
    const at = this.list.peek().findIndex(({ id }) => id === this.currentId.peek());
    batch(() => {
      this.total.value = page.total;
      if (!isShown) return;
      this.list.value = page.proposals.sort((a, b) => moment(b) - moment(a));
      this.isLoaded.value = true;
      this.currentId.value = (this.current.peek() ?? page.proposals[at] ?? page.proposals[0])?.id ?? null;
    });
  }

  /** Go to the one so many places further down, if there is one. @param {number} by */
  step(by) {
    const list = this.list.peek();
    const at = list.findIndex(({ id }) => id === this.currentId.peek());
    this.currentId.value = list[Math.min(Math.max(at + by, 0), list.length - 1)]?.id ?? null;
  }

}
