/** A settings tab made of definitions (Obsidian 1.13), its rows, and the window that shows it. */

import { PluginSettingTab as MockTab, Setting as MockSetting } from "obsidian-test-mocks/obsidian";
import { Modal } from "./popups.js";

/** A row with buttons, toggles and fields: those of obsidian-test-mocks, in the elements that Obsidian has. */
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

export class PluginSettingTab extends MockTab {
  /** Draw the tab. */
  update() {
    this.containerEl.empty();
    this.containerEl.addClass("vertical-tab-content");
    for (const { heading, items } of this.getSettingDefinitions()) {
      const group = this.containerEl.createDiv({ cls: "setting-group" });
      group.createDiv({ cls: "setting-group-heading", text: heading });
      const list = group.createDiv({ cls: "setting-items" });
      for (const { name, desc, render } of items) render(new Setting(list).setName(name).setDesc(desc));
    }
  }
}

const TABS = [["Options", "General", "Editor", "Files and links", "Appearance", "Hotkeys"], ["Community plugins"]];

/** The window with the tabs of Obsidian, in name alone, and the plugin's. */
export class SettingsModal extends Modal {
  constructor(app) {
    super(app);
    this.modalEl.addClass("mod-settings");
  }

  onOpen() {
    const { manifest, settingTabs__ } = this.app.plugin;
    const names = this.contentEl.createDiv({ cls: "vertical-tab-header" });
    for (const [title, ...tabs] of TABS) {
      names.createDiv({ cls: "vertical-tab-header-group-title", text: title });
      for (const text of tabs) names.createDiv({ cls: "vertical-tab-nav-item", text });
    }
    names.createDiv({ cls: "vertical-tab-nav-item is-active", text: manifest.name });
    for (const tab of settingTabs__) {
      this.contentEl.append(tab.containerEl);
      tab.update();
    }
  }
}
