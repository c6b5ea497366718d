/** The regular exchange with the daemon: it is told which notes are open, and answers with its status. */

import { announceBacklog } from "./background.js";
import { useCode } from "./connection.js";
import { explain, nameState } from "./errors.js";
import { findOpen } from "./open-notes.js";
import { updateStatusBar } from "./status-bar.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { Status } from "./shapes.js" */

/**
 * What is known of the daemon.
 *
 * status: null while it cannot be read; then state says why in a word or two, words what to do, and
 * error is what was thrown.
 * isTold: whether the daemon knows which notes are open. address: where it answered last, empty if
 * nowhere. delay: milliseconds until the next check. timer: the timer of that check. looking: the
 * check in progress.
 *
 * @typedef {{
 *   status: Status | null, state: string, words: string, error: unknown, isTold: boolean, address: string,
 *   delay: number, timer: number, looking: Promise<void> | null,
 * }} DaemonState
 */

const OFTEN = 10_000; // milliseconds between two checks
const SELDOM = 60_000; // the same while the daemon is away

/** @returns {DaemonState} */
export function newDaemonState() {
  const nothing = { status: null, state: "", words: "", error: null, isTold: false, address: "" };
  return { ...nothing, delay: OFTEN, timer: 0, looking: null };
}

/**
 * Check the daemon now and regularly from now on. Never rejects; resolves when this check is done.
 *
 * @param {CompanionPlugin} plugin
 */
export function checkDaemon(plugin) {
  const { daemon } = plugin;
  daemon.looking ??= checkDaemonOnce(plugin).finally(() => {
    daemon.looking = null;
  });
  return daemon.looking;
}

/** @param {CompanionPlugin} plugin */
async function checkDaemonOnce(plugin) {
  const { timers, daemon } = plugin;
  timers.cancel(daemon.timer);
  const wasThere = daemon.isTold || !daemon.state;
  let isTold = false;
  try {
    await useCode(plugin);
    const [told, status] = await Promise.allSettled([reportOpen(plugin), plugin.api.readStatus()]);
    isTold = told.status === "fulfilled"; // even if the status cannot be read
    for (const one of [told, status]) if (one.status === "rejected") throw one.reason;
    daemon.status = status.status === "fulfilled" ? status.value : null;
    daemon.error = null;
  } catch (error) {
    daemon.status = null;
    daemon.error = error;
    daemon.state = nameState(error);
    daemon.words = explain(plugin, error);
  }
  daemon.isTold = isTold;
  daemon.delay = isTold || wasThere ? OFTEN : Math.min(daemon.delay * 2, SELDOM);
  daemon.timer = timers.after(daemon.delay, () => void checkDaemon(plugin));
  updateStatusBar(plugin);
  announceBacklog(plugin);
  for (const watch of plugin.watchers) watch();
}

/**
 * Tell the daemon which notes are open, and keep what it says is to be changed in them.
 *
 * @param {CompanionPlugin} plugin
 */
export async function reportOpen(plugin) {
  const open = findOpen(plugin.app);
  plugin.reportedOpen = open.join("\n");
  const { to_do, asked } = await plugin.api.reportPresence(plugin.client, open);
  plugin.takeOver.waiting = to_do;
  plugin.asked.waiting = asked;
}

/**
 * Tell the daemon which notes are open if that changed since it was told last. Never rejects.
 *
 * @param {CompanionPlugin} plugin
 */
export async function reportOpenIfChanged(plugin) {
  if (!plugin.daemon.isTold || findOpen(plugin.app).join("\n") === plugin.reportedOpen) return;
  await reportOpen(plugin).catch(() => checkDaemon(plugin));
}

/**
 * Tell the daemon that no note is open. Never rejects: without a report it forgets them after a while.
 *
 * @param {CompanionPlugin} plugin
 */
export async function reportNoneOpen(plugin) {
  await plugin.api.reportPresence(plugin.client, []).catch(() => {});
}
