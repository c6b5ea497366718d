/** Decisions on proposals: shown at once, sent one after the other, and the way back. */

import { batch, computed, signal } from "@preact/signals";
import { nameOf, titleOf } from "./proposal.js";
import { say } from "./words.js";

/** @import { Signal } from "@preact/signals" */
/** @import { DecisionsMade, NoteResult, RunShape } from "../src/api-types.d.ts" */
/** @import { Api } from "./api.js" */
/** @import { InboxStore } from "./inbox-store.js" */
/** @import { StatusStore } from "./status-store.js" */

/** @typedef {"accept" | "refuse" | "undo"} What */
/**
 * ids: those that it is about; once its answer is there, those that it was made on. texts: what was typed into them. isMany:
 * whether a run of the daemon makes it. run: that, once it is begun. isUnderWay: whether that goes on. end: settles when the answer
 * is there. isCut: whether a restart of the daemon ended it.
 *
 * @typedef {{
 *   what: What, ids: number[], texts: Record<number, string>, isMany: boolean, isUnderWay?: boolean,
 *   run?: string, end?: Promise<void>, isCut?: boolean,
 * }} Decision
 */

/** @typedef {Map<number, string | null>} Outcome by proposal: why nothing was decided on it; null: it is; missing: it was not come to */
/** @typedef {{ words: string, isGood: boolean, canUndo: boolean, id: number | undefined }} Toast id: of the proposal that it is about */

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
    const made = this.log.value.filter((each) => each.what === what && !each.isUnderWay);
    return made.reduce((sum, each) => sum + each.ids.length, 0);
  }

  /**
   * Decide on proposals, and go on to the next one at once. isMany: the daemon does it in one run, which other windows show and
   * which outlives this one; it leaves out what somebody typed into, as it takes no texts.
   *
   * @type {(what: "accept" | "refuse", ids: number[], isMany?: boolean) => Promise<void>}
   */
  async decide(what, ids, isMany = false) {
    const { inbox } = this;
    const open = new Set(inbox.order.peek());
    const isMeant = (/** @type {number} */ id) => open.has(id) && !(isMany && inbox.isTyped(id));
    /** @type {Decision} */
    const decision = { what, ids: ids.filter(isMeant), texts: {}, isMany, isUnderWay: isMany };
    if (!decision.ids.length) return;
    for (const id of decision.ids) {
      const draft = inbox.draft(id).peek();
      if (draft !== null) decision.texts[id] = draft; // an undo brings it back
    }
    batch(() => {
      inbox.faults.value = new Map([...inbox.faults.peek()].filter(([id]) => !decision.ids.includes(id)));
      inbox.takeOut(decision.ids);
      this.log.value = [...this.log.peek(), decision];
      const next = inbox.current.peek();
      const more = next ? say("next", { what: nameOf(next), name: titleOf(next) }) : say("inboxClear");
      if (!isMany) this.announce(this.#describe(decision), false, { canUndo: true, more });
    });
    await this.#make(decision);
  }

  /** Undo the last decision of this window, and stand there again. @returns {Promise<void>} */
  async undo() {
    const last = this.log.peek().at(-1);
    if (!last) return this.announce(say("nothingToUndoHere"), false);
    if (last.isMany && last.end) {
      if (last.run) await this.status.cancel(last.run);
      await last.end;
      return last.ids.length ? this.undo() : undefined;
    }
    const { inbox } = this;
    batch(() => {
      this.log.value = this.log.peek().slice(0, -1);
      inbox.putIn(last.ids);
      inbox.choose(last.ids[0] ?? null);
      for (const [id, text] of Object.entries(last.texts)) inbox.draft(Number(id)).value = text;
      const current = inbox.current.peek();
      this.announce(say("undoneHere"), false, { more: current ? `${nameOf(current)}, ${titleOf(current)}.` : "" });
    });
    await this.#make({ what: "undo", ids: last.ids, texts: last.texts, isMany: last.isMany });
  }

  /** Undo all that was decided on here. */
  async undoAll() {
    while (this.log.peek().length) await this.undo();
  }

  /** Have a decision made that is shown already. @param {Decision} decision */
  async #make(decision) {
    for (const id of decision.ids) this.inbox.deciding.set(id, decision);
    const answer = this.#turn.then(() => this.#send(decision));
    this.#turn = answer.catch(() => {});
    const outcome = answer.then((answered) => this.#read(decision, answered));
    const failed = (/** @type {Error} */ error) => new Map(decision.ids.map((id) => [id, error.message]));
    decision.end = outcome.catch(failed).then((settled) => this.#settle(decision, settled));
    await decision.end;
    delete decision.end;
  }

  /** @param {Decision} decision @returns {Promise<RunShape | DecisionsMade>} */
  #send({ what, ids, texts, isMany }) {
    if (isMany) return this.api.post("/proposals/decide-all", { decision: what, ids });
    const accept = ids.map((id) => ({ id, ...(id in texts && { text: texts[id] }) }));
    return this.api.decide({ [what]: what === "accept" ? accept : ids, run: this.run });
  }

  /** @type {(decision: Decision, answer: RunShape | DecisionsMade) => Promise<Outcome>} */
  async #read(decision, answer) {
    /** @type {Outcome} */
    const outcome = new Map();
    for (const { status, reason, decided } of "notes" in answer ? answer.notes : await this.#followRun(decision, answer)) {
      const isWaiting = status === "proposed"; // until its editor has written it
      for (const each of decided) outcome.set(each.id, isWaiting && each.reason === reason ? null : each.reason);
      if (isWaiting) this.announce(say("openHere"), false, { canUndo: true });
    }
    return outcome;
  }

  /** @type {(decision: Decision, run: RunShape) => Promise<Pick<NoteResult, "status" | "reason" | "decided">[]>} */
  async #followRun(decision, run) {
    const { what, ids } = decision;
    decision.run = run.id;
    const results = await this.status.follow(run);
    if (results) return results;
    decision.isCut = true;
    const open = new Set(await this.inbox.findOpen());
    const decided = ids.filter((id) => open.has(id) === (what === "undo"));
    return [{ status: "unchanged", reason: null, decided: decided.map((id) => ({ id, state: null, reason: null })) }];
  }

  /**
   * Put those back that were not decided on, with why; what was typed is still there.
   *
   * @type {(decision: Decision, outcome: Outcome) => void}
   */
  #settle(decision, outcome) {
    const { inbox } = this;
    const { what, ids, texts } = decision;
    decision.isUnderWay = false;
    const rest = ids.filter((id) => outcome.get(id) !== null);
    /** @type {[number, string][]} */
    const whys = [...outcome].flatMap(([id, why]) => (why ? [[id, why]] : []));
    decision.ids = ids.filter((id) => outcome.get(id) === null);
    batch(() => {
      for (const id of ids) {
        if (inbox.deciding.get(id) !== decision) continue; // it is undone meanwhile
        inbox.deciding.delete(id);
        if (what !== "undo" && outcome.get(id) === null && inbox.isTyped(id)) inbox.draft(id).value = null;
      }
      for (const path of new Set(ids.map((id) => inbox.get(id)?.path ?? ""))) inbox.forgetPlaces(path);
      this.log.value = this.log.peek().filter((each) => each.ids.length);
      inbox.addFaults(whys);
      if (what === "undo") this.#leaveWritten(rest, texts);
      else inbox.putIn(rest); // somebody may be about to decide on the current one
    });
    this.#tellEnd(decision, rest.length, whys[0]);
    if (!inbox.deciding.size) inbox.follow().catch(() => {}); // others may have decided or proposed something meanwhile
  }

  /**
   * Take those out whose undo failed, except what somebody looks at or types into.
   *
   * @type {(ids: number[], texts: Record<number, string>) => void}
   */
  #leaveWritten(ids, texts) {
    const unheld = ids.filter((id) => !this.inbox.isHeld(id, texts[id]));
    for (const id of unheld) this.inbox.draft(id).value = null; // as it is written
    this.inbox.takeOut(unheld);
  }

  /** Say what was not done; of many, also what was. @type {(decision: Decision, rest: number, first?: [number, string]) => void} */
  #tellEnd({ what, ids, isMany, isCut }, rest, first) {
    const isUndo = what === "undo";
    if (first) {
      const [id, why] = first;
      const proposal = this.inbox.get(id);
      this.announce(say("notDone", { name: proposal ? titleOf(proposal) : "", why }), true, isUndo ? {} : { id });
    } else if (rest || (isMany && !isUndo)) {
      const words = say(!rest ? "writtenMany" : isUndo ? "undonePart" : "writtenStopped", { n: ids.length, rest, stays: rest });
      this.announce(isCut ? `${words} ${say("startedAnew")}` : words, rest > 0, { canUndo: !isUndo });
    }
  }

  /**
   * Show words, and have them read out. id: of the proposal that they are about. more: words that are only read out.
   *
   * @param {string} words
   * @param {boolean} isFault
   * @param {{ canUndo?: boolean, id?: number, more?: string }} [options]
   */
  announce(words, isFault, { canUndo = false, id, more = "" } = {}) {
    this.toast.value = { words, isGood: !isFault, canUndo, id };
    this.said.value = { words: `${words} ${more}`.trim(), isFault, turn: this.said.peek().turn + 1 };
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
