/** The page that plays Obsidian for the built plugin. `window.host` is for the tests. */

import * as commands from "@codemirror/commands";
import * as state from "@codemirror/state";
import * as view from "@codemirror/view";
import { setup } from "obsidian-test-mocks/setup";
import { Component, Events } from "./component.js";
import { Setting } from "./controls.js";
import { icon, setTooltip } from "./icons.js";
import { NODE } from "./node.js";
import { ConfirmationModal, Modal } from "./modals.js";
import { Palette, Plugin, drawExplorer } from "./plugin.js";
import { Notice } from "./popups.js";
import { requestUrl } from "./request.js";
import { SecretStorage } from "./secrets.js";
import { PluginSettingTab, SettingsModal } from "./settings.js";
import { Typist } from "./typist.js";
import { FileSystemAdapter, TFile, TFolder, Vault } from "./vault.js";
import { ItemView, MarkdownView, TextFileView, Workspace } from "./workspace.js";

/** Obsidian's own, which plugins share. */
const CODEMIRROR = {
  "@codemirror/commands": commands,
  "@codemirror/state": state,
  "@codemirror/view": view,
};

/** What the plugin uses; all else is missed as an error. */
const OBSIDIAN = {
  Component,
  ConfirmationModal,
  FileSystemAdapter,
  ItemView,
  Keymap: { isModEvent },
  MarkdownView,
  Modal,
  Notice,
  Platform: { isDesktop: true, isDesktopApp: true, isMobile: false, isMacOS: false },
  Plugin,
  PluginSettingTab,
  Setting,
  TFile,
  TFolder,
  TextFileView,
  getLanguage: () => window.hostNode.language,
  requestUrl,
  setTooltip,
};

setup();
window.host = {
  /** What notices said, in order. */
  notices: [],
  /** Notes that were written by others while they held unsaved text. */
  conflicts: [],
  /** Errors that nobody caught. */
  errors: [],
  /** Follows every change of an open note. */
  watch(view, transaction) {
    if (view === this.typist?.view) this.typist.watch(transaction);
  },
  /** Somebody who types in the active note from now on. */
  newTypist(seed, where) {
    this.typist = new Typist(this.app.workspace.activeLeaf.view, seed, where);
    return this.typist;
  },
};
window.addEventListener("error", ({ error, message }) => {
  if (!message.startsWith("ResizeObserver loop")) window.host.errors.push(String(error)); // a layout took two frames
});
window.addEventListener("unhandledrejection", (event) =>
  window.host.errors.push(String(event.reason?.stack ?? event.reason)),
);
await start();

/** As its documentation says, on Windows and Linux. */
function isModEvent({ ctrlKey, altKey, shiftKey, button }) {
  if (!ctrlKey) return button === 1 && "tab";
  if (!altKey) return "tab";
  return shiftKey ? "window" : "split";
}

async function start() {
  const vault = new Vault("Example vault");
  await vault.load();
  const app = { vault, commands: [], settingTabs: [], viewKinds: new Map(), defaultViewMode: "source", editorExtensions: [], cliHandlers: new Map(), secretStorage: new SecretStorage() };
  const stored = (key) => `${vault.name}-${key}`; // of this vault, on this device
  app.loadLocalStorage = (key) => JSON.parse(window.localStorage.getItem(stored(key)));
  app.saveLocalStorage = (key, value) => window.localStorage.setItem(stored(key), JSON.stringify(value));
  window.app = app;
  window.host.app = app;
  app.workspace = new Workspace(app, drawWindow(app));
  app.setting = { open: () => new SettingsModal(app, app.settingTabs).open() };
  app.fileManager = { renameFile: (file, path) => vault.rename(file, path) };
  const find = (path) => vault.getFileByPath(path) ?? vault.getFileByPath(`${path}.md`);
  // no note of these tests embeds another
  app.metadataCache = Object.assign(new Events(), { getFileCache: (file) => ({ headings: findHeadings(app, file) }), getFirstLinkpathDest: find });
  window.addEventListener("keydown", (event) => press(app, event));
  window.hostChanged = (path) => void vault.changed(path);
  const plugin = await loadPlugin(app);
  window.host.unload = () => plugin.unload();
  app.workspace.ready();
  window.host.isReady = true;
}

/** Where an open note has headings. */
function findHeadings({ workspace }, file) {
  const text = workspace.activeEditor?.file === file ? workspace.activeEditor.editor.getValue() : "";
  return text.split("\n").flatMap((line, n) => (/^#+ /.test(line) ? [{ position: { start: { line: n } } }] : []));
}

function drawWindow(app) {
  const body = document.body.createDiv({ cls: "app-container" });
  const row = body.createDiv({ cls: "horizontal-main-container" });
  const ribbon = row.createDiv({ cls: "workspace-ribbon side-dock-ribbon" });
  ribbon.createDiv({ cls: "clickable-icon" }).append(icon("panel-left"));
  ribbon.createDiv({ cls: "side-dock-actions" });
  const settings = ribbon.createDiv({
    cls: "clickable-icon side-dock-settings",
    attr: { "aria-label": "Settings", role: "button" },
  });
  settings.append(icon("settings"));
  settings.addEventListener("click", () => app.setting.open());
  const explorer = row.createDiv({ cls: "workspace-split mod-left-split" });
  drawExplorer(app, explorer);
  app.vault.on("create", () => drawExplorer(app, explorer));
  app.vault.on("delete", () => drawExplorer(app, explorer));
  app.vault.on("rename", () => drawExplorer(app, explorer));
  const root = row.createDiv({ cls: "workspace-split mod-root" });
  body.createDiv({ cls: "status-bar" });
  document.body.createDiv({ cls: "notice-container" });
  return root;
}

function press(app, event) {
  if ((event.ctrlKey || event.metaKey) && event.key === "p") {
    event.preventDefault();
    new Palette(app).open();
  }
}

/** Load main.js as Obsidian does: CommonJS, with its own `obsidian` module. */
async function loadPlugin(app) {
  const [code, manifest] = await Promise.all([
    fetch("/main.js").then((response) => response.text()),
    fetch("/manifest.json").then((response) => response.json()),
  ]);
  const module = { exports: {} };
  const load = new Function("require", "module", "exports", `${code}\n//# sourceURL=main.js`);
  load(find, module, module.exports);
  const Kind = module.exports.default ?? module.exports;
  const plugin = new Kind(app, manifest);
  app.plugins = { plugins: { [manifest.id]: plugin } };
  await plugin.load();
  return plugin;
}

function find(name) {
  if (name === "obsidian") {
    return new Proxy(OBSIDIAN, {
      get(target, key) {
        if (key in target || typeof key !== "string" || key === "__esModule") return target[key];
        throw new Error(`the host has no obsidian.${key}`);
      },
    });
  }
  if (name in CODEMIRROR) return CODEMIRROR[name];
  if (name in NODE) return NODE[name];
  throw new Error(`no module ${name}`);
}
