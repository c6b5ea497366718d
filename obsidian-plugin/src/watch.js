/** How the daemon stands, asked again and again: seldom while it is away. */

import { announceBacklog } from "./backlog.js";
import { readStatus } from "./daemon.js";
import { DaemonAway, NotPaired } from "./errors.js";
import { useCode } from "./pairing.js";
import { reportOpen } from "./presence.js";
import { showState } from "./status-bar.js";
import { explain } from "./words.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { Status } from "./shapes.js" */

/**
 * What is known of the daemon. status: null while it cannot be had; then state says why in a
 * word, and words what to do. delay: milliseconds until it is asked again. looking: the question
 * that is under way.
 *
 * @typedef {{
 *   status: Status | null, state: string, words: string, delay: number, timer: number,
 *   looking: Promise<void> | null,
 * }} Watch
 */

const OFTEN = 10_000; // milliseconds
const SELDOM = 60_000;

/** @returns {Watch} */
export function newWatch() {
  return { status: null, state: "", words: "", delay: OFTEN, timer: 0, looking: null };
}

/**
 * Ask now, and from now on. Never rejects; resolves when it is known how the daemon stands.
 *
 * @param {CompanionPlugin} plugin
 */
export function look(plugin) {
  const { watch } = plugin;
  watch.looking ??= ask(plugin).finally(() => {
    watch.looking = null;
  });
  return watch.looking;
}

/** @param {CompanionPlugin} plugin */
async function ask(plugin) {
  const { timers, watch } = plugin;
  timers.cancel(watch.timer);
  try {
    await useCode(plugin);
    watch.status = await readStatus(plugin);
    watch.delay = OFTEN;
    await reportOpen(plugin);
  } catch (error) {
    const isNew = watch.status || !watch.state;
    watch.delay = isNew ? OFTEN : Math.min(watch.delay * 2, SELDOM);
    watch.status = null;
    watch.state = nameState(error);
    watch.words = explain(error, plugin.settings.address);
  }
  watch.timer = timers.after(watch.delay, () => void look(plugin));
  showState(plugin);
  announceBacklog(plugin);
}

/** @param {unknown} error */
function nameState(error) {
  if (error instanceof DaemonAway) return "away";
  return error instanceof NotPaired ? "not paired" : "trouble";
}
