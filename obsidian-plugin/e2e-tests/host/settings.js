/** A settings tab made of definitions (Obsidian 1.13), and the window that shows it. */

import { Setting } from "./controls.js";
import { icon } from "./icons.js";
import { Modal } from "./modals.js";

export class PluginSettingTab {
  #leave = [];

  constructor(app, plugin) {
    this.app = app;
    this.plugin = plugin;
    this.containerEl = createDiv({ cls: "vertical-tab-content" });
  }

  /** Draw the tab. */
  update() {
    this.hide();
    this.containerEl.empty();
    const list = this.containerEl.createDiv({ cls: "setting-group" }).createDiv({ cls: "setting-items" });
    for (const { name, desc, render, action } of this.getSettingDefinitions()) {
      const setting = new Setting(list).setName(name).setDesc(desc);
      if (render) this.#leave.push(render(setting));
      else {
        setting.settingEl.addClass("mod-action");
        setting.controlEl.append(icon("chevron-right"));
        setting.settingEl.addEventListener("click", () => action());
      }
    }
  }

  hide() {
    for (const leave of this.#leave.splice(0)) leave?.();
  }
}

/** The window with the tabs of all plugins, here one. */
export class SettingsModal extends Modal {
  constructor(app, tabs) {
    super(app);
    this.tabs = tabs;
    this.modalEl.addClass("mod-settings");
    this.setTitle("");
  }

  onOpen() {
    const names = this.contentEl.createDiv({ cls: "vertical-tab-header" });
    names.createDiv({ cls: "vertical-tab-header-group-title", text: "Options" });
    for (const name of ["General", "Editor", "Files and links", "Appearance", "Hotkeys"]) {
      names.createDiv({ cls: "vertical-tab-nav-item", text: name });
    }
    names.createDiv({ cls: "vertical-tab-header-group-title", text: "Community plugins" });
    for (const tab of this.tabs) {
      names.createDiv({ cls: "vertical-tab-nav-item is-active", text: tab.plugin.manifest.name });
      this.contentEl.append(tab.containerEl);
      tab.update();
    }
  }

  onClose() {
    for (const tab of this.tabs) tab.hide();
  }
}
