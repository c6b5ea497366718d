/** Windows, and questions in them. */

import { ButtonComponent } from "./controls.js";
import { setIcon } from "./icons.js";

export class Modal {
  #before = null;
  #closeCallback = () => {};

  constructor(app) {
    this.app = app;
    this.containerEl = createDiv({ cls: "modal-container mod-dim" });
    const background = this.containerEl.createDiv({ cls: "modal-bg" });
    this.modalEl = this.containerEl.createDiv({ cls: "modal", attr: { role: "dialog" } });
    this.closeEl = this.modalEl.createDiv({
      cls: "modal-close-button",
      attr: { "aria-label": "Close", role: "button" },
    });
    setIcon(this.closeEl, "x");
    const header = this.modalEl.createDiv({ cls: "modal-header" });
    this.titleEl = header.createDiv({ cls: "modal-title" });
    this.contentEl = this.modalEl.createDiv({ cls: "modal-content" });
    this.closeEl.addEventListener("click", () => this.close());
    background.addEventListener("click", () => this.close());
    this.containerEl.addEventListener("keydown", (event) => this.#press(event));
  }

  open() {
    this.#before = document.activeElement;
    document.body.append(this.containerEl);
    this.modalEl.tabIndex = -1;
    this.modalEl.focus();
    void this.onOpen();
  }

  close() {
    if (!this.containerEl.isConnected) return;
    this.containerEl.remove();
    this.onClose();
    this.#closeCallback();
    this.#before?.focus?.();
  }

  onOpen() {}

  onClose() {}

  setTitle(title) {
    this.titleEl.setText(title);
    return this;
  }

  setContent(content) {
    this.contentEl.setText(content);
    return this;
  }

  setCloseCallback(callback) {
    this.#closeCallback = callback;
    return this;
  }

  #press(event) {
    if (event.key === "Escape") this.close();
    event.stopPropagation();
  }
}

/** A question with buttons, of which each closes it unless its handler returns something. */
export class ConfirmationModal extends Modal {
  constructor(app) {
    super(app);
    this.buttonContainerEl = this.modalEl.createDiv({ cls: "modal-button-container" });
  }

  addButton(add) {
    const button = new ButtonComponent(this.buttonContainerEl);
    let act = () => {};
    button.onClick(async (event) => {
      if (!(await act(event))) this.close();
    });
    button.onClick = (handler) => {
      act = handler;
      return button;
    };
    add(button);
    return this;
  }

  addCancelButton(text = "Cancel") {
    return this.addButton((button) => button.setButtonText(text));
  }
}
