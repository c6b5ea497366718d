/** What the user does with the connection as a whole. */

import { pauseBackground } from "./daemon.js";
import { say } from "./notices.js";
import { look } from "./watch.js";
import { describeVault } from "./words.js";

/** @import CompanionPlugin from "./main.js" */

/**
 * What a test of the connection says, in words. Never rejects.
 *
 * @param {CompanionPlugin} plugin
 */
export async function testConnection(plugin) {
  await look(plugin);
  const { status, words } = plugin.watch;
  return status ? `Connected to ${describeVault(status)}.` : words;
}

/**
 * Pause background work, or resume it, and say so.
 *
 * @param {CompanionPlugin} plugin
 * @param {boolean} isPaused
 */
export async function setPaused(plugin, isPaused) {
  await pauseBackground(plugin, isPaused);
  say(isPaused ? "Background work is paused." : "Background work goes on.");
  await look(plugin);
}
