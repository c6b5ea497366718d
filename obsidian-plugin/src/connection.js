/**
 * Requests to this vault's daemon with the token; pairing, which gets the token for a one-time code; and
 * discovery, which finds the daemon, has it prove that it is this vault's, and sends no secret.
 */

import { ApiError } from "../ui/api.js";
import { AnotherVault, AnswerLost, DaemonAway, NotInstalled, NotPaired, OtherProgram, Stopped, TooOld } from "./errors.js";
import { parse, read, send } from "./http.js";
import { toHex } from "./note-text.js";
import { say } from "./words.js";

/** @import { Answer } from "./http.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Proof, TokenSecret } from "./api-types.d.ts" */

/**
 * A daemon that has just proved that it is this vault's. token: empty if it does not know ours.
 *
 * @typedef {{ address: string, token: string }} Located
 */

const SECRET = "callout-companion-token";
const PLACE_FILE = /\/daemon-[0-9a-f]{12}\.json$/;
const PLACE_ID = /^[0-9a-f]{32}$/;
const MOST_FILES = 20; // files read at most; each computer with this vault leaves one
const ONCE = /^\/(runs|proposals\/decide(-all)?|proposals\/(\d+\/)?again|changes\/(\d+\/)?undo(-all)?)(\?|$)/; // what takes a key
const OLDEST = "0.3"; // the oldest version of the daemon that the plugin works with
const NONCE = 32; // bytes
const WRONG_CODE = 403; // or used up, or too old
const PROOF_PATIENCE = 2_000; // milliseconds, since any program may hold the port and never answer

/**
 * Send a request to the API with the token, and return its answer's text. Rejects as locate does, or with NotPaired,
 * one of the errors of read in http.js, or Stopped once the plugin is switched off.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} method
 * @param {string} path without the prefix `/api/v1`
 * @param {object | null} body
 */
export async function ask(plugin, method, path, body) {
  const isOnce = method === "POST" && ONCE.test(path);
  const question = { method, path: `/api/v1${path}`, body, ...(isOnce && { key: crypto.randomUUID() }) };
  const sendProven = async () => {
    if (plugin.timers.isStopped) throw new Stopped();
    const { address, token } = await locate(plugin, readToken(plugin));
    if (!token) throw new NotPaired();
    return send(plugin, address, { ...question, token });
  };
  const sent = sendProven().catch((error) => {
    if (isOnce && error instanceof AnswerLost) return sendProven(); // by its key nothing is done twice
    throw error;
  });
  return read(await sent);
}

/**
 * Exchange a code for a token, even if there is one, but only with this vault's daemon. Rejects as locate
 * does, or with ApiError.
 *
 * @type {(plugin: CompanionPlugin, code: string) => Promise<void>}
 */
export async function pair(plugin, code) {
  const { address } = await locate(plugin, readToken(plugin));
  await exchange(plugin, address, code);
}

/**
 * Exchange a code with whoever answers at an address, which is nobody who has proved to be this vault's
 * daemon: that may be unable to write its file into the plugin's folder. Only for a code that the user
 * typed, once they have agreed to send it there. Rejects with AnotherVault if it is refused.
 *
 * @type {(plugin: CompanionPlugin, address: string, code: string) => Promise<void>}
 */
export async function pairUnproven(plugin, address, code) {
  await exchange(plugin, address, code).catch((error) => {
    throw error instanceof ApiError ? new AnotherVault(address) : error;
  });
}

/**
 * Exchange the code that `companion init` left in data.json, but only with this vault's daemon. The
 * code is removed when it was used or is wrong, and stays while the daemon is away or cannot take it.
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
    if (!(error instanceof ApiError) || error.status !== WRONG_CODE) throw error;
  }
  if (plugin.settings.code === code) delete plugin.settings.code;
  await plugin.saveData(plugin.settings);
}

/**
 * Rejects with one of the errors of read in http.js.
 *
 * @type {(plugin: CompanionPlugin, address: string, code: string) => Promise<void>}
 */
async function exchange(plugin, address, code) {
  const question = { method: "POST", path: "/api/v1/pair", body: { code: code.trim() } };
  const answer = await send(plugin, address, question);
  /** @type {TokenSecret} */
  const { token } = parse(read(answer));
  plugin.app.secretStorage.setSecret(SECRET, token);
}

/** Return the token that Obsidian keeps as a secret, empty if there is none. @param {CompanionPlugin} plugin */
function readToken({ app }) {
  return app.secretStorage.getSecret(SECRET) ?? "";
}

/**
 * Find this vault's daemon: where it answered last, at the address in the settings, or at the ports
 * in the files that daemons leave in the plugin's folder. It has to prove itself every time, since
 * another program may take its port at any moment.
 *
 * Rejects with DaemonAway, NotInstalled, OtherProgram, AnotherVault or TooOld.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} token empty when there is none
 * @returns {Promise<Located>}
 */
