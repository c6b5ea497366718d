/** Background work: paused and resumed, and the backlog that waits for the user's word. */

import { answerBacklog, pauseBackground, readStatus } from "./daemon.js";
import { say, sayWithButton, showLists } from "./dialogs.js";
import { showState } from "./status-bar.js";
import { count, sentence } from "./words.js";

/** @import CompanionPlugin from "./main.js" */

/**
 * Say that such notes wait for an answer, once for so many.
 *
 * @param {CompanionPlugin} plugin
 */
export function announceBacklog(plugin) {
  const { notes } = findBacklog(plugin);
  if (notes <= plugin.announced) return;
  plugin.announced = notes;
  sayWithButton(plugin, `${nameNotes(notes)} not filled until you say so.`, "Decide", () => askAboutBacklog(plugin));
}

/**
 * How many notes wait for an answer, and what filling them would send and cost.
 *
 * @param {CompanionPlugin} plugin
 */
export function findBacklog({ watch }) {
  return watch.status?.background.backlog ?? { notes: 0, cost: "" };
}

/**
 * Ask whether they are to be filled.
 *
 * @param {CompanionPlugin} plugin
 */
export async function askAboutBacklog(plugin) {
  plugin.watch.status = await readStatus(plugin);
  const { notes, cost } = findBacklog(plugin);
  if (!notes) return say("No notes wait for an answer.");
  const most = plugin.watch.status?.background.notes_a_day ?? 0;
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
  plugin.watch.status = await answerBacklog(plugin, fill, notes);
  plugin.announced = 0;
  say(fill ? "They are filled by and by." : "They are left alone.");
  showState(plugin);
}

/** @param {number} notes */
function nameNotes(notes) {
  return `${count(notes, "note")} that ${notes === 1 ? "was" : "were"} here before, or came at once, ${notes === 1 ? "is" : "are"}`;
}

/**
 * Pause background work, or resume it, and say so.
 *
 * @param {CompanionPlugin} plugin
 * @param {boolean} isPaused
 */
export async function setPaused(plugin, isPaused) {
  plugin.watch.status = await pauseBackground(plugin, isPaused);
  say(isPaused ? "Background work is paused." : "Background work goes on.");
  showState(plugin);
}
