/** Runs followed until they are over. */

import { readRun } from "./daemon.js";

/** @import CompanionPlugin from "./main.js" */

const PAUSE = 300; // milliseconds; the daemon answers at once when many wait

/**
 * How far the run is, again and again, until it is over.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 */
export async function* follow(plugin, run) {
  plugin.runs.add(run);
  try {
    for (let since = 0; ;) {
      const progress = await readRun(plugin, run, since);
      yield progress;
      since = progress.next;
      if (progress.results.length) continue;
      if (!["queued", "running"].includes(progress.state)) return;
      await plugin.timers.pause(PAUSE);
    }
  } finally {
    plugin.runs.delete(run);
  }
}
