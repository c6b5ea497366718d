/** Buttons, toggles, text fields and the rows they stand in. */

import { setIcon } from "./icons.js";

class BaseComponent {
  disabled = false;

  then(act) {
    act(this);
    return this;
  }

  setDisabled(disabled) {
    this.disabled = disabled;
    if (this.element) this.element.disabled = disabled;
    return this;
  }
}

class ValueComponent extends BaseComponent {
  changed = () => {};

  getValue() {
    return this.element.value;
  }

  setValue(value) {
    this.element.value = value;
    return this;
  }

  onChange(callback) {
    this.changed = callback;
    return this;
  }
}

export class ButtonComponent extends BaseComponent {
  constructor(parent) {
    super();
    this.buttonEl = this.element = parent.createEl("button");
  }

  setButtonText(text) {
    this.buttonEl.setText(text);
    return this;
  }

  setCta() {
    this.buttonEl.addClass("mod-cta");
    return this;
  }

  removeCta() {
    this.buttonEl.removeClass("mod-cta");
    return this;
  }

  setWarning() {
    this.buttonEl.addClass("mod-warning");
    return this;
  }

  setDestructive() {
    return this.setWarning();
  }

  setTooltip(text) {
    this.buttonEl.setAttribute("aria-label", text);
    return this;
  }

  setIcon(name) {
    setIcon(this.buttonEl, name);
    return this;
  }

  setClass(name) {
    this.buttonEl.addClass(name);
    return this;
  }

  onClick(callback) {
    this.buttonEl.addEventListener("click", callback);
    return this;
  }
}

export class ExtraButtonComponent extends BaseComponent {
  constructor(parent) {
    super();
    this.extraSettingsEl = this.element = parent.createDiv({
      cls: "clickable-icon extra-setting-button",
      attr: { role: "button", tabindex: "0" },
    });
  }

  setIcon(name) {
    setIcon(this.extraSettingsEl, name);
    return this;
  }

  setTooltip(text) {
    this.extraSettingsEl.setAttribute("aria-label", text);
    return this;
  }

  onClick(callback) {
    this.extraSettingsEl.addEventListener("click", callback);
    return this;
  }
}

export class ToggleComponent extends ValueComponent {
  constructor(parent) {
    super();
    this.toggleEl = parent.createDiv({ cls: "checkbox-container" });
    this.element = this.toggleEl.createEl("input", { type: "checkbox", attr: { tabindex: "0" } });
    this.element.addEventListener("change", () => {
      this.setValue(this.element.checked);
      this.changed(this.element.checked);
    });
    this.toggleEl.addEventListener("click", (event) => {
      if (event.target !== this.element) this.element.click();
    });
  }

  getValue() {
    return this.element.checked;
  }

  setValue(on) {
    this.element.checked = on;
    this.toggleEl.toggleClass("is-enabled", Boolean(on));
    return this;
  }

  setTooltip(text) {
    this.element.setAttribute("aria-label", text);
    return this;
  }
}

export class TextComponent extends ValueComponent {
  constructor(parent, tag = "input") {
    super();
    const more = tag === "input" ? { type: "text", attr: { spellcheck: "false" } } : {};
    this.inputEl = this.element = parent.createEl(tag, more);
    this.inputEl.addEventListener("input", () => this.changed(this.inputEl.value));
  }

  setPlaceholder(text) {
    this.inputEl.placeholder = text;
    return this;
  }
}

export class TextAreaComponent extends TextComponent {
  constructor(parent) {
    super(parent, "textarea");
  }
}

export class DropdownComponent extends ValueComponent {
  constructor(parent) {
    super();
    this.selectEl = this.element = parent.createEl("select", { cls: "dropdown" });
    this.selectEl.addEventListener("change", () => this.changed(this.selectEl.value));
  }

  addOption(value, text) {
    this.selectEl.createEl("option", { value, text });
    return this;
  }

  addOptions(options) {
    for (const [value, text] of Object.entries(options)) this.addOption(value, text);
    return this;
  }
}

export class ProgressBarComponent extends ValueComponent {
  constructor(parent) {
    super();
    this.element = parent.createEl("progress", { attr: { max: "100" } });
  }
}

export class Setting {
  components = [];
  errorEl = null;

  constructor(parent) {
    this.settingEl = parent.createDiv({ cls: "setting-item" });
    this.infoEl = this.settingEl.createDiv({ cls: "setting-item-info" });
    this.nameEl = this.infoEl.createDiv({ cls: "setting-item-name" });
    this.descEl = this.infoEl.createDiv({ cls: "setting-item-description" });
    this.controlEl = this.settingEl.createDiv({ cls: "setting-item-control" });
  }

  setName(name) {
    this.nameEl.setText(name);
    return this;
  }

  setDesc(text) {
    this.descEl.setText(text);
    return this;
  }

  setErrorMessage(message) {
    this.errorEl?.remove();
    this.errorEl = message
      ? this.infoEl.createDiv({ cls: "setting-item-error", text: message })
      : null;
    return this;
  }

  setClass(name) {
    this.settingEl.addClass(name);
    return this;
  }

  setTooltip(text) {
    this.nameEl.setAttribute("aria-label", text);
    return this;
  }

  setHeading() {
    this.settingEl.addClass("setting-item-heading");
    return this;
  }

  setDisabled(disabled) {
    this.settingEl.toggleClass("is-disabled", disabled);
    for (const component of this.components) component.setDisabled(disabled);
    return this;
  }

  addButton(fill) {
    return this.#add(ButtonComponent, fill);
  }

  addExtraButton(fill) {
    return this.#add(ExtraButtonComponent, fill);
  }

  addToggle(fill) {
    return this.#add(ToggleComponent, fill);
  }

  addText(fill) {
    return this.#add(TextComponent, fill);
  }

  addSearch(fill) {
    return this.#add(TextComponent, fill);
  }

  addTextArea(fill) {
    return this.#add(TextAreaComponent, fill);
  }

  addDropdown(fill) {
    return this.#add(DropdownComponent, fill);
  }

  addProgressBar(fill) {
    return this.#add(ProgressBarComponent, fill);
  }

  addComponent(make) {
    this.components.push(make(this.controlEl));
    return this;
  }

  then(act) {
    act(this);
    return this;
  }

  clear() {
    this.controlEl.empty();
    this.components = [];
    return this;
  }

  #add(Kind, fill) {
    const component = new Kind(this.controlEl);
    this.components.push(component);
    fill(component);
    return this;
  }
}
