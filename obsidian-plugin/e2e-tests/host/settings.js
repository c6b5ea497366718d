/** A settings tab made of definitions (Obsidian 1.13), and the window that shows it. */

import { PluginSettingTab as MockTab } from "obsidian-test-mocks/obsidian";
import { Setting } from "./controls.js";
import { icon } from "./icons.js";
import { Modal } from "./popups.js";

export class PluginSettingTab extends MockTab {
  /** Draw the tab. */
  update() {
    this.containerEl.empty();
    this.containerEl.addClass("vertical-tab-content");
    const list = this.containerEl.createDiv({ cls: "setting-group" }).createDiv({ cls: "setting-items" });
    for (const { name, desc, render, action } of this.getSettingDefinitions()) {
      const setting = new Setting(list).setName(name).setDesc(desc);
      if (render) render(setting);
      else {
        setting.settingEl.addClass("mod-action");
        setting.controlEl.append(icon("chevron-right"));
        setting.settingEl.addEventListener("click", () => action());
      }
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
