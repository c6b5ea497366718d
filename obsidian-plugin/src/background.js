/** Background work paused and resumed, and the backlog: notes that are filled only if the user agrees. */

import { answerBacklog, pauseBackground, readStatus } from "./daemon.js";
import { notify, notifyWithButton, showLists } from "./dialogs.js";
import { updateStatusBar } from "./status-bar.js";
import { count, sentence } from "./words.js";

/** @import CompanionPlugin from "./main.js" */

/**
 * Notify the user of the backlog, again only when it has grown.
 *
 * @param {CompanionPlugin} plugin
 */
export function announceBacklog(plugin) {
  const { notes } = findBacklog(plugin);
  if (notes <= plugin.announcedBacklog) return;
  plugin.announcedBacklog = notes;
  notifyWithButton(plugin, `${nameNotes(notes)} not filled until you say so.`, "Decide", () => askAboutBacklog(plugin));
}

/**
 * Return the number of notes in the backlog, and what filling them would send and cost, in words.
 *
 * @param {CompanionPlugin} plugin
 */
export function findBacklog({ daemon }) {
  return daemon.status?.background.backlog ?? { notes: 0, cost: "" };
}

/**
 * Ask the user whether to fill the notes of the backlog.
 *
 * @param {CompanionPlugin} plugin
 */
export async function askAboutBacklog(plugin) {
  plugin.daemon.status = await readStatus(plugin);
  const { notes, cost } = findBacklog(plugin);
  if (!notes) return notify("No notes wait for an answer.");
  const most = plugin.daemon.status?.background.notes_a_day ?? 0;
  const told = [
    `${nameNotes(notes)} not asked about so far.`,
    ...(cost ? [sentence(cost)] : []),
    `In the background at most ${count(most, "note")} a day ${most === 1 ? "is" : "are"} filled. Notes that you write or edit are filled either way.`,
  ];
  showLists(plugin, "Fill the notes that were here before?", [["Before it begins", told]], [
    ["Yes, fill them", () => decide(plugin, true, notes)],
    ["No, leave them alone", () => decide(plugin, false, notes)],
    ["Decide later", async () => {}],
  ]);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {boolean} fill
 * @param {number} notes
 */
async function decide(plugin, fill, notes) {
  plugin.daemon.status = await answerBacklog(plugin, fill, notes);
  plugin.announcedBacklog = 0;
  notify(fill ? "They are filled by and by." : "They are left alone.");
  updateStatusBar(plugin);
}

/**
 * Return the subject of a sentence about the backlog, with its verb.
 *
 * @param {number} notes
 */
function nameNotes(notes) {
  return `${count(notes, "note")} that ${notes === 1 ? "was" : "were"} here before, or came at once, ${notes === 1 ? "is" : "are"}`;
}

/**
 * Pause or resume background work, and notify the user.
 *
 * @param {CompanionPlugin} plugin
 * @param {boolean} isPaused
 */
export async function setPaused(plugin, isPaused) {
  plugin.daemon.status = await pauseBackground(plugin, isPaused);
  notify(isPaused ? "Background work is paused." : "Background work goes on.");
  updateStatusBar(plugin);
}
