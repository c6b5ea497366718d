/** What this window is working on: runs that were begun here, and edits that wait until the user is done with something. */

import { NoAnswer, readList } from "../ui/api.js";
import { NoteUnavailable } from "./errors.js";
import { updateStatusBar } from "./status-bar.js";
import { say } from "./words.js";

/** @import { TAbstractFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Change, ResultShape, RunShape } from "./api-types.d.ts" */

/**
 * @typedef {Pick<ResultShape, "path" | "status" | "reason" | "left" | "change" | "undone">} Result what is read of one
 * @typedef {{ results: Result[], fault: string }} Outcome of a run; fault: why it ended early
 */

/**
 * A wait of the edits of a note. what: until what happens, in words.
 *
 * @typedef {{ name: string, what: string, isCancelled: boolean }} Wait
 */

/** The work of this window, one thing at a time for a note. */
export class Work {
  /** What says in words what is being done, by the note or folder, or by several of them. */
  doing = /** @type {Map<TAbstractFile | TAbstractFile[], () => string>} */ (new Map());
  waits = /** @type {Set<Wait>} */ (new Set());
  /** What gives up a run that is followed, and says why, by its id. */
  runs = /** @type {Map<string, (error: NoAnswer) => void>} */ (new Map());
  #plugin;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /**
   * Call act while the note or folder is marked as being worked on.
   *
   * Throws NoteUnavailable if it is marked already.
   *
   * @template T
   * @param {TAbstractFile | TAbstractFile[]} about
   * @param {() => Promise<T>} act
   */
  async do(about, act) {
    if ("path" in about && this.doing.has(about)) throw new NoteUnavailable(say("busy", { path: about.path }));
    this.doing.set(about, () => say("askingModel"));
    updateStatusBar(this.#plugin);
    try {
      return await act();
    } finally {
      this.doing.delete(about);
      updateStatusBar(this.#plugin);
    }
  }

  /**
   * Follow a run until it is over, and return what became of it, also where the daemon was away meanwhile. One that a
   * restart of the daemon ended has its changes in the journal. Never resolves once the plugin is switched off. Rejects with
   * NoAnswer if it is cancelled while the daemon cannot be told.
   *
   * @param {RunShape} run
   * @param {TAbstractFile | TAbstractFile[]} [about] what it is the work on
   * @param {(run: RunShape) => string} [describe] returns how far it is, for the status bar
   * @returns {Promise<Outcome>}
   */
  async follow(run, about, describe = () => "") {
    const plugin = this.#plugin;
    const { store } = plugin.daemon;
    const findRun = () => store.runs.peek().find(({ id }) => id === run.id) ?? run;
    const away = say("waitingUntil", { what: say("untilAnswer") });
    if (about) this.doing.set(about, () => describe(store.status.peek() ? findRun() : { ...findRun(), waits: away }));
    /** @type {Promise<never>} */
    const givenUp = new Promise((_, reject) => this.runs.set(run.id, reject));
    try {
      const results = await Promise.race([store.follow(run), givenUp]);
      if (results) return { results, fault: findRun().fault };
      return { results: await readChanges(plugin, run.id), fault: say("startedAnew") };
    } finally {
      this.runs.delete(run.id);
    }
  }

  /** Cancel what is being done for anybody, and what waits for the user. A run is given up here where nobody can be told. */
  async cancel() {
    const { api, daemon } = this.#plugin;
    await this.cancelWaits();
    const runs = new Set([...this.runs.keys(), ...(daemon.status?.runs ?? [])]);
    const cancelRun = async (/** @type {string} */ run) => {
      await api.post(`/runs/${run}/cancel`).catch((/** @type {unknown} */ error) => {
        const giveUp = this.runs.get(run);
        if (!giveUp || !(error instanceof NoAnswer)) throw error;
        giveUp(error);
      });
    };
    await Promise.all(Array.from(runs, cancelRun));
  }

  /** Cancel what waits for the user: these, or all. */
  cancelWaits(waits = [...this.waits]) {
    for (const wait of waits) wait.isCancelled = true;
    return Promise.resolve();
  }
}

/** @type {(plugin: CompanionPlugin, run: string) => Promise<Result[]>} */
async function readChanges({ api }, run) {
  /** @type {Result[]} */
  const results = [];
  /** @type {AsyncGenerator<Change, void>} */
  const changes = readList(api, "/changes", { run, undoable: "part" });
  for await (const { id, path } of changes) results.push({ path, status: "enriched", reason: null, left: [], change: id, undone: null });
  return results;
}
