/** Requests to this vault's daemon with the token, and pairing, which gets the token for a one-time code. */

import { locate, toNumericAddress } from "./discovery.js";
import { AnotherVault, NotPaired, Refused } from "./errors.js";
import { read, send } from "./http.js";
import { asPaired } from "./shapes.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { Reader } from "./shapes.js" */

const SECRET = "callout-companion-token";

/**
 * Exchange a code that the user typed for a token, even if there is one. If no daemon can prove that
 * it is this vault's, the one at the address in the settings is asked, since the daemon may be unable
 * to write its file into the plugin's folder.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} code
 */
export async function pair(plugin, code) {
  const address = await locate(plugin, readToken(plugin)).then(
    (daemon) => daemon.address,
    (error) => {
      if (error instanceof AnotherVault) return "";
      throw error;
    },
  );
  const usual = toNumericAddress(plugin.settings.address);
  await exchange(plugin, address || usual, code).catch((error) => {
    throw error instanceof Refused && !address ? new AnotherVault(usual) : error;
  });
}

/**
 * Exchange the code that `companion init` left in data.json, but only with this vault's daemon. The
 * code is removed when it was used or refused, and stays while the daemon is away.
 *
 * @param {CompanionPlugin} plugin
 */
export async function useCode(plugin) {
  const { code } = plugin.settings;
  if (code === undefined) return;
  const { address } = await locate(plugin, readToken(plugin));
  try {
    await exchange(plugin, address, code);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  if (plugin.settings.code === code) delete plugin.settings.code;
  await plugin.saveData(plugin.settings);
}

/**
 * Send a request to the API with the token, and return its answer as the reader reads it. Rejects as
 * locate does, or with NotPaired or one of the errors of read in http.js.
 *
 * @template T
 * @param {CompanionPlugin} plugin
 * @param {string} method
 * @param {string} path without the prefix `/api/v1`
 * @param {object | null} body
 * @param {Reader<T>} reader
 */
export async function ask(plugin, method, path, body, reader) {
  const { address, token } = await locate(plugin, readToken(plugin));
  if (!token) throw new NotPaired();
  return read(await send(plugin, address, { method, path: `/api/v1${path}`, body, token }), reader);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} address
 * @param {string} code
 */
async function exchange(plugin, address, code) {
  const question = { method: "POST", path: "/api/v1/pair", body: { code: code.trim() } };
  const { token } = read(await send(plugin, address, question), asPaired);
  plugin.app.secretStorage.setSecret(SECRET, token);
}

/**
 * Return the token that Obsidian keeps as a secret, empty if there is none.
 *
 * @param {CompanionPlugin} plugin
 */
function readToken({ app }) {
  return app.secretStorage.getSecret(SECRET) ?? "";
}
