/** Settings tabs made of definitions (Obsidian 1.13), and the window that shows them. */

import { icon } from "./icons.js";
import { Modal } from "./modals.js";
import { Setting } from "./setting.js";

export class SettingGroup {
  constructor(parent) {
    this.groupEl = parent.createDiv({ cls: "setting-group" });
    this.headingEl = this.groupEl.createDiv({ cls: "setting-group-heading" });
    this.listEl = this.groupEl.createDiv({ cls: "setting-items" });
  }

  setHeading(text) {
    this.headingEl.setText(text);
    return this;
  }

  addClass(...names) {
    this.groupEl.addClass(...names);
    return this;
  }

  addSetting(fill) {
    fill(new Setting(this.listEl));
    return this;
  }
}

export class SettingTab {
  icon = "settings";
  settingItems = [];
  #rows = [];

  constructor(app) {
    this.app = app;
    this.containerEl = createDiv({ cls: "vertical-tab-content" });
  }

  getSettingDefinitions() {
    return [];
  }

  update() {
    this.settingItems = this.getSettingDefinitions();
    if (this.containerEl.isConnected) this.show();
  }

  /** Draw the tab. */
  show() {
    this.#leave();
    this.containerEl.empty();
    if (!this.settingItems.length) {
      this.display();
      return;
    }
    for (const group of inGroups(this.settingItems)) this.#group(group);
    this.refreshDomState();
  }

  display() {}

  hide() {
    this.#leave();
  }

  refreshDomState() {
    for (const { definition, setting } of this.#rows) {
      setting.settingEl.toggle(holds(definition.visible, true));
      const disabled = definition.disabled ?? definition.control?.disabled;
      if (disabled !== undefined) setting.setDisabled(holds(disabled, false));
    }
  }

  #group(definition) {
    if (!holds(definition.visible, true)) return;
    const group = new SettingGroup(this.containerEl);
    if (definition.heading) group.setHeading(definition.heading);
    (definition.items ?? []).forEach((item, index) => this.#row(item, group, index));
  }

  #row(definition, group, index) {
    const setting = new Setting(group.listEl).setName(definition.name);
    setting.setDesc(definition.desc ?? "");
    const row = { definition, setting, leave: null };
    this.#rows.push(row);
    if (definition.render) row.leave = definition.render(setting, group);
    else if (definition.control) this.#control(setting, definition.control);
    else if (definition.action) {
      setting.settingEl.addClass("mod-action");
      setting.controlEl.append(icon("chevron-right"));
      setting.settingEl.addEventListener("click", () =>
        definition.action(setting.settingEl, index),
      );
    }
  }

  #control(setting, control) {
    const value = this.getControlValue(control.key) ?? control.defaultValue;
    const keep = (next) => this.#keep(setting, control, next);
    const fill = (component) => component.setValue(value ?? "").onChange(keep);
    if (control.type === "toggle") setting.addToggle(fill);
    else if (control.type === "dropdown") {
      setting.addDropdown((dropdown) => fill(dropdown.addOptions(control.options)));
    } else if (control.type === "textarea") setting.addTextArea(fill);
    else setting.addText((text) => fill(text.setPlaceholder(control.placeholder ?? "")));
  }

  async #keep(setting, control, value) {
    const wrong = await control.validate?.(value);
    setting.setErrorMessage(wrong ?? null);
    if (!wrong) await this.setControlValue(control.key, value);
    this.refreshDomState();
  }

  #leave() {
    for (const row of this.#rows.splice(0)) row.leave?.();
  }
}

export class PluginSettingTab extends SettingTab {
  constructor(app, plugin) {
    super(app);
    this.plugin = plugin;
  }

  getControlValue(key) {
    return this.plugin.settings?.[key];
  }

  async setControlValue(key, value) {
    this.plugin.settings[key] = value;
    await this.plugin.saveData(this.plugin.settings);
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

function inGroups(items) {
  const groups = [];
  let loose = null;
  for (const item of items) {
    if (item.type === "group" || item.type === "list") {
      groups.push(item);
      loose = null;
    } else if (loose) {
      loose.items.push(item);
    } else {
      groups.push((loose = { type: "group", items: [item] }));
    }
  }
  return groups;
}

function holds(predicate, otherwise) {
  if (predicate === undefined) return otherwise;
  return typeof predicate === "function" ? predicate() : predicate;
}
