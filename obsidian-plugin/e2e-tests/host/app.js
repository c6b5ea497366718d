/** Obsidian without its window: what plugins get of it, and an app on a vault. In Chromium, and in Node on jsdom. */

import * as commands from "@codemirror/commands";
import * as state from "@codemirror/state";
import * as view from "@codemirror/view";
import { Component, Events, SecretStorage, TFile, TFolder } from "obsidian-test-mocks/obsidian";
import { icon, setIcon, setTooltip } from "./icons.js";
import { drawExplorer, Plugin } from "./plugin.js";
import { ConfirmationModal, Menu, Modal, Notice } from "./popups.js";
import { PluginSettingTab, Setting, SettingsModal } from "./settings.js";
import { FileSystemAdapter, Vault } from "./vault.js";
import { MarkdownView, TextFileView, Workspace } from "./workspace.js";

/** Obsidian's own, which plugins share. */
export const CODEMIRROR = {
  "@codemirror/commands": commands,
  "@codemirror/state": state,
  "@codemirror/view": view,
};

/** What the plugin uses; all else is missed as an error. */
export const OBSIDIAN = {
  Component,
  ConfirmationModal,
  FileSystemAdapter,
  MarkdownView,
  Menu,
  Modal,
  Notice,
  Platform: { isDesktop: true, isDesktopApp: true, isMobile: false, isMacOS: false },
  Plugin,
  PluginSettingTab,
  Setting,
  TFile,
  TFolder,
  TextFileView,
  requestUrl,
  setIcon,
  setTooltip,
};

/** The request leaves from outside the page, as Obsidian's does, so no CORS is asked. */
async function requestUrl({ url, method, body, contentType, headers = {}, throw: throws = true }) {
  const type = contentType ? { "Content-Type": contentType } : {};
  const { error, status, text } = await window.hostRequest({ url, method, body, headers: { ...headers, ...type } });
  if (error) throw new Error(error);
  if (throws && status >= 400) throw new Error(`Request failed, status ${status}`);
  return { status, text };
}

/** An app on the vault of that name, with its window drawn. */
export function makeApp(name) {
  const vault = new Vault(name);
  const app = { vault, defaultViewMode: "source", secretStorage: SecretStorage.create2__() };
  app.secretStorage.setSecret("callout-companion-token", window.hostNode.token ?? "");
  const stored = (key) => `${vault.name}-${key}`; // of this vault, on this device
  app.loadLocalStorage = (key) => JSON.parse(window.localStorage.getItem(stored(key)));
  app.saveLocalStorage = (key, value) => window.localStorage.setItem(stored(key), JSON.stringify(value));
  app.workspace = new Workspace(app, drawWindow(app));
  app.setting = { open: () => new SettingsModal(app).open() };
  const find = (path) => vault.getFileByPath(path) ?? vault.getFileByPath(`${path}.md`);
  // no note of these tests embeds another
  app.metadataCache = Object.assign(new Events(), { getFileCache: (file) => ({ headings: findHeadings(app, file) }), getFirstLinkpathDest: find });
  window.app = app;
  return app;
}

/** Where an open note has headings, underlined ones not among them. */
function findHeadings({ workspace }, file) {
  const text = workspace.activeEditor?.file === file ? workspace.activeEditor.editor.getValue() : "";
  const body = text.replace(/^---\n[^]*?\n---\n|^```[^]*?^```/gm, (part) => part.replace(/[^\n]/g, ""));
  return body.split("\n").flatMap((line, n) => (/^#+ /.test(line) ? [{ position: { start: { line: n } } }] : []));
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
  for (const change of ["create", "delete", "rename"]) app.vault.on(change, () => drawExplorer(app, explorer));
  const root = row.createDiv({ cls: "workspace-split mod-root" });
  body.createDiv({ cls: "status-bar" });
  document.body.createDiv({ cls: "notice-container" });
  return root;
}

/** What `require` gives a plugin of Obsidian's. */
export function requireObsidian(obsidian) {
  return new Proxy(obsidian, {
    get(target, key) {
      if (key in target || typeof key !== "string" || key === "__esModule") return target[key];
      throw new Error(`the host has no obsidian.${key}`);
    },
  });
}
