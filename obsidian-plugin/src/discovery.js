/** Where this vault's daemon answers, and the proof that it is this vault's. */

import { AnotherVault, DaemonAway, NotInstalled, OtherProgram, TooOld } from "./errors.js";
import { parse, read, send } from "./http.js";
import { asHealth, asPlace, asProofs } from "./shapes.js";

/** @import { Answer } from "./http.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Place } from "./shapes.js" */

/**
 * A daemon that proved, just now, that it is this vault's. token: the one it knows; empty when it
 * knows none of ours.
 *
 * @typedef {{ address: string, token: string }} Located
 */

const PLACE_FILE = /\/daemon-[0-9a-f]{12}\.json$/;
const MOST_FILES = 20; // files that are read: one of each computer that has this vault

/**
 * This vault's daemon, wherever it answers: where it did last, at the address in the settings, or
 * where the files say that daemons leave in the plugin's folder. It is asked to prove itself each
 * time, since another program may take its port at any moment.
 *
 * Rejects with DaemonAway, NotInstalled, OtherProgram, AnotherVault or TooOld.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} token empty when there is none
 * @returns {Promise<Located>}
 */
export async function locate(plugin, token) {
  const { settings, daemon } = plugin;
  const usual = toNumericAddress(settings.address);
  /** @type {Kind | Error} */
  let kind = "away";
  for (const address of new Set([daemon.address || usual, usual])) {
    kind = await identify(plugin, address, token, "").catch((/** @type {Error} */ error) => error);
    if (kind === "ours") return remember(plugin, address, token);
  }
  const places = await readPlaces(plugin);
  let known = "";
  for (const { port, id } of places) {
    const address = `http://127.0.0.1:${port}`;
    const there = await identify(plugin, address, token, id).catch(() => "another");
    if (there === "ours") return remember(plugin, address, token);
    if (there === "known") known ||= address;
  }
  if (known) return remember(plugin, known, "");
  daemon.address = "";
  if (kind instanceof Error) throw kind;
  if (kind === "another") throw new AnotherVault(usual);
  if (kind === "stranger") throw new OtherProgram(usual);
  const wasHere = token || places.length || settings.code !== undefined;
  throw new (wasHere ? DaemonAway : NotInstalled)(usual);
}

/**
 * The address with a number for the name: a name may lead to another interface, where another
 * program can have the same port, and pass the question for a proof on.
 *
 * @param {string} address
 */
export function toNumericAddress(address) {
  return address.replace("localhost", "127.0.0.1");
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} address
 * @param {string} token
 */
function remember({ daemon }, address, token) {
  daemon.address = address;
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
  for (const file of files.filter((name) => PLACE_FILE.test(name)).slice(0, MOST_FILES)) {
    try {
      places.push(asPlace(JSON.parse(await adapter.read(file))));
    } catch {
      // it holds something else, or is removed at this moment
    }
  }
  return places;
}

/**
 * ours: it knows our token. known: it does not, but it wrote the file that led there. another: a
 * daemon that can prove neither. stranger: some other program. away: nobody.
 *
 * @typedef {"ours" | "known" | "another" | "stranger" | "away"} Kind
 */

const OLDEST = [0, 1]; // a daemon before this one is to be updated
const NONCE = 32; // bytes

/**
 * Who answers there. Rejects with TooOld, or with why a daemon proves nothing.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} address
 * @param {string} token empty when there is none
 * @param {string} id of the file that led there; empty when none did
 * @returns {Promise<Kind>}
 */
export async function identify(plugin, address, token, id) {
  const nonce = toHex(crypto.getRandomValues(new Uint8Array(NONCE)));
  try {
    const question = { method: "POST", path: "/api/v1/proof", body: { nonce } };
    const answer = await send(plugin, address, question);
    const told = answer.status === 200 && attempt(() => read(answer, asProofs));
    if (!told) return await nameOther(plugin, address, answer);
    checkVersion(address, told.version);
    const port = address.replace(/.*:/, "");
    if (token && told.token === (await prove(token, port, nonce))) return "ours";
    return id && told.place === (await prove(id, port, nonce)) ? "known" : "another";
  } catch (error) {
    if (error instanceof DaemonAway) return "away";
    throw error;
  }
}

/**
 * Who it is that proves nothing, by its /healthz.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} address
 * @param {Answer} answer to the question for a proof
 * @returns {Promise<Kind>}
 */
async function nameOther(plugin, address, answer) {
  const health = await send(plugin, address, { method: "GET", path: "/healthz" });
  const { name, status, version } = attempt(() => asHealth(parse(health.text))) ?? {};
  // the first daemons said no name, and asked for a token at each address that they did not know
  if (!name && status === "ok" && answer.status === 401) throw tooOld(address);
  if (name !== plugin.manifest.id) return "stranger";
  checkVersion(address, version ?? "");
  if (answer.status !== 200) read(answer, () => null); // throws: it says why it proves nothing
  return "another";
}

/**
 * What only somebody with the key answers to a nonce, on that port.
 *
 * @param {string} key
 * @param {string} port
 * @param {string} nonce
 */
async function prove(key, port, nonce) {
  const encode = (/** @type {string} */ text) => new TextEncoder().encode(text);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", encode(key), algorithm, false, ["sign"]);
  const message = encode(`callout-companion\n${port}\n${nonce}`);
  return toHex(new Uint8Array(await crypto.subtle.sign("HMAC", imported, message)));
}

/**
 * @param {string} address
 * @param {string} version of the daemon there
 */
function checkVersion(address, version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) throw tooOld(address);
}

/** @param {string} address */
function tooOld(address) {
  return new TooOld(
    `The Callout Companion at ${address} is too old for this plugin. Update it, and start it again in a terminal: companion serve`,
  );
}

/**
 * @template T
 * @param {() => T} act
 * @returns {T | null} null where it throws
 */
function attempt(act) {
  try {
    return act();
  } catch {
    return null;
  }
}

/** @param {Uint8Array} bytes */
function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
