/** Buttons, toggles and fields, and the row that they stand in: what of them the plugin uses. */

export class ButtonComponent {
  constructor(parent) {
    this.buttonEl = parent.createEl("button");
  }

  setButtonText(text) {
    this.buttonEl.setText(text);
    return this;
  }

  setCta() {
    this.buttonEl.addClass("mod-cta");
    return this;
  }

  onClick(callback) {
    this.buttonEl.addEventListener("click", callback);
    return this;
  }
}

class ValueComponent {
  changed = () => {};

  setValue(value) {
    this.element.value = value;
    return this;
  }

  onChange(callback) {
    this.changed = callback;
    return this;
  }
}

class ToggleComponent extends ValueComponent {
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

  setValue(on) {
    this.element.checked = on;
    this.toggleEl.toggleClass("is-enabled", Boolean(on));
    return this;
  }
}

class TextComponent extends ValueComponent {
  constructor(parent) {
    super();
    this.inputEl = this.element = parent.createEl("input", { type: "text", attr: { spellcheck: "false" } });
    this.inputEl.addEventListener("input", () => this.changed(this.inputEl.value));
  }

  setPlaceholder(text) {
    this.inputEl.placeholder = text;
    return this;
  }
}

class DropdownComponent extends ValueComponent {
  constructor(parent) {
    super();
    this.selectEl = this.element = parent.createEl("select", { cls: "dropdown" });
    this.selectEl.addEventListener("change", () => this.changed(this.selectEl.value));
  }

  addOptions(options) {
    for (const [value, text] of Object.entries(options)) this.selectEl.createEl("option", { value, text });
    return this;
  }
}

export class Setting {
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

  setHeading() {
    this.settingEl.addClass("setting-item-heading");
    return this;
  }

  addButton(fill) {
    return this.#add(ButtonComponent, fill);
  }

  addToggle(fill) {
    return this.#add(ToggleComponent, fill);
  }

  addText(fill) {
    return this.#add(TextComponent, fill);
  }

  addDropdown(fill) {
    return this.#add(DropdownComponent, fill);
  }

  #add(Kind, fill) {
    fill(new Kind(this.controlEl));
    return this;
  }
}
