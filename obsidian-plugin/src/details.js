/** How the daemon stands, in full. */

import { askAboutBacklog, findBacklog } from "./backlog.js";
import { setPaused } from "./connection.js";
import { cancelRuns } from "./daemon.js";
import { showLists } from "./modals.js";
import { count, describeVault } from "./words.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { Choice } from "./modals.js" */
/** @import { Status } from "./shapes.js" */

/**
 * Show it, with what can be done about it.
 *
 * @param {CompanionPlugin} plugin
 * @param {Status} status
 */
export function showDetails(plugin, status) {
  const { paused, runs } = status;
  /** @type {Choice[]} */
  const choices = [
    [paused ? "Resume background work" : "Pause background work", () => setPaused(plugin, !paused)],
  ];
  if (findBacklog(plugin).notes) choices.push(["Decide about notes from before", () => askAboutBacklog(plugin)]);
  if (runs.length) choices.push(["Cancel all runs", () => cancelRuns(plugin, runs)]);
  showLists(plugin, "Callout Companion", describe(status), choices);
}

/**
 * @param {Status} status
 * @returns {[string, string[]][]}
 */
function describe(status) {
  const { background, today } = status;
  const dollars = today.dollars === null ? "" : `, ${today.dollars.toFixed(2)} dollars`;
  return [
    ["Vault", [describeVault(status)]],
    ["Model", [`${status.model} at ${status.endpoint || "this computer"}`]],
    ["Waits", status.fault ? [status.fault.reason] : []],
    ["At work on", status.in_hand],
    ["Background work", [background.off || `${count(background.waiting, "note")} waiting`]],
    [
      "Today",
      [
        `${background.notes_today} of at most ${count(background.notes_a_day, "note")}`,
        `${today.input_tokens + today.output_tokens} tokens${dollars}`,
      ],
    ],
  ];
}
