/** Obsidian with the built plugin in it: obsidian-test-mocks, and what they leave out. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import Module, { createRequire } from "node:module";
import { vm } from "./vm.js";
import { clock } from "./globals.js";
import { FakeDaemon, NOTE } from "./daemon.js";
import { HostEditor } from "./editor.js";

const mocks = await import("obsidian-test-mocks/obsidian");
const modals = await import("../../e2e-tests/host/modals.js");
/** Obsidian's own, which plugins share: the same instances as the editor's. */
const CODEMIRROR = Object.fromEntries(await Promise.all(["commands", "state", "view"].map(async (name) => [`@codemirror/${name}`, await import(`@codemirror/${name}`)])));
const require = createRequire(import.meta.url);
const PLUGIN = new URL("../../", import.meta.url);
const MANIFEST = JSON.parse(await readFile(new URL("manifest.json", PLUGIN), "utf8"));
const MAIN = process.env.COMPANION_MAIN ?? new URL("main.js", PLUGIN);
const CODE = await readFile(MAIN, "utf8");

/** host: what the plugin sees as Obsidian now. */
const now = { host: null };

class Notice {
  constructor(message) {
    this.isShown = true;
    this.content = message;
    this.text = typeof message === "string" ? message : message.textContent;
    now.host.notices.push(this);
  }

  hide() {
    this.isShown = false;
  }

  click(name) {
    find(this.content, "button", name).click();
  }
}

/** Windows as the imitation in Chromium has them, which a test finds in the order of their opening. */
const tracked = (Kind) =>
  class extends Kind {
    open() {
      super.open();
      now.host.modals.push(this);
    }

    close() {
      if (now.host.modals.includes(this)) now.host.modals.splice(now.host.modals.indexOf(this), 1);
      super.close();
    }
  };

/** Buttons and toggles that can be clicked as elements. */
class Setting extends mocks.Setting {
  static create__(parent) {
    return new Setting(parent);
  }

  addButton(add) {
    return super.addButton((button) => {
      button.buttonEl.addEventListener("click", (event) => button.clickHandler?.(event));
      add(button);
    });
  }

  addToggle(add) {
    return super.addToggle((toggle) => {
      toggle.toggleEl.addEventListener("click", () => toggle.onClick());
      add(toggle);
    });
  }
}

class Plugin extends mocks.Plugin {
  ribbon = [];

  addRibbonIcon(icon, title, callback) {
    this.ribbon.push({ icon, title, callback });
    return super.addRibbonIcon(icon, title, callback);
  }

  registerObsidianProtocolHandler(action, handler) {
    this.links = new Map([[action, handler]]);
  }

  async loadData() {
    return structuredClone(now.host.data);
  }

  async saveData(data) {
    now.host.data = structuredClone(data);
  }
}

const OBSIDIAN = {
  ...mocks,
  ConfirmationModal: tracked(modals.ConfirmationModal),
  Modal: tracked(modals.Modal),
  Notice,
  Plugin,
  Setting,
  getLanguage: () => now.host.language,
  requestUrl: (request) => now.host.listenerAt(new URL(request.url).origin).request(request),
  setTooltip: (element, text) => element.setAttribute("aria-label", text),
};

export class Host {
  notices = [];
  modals = [];
  /** Obsidian's. */
  language = "en";
  daemon = new FakeDaemon();
  /** Who else listens, by origin. @type {Map<string, FakeDaemon>} */
  others = new Map();
  /** What the daemon's file says in the plugin's folder; null for no file. */
  told = { port: 27182, id: this.daemon.place, machine: "here", version: "0.3.0" };
  /** What data.json holds. */
  data = { address: "http://127.0.0.1:27182" };

