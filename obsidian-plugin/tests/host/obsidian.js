/** The built plugin in the Obsidian of e2e-tests/host, in Node: its files and its daemon are made up, and its time is a test's. */

import assert from "node:assert/strict";
import { realpathSync } from "node:fs";
import * as files from "node:fs/promises";
import Module, { createRequire } from "node:module";
import { runInThisContext } from "node:vm";
import { clock } from "./globals.js";
import { FakeDaemon, NOTE } from "./daemon.js";

const { CODEMIRROR, makeApp, OBSIDIAN, requireObsidian } = await import("../../e2e-tests/host/app.js");
const { Menu } = await import("../../e2e-tests/host/popups.js");
const require = createRequire(import.meta.url);
const PLUGIN = new URL("../../", import.meta.url);
const MANIFEST = JSON.parse(await files.readFile(new URL("manifest.json", PLUGIN), "utf8"));
const CODE = await files.readFile(new URL("main.js", PLUGIN), "utf8");

/** host: what the plugin sees as Obsidian now. */
const now = { host: null };

class Plugin extends OBSIDIAN.Plugin {
  async loadData() {
    return structuredClone(now.host.data);
  }

  async saveData(data) {
    now.host.data = structuredClone(data);
  }
}

/** The files of the computer, and the daemon's, which are made up. */
const FILES = {
  ...files,
  async readFile(path, encoding) {
    const { told, token } = now.host;
    if (path.endsWith("/daemon.json") && told) return JSON.stringify(told);
    if (path.endsWith("/token") && token) return token;
    if (/\/(daemon\.json|token)$/.test(path)) throw new Error("ENOENT");
    return files.readFile(path, encoding);
  },
  realpath: async (path) => (path === "/vault" ? path : realpathSync(path)),
};

const obsidian = requireObsidian({
  ...OBSIDIAN,
  Plugin,
  requestUrl: (request) => (now.host.others.get(new URL(request.url).origin) ?? now.host.daemon).request(request),
});

export class Host {
  daemon = new FakeDaemon();
  /** Who else listens, by origin. @type {Map<string, FakeDaemon>} */
  others = new Map();
  /** What daemon.json says in the state folder; null for no file. */
  told = { port: 27182, pid: process.pid };
  /** What is in the file of the token; empty for no file. */
  token = this.daemon.token;

  /** What data.json holds. */
  data = { address: "http://127.0.0.1:27182" };

  /** @param {Record<string, string>} files of the vault */
  constructor(files = { "A.md": NOTE }) {
    now.host = this;
    document.body.empty();
    localStorage.clear();
    clock.stop();
    this.files = new Map(Object.entries(files));
    window.host = { notices: [], conflicts: [], watch() {} };
    window.hostNode = { root: "/vault" };
    window.hostList = async () => [...this.files.keys()].filter((path) => !path.startsWith("."));
    window.hostListFolder = async (folder) => [...this.files.keys()].filter((path) => path.startsWith(`${folder}/`));
    window.hostRead = (path) => this.read(path);
    window.hostWrite = async (path, text, expected) => (expected === null || this.files.get(path) === expected) && Boolean(this.files.set(path, text));
    window.hostRename = async (from, to) => {
      this.files.set(to, this.files.get(from));
      this.files.delete(from);
    };
    this.app = makeApp("Notes");
    this.workspace = this.app.workspace;
    this.daemon.read = (path) => this.read(path);
  }

  /** The view of the active tab, or what is there in its place. */
  get active() {
    return this.workspace.activeLeaf?.view ?? null;
  }

  set active(view) {
    this.workspace.activeLeaf = view && (view.leaf ?? { view });
  }

  /** Have another program listen there. @param {Partial<FakeDaemon>} fields */
  listenAt(origin, fields) {
    const other = Object.assign(new FakeDaemon(), fields);
    this.others.set(origin, other);
    return other;
  }

  /** Switch the plugin on, and wait for the daemon's first answer. */
  async load() {
    const module = { exports: {} };
    const wrapped = runInThisContext(Module.wrap(CODE), { filename: "main.js" });
    wrapped(module.exports, (name) => (name === "obsidian" ? obsidian : (CODEMIRROR[name] ?? (name === "node:fs/promises" ? FILES : require(name)))), module);
    this.plugin = new module.exports.default(this.app, MANIFEST);
    if (!this.app.vault.getRoot().children.length) await this.app.vault.load();
    await Promise.all([this.plugin.load(), settle()]);
    this.workspace.ready();
    await settle();
    return this;
  }

