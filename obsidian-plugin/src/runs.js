/** Runs of the daemon: a model is asked about a note, and a run is followed until it is over. */

import { effect } from "@preact/signals";
import { ApiError, readList } from "../ui/api.js";
import { notify } from "./dialogs.js";
import { explain, isPassing } from "./errors.js";
import { saveOpen } from "./note-text.js";
import { findEditing } from "./open-notes.js";
import { say } from "./words.js";

/** @import { TFile } from "obsidian" */
/** @import { DaemonEvent } from "../ui/api.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Change, ResultShape, RunShape } from "./api-types.d.ts" */

/**
 * What of a note is asked for. section: only a callout for the section at the cursor. requests: only the empty
 * callouts. field: only that one. propose: nothing is written.
 *
 * @typedef {{ section?: boolean, requests?: boolean, field?: string, propose?: boolean }} Scope
 */

/**
 * @typedef {Pick<ResultShape, "path" | "status" | "reason" | "left" | "change" | "undone">} Result what is read of one
 * @typedef {{ counts: Record<string, number>, fault: string, results: Result[] }} Outcome of a run; fault: why it ended early
 */

const RETRY = 1_000; // milliseconds until the results are asked for again
const UNTIL_TOLD = 5_000; // milliseconds without the daemon until the user is notified
const UNTIL_GIVEN_UP = 600_000; // milliseconds without the daemon until nobody waits for it any more

/**
 * Have a model asked about a note, and return the result. If the note is renamed and nothing came
 * of it, it is asked about again: what a model gave is kept, and not asked for twice.
 *
 * Throws ApiError if there is no result.
 *
 * @type {(plugin: CompanionPlugin, file: TFile, scope: Scope) => Promise<Result>}
 */
export async function askModel(plugin, file, scope) {
  for (;;) {
    const { path } = file;
    try {
      const result = await awaitResult(plugin, await startRun(plugin, file, scope), file);
      if (file.path === path || result.change !== null || result.status === "proposed") return result;
    } catch (error) {
      if (file.path === path || !(error instanceof ApiError)) throw error;
    }
  }
}

/** @type {(plugin: CompanionPlugin, file: TFile, scope: Scope) => Promise<RunShape>} */
async function startRun(plugin, file, { section, requests, field, propose }) {
  await saveOpen(plugin, file.path);
  await plugin.daemon.reportOpenIfChanged();
  const line = section && findEditing(plugin.app, file)?.editor?.getCursor().line;
  return plugin.api.post("/runs", {
    paths: [file.path],
    priority: "interactive",
    on_fault: "stop",
    ...(typeof line === "number" && { line: line + 1 }),
    ...(requests && { mode: "requests" }),
    ...(field && { field }),
    ...(propose && { propose }),
  });
}

/**
 * Follow the run of one note and return its result.
 *
 * Throws ApiError if there is none.
 *
 * @type {(plugin: CompanionPlugin, run: RunShape, file: TFile) => Promise<Result>}
 */
async function awaitResult(plugin, run, file) {
  const { outbox, work } = plugin;
  const show = (/** @type {RunShape} */ { waits }) => {
    if (work.doing.has(file.path) && !work.waits.size) work.show(file.path, waits || say("thinking", { name: file.basename }));
  };
  const making = outbox.expect(run.id).then(({ change }) => asResult(file.path, change));
  try {
    const end = await Promise.race([followRun(plugin, run, show), making]);
    if (!("results" in end)) return end;
    const [result] = end.results;
    if (!outbox.forget(run.id)) return await making; // which may take longer than the run, or outlive its daemon
    if (result) return result;
    throw new ApiError(end.fault || say("workCancelled", { name: file.basename }));
  } finally {
    outbox.forget(run.id);
  }
}

/** @type {(path: string, change: number) => Result} */
function asResult(path, change) {
  return { path, status: "enriched", reason: null, left: [], change, undone: null };
}

/**
 * Follow a run until it is over, and return what became of it, also where the daemon was away meanwhile or was
 * started again. Never rejects; does not resolve once the plugin is switched off.
 *
 * @param {CompanionPlugin} plugin
 * @param {RunShape} run
 * @param {(run: RunShape) => void} [show] called with how far it is
 * @returns {Promise<Outcome>}
 */
export async function followRun(plugin, run, show = () => {}) {
  const { store } = plugin.daemon;
  const findRun = () => store.runs.value.find(({ id }) => id === run.id) ?? run;
  plugin.runs.add(run.id);
  const endShowing = effect(() => show(store.status.value ? findRun() : { ...findRun(), waits: say("waitingForDaemon") }));
  const { loss, end } = watchLoss(plugin);
  try {
    const { results, fault = findRun().fault } = await Promise.race([readOutcome(plugin, run), loss]);
    return { counts: findRun().counts, fault, results };
  } finally {
    endShowing();
    end();
    plugin.runs.delete(run.id);
  }
}

/**
 * Return the results of a run once it is over. One that a restart of the daemon ended has its changes in the journal.
 *
 * @type {(plugin: CompanionPlugin, run: RunShape) => Promise<{ results: Result[], fault?: string }>}
 */
async function readOutcome(plugin, run) {
  for (;;) {
    try {
      const results = await plugin.daemon.store.follow(run);
      return results ? { results } : { results: await readChanges(plugin, run.id), fault: say("startedAnew") };
    } catch (error) {
      if (!isPassing(error)) return { results: [], fault: explain(error) };
      await plugin.timers.pause(RETRY);
    }
  }
}

/** @type {(plugin: CompanionPlugin, run: string) => Promise<Result[]>} */
async function readChanges(plugin, run) {
  /** @type {Result[]} */
  const results = [];
  /** @type {AsyncGenerator<Change, void>} */
  const changes = readList(plugin.api, "/changes", { run, undoable: "part" });
  for await (const { id, path } of changes) results.push(asResult(path, id));
  return results;
}

/**
 * Watch whether the daemon is there; notify the user once it is not. `loss` resolves when waiting for it is of no use.
 *
 * @param {CompanionPlugin} plugin
 * @returns {{ loss: Promise<{ results: Result[], fault: string }>, end: () => void }}
 */
function watchLoss({ daemon, watchers }) {
  let since = Date.now();
  let isTold = false;
  /** @type {(end: { results: Result[], fault: string }) => void} */
  let lose = () => {};
  const watch = (/** @type {DaemonEvent | undefined} */ event) => {
    const { error } = daemon;
    const away = Date.now() - since;
    if (event || !error) since = Date.now();
    else if (!isPassing(error) || away > UNTIL_GIVEN_UP) lose({ results: [], fault: explain(error) });
    else if (!isTold && (isTold = away > UNTIL_TOLD)) notify(`${explain(error)} ${say("goesOn")}`);
  };
  watchers.add(watch);
  return { loss: new Promise((resolve) => (lose = resolve)), end: () => void watchers.delete(watch) };
}
