/** Decisions on proposals: each is awaited and told, and can be undone. */

import { computed, signal } from "@preact/signals";
import { NoAnswer } from "./api.js";
import { nameOf, titleOf } from "./proposal.js";
import { explain } from "./status-store.js";
import { count } from "./words.js";

/** @import { Signal } from "@preact/signals" */
/** @import { DecisionsMade } from "../src/api-types.d.ts" */
/** @import { Api } from "./api.js" */
/** @import { InboxStore } from "./inbox-store.js" */
/** @import { StatusStore } from "./status-store.js" */

/** @typedef {{ what: "accept" | "refuse", ids: number[], texts: Record<number, string> }} Decision texts: what was typed into them */
/** @typedef {{ words: string, isGood: boolean, canUndo: boolean }} Toast */

const TOAST_LASTS = 8000; // milliseconds

export class DecisionStore {
  /** What was decided on here, newest last. @type {Signal<Decision[]>} */
  log = signal([]);
  /** @type {Signal<Toast | null>} */
  toast = signal(null);
  /** What is read out. turn: another one each time, so that the third "Refused" is read out, too. */
  said = signal({ words: "", isFault: false, turn: 0 });
  written = computed(() => this.#count("accept"));
  refused = computed(() => this.#count("refuse"));
  /** The run of the history that the decisions of this window belong to. */
  #run = newRun();
  #timer = 0;

  /**
   * @param {Api} api
   * @param {InboxStore} inbox
   * @param {StatusStore} status
   */
  constructor(api, inbox, status) {
    this.api = api;
    this.inbox = inbox;
    this.status = status;
  }

  /** @param {Decision["what"]} what */
  #count(what) {
    return this.log.value.reduce((sum, each) => sum + (each.what === what ? each.ids.length : 0), 0);
  }

  /** Decide on proposals, as one step, and go on to the next one. @type {(what: Decision["what"], ids: number[]) => Promise<void>} */
  async decide(what, ids) {
    const { inbox } = this;
    const drafts = inbox.drafts.peek();
    const decision = { what, ids, texts: Object.fromEntries([...drafts].filter(([id]) => ids.includes(id))) };
    await this.#whileBusy(async () => {
      for (const id of ids) inbox.setFault(id, null);
      const accept = ids.map((id) => ({ id, ...(drafts.has(id) && { text: drafts.get(id) }) }));
      const answer = await this.#send({ [what]: what === "accept" ? accept : ids }).catch((/** @type {Error} */ error) => error);
      if (answer instanceof NoAnswer) return this.#say(answer.message, true); // which the page shows
      if (answer instanceof Error) return this.#fail(ids, answer.message);
      const [whys, isWaiting] = readResults(answer);
      const done = ids.filter((id) => !whys.has(id));
      for (const [id, why] of whys) this.#fail([id], why);
      this.#settle({ ...decision, ids: done }, isWaiting);
    });
  }

  /** @param {object} decisions @returns {Promise<DecisionsMade>} */
  #send(decisions) {
    return this.api.post("/proposals/decide", { ...decisions, run: this.#run });
  }

  /** Have the daemon accept many in one run, which other windows show and which outlives this one. @param {number[]} ids */
  async acceptMany(ids) {
    const open = ids.filter((id) => !this.inbox.drafts.peek().has(id) && this.inbox.order.peek().includes(id));
    await this.#whileBusy(async () => {
      await this.status.untilOver(await this.api.post("/proposals/decide-all", { decision: "accept", ids: open }));
      const left = new Set((await this.api.get("/proposals/ids")).ids);
      const done = open.filter((id) => !left.has(id));
      this.#settle({ what: "accept", ids: done, texts: {} }, false, open.length - done.length);
    });
  }

  /** Undo the last decision of this window, and stand there again. */
  async undo() {
    const last = this.log.peek().at(-1);
    if (!last) return this.announce("Nothing has been decided here yet.");
    const { ids, texts } = last;
    await this.#whileBusy(async () => {
      const [whys] = readResults(await this.#send({ undo: ids }));
      const done = ids.filter((id) => !whys.has(id));
      const [[id = 0, why = ""] = []] = whys;
      this.log.value = this.log.peek().filter((each) => each !== last);
      await this.inbox.reopen(done, Object.fromEntries(Object.entries(texts).filter(([id]) => done.includes(Number(id)))));
      const current = this.inbox.current.peek();
      if (why) this.announce(explain(`${this.#titleOf(id)}: ${why}`, this.inbox.get(id)?.path), { isFault: true });
      else this.announce("Undone.", { more: current ? `${nameOf(current)}, ${titleOf(current)}.` : "" });
    });
  }

  /** Do something, with no other decision meanwhile, and tell why it fails. @param {() => Promise<unknown>} act */
  async #whileBusy(act) {
    if (this.inbox.isBusy.peek()) return;
    this.inbox.isBusy.value = true;
    try {
      await act();
    } catch (error) {
      this.announce(/** @type {Error} */ (error).message, { isFault: true });
    } finally {
      this.inbox.isBusy.value = false;
      void this.inbox.refresh([]).catch(() => {}); // what was told meanwhile
    }
  }

  /** Say at proposals why they are not decided on. @type {(ids: number[], why: string) => void} */
  #fail(ids, why) {
    for (const id of ids) this.inbox.setFault(id, { why: explain(why, this.inbox.get(id)?.path), isGone: false });
    this.#say(explain(why, this.inbox.get(ids[0] ?? -1)?.path), true);
  }

  /** Go on after a decision, and tell it. @type {(decision: Decision, isWaiting: boolean, rest?: number) => void} */
  #settle(decision, isWaiting, rest = 0) {
    const { what, ids } = decision;
    if (!ids.length && !rest) return;
    const names = new Set(ids.map((id) => this.#titleOf(id)));
    const [name = ""] = names;
    let words = `${count(ids.length, "value")} written${rest ? `, ${rest} not` : ""}.`;
    if (what === "refuse") words = ids.length === 1 ? "Refused." : `${ids.length} refused.`;
    else if (isWaiting) words = `You have ${name} open: it is written when you pause.`;
    else if (names.size === 1 && !rest) words = `Written into ${name}.`;
    if (ids.length) this.log.value = [...this.log.peek(), decision];
    this.inbox.takeOut(ids);
    const next = this.inbox.current.peek();
    this.announce(words, { isFault: rest > 0, canUndo: ids.length > 0, more: next ? `Next: ${nameOf(next)}, ${titleOf(next)}.` : "Inbox clear." });
  }

  /** @param {number} id */
  #titleOf(id) {
    const proposal = this.inbox.get(id);
    return proposal ? titleOf(proposal) : "";
  }

  /**
   * Show words, and have them read out. more: words that are only read out.
   *
   * @param {string} words
   * @param {{ isFault?: boolean, canUndo?: boolean, more?: string }} [options]
   */
  announce(words, { isFault = false, canUndo = false, more = "" } = {}) {
    this.toast.value = { words, isGood: !isFault, canUndo };
    this.#say(`${words} ${more}`.trim(), isFault);
    this.keepToast(false);
  }

  /** @type {(words: string, isFault: boolean) => void} */
  #say(words, isFault) {
    this.said.value = { words, isFault, turn: this.said.peek().turn + 1 };
  }

  /** @param {boolean} isHeld whether it is hovered or focused */
  keepToast(isHeld) {
    clearTimeout(this.#timer);
    if (!isHeld) this.#timer = Number(setTimeout(() => (this.toast.value = null), TOAST_LASTS));
  }
}

/**
 * @param {DecisionsMade} answer
 * @returns {[Map<number, string>, boolean]} why nothing was decided on a proposal; whether an open editor has yet to write one
 */
function readResults({ notes }) {
  /** @type {Map<number, string>} */
  const whys = new Map();
  let isWaiting = false;
  for (const { status, reason, decided } of notes) {
    isWaiting ||= status === "proposed";
    for (const { id, reason: why } of decided) if (why && !(status === "proposed" && why === reason)) whys.set(id, why);
  }
  return [whys, isWaiting];
}

/** Return a name for a run, as the daemon makes them: local day and time, and four hexadecimal digits. */
function newRun() {
  const now = new Date();
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString();
  return `${local.slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}-${crypto.randomUUID().slice(0, 4)}`;
}
