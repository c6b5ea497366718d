/** The daemon told regularly which notes are open, and asked how it stands. */

import { announceBacklog } from "./background.js";
import { useCode } from "./connection.js";
import { readStatus, reportPresence } from "./daemon.js";
import { explain, nameState } from "./errors.js";
import { findOpen } from "./open-notes.js";
import { showState } from "./status-bar.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { Status } from "./shapes.js" */

/**
 * What is known of the daemon. status: null while it cannot be had; then state says why in a
 * word, and words what to do. isTold: whether it knows which notes are open. address: where it
 * answered last; empty for nowhere. delay: milliseconds until it is asked again. looking: the
 * question that is under way.
 *
 * @typedef {{
 *   status: Status | null, state: string, words: string, isTold: boolean, address: string,
 *   delay: number, timer: number, looking: Promise<void> | null,
 * }} Watch
 */

const OFTEN = 10_000; // milliseconds
const SELDOM = 60_000;

/** @returns {Watch} */
export function newWatch() {
  const nothing = { status: null, state: "", words: "", isTold: false, address: "" };
  return { ...nothing, delay: OFTEN, timer: 0, looking: null };
}

/**
 * Ask now, and from now on. Never rejects; resolves when it is known how the daemon stands.
 *
 * @param {CompanionPlugin} plugin
 */
export function look(plugin) {
  const { watch } = plugin;
  watch.looking ??= lookOnce(plugin).finally(() => {
    watch.looking = null;
  });
  return watch.looking;
}

/** @param {CompanionPlugin} plugin */
async function lookOnce(plugin) {
  const { timers, watch } = plugin;
  timers.cancel(watch.timer);
  const wasThere = watch.isTold || !watch.state;
  let isTold = false;
  try {
    await useCode(plugin);
    const [told, status] = await Promise.allSettled([reportOpen(plugin), readStatus(plugin)]);
    isTold = told.status === "fulfilled"; // whether or not its status can be read
    for (const one of [told, status]) if (one.status === "rejected") throw one.reason;
    watch.status = status.status === "fulfilled" ? status.value : null;
  } catch (error) {
    watch.status = null;
    watch.state = nameState(error);
    watch.words = explain(error, plugin.settings.address);
  }
  watch.isTold = isTold;
  watch.delay = isTold || wasThere ? OFTEN : Math.min(watch.delay * 2, SELDOM);
  watch.timer = timers.after(watch.delay, () => void look(plugin));
  showState(plugin);
  announceBacklog(plugin);
}

/**
 * Tell the daemon; what waits for edits in them is taken over.
 *
 * @param {CompanionPlugin} plugin
 */
export async function reportOpen(plugin) {
  const open = findOpen(plugin.app);
  plugin.told = open.join("\n");
  const { to_do, asked } = await reportPresence(plugin, plugin.client, open);
  plugin.rest.waiting = to_do;
  plugin.asked.waiting = asked;
}

/**
 * Tell the daemon at once when other notes are open than it was told. Never rejects.
 *
 * @param {CompanionPlugin} plugin
 */
export async function reportChange(plugin) {
  if (!plugin.watch.isTold || findOpen(plugin.app).join("\n") === plugin.told) return;
  await reportOpen(plugin).catch(() => look(plugin));
}

/**
 * Say that nothing is open any more. Never rejects: what was reported ends by itself.
 *
 * @param {CompanionPlugin} plugin
 */
export async function leave(plugin) {
  await reportPresence(plugin, plugin.client, []).catch(() => {});
}
