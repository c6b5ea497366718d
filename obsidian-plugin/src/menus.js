/** Items in the menus of notes, folders and the editor. */

import { TFile, TFolder } from "obsidian";
import { ACTIONS } from "./actions.js";
import { enrichFolder } from "./folder.js";
import { tellFaults } from "./notices.js";

/** @import { Menu } from "obsidian" */
/** @import { Action } from "./actions.js" */
/** @import CompanionPlugin from "./main.js" */

const { enrich, section, answer, review, undo, why } = ACTIONS;
const FOLDER = { name: "Enrich folder", icon: "folder-pen", act: enrichFolder };

/** @param {CompanionPlugin} plugin */
export function addMenus(plugin) {
  const { workspace } = plugin.app;
  plugin.registerEvent(
    workspace.on("file-menu", (menu, file) => {
      if (file instanceof TFolder) addItems(plugin, menu, file, [FOLDER]);
      else if (isNote(file)) addItems(plugin, menu, file, [enrich, review, undo, why]);
    }),
  );
  plugin.registerEvent(
    workspace.on("editor-menu", (menu, _editor, { file }) => {
      if (isNote(file)) addItems(plugin, menu, file, [enrich, section, answer]);
    }),
  );
}

/**
 * @param {unknown} file
 * @returns {file is TFile}
 */
export function isNote(file) {
  return file instanceof TFile && file.extension === "md";
}

/**
 * @template {TFile | TFolder} T
 * @param {CompanionPlugin} plugin
 * @param {Menu} menu
 * @param {T} file
 * @param {Pick<Action<T>, "name" | "icon" | "act" | "isPossible">[]} actions
 */
function addItems(plugin, menu, file, actions) {
  for (const { name, icon, act, isPossible } of actions) {
    if (isPossible?.(plugin, file) === false) continue;
    menu.addItem((item) => {
      item.setTitle(name).setIcon(icon).setSection("callout-companion");
      item.onClick(() => void tellFaults(plugin, () => act(plugin, file)));
    });
  }
}
