/** The one-time code exchanged for a token, which Obsidian keeps as a secret. */

import { takeToken } from "./daemon.js";
import { Refused } from "./errors.js";

/** @import CompanionPlugin from "./main.js" */

const SECRET = "callout-companion-token";

/**
 * The token; empty when there is none.
 *
 * @param {CompanionPlugin} plugin
 */
export function readToken({ app }) {
  return app.secretStorage.getSecret(SECRET) ?? "";
}

/**
 * Exchange the code, whatever token there was.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} code
 */
export async function pair(plugin, code) {
  plugin.app.secretStorage.setSecret(SECRET, await takeToken(plugin, code.trim()));
}

/**
 * Exchange the code that `companion init` left in data.json. It is removed once it was used, or
 * is of no use any more; it stays while the daemon is away.
 *
 * @param {CompanionPlugin} plugin
 */
export async function useCode(plugin) {
  const { code } = plugin.settings;
  if (code === undefined) return;
  try {
    await pair(plugin, code);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  if (plugin.settings.code === code) delete plugin.settings.code;
  await plugin.saveData(plugin.settings);
}
