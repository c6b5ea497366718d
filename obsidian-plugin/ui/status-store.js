/** What the daemon is doing, for the header and the panel behind it. */

import { computed, signal } from "@preact/signals";
import { ApiError } from "./api.js";
import { say } from "./words.js";

/** @import { Signal } from "@preact/signals" */
/** @import { ResultShape, RunProgress, RunShape, Status } from "../src/api-types.d.ts" */
/** @import { Api } from "./api.js" */

const OVER = new Set(["done", "cancelled", "failed"]);

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

  /** Why it does not work, in sentences. */
  faults = computed(() => {
    const now = this.status.value;
    if (!now) return [];
    const all = [
      now.settings_fault && say("faultSettings", { why: now.settings_fault }),
      now.vault_missing && say("faultVault"),
      now.fault && `${now.fault.reason}. ${now.retry_in > 0 ? say("nextTry", { n: now.retry_in }) : ""}`,
      now.rate_limit && say("faultRate", { why: now.rate_limit }),
      this.active.value?.waits !== now.fault?.reason && this.active.value?.waits,
      now.settings_to_restart_for.length > 0 && say("faultRestart", { names: now.settings_to_restart_for.join(", ") }),
      now.background.backlog.notes > 0 && say("backlog", { n: now.background.backlog.notes, cost: now.background.backlog.cost }),
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
    const left = run ? this.#timeLeft(run) : "";
    if (run) return { title: run.kind !== "fill" ? nameRun(run) : now.paused || now.fault ? say("paused") : say("fillingNotes"), words: [say("notesOf", { n: sum(run.counts), of: run.total }), left].filter(Boolean).join(", ") };
    if (now.paused) return { title: say("paused"), words: say("pausedMore") };
    const rest = now.proposals ? say("toReview", { n: now.proposals }) : say("nothingToDo");
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

  /** Take what the daemon tells. @param {{ name: string, data: any }} event */
  takeEvent({ name, data }) {
    this.isAway.value = false;
    if (name === "status") this.status.value = data;
    else if (name === "runs") this.takeRuns(data.runs);
    else if (name === "reset") this.runs.value = []; // those that there are now follow
  }

  /** Take in runs that have changed. @param {RunShape[]} changed */
  takeRuns(changed) {
    const ids = new Set(changed.map(({ id }) => id));
    this.runs.value = [...this.#keepOver(changed), ...this.runs.peek().filter(({ id }) => !ids.has(id))];
  }

  /**
   * An answer may arrive after a newer event: what is over stays so.
   *
   * @param {RunShape[]} runs
   */
  #keepOver(runs) {
    const over = new Map(this.runs.peek().filter(({ state }) => OVER.has(state)).map((run) => [run.id, run]));
    return runs.map((run) => over.get(run.id) ?? run);
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
      } while (page.results.length || !OVER.has(page.state));
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

  async pause() {
    this.status.value = await this.api.post("/pause");
  }

  async resume() {
    this.status.value = await this.api.post("/resume");
  }

  /** @type {(fill: boolean, notes: number) => Promise<void>} fill: whether the notes that were here before are filled, or left alone; notes: so many */
  async decideBacklog(fill, notes) {
    this.status.value = await this.api.post("/backlog", { fill, notes });
  }

  /** @param {string} id of a run */
  async cancel(id) {
    this.takeRuns([await this.api.post(`/runs/${id}/cancel`)]);
  }
}

/** What a run that decides on many is doing. @param {RunShape} run */
export function nameRun({ kind }) {
  return say(kind === "undo" ? "undoing" : kind === "refuse" ? "refusing" : "writing");
}

/** @param {Record<string, number>} counts */
export function sum(counts) {
  return Object.values(counts).reduce((all, each) => all + each, 0);
}
