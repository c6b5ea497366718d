/** Notes that lay in the vault before, or came many at once: filled once the user agreed. */

import { answerBacklog, readStatus } from "./daemon.js";
import { showLists } from "./modals.js";
import { say, sayWithButton } from "./notices.js";
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
  sayWithButton(plugin, `${name(notes)} not filled until you say so.`, "Decide", () => askAboutBacklog(plugin));
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
    `${name(notes)} not asked about so far.`,
    ...(cost ? [sentence(cost)] : []),
    `In the background at most ${count(most, "note")} a day ${most === 1 ? "is" : "are"} filled. Notes that you write or edit are filled either way.`,
  ];
  showLists(plugin, "Fill the notes that were here before?", [["Before it begins", told]], [
    ["Yes, fill them", () => answer(plugin, true, notes)],
    ["No, leave them alone", () => answer(plugin, false, notes)],
    ["Decide later", async () => {}],
  ]);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {boolean} fill
 * @param {number} notes
 */
async function answer(plugin, fill, notes) {
  plugin.watch.status = await answerBacklog(plugin, fill, notes);
  plugin.announced = 0;
  say(fill ? "They are filled by and by." : "They are left alone.");
  showState(plugin);
}

/** @param {number} notes */
function name(notes) {
  return `${count(notes, "note")} that ${notes === 1 ? "was" : "were"} here before, or came at once, ${notes === 1 ? "is" : "are"}`;
}
