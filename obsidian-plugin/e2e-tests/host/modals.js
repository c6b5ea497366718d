/** Modals, and those in which one chooses by typing. */

import { ButtonComponent } from "./controls.js";
import { setIcon } from "./icons.js";

export class Scope {
  #keys = [];

  register(modifiers, key, callback) {
    const entry = { modifiers, key, callback };
    this.#keys.push(entry);
    return entry;
  }

  unregister(entry) {
    this.#keys = this.#keys.filter((one) => one !== entry);
  }

  handle(event) {
    for (const { modifiers, key, callback } of this.#keys) {
      const wanted = modifiers ?? [];
      const isMod = event.ctrlKey || event.metaKey;
      const fits = isMod === (wanted.includes("Mod") || wanted.includes("Ctrl"));
      if (key?.toLowerCase() === event.key.toLowerCase() && fits) {
        if (callback(event) === false) event.preventDefault();
        return true;
      }
    }
    return false;
  }
}

export class Modal {
  shouldRestoreSelection = true;
  #before = null;
  #closeCallback = () => {};

  constructor(app) {
    this.app = app;
    this.scope = new Scope();
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
    if (this.shouldRestoreSelection) this.#before?.focus?.();
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
    else this.scope.handle(event);
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

/** Choose one of a list by typing: the base of the palette and of suggest modals. */
export class SuggestModal extends Modal {
  emptyStateText = "No results found.";
  limit = 100;
  #chosen = 0;
  #shown = [];

  constructor(app) {
    super(app);
    this.modalEl.addClass("prompt");
    this.titleEl.parentElement.remove();
    this.inputEl = this.contentEl.createEl("input", { cls: "prompt-input", type: "text" });
    this.resultContainerEl = this.contentEl.createDiv({ cls: "prompt-results" });
    this.inputEl.addEventListener("input", () => void this.#search());
    this.scope.register([], "Enter", () => this.#choose());
    this.scope.register([], "ArrowDown", () => this.#mark(this.#chosen + 1));
    this.scope.register([], "ArrowUp", () => this.#mark(this.#chosen - 1));
  }

  open() {
    super.open();
    this.inputEl.focus();
    void this.#search();
  }

  setPlaceholder(text) {
    this.inputEl.placeholder = text;
  }

  setInstructions() {}

  renderSuggestion(value, element) {
    element.setText(String(value));
  }

  async #search() {
    this.#shown = (await this.getSuggestions(this.inputEl.value)).slice(0, this.limit);
    this.resultContainerEl.empty();
    for (const value of this.#shown) {
      const row = this.resultContainerEl.createDiv({ cls: "suggestion-item" });
      this.renderSuggestion(value, row);
      row.addEventListener("click", () => this.#choose(value));
    }
    if (!this.#shown.length) {
      this.resultContainerEl.createDiv({ cls: "suggestion-empty", text: this.emptyStateText });
    }
    this.#mark(0);
  }

  #mark(index) {
    const rows = this.resultContainerEl.querySelectorAll(".suggestion-item");
    this.#chosen = Math.max(0, Math.min(index, rows.length - 1));
    rows.forEach((row, number) => row.toggleClass("is-selected", number === this.#chosen));
    return false;
  }

  #choose(value = this.#shown[this.#chosen]) {
    if (value === undefined) return false;
    this.close();
    this.onChooseSuggestion(value);
    return false;
  }
}

export class FuzzySuggestModal extends SuggestModal {
  getSuggestions(query) {
    const wanted = query.toLowerCase();
    return this.getItems()
      .filter((item) => this.getItemText(item).toLowerCase().includes(wanted))
      .map((item) => ({ item, match: { score: 0, matches: [] } }));
  }

  renderSuggestion({ item }, element) {
    element.setText(this.getItemText(item));
  }

  onChooseSuggestion({ item }, event) {
    this.onChooseItem(item, event);
  }
}
