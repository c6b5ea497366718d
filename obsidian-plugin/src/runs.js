/** Runs of the daemon: a model is asked about a note, and a run is followed until it is over. */

import { readList } from "../ui/api.js";
import { notify } from "./dialogs.js";
import { AnotherVault, DaemonAway, explain, NotThere, Refused, Stopped } from "./errors.js";
import { findEditing } from "./note-text.js";
import { saveOpen } from "./open-notes.js";
import { say } from "./words.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Change, ResultShape, RunProgress, RunShape } from "./api-types.d.ts" */

/**
 * What of a note is asked for. section: only a callout for the section at the cursor. requests: only the empty
 * callouts. field: only that one. propose: nothing is written.
 *
 * @typedef {{ section?: boolean, requests?: boolean, field?: string, propose?: boolean }} Scope
 */

const WAIT = 5; // seconds that the daemon may wait for news; short, since requestUrl cannot be aborted
const POLL = 300; // milliseconds between questions; the daemon does not hold back answers when many wait
const FIRST_PAUSE = 1_000; // milliseconds until the first retry; each later one waits twice as long
const LAST_PAUSE = 15_000; // milliseconds between retries at most
const FAILURES_UNTIL_TOLD = 3; // failures in a row until the user is notified
const MOST_FAILURES = 50; // failures in a row until the run is given up: about ten minutes, sleep not counted
/**
 * @typedef {Pick<ResultShape, "path" | "status" | "reason" | "left" | "change" | "undone">} Result what is read of one
 * @typedef {Pick<RunProgress, "state" | "total" | "counts" | "waits" | "fault" | "next"> & { results: Result[] }} Progress
 */

/** @type {Progress} */
const NOTHING = { state: "queued", total: 0, counts: {}, waits: "", fault: "", results: [], next: 0 };

/**
 * Have a model asked about a note, and return the result. If the note is renamed and nothing came
 * of it, it is asked about again: what a model gave is kept, and not asked for twice.
 *
 * Throws Refused if there is no result.
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
      if (file.path === path || !(error instanceof Refused)) throw error;
    }
  }
}

/** @type {(plugin: CompanionPlugin, file: TFile, scope: Scope) => Promise<string>} */
async function startRun(plugin, file, { section, requests, field, propose }) {
  await saveOpen(plugin, file.path);
  await plugin.daemon.reportOpenIfChanged();
  const line = section && findEditing(plugin.app, file)?.editor.getCursor().line;
  /** @type {RunShape} */
  const run = await plugin.api.post("/runs", {
    paths: [file.path],
    priority: "interactive",
    on_fault: "stop",
    ...(typeof line === "number" && { line: line + 1 }),
    ...(requests && { mode: "requests" }),
    ...(field && { field }),
    ...(propose && { propose }),
  });
  return run.id;
}

/**
 * Follow the run of one note and return its result.
 *
 * Throws Refused if there is none.
 *
 * @type {(plugin: CompanionPlugin, run: string, file: TFile) => Promise<Result>}
 */
async function awaitResult(plugin, run, file) {
  const { outbox, work } = plugin;
  const making = outbox.expect(run).then(({ change }) => ({ path: file.path, status: /** @type {const} */ ("enriched"), reason: null, left: [], change, undone: null }));
  const steps = followRun(plugin, run, file);
  try {
    for (;;) {
      const step = await Promise.race([steps.next(), making]);
      if ("change" in step) return step;
      if (step.done) throw new Refused(say("workCancelled", { name: file.basename }));
      const { results, waits, fault } = step.value;
      const [result] = results;
      if (result) return outbox.forget(run) ? result : await making; // which may take longer than the run
      if (fault) throw new Refused(fault);
      if (!work.waits.size) work.show(file.path, waits || say("thinking", { name: file.basename }));
    }
  } finally {
    outbox.forget(run);
    void steps.return();
  }
}

/**
 * Yield the progress of a run until it is over; while the daemon is away, its last known progress. A
 * run that ends for another reason than the daemon's answer yields a progress with that `fault`.
 *
 * Throws Stopped when the plugin is switched off, and nothing else.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {TFile | null} [file] the only note of the run
 */
export async function* followRun(plugin, run, file = null) {
  plugin.runs.set(run, file);
  try {
    let progress = NOTHING;
    for (let failures = 0; ; ) {
      try {
        progress = await readProgress(plugin, run, progress);
        failures = 0;
      } catch (error) {
        failures += 1;
        progress = progressWithout(plugin, progress, error, failures);
        if (failures === FAILURES_UNTIL_TOLD && !progress.fault) notify(`${explain(plugin, error)} ${say("goesOn")}`);
      }
      yield progress;
      if (progress.fault || isOver(progress, failures)) return;
      if (!progress.results.length) await plugin.timers.pause(pauseAfter(failures));
    }
  } finally {
    plugin.runs.delete(run);
  }
}

/** @type {(progress: Progress, failures: number) => boolean} */
function isOver({ state, results }, failures) {
  return !failures && !results.length && !["queued", "running"].includes(state);
}

/** @param {number} failures in a row */
function pauseAfter(failures) {
  return failures ? Math.min(FIRST_PAUSE * 2 ** (failures - 1), LAST_PAUSE) : POLL;
}

/**
 * Return the run's progress now. A daemon that does not know the run was restarted after it began:
 * then its progress is read from the journal.
 *
 * @type {(plugin: CompanionPlugin, run: string, last: Progress) => Promise<Progress>}
 */
async function readProgress(plugin, run, last) {
  try {
    return await plugin.api.get(`/runs/${run}`, { since: last.next, wait: WAIT });
  } catch (error) {
    if (!(error instanceof NotThere)) throw error;
    return await readProgressFromJournal(plugin, run, last);
  }
}

/**
 * Return the progress of a run that a restart of the daemon ended, from its changes in the journal.
 *
 * @type {(plugin: CompanionPlugin, run: string, last: Progress) => Promise<Progress>}
 */
async function readProgressFromJournal(plugin, run, last) {
  /** @type {Result[]} */
  const results = [];
  /** @type {AsyncGenerator<Change, void>} */
  const changes = readList(plugin.api, "/changes", { run, undoable: "part" });
  for await (const { id, path } of changes) results.push({ path, status: "enriched", reason: null, left: [], change: id, undone: null });
  const counts = { ...last.counts, enriched: results.length };
  const fault = say("startedAnew");
  return { ...last, state: "failed", counts, waits: "", fault, results };
}

/**
 * Return the last known progress with what it waits for, or with the fault if waiting is useless.
 *
 * @type {(plugin: CompanionPlugin, last: Progress, error: unknown, failures: number) => Progress}
 */
function progressWithout(plugin, last, error, failures) {
  if (error instanceof Stopped) throw error;
  const isPassing = error instanceof DaemonAway || error instanceof AnotherVault;
  if (isPassing && failures < MOST_FAILURES) return { ...last, results: [], waits: say("waitingForDaemon") };
  return { ...last, state: "failed", results: [], waits: "", fault: explain(plugin, error) };
}
