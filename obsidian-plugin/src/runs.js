/** Runs of the daemon: a model asked about a note, and a run followed until it is over. */

import { readChanges, readRun, startRun } from "./daemon.js";
import { notify } from "./dialogs.js";
import { AnotherVault, DaemonAway, explain, NotThere, Refused, Stopped } from "./errors.js";
import { readNote } from "./note-text.js";
import { isOpen, saveOpen } from "./open-notes.js";
import { showProgress } from "./work.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Progress, Result } from "./shapes.js" */

/**
 * section: the section at the cursor is to get a callout, and nothing else. requests: only the
 * empty callouts are filled. isQuiet: in the background, without a word.
 *
 * @typedef {{ section?: boolean, requests?: boolean, isQuiet?: boolean }} Scope
 */

/**
 * What a run gave for a note. text: of the note as it was sent; null: the daemon writes it.
 *
 * @typedef {{ file: TFile, path: string, run: string, text: string | null, result: Result }} Enrichment
 */

/**
 * What a model gave for the note. One that is renamed before a model is asked is asked for again.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @param {Scope} scope
 * @param {boolean} isOurs whether it is to be written here even where no editor shows the note
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
  const text = isOurs || note.view ? note.text : null;
  const run = await startRun(plugin, {
    paths: [path],
    priority: isQuiet ? "background" : "interactive",
    on_fault: "stop",
    ...(section && note.view && { line: note.view.editor.getCursor().line + 1 }),
    ...(requests && { requests }),
    ...(text !== null && { apply: "client", text }),
    ...(text === null && isOpen(plugin, path) && { even_open: true }),
  });
  return { file, path, run, text, result: await awaitResult(plugin, run, file, Boolean(isQuiet)) };
}

/**
 * The one result of a note's run.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {TFile} file
 * @param {boolean} isQuiet
 */
async function awaitResult(plugin, run, file, isQuiet) {
  for await (const { results, waits, fault } of followRun(plugin, run, isQuiet)) {
    const [result] = results;
    if (result) return result;
    if (fault) throw new Refused(fault);
    if (!isQuiet) showProgress(plugin, file.path, waits || `thinking about ${file.basename}`);
  }
  throw new Refused(`The work on “${file.basename}” was cancelled.`);
}

const POLL = 300; // milliseconds; the daemon answers at once when many wait
const FIRST_PAUSE = 1_000; // milliseconds until a question that failed is asked again; then twice as long
const LAST_PAUSE = 15_000; // milliseconds, at most
const FAILURES_UNTIL_TOLD = 3; // failures in a row until the user is told
const MOST_FAILURES = 50; // failures in a row until it is given up: about ten minutes of being awake

/** @type {Progress} */
const NOTHING = { state: "queued", total: 0, counts: {}, waits: "", fault: "", results: [], next: 0 };

/**
 * How far the run is, again and again, until it is over. While the daemon is away, that is what was
 * known last. What ends it otherwise than the daemon's word stands in `fault`; it rejects only when
 * the plugin stops.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {boolean} [isQuiet] whether nobody is to be told that the daemon is away
 */
export async function* followRun(plugin, run, isQuiet = false) {
  plugin.runs.add(run);
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
 * How far the run is now. A daemon that knows no such run was started after it.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {Progress} last
 * @returns {Promise<Progress>}
 */
async function readProgress(plugin, run, last) {
  try {
    return await readRun(plugin, run, last.next);
  } catch (error) {
    if (!(error instanceof NotThere)) throw error;
    return await readProgressFromJournal(plugin, run, last);
  }
}

/**
 * What a run did of which nothing is left but its changes in the journal.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {Progress} last
 * @returns {Promise<Progress>}
 */
async function readProgressFromJournal(plugin, run, last) {
  /** @type {Result[]} */
  const results = [];
  for await (const { id, path, needs, state, undoes } of readChanges(plugin, { run })) {
    if (state !== "done" || undoes !== null) continue;
    const changes = needs.map((key) => ({ kind: key.replace(/[:#].*/s, ""), heading: null, reason: "", text: "" }));
    results.push({ path, status: "enriched", reason: null, changes, left: [], change: id, offer: null });
  }
  const counts = { ...last.counts, enriched: results.length };
  const fault = "Callout Companion was started anew meanwhile, which ended this work. Ask again for the rest.";
  return { ...last, state: "failed", counts, waits: "", fault, results };
}

/**
 * What was known last, with what it waits for; or, where waiting is of no use, with the fault.
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
  if (isPassing && failures < MOST_FAILURES) return { ...last, results: [], waits: "waiting for Callout Companion" };
  return { ...last, state: "failed", results: [], waits: "", fault: explain(error, plugin.settings.address) };
}

/**
 * @param {CompanionPlugin} plugin
 * @param {unknown} error
 */
function notifyOfAbsence(plugin, error) {
  notify(`${explain(error, plugin.settings.address)} What was begun goes on once it is there again.`);
}
