/** What the daemon is doing, for the header and the panel behind it. */

import { computed, signal } from "@preact/signals";
import { capitalize, count, formatDollars, formatNumber, formatTime, toSentence } from "./words.js";

/** @import { Signal } from "@preact/signals" */
/** @import { News, RunShape, SpentToday, Status } from "../src/api-types.d.ts" */
/** @import { Api } from "./api.js" */

/** @typedef {{ label: string, go: () => Promise<unknown> }} Act a button, and what it does */
/** @typedef {{ words: string, more?: string, acts: Act[], isMild?: boolean }} Fault why it does not work; more: what the endpoint says; isMild: as somebody chose */

/** @type {Record<string, string>} what is wrong with the model, by the kind of its fault */
const FAULTS = {
  down: "Model not answering",
  unauthorised: "Model needs a valid key",
  "out-of-quota": "Model’s credit is used up",
  "rate-limited": "Model asked too often",
  "model-missing": "Model not found",
  "not-an-endpoint": "No model at its address",
  "model-unfit": "Model’s answers unfit",
};
const DOING = { fill: "Filling notes", accept: "Writing", refuse: "Refusing", undo: "Undoing" };

export class StatusStore {
  /** @type {Signal<Status | null>} */
  status = signal(null);
  /** @type {Signal<RunShape[]>} */
  runs = signal([]);
  /** Whether nobody answers. */
  isAway = signal(false);
  /** When a failing endpoint is tried again. @type {Signal<Date | null>} */
  retryAt = signal(null);

  active = computed(() => this.runs.value.find((run) => !isRunOver(run)) ?? null);

  /** The run that decides on many proposals or takes many changes back, begun here or elsewhere. */
  deciding = computed(() => this.runs.value.find((run) => !isRunOver(run) && run.kind !== "fill") ?? null);

  /** What is wrong with the model: of background work, or of the last run. */
  modelFault = computed(() => {
    const [last] = this.runs.value;
    const { fault } = this.status.value ?? {};
    return fault ?? (last?.code === "endpoint" ? { kind: "down", reason: last.fault } : null);
  });

  /** The state of work in a few words, for the header. dot: its colour. */
  summary = computed(() => {
    const [now, run] = [this.status.value, this.active.value];
    const held = (/** @type {string} */ words) => ({ dot: "amber", words });
    if (this.isAway.value) return held("Not running");
    if (!now) return { dot: "off", words: "One moment …" };
    if (now.settings_fault) return held("Settings need mending");
    if (now.vault_missing) return held("Vault not found");
    if (this.modelFault.value) return held(FAULTS[this.modelFault.value.kind] ?? "Model in trouble");
    if (now.paused) return held("Paused");
    if (run) return { dot: "accent", words: `${DOING[run.kind]}: ${countDone(run)}` };
    if (now.in_hand.length) return { dot: "accent", words: "Working" };
    return { dot: "off", words: now.ready ? "Idle" : "Looking over the vault" };
  });

  /** Why it does not work, or not by itself, each with the buttons that help. */
  faults = computed(() => {
    const now = this.status.value;
    /** @type {Fault[]} */
    const faults = [];
    const add = (/** @type {string} */ words, /** @type {[string, () => Promise<unknown>][]} */ acts = [], own = {}) =>
      void faults.push({ words, acts: acts.map(([label, go]) => ({ label, go })), ...own });
    if (!now) return faults;
    const { background } = now;
    const fault = this.modelFault.value;
    const { backlog } = background;
    if (now.settings_fault) add(`Nothing is asked or written until this is fixed: ${toSentence(now.settings_fault)}`);
    if (now.vault_missing) add("Can’t find the vault’s folder. Is its drive connected?");
    if (fault) {
      const retry = this.retryAt.value ? `; the next try is at ${formatTime(this.retryAt.value)}` : "";
      add(`${FAULTS[fault.kind] ?? "Model in trouble"}${retry}.`, now.fault ? [["Try now", () => this.change("resume")]] : [], { more: fault.reason });
    }
    if (now.paused) add("Background work is paused until you resume it.", [["Resume", () => this.change("resume")]], { isMild: true });
    else if (now.missing) add(toSentence(now.missing));
    else if (!background.enabled) {
      add("Background work is off: notes are filled only when you ask.", [["Turn it on", () => this.api.post("/settings", { background: true })]], { isMild: true });
    } else if (background.off) add(`Background work waits: ${background.off}.`, [], { isMild: true });
    const names = now.settings_to_restart_for;
    if (names.length) add(`${names.join(", ")}: ${names.length === 1 ? "takes" : "take"} effect once Companion restarts.`);
    if (backlog.notes > 0) {
      const words = `${count(backlog.notes, "note was", "notes were")} here before Companion, and ${backlog.notes === 1 ? "is" : "are"} left alone. ${backlog.cost}`;
      const answer = (/** @type {boolean} */ fill) => () => this.change("backlog", { fill, notes: backlog.notes });
      add(words, [["Fill them, too", answer(true)], ["Leave them alone", answer(false)]]);
    }
    return faults;
  });

