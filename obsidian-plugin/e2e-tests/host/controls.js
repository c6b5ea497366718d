/** Buttons, toggles and fields, and the row that they stand in: those of obsidian-test-mocks, in the elements that Obsidian has. */

import { Setting as MockSetting } from "obsidian-test-mocks/obsidian";

export class Setting extends MockSetting {
  constructor(parent) {
    super(parent);
    this.settingEl.addClass("setting-item");
    for (const part of ["info", "name", "control"]) this[`${part}El`].addClass(`setting-item-${part}`);
    this.descEl.addClass("setting-item-description");
    this.settingEl.append(this.controlEl);
  }

  setErrorMessage(message) {
    super.setErrorMessage(message);
    this.errorEl?.addClass("setting-item-error");
    return this;
  }

  addButton(fill) {
    return super.addButton((button) => {
      button.buttonEl.addEventListener("click", () => button.simulateClick__());
      fill(button);
    });
  }

  addText(fill) {
    return super.addText((text) => {
      text.inputEl.type = "text";
      text.inputEl.addEventListener("input", () => text.setValue(text.inputEl.value));
      fill(text);
    });
  }

  addDropdown(fill) {
    return super.addDropdown((dropdown) => {
      dropdown.selectEl.addClass("dropdown");
      dropdown.selectEl.addEventListener("change", () => dropdown.simulateChange__());
      fill(dropdown);
    });
  }

  addToggle(fill) {
    return super.addToggle((toggle) => {
      const { toggleEl } = toggle;
      toggleEl.addClass("checkbox-container");
      const input = toggleEl.createEl("input", { type: "checkbox", attr: { tabindex: "0" } });
      input.addEventListener("change", () => toggle.onClick());
      fill(toggle);
      input.checked = toggle.getValue();
    });
  }
}
