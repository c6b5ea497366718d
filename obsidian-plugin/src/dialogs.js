/** Notices, and windows with questions. */

import { ConfirmationModal, Modal, Notice, Setting } from "obsidian";
import { explain, Stopped } from "./errors.js";

/** @import CompanionPlugin from "./main.js" */

const DURATION = 12_000; // milliseconds that a notice with a button stays

/** @typedef {[name: string, act: () => unknown]} Choice the name of a button, and what it does */

/** @param {string} words */
export function notify(words) {
  new Notice(words);
}

/** @type {(plugin: CompanionPlugin, words: string, ...choices: Choice[]) => void} */
export function notifyWithButtons(plugin, words, ...choices) {
  if (!choices.length) return notify(words);
  const content = createFragment();
  content.createDiv({ text: words });
  const row = content.createDiv({ cls: "callout-companion-buttons" });
  const hide = () => notice.hide();
  for (const [name, act] of choices) {
    row.createEl("button", { text: name }).addEventListener("click", () => {
      hide();
      void notifyOfErrors(plugin, act);
    });
  }
  const notice = new Notice(content, DURATION);
}

/** Call act, and notify the user if it fails. Never rejects. @type {(plugin: CompanionPlugin, act: () => unknown) => Promise<void>} */
export async function notifyOfErrors(plugin, act) {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Stopped) && !plugin.timers.isStopped) notify(explain(error));
  }
}

/** Open a window, which is closed with the plugin if it is still open then. @type {(plugin: CompanionPlugin, modal: Modal) => void} */
function openModal({ modals }, modal) {
  modals.add(modal);
  modal.setCloseCallback(() => modals.delete(modal));
  modal.open();
}

/** Have the user choose one of many. @type {(plugin: CompanionPlugin, title: string, choices: Choice[]) => void} */
export function choose(plugin, title, choices) {
  const modal = new Modal(plugin.app).setTitle(title);
  const row = new Setting(modal.contentEl);
  row.settingEl.addClass("callout-companion-choices");
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

/** Ask the user: show the words with a button for each choice, and one to cancel. @type {(plugin: CompanionPlugin, title: string, words: string, ...choices: Choice[]) => void} */
export function ask(plugin, title, words, ...choices) {
  const modal = new ConfirmationModal(plugin.app);
  modal.setTitle(title).setContent(words);
  choices.forEach(([name, act], index) => {
    modal.addButton((button) => {
      button.setButtonText(name);
      if (index === 0) button.setCta();
      button.onClick(() => void notifyOfErrors(plugin, act));
    });
  });
  modal.addCancelButton("Cancel");
  openModal(plugin, modal);
}