async function locate(plugin, token) {
  const { settings, daemon } = plugin;
  const usual = toNumericAddress(settings.address);
  /** @type {Responder | Error} */
  let kind = "away";
  const silent = new Set();
  for (const address of new Set([daemon.address || usual, usual])) {
    kind = await identify(plugin, address, token, "").catch((/** @type {Error} */ error) => error);
    if (kind === "ours") return remember(plugin, address, token);
    if (kind === "away") silent.add(address);
  }
  const places = await readPlaces(plugin);
  const others = places.map(({ port, id }) => ({ address: `http://127.0.0.1:${port}`, id }));
  const asked = others.filter(({ address }) => !silent.has(address));
  const there = await Promise.all(asked.map(({ address, id }) => identify(plugin, address, token, id).catch(() => "another")));
  const ours = asked[there.indexOf("ours")];
  if (ours) return remember(plugin, ours.address, token);
  const known = asked[there.indexOf("known")]?.address;
  if (known) return remember(plugin, known, "");
  daemon.address = "";
  if (kind instanceof Error) throw kind;
  if (kind === "another") throw new AnotherVault(usual);
  if (kind === "stranger") throw new OtherProgram(usual);
  const wasHere = token || places.length || settings.code !== undefined;
  throw new (wasHere ? DaemonAway : NotInstalled)(usual);
}

/**
 * Return the address with 127.0.0.1 for localhost. The name may resolve to another interface, where
 * another program can have the same port and forward the request for a proof.
 *
 * @param {string} address
 */
function toNumericAddress(address) {
  return address.replace("localhost", "127.0.0.1");
}

/** @type {(plugin: CompanionPlugin, address: string, token: string) => { address: string; token: string; }} */
function remember({ daemon }, address, token) {
  daemon.address = address;
  return { address, token };
}

/** Read the files that daemons left. Any may be from another computer, or from a daemon that was killed. @param {CompanionPlugin} plugin */
async function readPlaces({ app, manifest }) {
  const { adapter, configDir } = app.vault;
  const folder = manifest.dir ?? `${configDir}/plugins/${manifest.id}`;
  const { files } = await adapter.list(folder).catch(() => ({ files: [] }));
  /** @type {{ port: number, id: string }[]} */
  const places = [];
  for (const file of files.filter((name) => PLACE_FILE.test(name)).slice(0, MOST_FILES)) {
    try {
      /** @type {{ port?: unknown, id?: unknown }} */
      const { port, id } = parse(await adapter.read(file));
      const isPort = Number.isInteger(port) && Number(port) > 0 && Number(port) < 65536;
      if (isPort && typeof id === "string" && PLACE_ID.test(id)) places.push({ port: Number(port), id });
    } catch {
      // not such a file, or removed at this moment
    }
  }
  return places;
}

/**
 * Who answers at an address. ours: a daemon that knows our token. known: a daemon that does not, but
 * wrote the file that led there. another: a daemon that can prove neither. stranger: another program.
 * away: nobody.
 *
 * @typedef {"ours" | "known" | "another" | "stranger" | "away"} Responder
 */

/**
 * Return who answers at an address. Rejects with TooOld, or with why a daemon sent no proof.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} address
 * @param {string} token empty when there is none
 * @param {string} id in the file that led there, empty if none did
 * @returns {Promise<Responder>}
 */
async function identify(plugin, address, token, id) {
  const nonce = toHex(crypto.getRandomValues(new Uint8Array(NONCE)));
  try {
    const [tokenId] = token.includes(".") ? token.split(".") : [];
    const question = { method: "POST", path: "/api/v1/proof", body: { nonce, ...(tokenId && { id: tokenId }) }, patience: PROOF_PATIENCE };
    const answer = await send(plugin, address, question);
    /** @type {Partial<Proof> | false | null} */
    const told = answer.status === 200 && attempt(() => parse(answer.text));
    if (!told || !told.version) return await nameOther(plugin, address, answer);
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
 * Return who answers there without a proof, by its /healthz.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} address
 * @param {Answer} answer to the request for a proof
 * @returns {Promise<Responder>}
 */
async function nameOther(plugin, address, answer) {
  const health = await send(plugin, address, { method: "GET", path: "/healthz", patience: PROOF_PATIENCE });
  /** @type {{ name?: string, version?: string } | null} */
  const told = attempt(() => parse(health.text));
  const { name, version } = told ?? {};
  if (name !== plugin.manifest.id) return "stranger";
  checkVersion(address, version ?? "");
  if (answer.status !== 200) read(answer); // throws the reason that the daemon gives
  return "another";
}

/**
 * Return the proof for a nonce: its HMAC with the key, bound to the port (docs/api.md).
 *
 * @type {(key: string, port: string, nonce: string) => Promise<string>}
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
  if (version.localeCompare(OLDEST, "en", { numeric: true }) < 0) throw new TooOld(say("tooOld", { address }));
}

/**
 * @template T
 * @param {() => T} act
 * @returns {T | null} null if it throws
 */
function attempt(act) {
  try {
    return act();
  } catch {
    return null;
  }
}