  /** @param {Record<string, string>} files of the vault */
  constructor(files = { "A.md": NOTE }) {
    now.host = this;
    this.app = mocks.App.createConfigured__({ files });
    this.workspace = this.app.workspace;
    this.active = null;
    /** Those that are open. */
    this.views = new Set();
    const { vault } = this.app;
    const read = (file) => vault.adapter.read(file.path);
    // Decoding a file to a string drops its byte order mark.
    const decode = async (file) => (await read(file)).replace(/^\ufeff/, "");
    vault.readBinary = async (file) => new TextEncoder().encode(await read(file)).buffer;
    vault.read = decode;
    vault.process = async (file, edit) => vault.modify(file, edit(await decode(file)));
    vault.on("modify", (file) => void this.#reload(file));
    this.app.metadataCache.getFileCache = (file) => {
      const shown = [...this.views].find((view) => view.file === file)?.editor.content ?? "";
      return { headings: findHeadings(shown) };
    };
    Object.assign(this.workspace, {
      getActiveFile: () => this.active?.file ?? null,
      getActiveViewOfType: () => this.active,
    });
    this.daemon.read = (path) => vault.adapter.read(path);
    this.app.secretStorage.setSecret("callout-companion-token", this.daemon.token);
  }

  listenerAt(origin) {
    return this.others.get(origin) ?? this.daemon;
  }

  /** A file that a daemon leaves in the plugin's folder. told: what it holds. */
  async place(told, name = "daemon-0123456789ab.json") {
    const text = typeof told === "string" ? told : JSON.stringify(told);
    await this.app.vault.adapter.write(`${this.app.vault.configDir}/plugins/${MANIFEST.id}/${name}`, text);
  }

  /** Switch the plugin on, and wait for the daemon's first answer. */
  async load() {
    const module = { exports: {} };
    const wrapped = vm(Module.wrap(CODE));
    wrapped(module.exports, (name) => (name === "obsidian" ? OBSIDIAN : (CODEMIRROR[name] ?? require(name))), module);
    this.plugin = new module.exports.default(this.app, MANIFEST);
    if (this.told) await this.place(this.told);
    this.plugin.load();
    await settle();
    // a language other than English is unpacked in another thread
    while (!this.plugin.settingTabs__.length) await new Promise((done) => setImmediate(done));
    this.workspace.setLayoutReady__();
    await settle();
    return this;
  }

  /** Open a note in a window of its own: no tab of the workspace has it. */
  async openInWindow(path) {
    const view = await this.open(path);
    const { getLeavesOfType } = this.workspace;
    this.workspace.getLeavesOfType = (type) =>
      getLeavesOfType.call(this.workspace, type).filter((leaf) => leaf !== view.leaf);
    return view;
  }

  /** Open a canvas of notes. typed: what was typed in the card of one, and is not saved. */
  async openCanvas(paths, typed = {}) {
    const view = Object.create(mocks.TextFileView.prototype);
    const nodes = paths.map((file) => ({ type: "file", file }));
    const cards = paths.map((path) => {
      const file = this.app.vault.getFileByPath(path);
      const run = () => this.app.vault.modify(file, typed[path]);
      const editor = path in typed ? { getValue: () => typed[path] } : undefined;
      return [path, { child: { file, editMode: { editor }, requestSave: Object.assign(() => {}, { run }) } }];
    });
    const containerEl = document.createElement("div");
    const fields = { file: null, containerEl, canvas: { nodes: new Map(cards) }, save: async () => {} };
    Object.assign(view, fields, { getViewType: () => "canvas", getViewData: () => JSON.stringify({ nodes }) });
    const leaf = this.workspace.getLeaf("tab");
    leaf.view = view;
    this.active = null;
    this.workspace.trigger("layout-change");
    await settle();
    return view;
  }

  /** Open a canvas with a card that edits the note, or the part from these words on, and return its editor. */
  async openCard(path, from = "") {
    const { vault } = this.app;
    const file = vault.getFileByPath(path);
    const text = asShown(await vault.read(file));
    const start = text.indexOf(from);
    const editor = new HostEditor(text.slice(start));
    editor.onType = () => this.workspace.trigger("editor-change", editor, null);
    const { canvas, containerEl } = await this.openCanvas([]);
    const run = () => vault.modify(file, text.slice(0, start) + editor.content);
    const requestSave = Object.assign(() => {}, { run });
    canvas.nodes.set("card", { child: { file, subpath: from, editMode: { editor }, requestSave } });
    containerEl.append(editor.cm.dom);
    document.body.append(containerEl);
    return editor;
  }

  closeCanvases() {
    this.workspace.iterateAllLeaves((leaf) => {
      if (!leaf.view.canvas) return;
      leaf.view.containerEl.remove();
      leaf.detach();
    });
  }

  /** Open a note in a new tab. mode: `source` to edit, `preview` to read. */
  async open(path, mode = "source") {
    const file = this.app.vault.getFileByPath(path);
    const leaf = this.workspace.getLeaf("tab");
    const view = mocks.MarkdownView.create2__(leaf);
    await leaf.setViewState({ type: "markdown", state: {} });
    const shown = asShown(await this.app.vault.read(file));
    const editor = new HostEditor(mode === "source" ? shown : "stale");
    view.containerEl.append(editor.cm.dom);
    document.body.append(view.containerEl);
    editor.focus();
    editor.onType = () => this.workspace.trigger("editor-change", editor, view);
    const getViewData = () => (view.getMode() === "source" ? editor.content : view.lastSavedData);
    Object.assign(view, { file, editor, mode, saves: 0, lastSavedData: shown, getViewData });
    view.save = async () => {
      view.saves += 1;
      if (mode !== "source" || getViewData() === view.lastSavedData) return;
      view.lastSavedData = getViewData();
      await this.app.vault.modify(view.file, view.lastSavedData);
    };
    this.views.add(view);
    leaf.view = view;
    this.active = view;
    this.workspace.trigger("file-open", file);
    await settle();
    return view;
  }

  /** Show what somebody wrote into the file, where nothing unsaved is in its view. */
  async #reload(file) {
    const text = asShown(await this.app.vault.read(file));
    for (const view of this.views) {
      if (view.file !== file || view.getViewData() !== view.lastSavedData) continue;
      view.lastSavedData = text;
      if (view.mode === "source") view.editor.reload(text);
    }
  }

