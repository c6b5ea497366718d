/** The one-time code exchanged for a token, which Obsidian keeps as a secret. */

import { takeToken } from "./daemon.js";
import { AnotherVault, Refused } from "./errors.js";
import { dialled, locate } from "./locate.js";

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
 * Exchange a code that the user typed, whatever token there was. Where no daemon proves to be this
 * vault's, the one at the address in the settings is asked: the plugin's folder may be one that
 * the daemon does not write in.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} code
 */
export async function pair(plugin, code) {
  const address = await locate(plugin).then(
    (daemon) => daemon.address,
    (error) => {
      if (error instanceof AnotherVault) return "";
      throw error;
    },
  );
  const usual = dialled(plugin.settings.address);
  await exchange(plugin, address || usual, code).catch((error) => {
    throw error instanceof Refused && !address ? new AnotherVault(usual) : error;
  });
}

/**
 * Exchange the code that `companion init` left in data.json, with this vault's daemon alone. It is
 * removed once it was used, or is of no use any more; it stays while that daemon is away.
 *
 * @param {CompanionPlugin} plugin
 */
export async function useCode(plugin) {
  const { code } = plugin.settings;
  if (code === undefined) return;
  const { address } = await locate(plugin);
  try {
    await exchange(plugin, address, code);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  if (plugin.settings.code === code) delete plugin.settings.code;
  await plugin.saveData(plugin.settings);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} address
 * @param {string} code
 */
async function exchange(plugin, address, code) {
  plugin.app.secretStorage.setSecret(SECRET, await takeToken(plugin, address, code.trim()));
}
