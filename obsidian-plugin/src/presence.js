/** Which notes are open here: background work of the daemon leaves them alone. */

import { reportPresence } from "./daemon.js";
import { findOpen } from "./open-notes.js";
import { look } from "./watch.js";

/** @import CompanionPlugin from "./main.js" */

/**
 * Tell the daemon; what waits for edits in them is taken over.
 *
 * @param {CompanionPlugin} plugin
 */
export async function reportOpen(plugin) {
  const open = findOpen(plugin.app);
  plugin.told = open.join("\n");
  plugin.rest.waiting = await reportPresence(plugin, plugin.client, open);
}

/**
 * Tell the daemon at once when other notes are open than it was told. Never rejects.
 *
 * @param {CompanionPlugin} plugin
 */
export async function reportChange(plugin) {
  if (!plugin.watch.isTold || findOpen(plugin.app).join("\n") === plugin.told) return;
  await reportOpen(plugin).catch(() => look(plugin));
}

/**
 * Say that nothing is open any more. Never rejects: what was reported ends by itself.
 *
 * @param {CompanionPlugin} plugin
 */
export async function leave(plugin) {
  await reportPresence(plugin, plugin.client, []).catch(() => {});
}
