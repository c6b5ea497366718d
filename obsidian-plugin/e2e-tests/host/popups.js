/** What opens above the window: notices, windows, and questions in them. */

import { ButtonComponent, Modal as MockModal } from "obsidian-test-mocks/obsidian";
import { icon, setIcon } from "./icons.js";

/** Stays until it is clicked, so that no test has to hurry; its duration is kept for them to see. */
export class Notice {
  constructor(message, duration = 0) {
    const attr = { role: "alert", "data-duration": duration };
    this.noticeEl = document.querySelector(".notice-container").createDiv({ cls: "notice", attr });
    this.messageEl = this.noticeEl.createDiv({ cls: "notice-message" });
    this.messageEl.setText(message);
    window.host.notices.push(this.messageEl.textContent);
    this.noticeEl.addEventListener("click", () => this.hide());
  }

  hide() {
    this.noticeEl.remove();
  }
}

export class Modal extends MockModal {
  #before = null;

  constructor(app) {
    super(app);
    const { containerEl, modalEl, titleEl, contentEl } = this;
    modalEl.addClass("modal");
    modalEl.setAttrs({ role: "dialog", tabindex: -1 });
    const background = createDiv({ cls: "modal-bg" });
    containerEl.addClasses(["modal-container", "mod-dim"]);
    containerEl.prepend(background);
    const close = createDiv({ cls: "modal-close-button", attr: { "aria-label": "Close", role: "button" } });
    setIcon(close, "x");
    titleEl.addClass("modal-title");
    contentEl.addClass("modal-content");
    modalEl.append(close, titleEl, contentEl);
    for (const element of [close, background]) element.addEventListener("click", () => this.close());
    containerEl.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
      event.stopPropagation();
    });
  }

  open() {
    this.#before = document.activeElement;
    document.body.append(this.containerEl);
    this.modalEl.focus();
    void this.onOpen();
  }

  close() {
    if (!this.containerEl.isConnected) return;
    this.containerEl.remove();
    super.close();
    this.#before?.focus?.();
  }
}

/** A question with buttons, of which each closes it unless its handler returns something. */
export class ConfirmationModal extends Modal {
  buttonContainerEl = this.modalEl.createDiv({ cls: "modal-button-container" });

  addButton(fill) {
    const button = ButtonComponent.create__(this.buttonContainerEl);
    button.buttonEl.addEventListener("click", async () => {
      if (!(await button.clickHandler?.())) this.close();
    });
    fill(button);
    return this;
  }

  addCancelButton(text = "Cancel") {
    return this.addButton((button) => button.setButtonText(text));
  }
}

/** A menu of items and labels; it closes when one is chosen. */
export class Menu {
  items = [];

  addItem(fill) {
    const item = new MenuItem();
    fill(item);
    this.items.push(item);
    return this;
  }

  showAtMouseEvent(event) {
    this.showAtPosition({ x: event.clientX, y: event.clientY });
  }

  showAtPosition({ x, y }) {
    const element = document.body.createDiv({ cls: "menu", attr: { role: "menu" } });
    element.setCssProps({ "--x": `${x}px`, "--y": `${y}px` });
    for (const { act, isLabel, name, title } of this.items) {
      const row = element.createDiv({ cls: "menu-item", attr: { role: "menuitem", tabindex: "0" } });
      row.toggleClass("is-label", isLabel);
      if (name) row.append(icon(name));
      row.createDiv({ cls: "menu-item-title", text: title });
      row.addEventListener("click", () => {
        if (isLabel) return;
        element.remove();
        act();
      });
    }
    element.addEventListener("keydown", ({ key }) => key === "Escape" && element.remove());
  }
}

class MenuItem {
  title = "";
  name = "";
  isLabel = false;
  act = () => {};

  setTitle(title) {
    this.title = title;
    return this;
  }

  setIcon(name) {
    this.name = name;
    return this;
  }

  setSection() {
    return this;
  }

  setIsLabel(isLabel) {
    this.isLabel = isLabel;
    return this;
  }

  onClick(act) {
    this.act = act;
    return this;
  }
}