  async close(view) {
    view.leaf.detach();
    this.views.delete(view);
    view.editor.close();
    view.containerEl.remove();
    if (this.active === view) this.active = null;
    this.workspace.trigger("layout-change");
    await settle();
  }

  /** Do what a command does; false where it is not to be had. */
  async command(id) {
    const { callback, checkCallback } = this.plugin.commands__.get(id);
    if (callback) callback();
    else if (!checkCallback(true)) return false;
    else checkCallback(false);
    await settle();
    return true;
  }

  async ribbon() {
    this.plugin.ribbon[0].callback(new MouseEvent("click"));
    await settle();
  }

  /** The items of a menu. */
  menu(kind, ...about) {
    const menu = new mocks.Menu();
    this.workspace.trigger(kind, menu, ...about);
    return menu.menuItems__;
  }

  /** What the file holds. */
  read(path) {
    return this.app.vault.adapter.read(path);
  }

  /** An empty row of a settings tab. */
  setting() {
    return Setting.create__(document.createElement("div"));
  }

  get status() {
    return this.plugin.statusBarItems__[0];
  }

  /** The text of the last notice. */
  get said() {
    return this.notices.at(-1)?.text;
  }

  get modal() {
    assert.equal(this.modals.length, 1, `one window, not ${this.modals.length}`);
    return this.modals[0];
  }

  async click(name, selector = "button") {
    find(this.modal.modalEl, selector, name).click();
    await settle();
  }

  async pass(ms) {
    await clock.pass(ms);
  }

  /** Switch the plugin off. */
  async unload() {
    this.plugin.unload();
    await settle();
    clock.ticks.clear();
    for (const { editor } of this.views) editor.close();
    this.views.clear();
  }
}

/** The element with that text or label. */
export function find(parent, selector, name) {
  const all = [...parent.querySelectorAll(selector)];
  const found = all.find((one) => one.textContent === name || one.ariaLabel === name);
  assert.ok(found, `no ${selector} “${name}” among ${all.map((one) => one.textContent).join(", ")}`);
  return found;
}

/** Where a text has headings, underlined ones not among them, as Obsidian's cache of notes says it. */
function findHeadings(text) {
  const body = text.replace(/^---\n[^]*?\n---\n|^```[^]*?^```/gm, (part) => part.replace(/[^\n]/g, ""));
  return body.split("\n").flatMap((line, n) => (/^#+ /.test(line) ? [{ heading: line, level: 1, position: { start: { line: n } } }] : []));
}

/** A file's text as an editor shows it. */
function asShown(text) {
  return text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
}

/** Everything that waits for no time is done once this resolves. */
export async function settle() {
  await clock.pass(0);
}

export { clock };
