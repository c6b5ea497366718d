/** Why a note is, or is not, among those that are filled. */

import { lookAt } from "./daemon.js";
import { showLists } from "./modals.js";
import { nameChange, sentence } from "./words.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */

/**
 * Show it.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
export async function showWhy(plugin, file) {
  const { needs, left, skipped } = await lookAt(plugin, file.path);
  const filled = needs.map((need) => sentence(`${nameChange(need)}: ${need.reason}`));
  const alone = skipped === null ? [] : [sentence(skipped)];
  const isDone = !filled.length && !alone.length;
  showLists(plugin, file.basename, [
    ["Left alone", alone],
    ["Would be filled", isDone ? ["Nothing: it has all it needs."] : filled],
    ["Stays as it is", left.map(sentence)],
  ]);
}
