/** Runs of the daemon: a model is asked about a note, and a run is followed until it is over. */

import { notify } from "./dialogs.js";
import { AnotherVault, DaemonAway, explain, NotThere, Refused, Stopped } from "./errors.js";
import { readNote } from "./note-text.js";
import { isOpen, saveOpen } from "./open-notes.js";
import { kindOf, say } from "./words.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Progress, Result } from "./shapes.js" */

/**
 * What of a note is asked for. section: only a callout for the section at the cursor. requests: only
 * the empty callouts. isQuiet: in the background, without notices and progress.
 *
 * @typedef {{ section?: boolean, requests?: boolean, isQuiet?: boolean }} Scope
 */

/**
 * What a run gave for a note. text: the note's text that was sent, null if the daemon writes the note.
 *
 * @typedef {{ file: TFile, path: string, run: string, text: string | null, result: Result }} Enrichment
 */

const POLL = 300; // milliseconds between questions; the daemon does not hold back answers when many wait
const FIRST_PAUSE = 1_000; // milliseconds until the first retry; each later one waits twice as long
const LAST_PAUSE = 15_000; // milliseconds between retries at most
const FAILURES_UNTIL_TOLD = 3; // failures in a row until the user is notified
const MOST_FAILURES = 50; // failures in a row until the run is given up: about ten minutes, sleep not counted
/** @type {Progress} */
const NOTHING = { state: "queued", total: 0, counts: {}, waits: "", fault: "", results: [], next: 0 };

/**
 * Ask a model about a note, and return what it gave. If the note is renamed before the daemon gets to
 * it, it is asked about again.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @param {Scope} scope
 * @param {boolean} isOurs whether the plugin writes the note even if it is not open
 * @returns {Promise<Enrichment>}
 */
export async function askModel(plugin, file, scope, isOurs) {
  for (;;) {
    const { path } = file;
    try {
      const given = await askModelOnce(plugin, file, scope, isOurs);
      if (file.path === path || given.result.status !== "skipped") return given;
    } catch (error) {
      if (file.path === path || !(error instanceof Refused)) throw error;
    }
  }
}

/**
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @param {Scope} scope
 * @param {boolean} isOurs
 * @returns {Promise<Enrichment>}
 */
async function askModelOnce(plugin, file, { section, requests, isQuiet }, isOurs) {
  const { path } = file;
  await saveOpen(plugin, path);
  const note = await readNote(plugin.app, file);
  const text = isOurs || isOpen(plugin, path) ? note.text : null;
  const run = await plugin.api.startRun({
    paths: [path],
    priority: isQuiet ? "background" : "interactive",
    on_fault: "stop",
    ...(section && note.view && { line: note.view.editor.getCursor().line + 1 }),
    ...(requests && { mode: "requests" }),
    ...(text !== null && { text }),
  });
  return { file, path, run, text, result: await awaitResult(plugin, run, file, Boolean(isQuiet)) };
}

/**
 * Follow the run of one note and return its result.
 *
 * Throws Refused if there is none.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {TFile} file
 * @param {boolean} isQuiet
 */
async function awaitResult(plugin, run, file, isQuiet) {
  for await (const { results, waits, fault } of followRun(plugin, run, { file, isQuiet })) {
    const [result] = results;
    if (result) return result;
    if (fault) throw new Refused(fault);
    if (!isQuiet) plugin.work.show(file.path, waits || say("thinking", { name: file.basename }));
  }
  throw new Refused(say("workCancelled", { name: file.basename }));
}

/**
 * Yield the progress of a run until it is over; while the daemon is away, its last known progress. A
 * run that ends for another reason than the daemon's answer yields a progress with that `fault`.
 *
 * Throws Stopped when the plugin is switched off, and nothing else.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {{ file?: TFile | null, isQuiet?: boolean }} [about] file: the only note of the run. isQuiet:
 *   whether to give no notice that the daemon is away
 */
export async function* followRun(plugin, run, { file = null, isQuiet = false } = {}) {
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
        if (failures === FAILURES_UNTIL_TOLD && !isQuiet && !progress.fault) notifyOfAbsence(plugin, error);
      }
      yield progress;
      if (progress.fault || isOver(progress, failures)) return;
      if (!progress.results.length) await plugin.timers.pause(pauseAfter(failures));
    }
  } finally {
    plugin.runs.delete(run);
  }
}

/**
 * Return how many notes of a run have a result.
 *
 * @param {Record<string, number>} counts of the results, by status
 */
export function countSeen(counts) {
  return Object.values(counts).reduce((sum, some) => sum + some, 0);
}

/**
 * @param {Progress} progress
 * @param {number} failures
 */
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
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {Progress} last
 * @returns {Promise<Progress>}
 */
async function readProgress(plugin, run, last) {
  try {
    return await plugin.api.readRun(run, last.next);
  } catch (error) {
    if (!(error instanceof NotThere)) throw error;
    return await readProgressFromJournal(plugin, run, last);
  }
}

/**
 * Return the progress of a run that a restart of the daemon ended, from its changes in the journal.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {Progress} last
 * @returns {Promise<Progress>}
 */
async function readProgressFromJournal(plugin, run, last) {
  /** @type {Result[]} */
  const results = [];
  for await (const { id, path, needs, state, undoes } of plugin.api.readChanges({ run })) {
    if (state !== "done" || undoes !== null) continue;
    const changes = needs.map((key) => ({ kind: kindOf(key), heading: null, reason: "", text: "" }));
    results.push({ path, status: "enriched", reason: null, changes, left: [], change: id, offer: null });
  }
  const counts = { ...last.counts, enriched: results.length };
  const fault = say("startedAnew");
  return { ...last, state: "failed", counts, waits: "", fault, results };
}

/**
 * Return the last known progress with what it waits for, or with the fault if waiting is useless.
 *
 * @param {CompanionPlugin} plugin
 * @param {Progress} last
 * @param {unknown} error
 * @param {number} failures
 * @returns {Progress}
 */
function progressWithout(plugin, last, error, failures) {
  if (error instanceof Stopped) throw error;
  const isPassing = error instanceof DaemonAway || error instanceof AnotherVault;
  if (isPassing && failures < MOST_FAILURES) return { ...last, results: [], waits: say("waitingForDaemon") };
  return { ...last, state: "failed", results: [], waits: "", fault: explain(plugin, error) };
}

/**
 * @param {CompanionPlugin} plugin
 * @param {unknown} error
 */
function notifyOfAbsence(plugin, error) {
  notify(`${explain(plugin, error)} ${say("goesOn")}`);
}
