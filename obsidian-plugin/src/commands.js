/** The commands; none has a hotkey of its own. */

import { ACTIONS } from "./actions.js";
import { askAboutBacklog, findBacklog } from "./backlog.js";
import { setPaused } from "./connection.js";
import { isNote } from "./menus.js";
import { tellFaults } from "./notices.js";

/** @import { TFile } from "obsidian" */
/** @import { Action } from "./actions.js" */
/** @import CompanionPlugin from "./main.js" */

/** @param {CompanionPlugin} plugin */
export function addCommands(plugin) {
  /** @type {Action<TFile>[]} */
  const actions = Object.values(ACTIONS);
  for (const { id, name, icon, act, isPossible } of actions) {
    const checkCallback = (/** @type {boolean} */ isChecking) => {
      const file = plugin.app.workspace.getActiveFile();
      if (!isNote(file) || isPossible?.(plugin, file) === false) return false;
      if (!isChecking) void tellFaults(plugin, () => act(plugin, file));
      return true;
    };
    plugin.addCommand({ id, name, icon, checkCallback });
  }
  const decide = (/** @type {boolean} */ isChecking) => {
    if (!findBacklog(plugin).notes) return false;
    if (!isChecking) void tellFaults(plugin, () => askAboutBacklog(plugin));
    return true;
  };
  plugin.addCommand({
    id: "backlog",
    name: "Decide about notes that were here before",
    icon: "list-todo",
    checkCallback: decide,
  });
  const turn = (/** @type {boolean} */ isPaused) => () => void tellFaults(plugin, () => setPaused(plugin, isPaused));
  plugin.addCommand({ id: "pause", name: "Pause background work", icon: "pause", callback: turn(true) });
  plugin.addCommand({ id: "resume", name: "Resume background work", icon: "play", callback: turn(false) });
}
