/** What the daemon is doing, for the header and the panel behind it. */

import { computed, signal } from "@preact/signals";
import { ApiError } from "./api.js";
import { capitalize, say } from "./words.js";

/** @import { Signal } from "@preact/signals" */
/** @import { Fault, News, ResultShape, RunProgress, RunShape, Status } from "../src/api-types.d.ts" */
/** @import { Api } from "./api.js" */
/** @import { Key } from "./words.js" */

const OVER = new Set(["done", "cancelled", "failed"]);
/** @type {Record<string, Key>} what is wrong with the model, by the kind of its fault; what the daemon says of it is in English */
const FAULTS = {
  down: "faultDown",
  unauthorised: "faultKey",
  "out-of-quota": "faultCredit",
  "rate-limited": "faultOften",
  "model-missing": "faultModel",
  "not-an-endpoint": "faultOther",
  "model-unfit": "faultUnfit",
};
const DOING = /** @type {const} */ ({ fill: "fillingNotes", accept: "writing", refuse: "refusing", undo: "undoing" });

export class StatusStore {
  /** @type {Signal<Status | null>} */
  status = signal(null);
  /** @type {Signal<RunShape[]>} */
  runs = signal([]);
  /** Whether nobody answers. */
  isAway = signal(false);

  /** The run that decides on many proposals or takes many changes back, begun here or elsewhere. */
  deciding = computed(() => this.runs.value.find((run) => !OVER.has(run.state) && run.kind !== "fill") ?? null);

  active = computed(() => this.runs.value.find((run) => !OVER.has(run.state)) ?? null);

  /** Whether there is a note in the vault; also one that is left alone is. True until it is looked over. */
  hasNotes = computed(() => {
    const now = this.status.value;
    return !now?.ready || now.notes + now.skipped > 0;
  });

  /** Why it does not work, in sentences. */
  faults = computed(() => {
    const now = this.status.value;
    if (!now) return [];
    const { backlog, notes_a_day: day } = now.background;
    const all = [
      now.settings_fault && say("faultSettings", { why: now.settings_fault }),
      now.vault_missing && say("faultVault"),
      now.fault && describeFault(now.fault, now.retry_in),
      now.rate_limit && describeFault({ kind: "rate-limited", reason: now.rate_limit }, 0),
      this.active.value?.waits !== now.fault?.reason && this.active.value?.waits,
      now.settings_to_restart_for.length > 0 && say("faultRestart", { names: now.settings_to_restart_for.join(", ") }),
      backlog.notes > 0 && say("backlog", { n: backlog.notes, cost: backlog.cost, day }),
    ];
    return all.filter((each) => typeof each === "string" && each !== "").map(String);
  });

  summary = computed(() => {
    const now = this.status.value;
    const run = this.active.value;
    if (this.isAway.value) return { dot: "amber", words: say("away"), long: "" };
    if (!now) return { dot: "off", words: say("oneMoment"), long: "" };
    const isHeld = Boolean(now.fault) || now.vault_missing || Boolean(now.settings_fault);
    if (now.paused || isHeld) return { dot: "amber", words: say("paused"), long: "" };
    if (run) return { dot: "accent", words: say("doneOf", { n: sum(run.counts), of: run.total }), long: say("working") };
    if (now.in_hand.length) return { dot: "accent", words: say("working"), long: "" };
    return { dot: "off", words: now.ready ? say("idle") : say("lookingOver"), long: "" };
  });

  headline = computed(() => {
    const now = this.status.value;
    const run = this.active.value;
    if (this.isAway.value || !now) return { title: say("awayTitle"), words: say("awayMore") };
    if (run) {
      const words = [say("notesOf", { n: sum(run.counts), of: run.total }), this.#timeLeft(run)];
      const isHeld = run.kind === "fill" && (now.paused || now.fault);
      return { title: isHeld ? say("paused") : nameRun(run), words: words.filter(Boolean).join(", ") };
    }
    if (now.paused) return { title: say("paused"), words: say("pausedMore") };
    const rest = now.proposals ? say("toReview", { n: now.proposals }) : say(this.hasNotes.value ? "nothingToDo" : "noNotes");
    return { title: say("idle"), words: now.to_do ? say("idleMore", { n: now.to_do }) : rest };
  });

  /** @param {Pick<Api, "get" | "post">} api */
  constructor(api) {
    this.api = api;
  }

  /** @param {RunShape} run */
  #timeLeft(run) {
    const done = sum(run.counts);
    if (!done || done >= run.total) return "";
    const minutes = Math.ceil((((Date.now() - Date.parse(run.made_at)) / done) * (run.total - done)) / 60_000);
    return say("minutesLeft", { n: minutes });
  }

  /** Take what the feed tells. @param {News} news */
  takeNews({ is_whole: isWhole, runs, status }) {
    if (isWhole) this.runs.value = [];
    this.takeRuns(runs);
    if (status) this.status.value = status;
  }

  /** Take in runs that have changed. What is over stays so: an answer may arrive after a newer event. @param {RunShape[]} changed */
  takeRuns(changed) {
    const before = this.runs.peek();
    const newer = changed.filter(({ id }) => !before.some((run) => run.id === id && OVER.has(run.state)));
    this.runs.value = [...newer, ...before.filter(({ id }) => !newer.some((run) => run.id === id))];
  }

  /**
   * Wait until a run that was begun is over, as the daemon tells.
   *
   * @param {RunShape} run
   * @returns {Promise<ResultShape[] | null>} its results; null: the daemon ended, and they are not known
   */
  async follow(run) {
    /** @type {ResultShape[]} */
    const results = [];
    /** @type {RunProgress} */
    let page = { ...run, results, next: 0 };
    try {
      do {
        await this.#untilOver(page);
        page = await this.api.get(`/runs/${run.id}`, { since: page.next });
        results.push(...page.results);
      } while (page.results.length || ![page, ...this.runs.peek()].some(({ id, state }) => id === run.id && OVER.has(state)));
      return results;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }

  /** Resolve once the run is over, or is not among those that there are. @param {RunShape} run as it is now */
  #untilOver(run) {
    this.takeRuns([run]);
    const isOver = computed(() => this.runs.value.every(({ id, state }) => id !== run.id || OVER.has(state)));
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
    this.status.value = await this.api.post(`/${what}`, answer);
  }

  /** @param {string} id of a run */
  async cancel(id) {
    this.takeRuns([await this.api.post(`/runs/${id}/cancel`)]);
  }
}

/** @type {(fault: Pick<Fault, "kind" | "reason">, wait: number) => string} what is wrong, the next try, and what the daemon says of it */
function describeFault({ kind, reason }, wait) {
  const words = FAULTS[kind];
  return [words && say(words), wait > 0 && say("nextTry", { n: wait }), `${capitalize(reason)}.`].filter(Boolean).join(" ");
}

/** What a run is doing. @param {RunShape} run */
export function nameRun({ kind }) {
  return say(DOING[kind]);
}

/** @param {Record<string, number>} counts */
export function sum(counts) {
  return Object.values(counts).reduce((all, each) => all + each, 0);
}
