/** Where this vault's daemon answers. */

import { AnotherVault, DaemonAway, NotInstalled, Stranger } from "./errors.js";
import { readToken } from "./pairing.js";
import { identify } from "./proof.js";
import { asPlace } from "./shapes.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { Kind } from "./proof.js" */
/** @import { Place } from "./shapes.js" */

/**
 * A daemon that proved, just now, that it is this vault's. token: the one it knows; empty when it
 * knows none of ours.
 *
 * @typedef {{ address: string, token: string }} Located
 */

const FILE = /\/daemon-[0-9a-f]{12}\.json$/;
const MOST = 20; // files that are read: one of each computer that has this vault

/**
 * This vault's daemon, wherever it answers: where it did last, at the address in the settings, or
 * where the files say that daemons leave in the plugin's folder. It is asked to prove itself each
 * time, since another program may take its port at any moment.
 *
 * Rejects with DaemonAway, NotInstalled, Stranger, AnotherVault or TooOld.
 *
 * @param {CompanionPlugin} plugin
 * @returns {Promise<Located>}
 */
export async function locate(plugin) {
  const { settings, watch } = plugin;
  const token = readToken(plugin);
  const usual = dialled(settings.address);
  /** @type {Kind | Error} */
  let kind = "away";
  for (const address of new Set([watch.address || usual, usual])) {
    kind = await identify(plugin, address, token, "").catch((/** @type {Error} */ error) => error);
    if (kind === "ours") return found(plugin, address, token);
  }
  const places = await readPlaces(plugin);
  let known = "";
  for (const { port, id } of places) {
    const address = `http://127.0.0.1:${port}`;
    const there = await identify(plugin, address, token, id).catch(() => "another");
    if (there === "ours") return found(plugin, address, token);
    if (there === "known") known ||= address;
  }
  if (known) return found(plugin, known, "");
  watch.address = "";
  if (kind instanceof Error) throw kind;
  if (kind === "another") throw new AnotherVault(usual);
  if (kind === "stranger") throw new Stranger(usual);
  const wasHere = token || places.length || settings.code !== undefined;
  throw new (wasHere ? DaemonAway : NotInstalled)(usual);
}

/**
 * The address with a number for the name: a name may lead to another interface, where another
 * program can have the same port, and pass the question for a proof on.
 *
 * @param {string} address
 */
export function dialled(address) {
  return address.replace("localhost", "127.0.0.1");
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} address
 * @param {string} token
 */
function found({ watch }, address, token) {
  watch.address = address;
  return { address, token };
}

/**
 * What the files say. Any of them may be another computer's, or be left by a daemon that was killed.
 *
 * @param {CompanionPlugin} plugin
 */
async function readPlaces({ app, manifest }) {
  const { adapter, configDir } = app.vault;
  const folder = manifest.dir ?? `${configDir}/plugins/${manifest.id}`;
  const { files } = await adapter.list(folder).catch(() => ({ files: [] }));
  /** @type {Place[]} */
  const places = [];
  for (const file of files.filter((name) => FILE.test(name)).slice(0, MOST)) {
    try {
      places.push(asPlace(JSON.parse(await adapter.read(file))));
    } catch {
      // it holds something else, or is removed at this moment
    }
  }
  return places;
}
