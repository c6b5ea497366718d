/** Notices that say what happened. */

import { Notice } from "obsidian";
import { Stopped } from "./errors.js";
import { explain } from "./words.js";

/** @import CompanionPlugin from "./main.js" */

const UNDO_SHOWN = 12_000; // milliseconds

/** @param {string} words */
export function say(words) {
  new Notice(words);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} words
 * @param {() => Promise<void>} undo
 */
export function sayWithUndo(plugin, words, undo) {
  const content = createFragment();
  content.createDiv({ text: words });
  const button = content.createEl("button", { text: "Undo" });
  const notice = new Notice(content, UNDO_SHOWN);
  button.addEventListener("click", () => {
    notice.hide();
    void tellFaults(plugin, undo);
  });
}

/**
 * Do it, and say so when it does not work. Never rejects.
 *
 * @param {CompanionPlugin} plugin
 * @param {() => Promise<void>} act
 */
export async function tellFaults(plugin, act) {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Stopped)) say(explain(error, plugin.settings.address));
  }
}
