/** Windows with the daemon's status and with a note's needs in full. */

import { askAboutBacklog, findBacklog, setPaused } from "./background.js";
import { cancelRuns, readNeeds } from "./daemon.js";
import { notify, showLists } from "./dialogs.js";
import { checkDaemon } from "./heartbeat.js";
import { count, describeVault, nameChange, sentence } from "./words.js";

/** @import { TFile } from "obsidian" */
/** @import { Choice } from "./dialogs.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Status } from "./shapes.js" */

/**
 * Check the daemon and show its status; if it cannot be read, say what to do.
 *
 * @param {CompanionPlugin} plugin
 */
export async function openDetails(plugin) {
  await checkDaemon(plugin);
  const { status, words } = plugin.daemon;
  if (status) showDetails(plugin, status);
  else notify(words);
}

/**
 * Show why a note is, or is not, among those that are filled.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
export async function showWhy(plugin, file) {
  const { needs, left, skipped } = await readNeeds(plugin, file.path);
  const filled = needs.map((need) => sentence(`${nameChange(need)}: ${need.reason}`));
  const alone = skipped === null ? [] : [sentence(skipped)];
  const isDone = !filled.length && !alone.length;
  showLists(plugin, file.basename, [
    ["Left alone", alone],
    ["Would be filled", isDone ? ["Nothing: it has all it needs."] : filled],
    ["Stays as it is", left.map(sentence)],
  ]);
}

/**
 * Show the status, with buttons for what can be done about it.
 *
 * @param {CompanionPlugin} plugin
 * @param {Status} status
 */
function showDetails(plugin, status) {
  const { paused, runs } = status;
  /** @type {Choice[]} */
  const choices = [
    [paused ? "Resume background work" : "Pause background work", () => setPaused(plugin, !paused)],
  ];
  if (findBacklog(plugin).notes) choices.push(["Decide about notes from before", () => askAboutBacklog(plugin)]);
  if (runs.length) choices.push(["Cancel all runs", () => cancelRuns(plugin, runs)]);
  showLists(plugin, "Callout Companion", describeStatus(status), choices);
}

/**
 * @param {Status} status
 * @returns {[string, string[]][]}
 */
function describeStatus(status) {
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

