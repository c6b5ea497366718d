/** Lists under headings, with buttons below. */

import { Modal, Setting } from "obsidian";

/** @import { App } from "obsidian" */

/** @typedef {{ name: string, label?: string, act: () => void }} Choice */

export class ListModal extends Modal {
  /**
   * @param {App} app
   * @param {string} title
   * @param {[string, string[]][]} lists headings and lines; those without lines are left out
   * @param {Choice[]} choices
   */
  constructor(app, title, lists, choices) {
    super(app);
    this.setTitle(title);
    this.lists = lists;
    this.choices = choices;
  }

  onOpen() {
    for (const [heading, lines] of this.lists) {
      if (!lines.length) continue;
      new Setting(this.contentEl).setName(heading).setHeading();
      const list = this.contentEl.createEl("ul");
      for (const line of lines) list.createEl("li", { text: line });
    }
    const row = new Setting(this.contentEl);
    for (const { name, label, act } of this.choices) {
      row.addButton((button) => {
        button.setButtonText(name).setTooltip(label ?? name);
        button.onClick(() => {
          this.close();
          act();
        });
      });
    }
  }

  onClose() {
    this.contentEl.empty();
  }
}
