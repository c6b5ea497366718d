/** The commands; none has a hotkey of its own. */

import { ACTIONS } from "./actions.js";
import { tellFaults } from "./notices.js";

/** @import CompanionPlugin from "./main.js" */

/** @param {CompanionPlugin} plugin */
export function addCommands(plugin) {
  for (const { id, name, icon, act } of Object.values(ACTIONS)) {
    plugin.addCommand({
      id,
      name,
      icon,
      checkCallback: (isChecking) => {
        const file = plugin.app.workspace.getActiveFile();
        if (file?.extension !== "md") return false;
        if (!isChecking) void tellFaults(plugin, () => act(plugin, file));
        return true;
      },
    });
  }
  addSwitch(plugin, "pause", "Pause background work", "pause", true);
  addSwitch(plugin, "resume", "Resume background work", "play", false);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} id
 * @param {string} name
 * @param {string} icon
 * @param {boolean} isPaused afterwards
 */
function addSwitch(plugin, id, name, icon, isPaused) {
  const callback = () => void tellFaults(plugin, () => plugin.setPaused(isPaused));
  plugin.addCommand({ id, name, icon, callback });
}
