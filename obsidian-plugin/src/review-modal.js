/** Changes side by side with what they replace, each to be accepted or refused. */

import { Modal, Setting } from "obsidian";
import { tellFaults } from "./notices.js";
import { nameChange, sentence } from "./words.js";

/** @import { ButtonComponent } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Proposal } from "./review.js" */

export class ReviewModal extends Modal {
  /** @type {Set<number>} */
  #accepted;
  /** @type {ButtonComponent | null} */
  #button = null;

  /**
   * @param {CompanionPlugin} plugin
   * @param {string} name of the note
   * @param {Proposal[]} proposals
   * @param {(accepted: number[]) => Promise<void>} decide called once, unless it is cancelled
   */
  constructor(plugin, name, proposals, decide) {
    super(plugin.app);
    this.plugin = plugin;
    this.name = name;
    this.proposals = proposals;
    this.decide = decide;
    this.#accepted = new Set(proposals.keys());
  }

  onOpen() {
    this.setTitle(`What would change in “${this.name}”`);
    this.modalEl.addClass("callout-companion-review");
    for (const [index, proposal] of this.proposals.entries()) this.#show(index, proposal);
    new Setting(this.contentEl)
      .addButton((button) => {
        this.#button = button.setCta().onClick(() => this.#decide());
      })
      .addButton((button) => button.setButtonText("Cancel").onClick(() => this.close()));
    this.#count();
  }

  onClose() {
    this.contentEl.empty();
  }

  /**
   * @param {number} index
   * @param {Proposal} proposal
   */
  #show(index, { change, before }) {
    const name = nameChange(change);
    const box = this.contentEl.createDiv({ cls: "callout-companion-change" });
    new Setting(box)
      .setName(name)
      .setDesc(sentence(change.reason))
      .addToggle((toggle) => {
        toggle.toggleEl.setAttribute("aria-label", `Accept: ${name}`);
        toggle.setValue(true).onChange((isAccepted) => {
          if (isAccepted) this.#accepted.add(index);
          else this.#accepted.delete(index);
          box.toggleClass("is-refused", !isAccepted);
          this.#count();
        });
      });
    if (before) box.createEl("del", { text: before, cls: "callout-companion-text" });
    const isCallout = change.kind === "callout";
    const lines = Array.isArray(change.text) ? change.text : [change.text];
    box.createEl("ins", { text: lines.join(isCallout ? "\n" : ", "), cls: "callout-companion-text" });
  }

  #count() {
    const accepted = this.#accepted.size;
    const refused = this.proposals.length - accepted;
    const words = refused ? `Write ${accepted}, refuse ${refused}` : "Write all";
    this.#button?.setButtonText(accepted ? words : "Refuse all");
  }

  #decide() {
    this.close();
    const accepted = [...this.#accepted].sort((a, b) => a - b);
    void tellFaults(this.plugin, () => this.decide(accepted));
  }
}
