/** Notices, and windows with lists and questions. */

import { ConfirmationModal, Modal, Notice, Setting } from "obsidian";
import { explain, Stopped } from "./errors.js";
import { say } from "./words.js";

/** @import CompanionPlugin from "./main.js" */

const DURATION = 12_000; // milliseconds that a notice with a button stays

/** @param {string} words */
export function notify(words) {
  new Notice(words);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} words
 * @param {string} name of the button
 * @param {() => Promise<void>} act
 */
export function notifyWithButton(plugin, words, name, act) {
  const content = createFragment();
  content.createDiv({ text: words });
  const button = content.createEl("button", { text: name });
  const notice = new Notice(content, DURATION);
  button.addEventListener("click", () => {
    notice.hide();
    void notifyOfErrors(plugin, act);
  });
}

/** Call act, and notify the user if it fails. Never rejects. @type {(plugin: CompanionPlugin, act: () => unknown) => Promise<void>} */
export async function notifyOfErrors(plugin, act) {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Stopped)) notify(explain(error));
  }
}

/**
 * Open a window, which is closed with the plugin if it is still open then.
 *
 * @type {(plugin: CompanionPlugin, modal: Modal, end?: () => void) => void}
 */
export function openModal({ modals }, modal, end = () => {}) {
  modals.add(modal);
  modal.setCloseCallback(() => {
    modals.delete(modal);
    end();
  });
  modal.open();
}

/** @typedef {[string, () => Promise<void>]} Choice the name of a button, and what it does */

/**
 * Show a window with lists under headings, and buttons below.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} title
 * @param {[string, string[]][]} lists headings with their lines; a heading without lines is left out
 * @param {Choice[]} [choices] the buttons
 */
export function showLists(plugin, title, lists, choices = []) {
  const modal = new Modal(plugin.app).setTitle(title);
  const { contentEl } = modal;
  for (const [heading, lines] of lists) {
    if (!lines.length) continue;
    new Setting(contentEl).setName(heading).setHeading();
    const list = contentEl.createEl("ul");
    for (const line of lines) list.createEl("li", { text: line });
  }
  const row = new Setting(contentEl);
  for (const [name, act] of choices) {
    row.addButton((button) => {
      button.setButtonText(name).onClick(() => {
        modal.close();
        void notifyOfErrors(plugin, act);
      });
    });
  }
  openModal(plugin, modal);
}

/**
 * Ask the user to confirm: show the words with a button for the choice and one to cancel.
 *
 * @type {(plugin: CompanionPlugin, title: string, words: string, choice: Choice) => void}
 */
export function confirmFirst(plugin, title, words, [name, act]) {
  const modal = new ConfirmationModal(plugin.app);
  modal.setTitle(title).setContent(words);
  modal.addButton((button) => {
    button.setButtonText(name).setCta();
    button.onClick(() => void notifyOfErrors(plugin, act));
  });
  modal.addCancelButton(say("cancel"));
  openModal(plugin, modal);
}
