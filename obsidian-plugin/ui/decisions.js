/** Decisions on proposals: shown at once, sent one after the other, and the way back. */

import { batch, computed, signal } from "@preact/signals";
import { nameOf, titleOf } from "./proposal.js";
import { say } from "./words.js";

/** @import { Signal } from "@preact/signals" */
/** @import { DecisionsMade, NoteDecision } from "../src/api-types.d.ts" */
/** @import { Api } from "./api.js" */
/** @import { InboxStore } from "./inbox-store.js" */
/** @import { StatusStore } from "./status-store.js" */

/** @typedef {"accept" | "refuse" | "undo"} What */
/** @typedef {ReturnType<InboxStore["describeUnflagged"]>} Unflagged */
/** @typedef {{ what: What, ids: number[], texts: Record<number, string>, run?: string, end?: Promise<void> }} Decision run: that decides on many; end: of it, while it is under way */
/** @typedef {{ words: string, isGood: boolean, canUndo: boolean, id?: number }} Toast id: of the proposal that it is about */

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
  /** The run of the history that all decisions of this window belong to. */
  run = newRun();
  /** @type {Promise<unknown>} */
  #turn = Promise.resolve();
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

  /** @param {What} what */
  #count(what) {
    return this.log.value.reduce((sum, each) => sum + (each.what === what ? each.ids.length : 0), 0);
  }

  /** Decide on proposals, and go on to the next one at once. @type {(what: "accept" | "refuse", ids: number[]) => Promise<void>} */
  async decide(what, ids) {
    const { inbox } = this;
    const open = ids.filter((id) => inbox.order.peek().includes(id));
    if (!open.length) return;
    /** @type {Record<number, string>} */
    const texts = {};
    for (const id of open) {
      const draft = inbox.draft(id).peek();
      if (draft !== null) texts[id] = draft; // an undo brings it back
      inbox.settled.add(id);
    }
    const decision = { what, ids: open, texts };
    const words = this.#describe(decision);
    batch(() => {
      inbox.mode.value = "read";
      if (inbox.faults.peek().size) inbox.faults.value = new Map([...inbox.faults.peek()].filter(([id]) => !open.includes(id)));
      inbox.takeOut(open);
      this.log.value = [...this.log.peek(), decision];
      this.show(words, true);
      const next = inbox.current.peek();
      this.say(`${words} ${next ? say("next", { what: nameOf(next), name: titleOf(next) }) : say("inboxClear")}`);
    });
    await this.#inTurn(() => this.#send(decision));
  }

  /**
   * Have the daemon accept all that a filter means, in one run; it is one step for "Undo".
   *
   * @param {Unflagged} only the filter
   * @param {number[]} ids of what it means
   */
  async acceptAll(only, ids) {
    const { inbox } = this;
    /** @type {Decision} */
    const decision = { what: "accept", ids, texts: {} };
    for (const id of ids) inbox.settled.add(id);
    batch(() => {
      inbox.takeOut(ids);
      this.log.value = [...this.log.peek(), decision];
    });
    decision.end = this.#acceptAll(only, decision);
    await decision.end;
    delete decision.end;
  }

  /** @type {(only: Unflagged, decision: Decision) => Promise<void>} */
  async #acceptAll(only, decision) {
    const { inbox } = this;
    const { ids } = decision;
    try {
      const run = await this.#inTurn(() => this.api.post(`/proposals/decide-all?${only.query}`, { decision: "accept", ...only.except }));
      decision.run = run.id;
      const results = await this.status.follow(run);
      const open = await inbox.findOpen();
      const rest = ids.filter((id) => open.has(id));
      for (const id of ids) inbox.settled.delete(id);
      decision.ids = ids.filter((id) => !open.has(id));
      batch(() => {
        this.log.value = this.log.peek().filter((each) => each.ids.length);
        if (rest.length) inbox.putBack(rest, false);
      });
      const counts = { n: decision.ids.length, rest: rest.length };
      const why = results ? "" : say("startedAnew");
      const words = rest.length ? `${say("writtenStopped", counts)} ${why}`.trim() : say("writtenMany", counts);
      this.show(words, !rest.length);
      this.say(words);
      this.#take(decision, "accept", (results ?? []).map((result) => ({ ...result, proposals: result.decided })));
    } catch (error) {
      this.#fail(decision, "accept", new Map(ids.map((id) => [id, /** @type {Error} */ (error).message])));
    }
  }

  /** Take back what a run has decided on. @param {Decision} decision */
  async #undoRun(decision) {
    const { run, ids } = decision;
    const { inbox } = this;
    /** @type {Map<number, string>} */
    let stays = new Map();
    try {
      const ended = await this.status.follow(await this.api.post(`/changes/undo-all?run=${run ?? ""}`));
      const results = ended ?? [];
      const open = await inbox.findOpen();
      const whyNot = new Map(results.map(({ path, status, reason }) => [path, status === "proposed" ? null : reason]));
      const why = (/** @type {number} */ id) => whyNot.get(inbox.get(id)?.path ?? "") ?? say(ended ? "decidedElsewhere" : "startedAnew");
      const isLate = (/** @type {number} */ id) => whyNot.get(inbox.get(id)?.path ?? "") === null; // its editor is at it
      stays = new Map(ids.filter((id) => !open.has(id) && !isLate(id)).map((id) => [id, why(id)]));
      for (const { path } of results) inbox.forgetPlaces(path);
    } catch (error) {
      stays = new Map(ids.map((id) => [id, /** @type {Error} */ (error).message]));
    }
    for (const id of ids) inbox.settled.delete(id);
    if (stays.size) this.#fail(decision, "undo", stays);
  }

  /** Undo the last decision of this window, and stand there again. @returns {Promise<void>} */
  async undo() {
    const log = this.log.peek();
    const last = log.findLast((each) => each.ids.length);
    if (!last) return this.announce(say("nothingToUndoHere"), false);
    if (last.end) {
      if (last.run) await this.status.cancel(last.run);
      await last.end;
      return last.ids.length ? this.undo() : undefined;
    }
    batch(() => {
      this.log.value = log.slice(0, log.lastIndexOf(last));
      this.inbox.putBack(last.ids, true);
      for (const [id, text] of Object.entries(last.texts)) this.inbox.draft(Number(id)).value = text;
      this.show(say("undoneHere"), true, false);
    });
    const current = this.inbox.current.peek();
    this.say(current ? `${say("undoneHere")} ${nameOf(current)}, ${titleOf(current)}.` : say("undoneHere"));
    for (const id of last.ids) this.inbox.settled.add(id);
    await (last.run ? this.#undoRun(last) : this.#inTurn(() => this.#send({ what: "undo", ids: last.ids, texts: {} })));
  }

  /** Undo all that was decided on here. */
  async undoAll() {
    while (this.log.peek().some((each) => each.ids.length)) await this.undo();
  }

  /**
   * @template T
   * @param {() => Promise<T>} act
   * @returns {Promise<T>}
   */
  #inTurn(act) {
    const made = this.#turn.then(act, act);
    this.#turn = made;
    return made;
  }

  /** @param {Decision} decision */
  async #send(decision) {
    let rest = decision.ids;
    while (rest.length) {
      /** @type {DecisionsMade} */
      let made;
      try {
        made = await this.#ask({ ...decision, ids: rest });
      } catch (error) {
        this.#fail(decision, decision.what, new Map(rest.map((id) => [id, /** @type {Error} */ (error).message])));
        return;
      }
      const { settled } = this.inbox;
      const seen = new Set(made.notes.flatMap((note) => note.proposals.map((each) => each.id)));
      for (const id of seen.size ? seen : rest) settled.delete(id);
      if (!seen.size) return;
      this.#take(decision, decision.what, made.notes);
      rest = rest.filter((id) => !seen.has(id));
    }
  }

  /** @param {Decision} decision */
  #ask({ what, ids, texts }) {
    const stateOf = (/** @type {number} */ id) => {
      const state = this.inbox.get(id)?.state;
      return state === "refused" || state === "rejected" ? state : "open";
    };
    const accept = ids.map((id) => ({ id, state: stateOf(id), ...(id in texts && { text: texts[id] }) }));
    return this.api.decide({ [what]: what === "accept" ? accept : ids, run: this.run });
  }

  /** @type {(logged: Decision, what: What, notes: Pick<NoteDecision, "path" | "status" | "reason" | "proposals">[]) => void} */
  #take(logged, what, notes) {
    /** @type {Map<number, string>} */
    const failed = new Map();
    for (const note of notes) {
      this.inbox.forgetPlaces(note.path);
      const isWaiting = note.status === "proposed";
      for (const { id, reason } of note.proposals) {
        if (reason && !(isWaiting && reason === note.reason)) failed.set(id, reason);
        else if (what !== "undo" && !this.inbox.order.peek().includes(id)) this.inbox.draft(id).value = null; // it is not undone meanwhile
      }
      if (isWaiting) this.show(say("openHere"), true);
    }
    if (failed.size) this.#fail(logged, what, failed);
  }

  /**
   * Put those back that were not decided on, with why; what was typed is still there.
   *
   * @type {(logged: Decision, what: What, failed: Map<number, string>) => void}
   */
  #fail(logged, what, failed) {
    const { inbox } = this;
    const ids = [...failed.keys()];
    batch(() => {
      for (const id of ids) inbox.settled.delete(id);
      logged.ids = logged.ids.filter((id) => !failed.has(id));
      this.log.value = this.log.peek().filter((each) => each.ids.length);
      inbox.faults.value = new Map([...inbox.faults.peek(), ...failed]);
      if (what === "undo") inbox.takeOut(ids);
      else inbox.putBack(ids, false); // somebody may be about to decide on the current one
    });
    const [id, why = ""] = [...failed][0] ?? [];
    const first = id === undefined ? null : inbox.get(id);
    this.announce(say("notDone", { name: first ? titleOf(first) : "", why }), true, what === "undo" ? undefined : id);
  }

  /**
   * @param {string} words
   * @param {boolean} isFault
   * @param {number} [id] of the proposal that it is about
   */
  announce(words, isFault, id) {
    this.show(words, !isFault, false, id);
    this.say(words, isFault);
  }

  /** @param {string} words */
  say(words, isFault = false) {
    this.said.value = { words, isFault, turn: this.said.peek().turn + 1 };
  }

  /** @type {(words: string, isGood: boolean, canUndo?: boolean, id?: number) => void} */
  show(words, isGood, canUndo = true, id) {
    this.toast.value = { words, isGood, canUndo, ...(id !== undefined && { id }) };
    this.keepToast(false);
  }

  /** @param {boolean} isHeld whether it is hovered or focused */
  keepToast(isHeld) {
    clearTimeout(this.#timer);
    if (!isHeld) this.#timer = Number(setTimeout(() => (this.toast.value = null), TOAST_LASTS));
  }

  /** @param {Decision} decision */
  #describe({ what, ids }) {
    const proposals = ids.map((id) => this.inbox.get(id)).filter((each) => each !== null);
    const names = new Set(proposals.map(titleOf));
    if (what === "refuse") return say(ids.length === 1 ? "refusedOne" : "refusedMany", { n: ids.length });
    return names.size === 1 ? say("writtenInto", { name: [...names][0] ?? "" }) : say("writtenMany", { n: ids.length });
  }
}

/** Return a name for a run, as the daemon makes them: local day and time, and four hexadecimal digits. */
function newRun() {
  const now = new Date();
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString();
  return `${local.slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}-${crypto.randomUUID().slice(0, 4)}`;
}
