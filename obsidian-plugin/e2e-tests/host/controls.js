/** Buttons, toggles and text fields. */

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
