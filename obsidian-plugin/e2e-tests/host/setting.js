/** The row that controls stand in. */

import {
  ButtonComponent,
  DropdownComponent,
  ExtraButtonComponent,
  ProgressBarComponent,
  TextAreaComponent,
  TextComponent,
  ToggleComponent,
} from "./controls.js";

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
