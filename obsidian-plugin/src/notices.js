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
  sayWithButton(plugin, words, "Undo", undo);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} words
 * @param {string} name of the button
 * @param {() => Promise<void>} act
 */
export function sayWithButton(plugin, words, name, act) {
  const content = createFragment();
  content.createDiv({ text: words });
  const button = content.createEl("button", { text: name });
  const notice = new Notice(content, UNDO_SHOWN);
  button.addEventListener("click", () => {
    notice.hide();
    void tellFaults(plugin, act);
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
