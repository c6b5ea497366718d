/** Tabs with notes: opened, edited, saved two seconds after typing, merged when others wrote. */

import { Component, Events } from "obsidian-test-mocks/obsidian";
import { Editor } from "./editor.js";
import { setIcon } from "./icons.js";
import { NoteHead } from "./note-head.js";

const SAVES_AFTER = 2000; // milliseconds, as Obsidian's TextFileView.requestSave

/** A view of a file's text. */
export class TextFileView extends Component {
  data = "";
  file = null;

  constructor(leaf) {
    super();
    this.leaf = leaf;
    this.app = leaf.app;
    this.containerEl = leaf.contentEl.createDiv({ cls: "view-content" });
    this.contentEl = this.containerEl;
  }
}

export class MarkdownView extends TextFileView {
  lastSavedData = ""; // undocumented, as in Obsidian 1.13
  #timer = 0;
  #mode = "source";
  #isShowing = false;

  constructor(leaf) {
    super(leaf);
    this.head = new NoteHead(this);
    this.editorEl = this.containerEl.createDiv({ cls: "markdown-edit-view" });
    this.readingEl = this.containerEl.createDiv({ cls: "markdown-reading-view" });
    this.readingEl.toggle(false);
    this.editor = new Editor(this.editorEl, (editor, transaction) => {
      this.data = editor.getValue();
      this.head.draw();
      window.host.watch(this, transaction);
      if (this.#isShowing) return;
      this.requestSave();
      this.app.workspace.trigger("quick-preview", this.file, this.data, this);
      this.app.workspace.trigger("editor-change", editor, this);
    });
  }

  getViewType() {
    return "markdown";
  }

  getDisplayText() {
    return this.file?.basename ?? "";
  }

  getMode() {
    return this.#mode;
  }

  /** `source` to edit, `preview` to read: what the editor holds then is of no account. */
  setMode(mode) {
    const text = this.getViewData();
    this.#mode = mode;
    this.editorEl.toggle(mode === "source");
    this.readingEl.toggle(mode === "preview");
    this.#show(text);
  }

  getViewData() {
    return this.#mode === "source" ? this.editor.getValue() : this.data;
  }

  setViewData(text, clear) {
    this.data = text;
    this.readingEl.setText(text);
    if (clear) this.editor.content = text;
    else if (this.#mode === "source") this.editor.reload(text);
    this.head.draw();
  }

  async onLoadFile(file) {
    const text = await this.app.vault.read(file);
    this.file = file;
    this.lastSavedData = text;
    this.setViewData(asShown(text), true);
  }

  requestSave = () => {
    this.#timer ||= window.setTimeout(() => void this.save(), SAVES_AFTER);
  };

  /** Line ends and a byte order mark are what the editor has: LF, and none. */
  async save() {
    window.clearTimeout(this.#timer);
    this.#timer = 0;
    const { file } = this;
    const text = this.getViewData();
    if (!file || text === this.lastSavedData) return;
    await this.app.vault.inTurn(async () => {
      await window.hostWrite(file.path, text, null);
      if (this.file === file) this.lastSavedData = text;
    });
    this.app.vault.trigger("modify", file);
  }

  /** Somebody else wrote the file: show that, unless there is unsaved text here. */
  onModify(file) {
    if (file !== this.file) return;
    void this.app.vault.inTurn(async () => {
      const text = await this.app.vault.read(file);
      if (file !== this.file || text === this.lastSavedData) return;
      const shown = this.getViewData();
      if (shown !== asShown(text) && shown !== asShown(this.lastSavedData)) {
        window.host.conflicts.push(file.path); // Obsidian merges here; no test may come to that
        return;
      }
      this.lastSavedData = text;
      if (shown !== asShown(text)) this.#show(asShown(text));
    });
  }

  /** Another pane shows the same note, and was typed in. */
  onQuickPreview(file, text, from) {
    if (from === this || file !== this.file || text === this.getViewData()) return;
    this.#show(text);
  }

  async onClose() {
    await this.save();
    this.editor.view.destroy();
    this.containerEl.remove();
  }

  #show(text) {
    this.#isShowing = true;
    this.setViewData(text, false);
    this.#isShowing = false;
  }
}

export class WorkspaceLeaf extends Events {
  /** Whether it is shown beside the active one. */
  isBeside = false;

  constructor(app, contentEl) {
    super();
    this.app = app;
    this.contentEl = contentEl;
    this.view = new MarkdownView(this);
  }

  async openFile(file, { state: { mode } = {} } = {}) {
    await this.view.save();
    await this.view.onLoadFile(file);
    this.view.setMode(mode ?? this.app.defaultViewMode);
    this.app.workspace.setActiveLeaf(this);
    this.app.workspace.trigger("file-open", file);
    this.app.workspace.trigger("layout-change");
  }

  detach() {
    return this.app.workspace.close(this);
  }
}

export class Workspace extends Events {
  layoutReady = false;
  activeLeaf = null;
  #leaves = [];
  #waiting = [];

  constructor(app, containerEl) {
    super();
    this.app = app;
    this.containerEl = containerEl;
    this.tabsEl = containerEl.createDiv({ cls: "workspace-tab-header-container" });
    this.panesEl = containerEl.createDiv({ cls: "workspace-tab-container" });
    app.vault.on("modify", (file) => {
      for (const view of this.#notes()) view.onModify(file);
    });
    app.vault.on("rename", () => {
      for (const view of this.#notes()) view.head.draw();
      this.#draw();
    });
    this.on("quick-preview", (...sent) => {
      for (const view of this.#notes()) view.onQuickPreview(...sent);
    });
  }

  ready() {
    this.layoutReady = true;
    for (const callback of this.#waiting.splice(0)) callback();
  }

  onLayoutReady(callback) {
    if (this.layoutReady) callback();
    else this.#waiting.push(callback);
  }

  /** Move a tab to a window of its own. */
  popOut(leaf = this.activeLeaf) {
    const { view, contentEl } = leaf;
    const win = window.open("", "_blank", "popup,width=600,height=500");
    const { document: doc } = win;
    for (const sheet of document.querySelectorAll("link")) doc.head.append(doc.importNode(sheet));
    doc.body.className = document.body.className;
    doc.body.append(contentEl);
    if (view instanceof MarkdownView) view.editor.cm.setRoot(doc);
    leaf.isBeside = true;
    this.trigger("window-open", { win, doc }, win);
    return view;
  }

  /** Open a note in a tab of its own. One that is not there is made; what follows a number sign is a heading. */
  async openLinkText(link) {
    const name = link.replace(/#.*/, "");
    const path = name.endsWith(".md") ? name : `${name}.md`;
    if (!this.app.vault.getFileByPath(path)) {
      await window.hostWrite(path, "", null);
      await this.app.vault.changed(path);
    }
    const file = this.app.vault.getFileByPath(path);
    const leaf = this.#notes().find((view) => view.file === file)?.leaf;
    if (leaf) this.setActiveLeaf(leaf);
    else await this.#newLeaf().openFile(file);
    this.activeLeaf.view.editor.focus();
  }

  getLeaf(isNew) {
    return isNew || !this.activeLeaf ? this.#newLeaf() : this.activeLeaf;
  }

  async close(leaf) {
    await leaf.view.onClose();
    this.#leaves = this.#leaves.filter((one) => one !== leaf);
    if (this.activeLeaf === leaf) this.activeLeaf = this.#leaves.at(-1) ?? null;
    this.#draw();
    this.trigger("active-leaf-change", this.activeLeaf);
    this.trigger("layout-change");
    this.trigger("file-open", this.getActiveFile());
  }

  setActiveLeaf(leaf) {
    this.activeLeaf = leaf;
    this.#draw();
    this.trigger("active-leaf-change", leaf);
  }

  get activeEditor() {
    return this.getActiveViewOfType(MarkdownView);
  }

  getActiveFile() {
    const view = this.activeLeaf?.view ?? {};
    return "file" in view ? view.file : null;
  }

  getActiveViewOfType(Kind) {
    const view = this.activeLeaf?.view;
    return view instanceof Kind ? view : null;
  }

  getLeavesOfType(type) {
    return this.#leaves.filter((leaf) => leaf.view.getViewType() === type);
  }

  iterateAllLeaves(act) {
    this.#leaves.forEach(act);
  }

  getMostRecentLeaf() {
    return this.activeLeaf;
  }

  #notes() {
    return this.#leaves.map(({ view }) => view).filter((view) => view instanceof MarkdownView);
  }

  #newLeaf() {
    const leaf = new WorkspaceLeaf(this.app, this.panesEl.createDiv({ cls: "workspace-leaf" }));
    this.#leaves.push(leaf);
    return leaf;
  }

  #draw() {
    this.tabsEl.empty();
    for (const leaf of this.#leaves) {
      leaf.contentEl.toggle(leaf === this.activeLeaf || leaf.isBeside);
      const tab = this.tabsEl.createDiv({ cls: "workspace-tab-header" });
      tab.toggleClass("is-active", leaf === this.activeLeaf);
      tab.createSpan({ text: leaf.view.getDisplayText() });
      tab.addEventListener("click", () => this.setActiveLeaf(leaf));
      const close = tab.createDiv({ cls: "tab-close", attr: { "aria-label": "Close tab" } });
      setIcon(close, "x");
      close.addEventListener("click", (event) => {
        event.stopPropagation();
        void this.close(leaf);
      });
    }
  }
}

/** A file's text as an editor shows it. */
function asShown(text) {
  return text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
}
