/** Windows over the app: lists to read, and changes to decide on. */

import { ConfirmationModal, Modal, Setting } from "obsidian";
import { tellFaults } from "./notices.js";
import { nameChange, sentence } from "./words.js";

/** @import { App } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Proposal } from "./review.js" */

/** @typedef {[string, () => Promise<void>]} Choice */

/**
 * Lists under headings, with buttons below.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} title
 * @param {[string, string[]][]} lists headings and lines; those without lines are left out
 * @param {Choice[]} [choices] names of buttons, and what they do
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
        void tellFaults(plugin, act);
      });
    });
  }
  modal.open();
}

/**
 * What is to be known before it begins, with a button for that and one to leave it.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} title
 * @param {string} words
 * @param {Choice} choice
 */
export function askFirst(plugin, title, words, [name, act]) {
  const modal = new ConfirmationModal(plugin.app);
  modal.setTitle(title).setContent(words);
  modal.addButton((button) => {
    button.setButtonText(name).setCta();
    button.onClick(() => void tellFaults(plugin, act));
  });
  modal.addCancelButton();
  modal.open();
}

/**
 * Changes, and what they replace, each to be accepted or refused. Resolves with the numbers of those
 * accepted, with null when it is cancelled.
 *
 * @param {App} app
 * @param {string} name of the note
 * @param {Proposal[]} proposals
 * @returns {Promise<number[] | null>}
 */
export function showReview(app, name, proposals) {
  return new Promise((resolve) => openReview(app, name, proposals, resolve));
}

/**
 * @param {App} app
 * @param {string} name
 * @param {Proposal[]} proposals
 * @param {(accepted: number[] | null) => void} decide
 */
function openReview(app, name, proposals, decide) {
  const modal = new Modal(app).setTitle(`What would change in “${name}”`);
  const { contentEl } = modal;
  const isAccepted = proposals.map(() => true);
  for (const [index, proposal] of proposals.entries()) {
    showProposal(contentEl, proposal, (accepted) => {
      isAccepted[index] = accepted;
      recount();
    });
  }
  /** @type {HTMLButtonElement | undefined} */
  let button;
  const recount = () => button?.setText(nameDecision(isAccepted));
  const done = () => {
    decide([...isAccepted.keys()].filter((index) => isAccepted[index]));
    modal.close();
  };
  modal.onClose = () => decide(null); // which does nothing once it was decided
  new Setting(contentEl)
    .addButton((added) => {
      button = added.setCta().onClick(done).buttonEl;
    })
    .addButton((added) => added.setButtonText("Cancel").onClick(() => modal.close()));
  recount();
  modal.open();
}

/**
 * @param {HTMLElement} parent
 * @param {Proposal} proposal
 * @param {(accepted: boolean) => void} decide
 */
function showProposal(parent, { change, before }, decide) {
  const name = nameChange(change);
  const box = parent.createDiv({ cls: "callout-companion-change" });
  new Setting(box)
    .setName(name)
    .setDesc(sentence(change.reason))
    .addToggle((toggle) => {
      toggle.setTooltip(`Accept: ${name}`).setValue(true);
      toggle.onChange((accepted) => {
        box.toggleClass("is-refused", !accepted);
        decide(accepted);
      });
    });
  const lines = Array.isArray(change.text) ? change.text : [change.text];
  const text = lines.join(change.kind === "callout" ? "\n" : ", ");
  if (before) box.createEl("del", { text: before, cls: "callout-companion-text" });
  box.createEl("ins", { text, cls: "callout-companion-text" });
}

/** @param {boolean[]} isAccepted */
function nameDecision(isAccepted) {
  const accepted = isAccepted.filter(Boolean).length;
  return `Write ${accepted}, refuse ${isAccepted.length - accepted}`;
}
