/** Which notes are open here: the daemon leaves them alone, and says what is to be done in them. */

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
  const { to_do, asked } = await reportPresence(plugin, plugin.client, open);
  plugin.rest.waiting = to_do;
  plugin.asked.waiting = asked;
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

/**
 * Whether the note is open here.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} path
 */
export function isOpen({ app }, path) {
  return findOpen(app).includes(path);
}
