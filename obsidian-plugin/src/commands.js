/** What the user can do: the commands, the menus of notes and folders, the ribbon, and a link from outside. */

import { MarkdownView, TFolder } from "obsidian";
import { notifyOfErrors } from "./dialogs.js";
import { enrichFiles, enrichFolder, enrichNote, enrichPart, undoLast } from "./enrich.js";
import { NoteUnavailable } from "./errors.js";
import { isNote } from "./open-notes.js";
import { openPage } from "./program.js";
import { togglePause } from "./status-bar.js";
import { count } from "./words.js";

/** @import { Menu, TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */

/** @typedef {[title: string, icon: string, act: () => unknown]} Item of a menu */

/** Commands for the active note. @type {[id: string, name: string, icon: string, act: (plugin: CompanionPlugin, file: TFile) => unknown][]} */
const OF_NOTE = [
  ["enrich-note", "Enrich note", "sparkles", (plugin, file) => enrichNote(plugin, file)],
  ["enrich-part", "Enrich one part of this note …", "text-cursor-input", enrichPart],
  ["enrich-folder", "Enrich folder of this note", "folder-pen", (plugin, { parent }) => parent && enrichFolder(plugin, parent)],
  ["undo-note", "Undo the last change of this note", "undo-2", undoLast],
];

/** Commands for the proposal that the active note shows. @type {[what: "accept" | "edit" | "refuse" | "again", name: string, icon: string][]} */
const OF_PROPOSAL = [
  ["accept", "Accept the proposal", "check"],
  ["edit", "Edit the proposal", "pencil"],
  ["refuse", "Refuse the proposal", "x"],
  ["again", "Ask again for the proposal, but …", "rotate-cw"],
];

/** @type {[id: string, name: string, icon: string, act: (plugin: CompanionPlugin) => unknown][]} */
const OTHERS = [
  ["review-next", "Review next", "inbox", (plugin) => plugin.review.openNext()],
  ["pause", "Pause or resume background work", "pause", togglePause],
  ["open-page", "Open inbox and history", "globe", openPage],
];

/** @param {CompanionPlugin} plugin */
export function addCommands(plugin) {
  for (const [id, name, icon, act] of OF_NOTE) {
    addCommand(plugin, id, name, icon, () => {
      const file = plugin.app.workspace.getActiveFile();
      return isNote(file) ? () => act(plugin, file) : null;
    });
  }
  for (const [what, name, icon] of OF_PROPOSAL) {
    addCommand(plugin, `${what}-proposal`, name, icon, () => (plugin.review.current ? () => plugin.review.act(what) : null));
  }
  for (const [id, name, icon, act] of OTHERS) addCommand(plugin, id, name, icon, () => () => act(plugin));
  plugin.addRibbonIcon("sparkles", "Enrich note", () => void notifyOfErrors(plugin, () => enrichActive(plugin)));
  plugin.registerObsidianProtocolHandler(plugin.manifest.id, () => void notifyOfErrors(plugin, () => openPage(plugin)));
}

/** @param {CompanionPlugin} plugin */
function enrichActive(plugin) {
  const file = plugin.app.workspace.getActiveFile();
  if (!isNote(file)) throw new NoteUnavailable("Open a note first.");
  return enrichNote(plugin, file);
}

/** find: returns what it would do now, null if nothing. @type {(plugin: CompanionPlugin, id: string, name: string, icon: string, find: () => (() => unknown) | null) => void} */
function addCommand(plugin, id, name, icon, find) {
  const checkCallback = (/** @type {boolean} */ isChecking) => {
    const act = find();
    if (act && !isChecking) void notifyOfErrors(plugin, act);
    return act !== null;
  };
  plugin.addCommand({ id, name, icon, checkCallback });
}

/** @param {CompanionPlugin} plugin */
export function addMenus(plugin) {
  const { workspace } = plugin.app;
  /** @type {(file: TFile) => Item[]} */
  const ofNote = (file) => [
    ["Enrich note", "sparkles", () => enrichNote(plugin, file)],
    ["Enrich one part …", "text-cursor-input", () => enrichPart(plugin, file)],
    ["Undo the last change", "undo-2", () => undoLast(plugin, file)],
  ];
  plugin.registerEvent(
    workspace.on("file-menu", (menu, file) => {
      if (file instanceof TFolder) addItems(plugin, menu, [["Enrich folder", "folder-pen", () => enrichFolder(plugin, file)]]);
      else if (isNote(file)) addItems(plugin, menu, ofNote(file));
    }),
  );
  plugin.registerEvent(
    workspace.on("files-menu", (menu, files) => {
      const notes = files.filter(isNote);
      if (notes.length) addItems(plugin, menu, [[`Enrich ${count(notes.length, "note")}`, "sparkles", () => enrichFiles(plugin, notes)]]);
    }),
  );
  plugin.registerEvent(
    workspace.on("editor-menu", (menu, _editor, view) => {
      if (view instanceof MarkdownView && isNote(view.file)) addItems(plugin, menu, ofNote(view.file).slice(0, 2));
    }),
  );
}

/** @type {(plugin: CompanionPlugin, menu: Menu, items: Item[]) => void} */
function addItems(plugin, menu, items) {
  for (const [title, icon, act] of items) {
    menu.addItem((item) => {
      item.setTitle(title).setIcon(icon).setSection(plugin.manifest.id);
      item.onClick(() => void notifyOfErrors(plugin, act));
    });
  }
}
