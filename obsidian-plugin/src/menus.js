/** Items in the menus of notes, folders and the editor. */

import { TFile, TFolder } from "obsidian";
import { ACTIONS } from "./actions.js";
import { enrichFolder } from "./folder.js";
import { tellFaults } from "./notices.js";

/** @import { Menu } from "obsidian" */
/** @import { Action } from "./actions.js" */
/** @import CompanionPlugin from "./main.js" */

const { enrich, section, answer, review, undo, why } = ACTIONS;

/** @param {CompanionPlugin} plugin */
export function addMenus(plugin) {
  const { workspace } = plugin.app;
  plugin.registerEvent(
    workspace.on("file-menu", (menu, file) => {
      if (file instanceof TFolder) {
        addItem(plugin, menu, "Enrich folder", "folder-pen", () => enrichFolder(plugin, file));
      } else if (file instanceof TFile && file.extension === "md") {
        addItems(plugin, menu, file, [enrich, review, undo, why]);
      }
    }),
  );
  plugin.registerEvent(
    workspace.on("editor-menu", (menu, _editor, { file }) => {
      if (file) addItems(plugin, menu, file, [enrich, section, answer]);
    }),
  );
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Menu} menu
 * @param {TFile} file
 * @param {Action[]} actions
 */
function addItems(plugin, menu, file, actions) {
  for (const { name, icon, act } of actions) {
    addItem(plugin, menu, name, icon, () => act(plugin, file));
  }
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Menu} menu
 * @param {string} title
 * @param {string} icon
 * @param {() => Promise<void>} act
 */
function addItem(plugin, menu, title, icon, act) {
  menu.addItem((item) => {
    item.setTitle(title).setIcon(icon).setSection("callout-companion");
    item.onClick(() => void tellFaults(plugin, act));
  });
}
