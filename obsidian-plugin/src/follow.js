/** Runs followed until they are over, also while the daemon is away for some time. */

import { readChanges, readRun } from "./daemon.js";
import { AnotherVault, DaemonAway, NotThere, Stopped } from "./errors.js";
import { say } from "./notices.js";
import { explain } from "./words.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { Progress, Result } from "./shapes.js" */

const PAUSE = 300; // milliseconds; the daemon answers at once when many wait
const FIRST = 1_000; // milliseconds until a question that failed is asked again; then twice as long
const LAST = 15_000; // milliseconds, at most
const TOLD = 3; // failures in a row until the user is told
const MOST = 50; // failures in a row until it is given up: about ten minutes of being awake

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
export async function* follow(plugin, run, isQuiet = false) {
  plugin.runs.add(run);
  try {
    let progress = NOTHING;
    for (let failures = 0; ; ) {
      try {
        progress = await readOn(plugin, run, progress);
        failures = 0;
      } catch (error) {
        failures += 1;
        progress = awaitDaemon(plugin, progress, error, failures);
        if (failures === TOLD && !isQuiet && !progress.fault) tell(plugin, error);
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
  return failures ? Math.min(FIRST * 2 ** (failures - 1), LAST) : PAUSE;
}

/**
 * How far the run is now. A daemon that knows no such run was started after it.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {Progress} last
 * @returns {Promise<Progress>}
 */
async function readOn(plugin, run, last) {
  try {
    return await readRun(plugin, run, last.next);
  } catch (error) {
    if (!(error instanceof NotThere)) throw error;
    return await readJournal(plugin, run, last);
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
async function readJournal(plugin, run, last) {
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
function awaitDaemon(plugin, last, error, failures) {
  if (error instanceof Stopped) throw error;
  const isPassing = error instanceof DaemonAway || error instanceof AnotherVault;
  if (isPassing && failures < MOST) return { ...last, results: [], waits: "waiting for Callout Companion" };
  return { ...last, state: "failed", results: [], waits: "", fault: explain(error, plugin.settings.address) };
}

/**
 * @param {CompanionPlugin} plugin
 * @param {unknown} error
 */
function tell(plugin, error) {
  say(`${explain(error, plugin.settings.address)} What was begun goes on once it is there again.`);
}
