/** How the daemon stands, in full. */

import { cancelRun } from "./daemon.js";
import { ListModal } from "./list-modal.js";
import { tellFaults } from "./notices.js";
import { count } from "./words.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { Status } from "./shapes.js" */

/**
 * Show it, with what can be done about it.
 *
 * @param {CompanionPlugin} plugin
 * @param {Status} status
 */
export function showDetails(plugin, status) {
  const { paused } = status;
  const pause = paused ? "Resume background work" : "Pause background work";
  const cancel = async (/** @type {string} */ run) => {
    await cancelRun(plugin, run);
    await plugin.watch.look();
  };
  new ListModal(plugin.app, "Callout Companion", describe(status), [
    { name: pause, act: () => void tellFaults(plugin, () => plugin.setPaused(!paused)) },
    ...status.runs.map((run) => {
      const act = () => void tellFaults(plugin, () => cancel(run));
      return { name: "Cancel the run", label: `Cancel the run ${run}`, act };
    }),
  ]).open();
}

/**
 * @param {Status} status
 * @returns {[string, string[]][]}
 */
function describe(status) {
  const { background, today } = status;
  const where = status.is_remote ? `at ${status.endpoint}` : "on this computer";
  const dollars = today.dollars === null ? "" : `, ${today.dollars.toFixed(2)} dollars`;
  return [
    ["Vault", [`${status.vault}: ${count(status.notes, "note")}, ${status.to_do} to do`]],
    ["Model", [`${status.model} ${where}`]],
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
