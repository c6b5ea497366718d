/** What this window works on, told in the status bar: one thing a note at a time. */

import { NoteInTheWay } from "./errors.js";
import { awaitQuiet } from "./quiet.js";
import { showState } from "./status-bar.js";
import { look } from "./watch.js";

/** @import CompanionPlugin from "./main.js" */

/**
 * Do it unless something is done there already. What is only written quietly there is finished. A
 * note that is renamed meanwhile is still it.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} path of the note or folder
 * @param {() => Promise<void>} act
 */
export async function workOn(plugin, path, act) {
  await awaitQuiet(plugin, path);
  if (plugin.doing.has(path)) throw new NoteInTheWay(`“${path}” is being worked on already.`);
  const { vault } = plugin.app;
  const renamed = vault.on("rename", (file, before) => {
    if (before !== path) return;
    plugin.doing.set(file.path, plugin.doing.get(path) ?? "");
    plugin.doing.delete(path);
    path = file.path;
  });
  tellProgress(plugin, path, "asking");
  try {
    await act();
  } finally {
    vault.offref(renamed);
    plugin.doing.delete(path);
    showState(plugin);
    void look(plugin);
  }
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} path
 * @param {string} words
 */
export function tellProgress(plugin, path, words) {
  plugin.doing.set(path, words);
  showState(plugin);
}
