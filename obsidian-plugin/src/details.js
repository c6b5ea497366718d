/** Windows with the daemon's status and with a note's needs in full. */

import { askAboutBacklog, findBacklog, setPaused } from "./background.js";
import { notify, showLists } from "./dialogs.js";
import { openView } from "./view.js";
import { countNotes, describeModel, describeSettings, describeVault, nameChange, say, showHidden, sentence } from "./words.js";

/** @import { TFile } from "obsidian" */
/** @import { Choice } from "./dialogs.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Note, Status } from "./api-types.d.ts" */

/** Check the daemon and show its status; if it cannot be read, say why, and open the set-up. @param {CompanionPlugin} plugin */
export async function openDetails(plugin) {
  await plugin.daemon.check();
  const { status, words } = plugin.daemon;
  if (status || plugin.work.waits.size) return showDetails(plugin, status);
  notify(words);
  await openView(plugin);
}

/** Show why a note is, or is not, among those that are filled. @type {(plugin: CompanionPlugin, file: TFile) => Promise<void>} */
export async function showWhy(plugin, file) {
  /** @type {Note} */
  const { needs, left, skipped } = await plugin.api.get("/notes", { path: file.path });
  const filled = needs.map((need) => sentence(`${nameChange(need)}: ${need.reason}`));
  const alone = skipped === null ? [] : [sentence(skipped)];
  const isDone = !filled.length && !alone.length;
  showLists(plugin, showHidden(file.basename), [
    [say("whyLeft"), alone],
    [say("whyFilled"), isDone ? [say("whyNothing")] : filled],
    [say("whyStays"), left.map(sentence)],
  ]);
}

/**
 * Show the status and what waits for the user, with buttons for what can be done about it.
 *
 * @type {(plugin: CompanionPlugin, status: Status | null) => void}
 */
function showDetails(plugin, status) {
  const waits = [...plugin.work.waits];
  /** @type {[string, string[]][]} */
  const lists = [[say("headYou"), waits.map(({ words }) => words)], ...(status ? describeStatus(plugin, status) : [])];
  const choices = status ? findChoices(plugin, status) : [];
  if (waits.length) choices.unshift([say("cancelWaits"), () => plugin.work.cancelWaits(waits)]);
  showLists(plugin, "Callout Companion", lists, choices);
}

/** @type {(plugin: CompanionPlugin, status: Status) => Choice[]} */
function findChoices(plugin, { paused, runs }) {
  /** @type {Choice[]} */
  const choices = [
    [say(paused ? "resumeBackground" : "pauseBackground"), () => setPaused(plugin, !paused)],
  ];
  if (findBacklog(plugin).notes) choices.push([say("decideBefore"), () => askAboutBacklog(plugin)]);
  if (runs.length) choices.push([say("cancelWork"), () => plugin.api.cancelRuns(runs)]);
  return choices;
}

/** @type {(plugin: CompanionPlugin, status: Status) => [string, string[]][]} */
function describeStatus({ missing }, status) {
  const { background, today } = status;
  const spent = [say("tokensSpent", { n: today.input_tokens + today.output_tokens })];
  if (today.dollars !== null) spent.push(say("dollars", { n: today.dollars.toFixed(2) }));
  return [
    [say("headVault"), [describeVault(status), missing.length ? say("missing", { what: missing.join(", ") }) : ""].filter(Boolean)],
    [say("headModel"), [describeModel(status), describeSettings(status)].filter(Boolean)],
    [say("headWaits"), [status.fault?.reason ?? "", status.rate_limit].filter(Boolean)],
    [say("headAtWork"), status.in_hand],
    [say("headBackground"), [background.off || say("waiting", { notes: countNotes(background.waiting) })]],
    [
      say("headToday"),
      [
        say("todayOf", { done: background.notes_today, notes: countNotes(background.notes_a_day) }),
        spent.join(", "),
      ],
    ],
  ];
}