  /** Open a note in a new tab. mode: `source` to edit, `preview` to read. */
  async open(path, mode = "source") {
    await this.workspace.getLeaf("tab").openFile(this.app.vault.getFileByPath(path), { state: { mode } });
    if (mode === "source") this.active.editor.focus();
    await settle();
    return this.active;
  }

  async close(view) {
    await view.leaf.detach();
    await settle();
  }

  /** Do what a command does; false where it is not to be had. */
  async command(id) {
    const { checkCallback } = this.plugin.commands__.get(id);
    if (!checkCallback(true)) return false;
    checkCallback(false);
    await settle();
    return true;
  }

  async ribbon() {
    document.querySelector(".side-dock-ribbon-action").click();
    await settle();
  }

  /** The items of the menu that a click on the status bar opens, by their titles. */
  async openStatus() {
    document.querySelector(".menu")?.remove();
    this.status.click();
    await settle();
    const rows = [...document.querySelectorAll(".menu-item")];
    return Object.fromEntries(rows.map((row) => [row.textContent, async () => (row.click(), settle())]));
  }

  /** The items of a menu by their titles; each is clicked by calling it. */
  menu(kind, ...about) {
    const menu = new Menu();
    this.workspace.trigger(kind, menu, ...about);
    return Object.fromEntries(menu.items.map(({ act, title }) => [title, async () => (act(), settle())]));
  }

  /** Click on a button of the last notice. */
  async reply(name) {
    const notice = document.querySelector(".notice:last-child");
    assert.ok(Number(notice.dataset.duration) >= 12_000, "there is time to click"); // Obsidian takes others away sooner
    find(notice, "button", name).click();
    await settle();
  }

  async read(path) {
    return this.files.get(path);
  }

  /** The rows of the settings tab as they are drawn, by their names. */
  get settings() {
    const groups = this.plugin.tab.getSettingDefinitions();
    return Object.fromEntries(groups.flatMap(({ items }) => items).map(({ name, desc, render }) => {
      const setting = new OBSIDIAN.Setting(document.createElement("div")).setName(name).setDesc(desc);
      render(setting);
      return [name, setting];
    }));
  }

  get status() {
    return [...document.querySelectorAll(".status-bar-item")].at(-1);
  }

  /** What notices said, in order. */
  get notices() {
    return window.host.notices;
  }

  /** What the last notice said. */
  get said() {
    return this.notices.at(-1);
  }

  /** The windows that are open. */
  get modals() {
    return [...document.querySelectorAll(".modal-container")];
  }

  /** The one that is. */
  get modal() {
    assert.equal(this.modals.length, 1, `one window, not ${this.modals.length}`);
    const [titleEl, contentEl, closeEl] = ["title", "content", "close-button"].map((part) => this.modals[0].querySelector(`.modal-${part}`));
    return { titleEl, contentEl, close: () => closeEl.click() };
  }

  async click(name, selector = "button") {
    find(this.modals[0], selector, name).click();
    await settle();
  }

  async pass(ms) {
    await clock.pass(ms);
  }

  /** Switch the plugin off, which leaves no window and no timer of its own. */
  async unload() {
    this.plugin.unload();
    await settle();
    clock.ticks.clear();
    for (const { view } of this.workspace.getLeavesOfType("markdown")) await view.onClose();
    assert.deepEqual([this.modals, clock.size], [[], 0]);
  }
}

/** Type or choose a value in a row of the settings. */
export async function enter(setting, value) {
  const field = setting.controlEl.querySelector("input, select, textarea");
  if (field.type === "checkbox") field.checked = value;
  else field.value = value;
  field.dispatchEvent(new Event("change"));
  field.dispatchEvent(new Event("blur"));
  await settle();
}

/** The element with that text or label. */
export function find(parent, selector, name) {
  const all = [...parent.querySelectorAll(selector)];
  const found = all.find((one) => one.textContent === name || one.ariaLabel === name);
  assert.ok(found, `no ${selector} “${name}” among ${all.map((one) => one.textContent).join(", ")}`);
  return found;
}

/** Everything that waits for no time is done once this resolves. */
export async function settle() {
  await clock.pass(0);
}

export { clock };