  /** @param {Pick<Api, "get" | "post">} api */
  constructor(api) {
    this.api = api;
  }

  /** Take what the feed tells. @param {News} news */
  takeNews({ is_whole: isWhole, runs, status }) {
    if (isWhole) this.runs.value = [];
    this.takeRuns(runs);
    if (status) this.#take(status);
  }

  /** @param {Status} status */
  #take(status) {
    this.status.value = status;
    this.retryAt.value = status.retry_in ? new Date(Date.now() + status.retry_in * 1000) : null;
  }

  /** Take in runs that have changed. What is over stays so: an answer may arrive after newer news. @param {RunShape[]} changed */
  takeRuns(changed) {
    const before = this.runs.peek();
    const newer = changed.filter(({ id }) => !before.some((run) => run.id === id && isRunOver(run)));
    this.runs.value = [...newer, ...before.filter(({ id }) => !newer.some((run) => run.id === id))];
  }

  /** Resolve once a run is over, or is not among those that there are, as after a restart. @param {RunShape} run as it began */
  untilOver(run) {
    this.takeRuns([run]);
    const isOver = computed(() => this.runs.value.every((each) => each.id !== run.id || isRunOver(each)));
    return new Promise((done) => {
      const stop = isOver.subscribe((over) => over && (done(over), queueMicrotask(() => stop())));
    });
  }

  /**
   * Have background work changed. answer: whether the notes that were here before, so many, are filled or left alone.
   *
   * @type {(what: "pause" | "resume" | "backlog", answer?: { fill: boolean, notes: number }) => Promise<void>}
   */
  async change(what, answer) {
    this.#take(await this.api.post(`/${what}`, answer));
  }

  /** @param {string} id of a run */
  async cancel(id) {
    this.takeRuns([await this.api.post(`/runs/${id}/cancel`)]);
  }
}

/** @param {RunShape} run */
export function isRunOver({ state }) {
  return state === "done" || state === "cancelled" || state === "failed";
}

/** Return how far a run is, as `3 of 20`. @param {RunShape} run */
export function countDone(run) {
  return `${formatNumber(doneOf(run))} of ${formatNumber(run.total)}`;
}

/** @param {RunShape} run how many of its notes are done */
export function doneOf({ counts }) {
  return Object.values(counts).reduce((all, each) => all + each, 0);
}

/** Return what a run is doing, and the time left where that is known. @param {RunShape} run */
export function describeRun(run) {
  const done = doneOf(run);
  const title = `${DOING[run.kind]}: ${countDone(run)}`;
  if (!done || done >= run.total) return title;
  const minutes = Math.ceil((((Date.now() - Date.parse(run.made_at)) / done) * (run.total - done)) / 60_000);
  return `${title}, about ${count(minutes, "minute")} left`;
}

/** Return what was spent today, in all vaults. @param {SpentToday} today */
export function describeSpending({ dollars, is_free: isFree, dollars_a_day: limit, input_tokens: read, output_tokens: written }) {
  if (isFree && !dollars) return "Free today";
  if (dollars === null) return `${count(read + written, "token")} today`;
  return `${formatDollars(dollars)}${limit === null ? "" : ` of ${formatDollars(limit)}`} today`;
}

/** Return a fault of the API as a sentence about a note, which has a name and no path. @type {(words: string, path?: string) => string} */
export function explain(words, path = "") {
  const name = path.slice(path.lastIndexOf("/") + 1).replace(/\.md$/, "");
  return capitalize(toSentence(path ? words.replaceAll(path, name) : words));
}
