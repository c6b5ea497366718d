/**
 * The daemon's API over HTTP: requests with the token; pairing, which gets the token for a one-time code; and
 * discovery, which finds this vault's daemon, has it prove that it is, and sends no secret.
 */

import { requestUrl } from "obsidian";
import { ApiError, parseEvents, toQuery } from "../ui/api.js";
import { AnotherVault, AnswerLost, DaemonAway, NotInstalled, NotPaired, OtherProgram, Stopped, TooOld, UnexpectedAnswer } from "./errors.js";
import { toHex } from "./note-text.js";
import { formatBytes, say } from "./words.js";

/** @import { RequestUrlParam } from "obsidian" */
/** @import { DaemonEvent } from "../ui/api.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Problem, Proof, TokenSecret } from "./api-types.d.ts" */

/** @typedef {{ status: number, text: string }} Answer */

const SECRET = "callout-companion-token";
const PLACE_FILE = /\/daemon-[0-9a-f]{12}\.json$/;
const PLACE_ID = /^[0-9a-f]{32}$/;
const MOST_FILES = 20; // files read at most; each computer with this vault leaves one
const ONCE = /^\/(runs|proposals\/decide(-all)?|proposals\/(\d+\/)?again|changes\/(\d+\/)?undo(-all)?)(\?|$)/; // what takes a key
const OLDEST = "0.3"; // the oldest version of the daemon that the plugin works with
const LARGEST = 1024 * 1024; // bytes that the daemon takes
const NONCE = 32; // bytes
const WRONG_CODE = 403; // or used up, or too old
const PATIENCE = 30_000; // milliseconds until a request is given up; the daemon answers within 26 seconds
const PROOF_PATIENCE = 2_000; // milliseconds, since any program may hold the port and never answer

/** The API. Paths are below `/api/v1`. Each call rejects as locate() does, or with NotPaired, ApiError or UnexpectedAnswer, or with Stopped once the plugin is switched off. */
export class Api {
  #plugin;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /** @template T @param {string} path @param {Record<string, string | number | boolean>} [query] @returns {Promise<T>} */
  async get(path, query = {}) {
    return parse(await ask(this.#plugin, "GET", `${path}${toQuery(query)}`, null));
  }

  /** @template T @param {string} path @param {object} [body] @returns {Promise<T>} */
  async post(path, body = {}) {
    return parse(await ask(this.#plugin, "POST", path, body));
  }

  /**
   * Return what changed after an event, as soon as something does; nothing after 25 seconds.
   *
   * @param {string} after the id of that event; empty: how things are now
   * @returns {Promise<DaemonEvent[]>}
   */
  async readEvents(after) {
    const query = toQuery({ once: true, ...(after && { after }) });
    return parseEvents(await ask(this.#plugin, "GET", `/events${query}`, null));
  }

  /** Cancel runs, each even if another one is over already. Rejects if one could not be cancelled. @param {Iterable<string>} runs */
  async cancelRuns(runs) {
    const made = await Promise.allSettled(Array.from(runs, (run) => this.post(`/runs/${run}/cancel`)));
    for (const one of made) if (one.status === "rejected") throw one.reason;
  }
}

/**
 * Send a request with the token, and return its answer's text.
 *
 * @type {(plugin: CompanionPlugin, method: string, path: string, body: object | null) => Promise<string>}
 */
async function ask(plugin, method, path, body) {
  const isOnce = method === "POST" && ONCE.test(path);
  const key = isOnce ? crypto.randomUUID() : "";
  const sendProven = async () => {
    if (plugin.timers.isStopped) throw new Stopped();
    const { address, token } = await locate(plugin);
    if (!token) throw new NotPaired();
    return send(plugin, address, { method, path: `/api/v1${path}`, body, key, token });
  };
  const sent = sendProven().catch((error) => {
    if (isOnce && error instanceof AnswerLost) return sendProven(); // by its key nothing is done twice
    throw error;
  });
  return read(await sent);
}

/**
 * Exchange a code for a token, even if there is one, with this vault's daemon. Rejects as locate does, or with ApiError.
 *
 * unproven: the address of whoever gets the code instead, once the user has agreed to send what they typed there: a
 * daemon may be unable to write its file into the plugin's folder. Rejects with AnotherVault if it is refused there.
 *
 * @type {(plugin: CompanionPlugin, code: string, unproven?: string) => Promise<void>}
 */
export async function pair(plugin, code, unproven) {
  const address = unproven ?? (await locate(plugin)).address;
  await exchange(plugin, address, code).catch((error) => {
    throw unproven && error instanceof ApiError ? new AnotherVault(address) : error;
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
  const { address } = await locate(plugin);
  await exchange(plugin, address, code).catch((error) => {
    if (!(error instanceof ApiError) || error.status !== WRONG_CODE) throw error;
  });
  if (plugin.settings.code === code) delete plugin.settings.code;
  await plugin.saveData(plugin.settings);
}

/** @type {(plugin: CompanionPlugin, address: string, code: string) => Promise<void>} */
async function exchange(plugin, address, code) {
  const answer = await send(plugin, address, { method: "POST", path: "/api/v1/pair", body: { code: code.trim() } });
  /** @type {TokenSecret} */
  const { token } = parse(read(answer));
  plugin.app.secretStorage.setSecret(SECRET, token);
}

/**
 * Find this vault's daemon: where it answered last, at the address in the settings, or at the ports
 * in the files that daemons leave in the plugin's folder. It has to prove itself every time, since
 * another program may take its port at any moment. Return our token for it, empty if it does not know that.
 *
 * Rejects with DaemonAway, NotInstalled, OtherProgram, AnotherVault or TooOld.
 *
 * @param {CompanionPlugin} plugin
 */
async function locate(plugin) {
  const { settings, daemon, app } = plugin;
  const token = app.secretStorage.getSecret(SECRET) ?? "";
  // the name may resolve to another interface, where another program can have the same port and forward the request for a proof
  const usual = settings.address.replace("localhost", "127.0.0.1");
  let fault = /** @type {unknown} */ (null);
  const fruitless = new Set();
  for (const address of new Set([daemon.address || usual, usual])) {
    try {
      await identify(plugin, address, token);
      daemon.address = address;
      return { address, token };
    } catch (error) {
      fault = error;
      if (error instanceof DaemonAway) fruitless.add(address);
    }
  }
  const places = await readPlaces(plugin);
  const others = places.map(({ port, id }) => ({ address: `http://127.0.0.1:${port}`, id })).filter(({ address }) => !fruitless.has(address));
  const proofs = await Promise.all(others.map(({ address, id }) => identify(plugin, address, token, id).catch(() => null)));
  for (const proof of ["token", "place"]) {
    const other = others[proofs.indexOf(proof)];
    if (!other) continue;
    daemon.address = other.address;
    return { address: other.address, token: proof === "token" ? token : "" };
  }
  daemon.address = "";
  if (!(fault instanceof DaemonAway) || fault instanceof OtherProgram) throw fault;
  const wasHere = token || places.length || settings.code !== undefined;
  throw new (wasHere ? DaemonAway : NotInstalled)(usual);
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
 * Return by what a daemon has proved that it is this vault's: our token, or the id in the file that led to its place.
 * Rejects with DaemonAway, OtherProgram, AnotherVault or TooOld, or with why a daemon sent no proof.
 *
 * @type {(plugin: CompanionPlugin, address: string, token: string, id?: string) => Promise<string>}
 */
async function identify(plugin, address, token, id = "") {
  const nonce = toHex(crypto.getRandomValues(new Uint8Array(NONCE)));
  const [tokenId] = token.includes(".") ? token.split(".") : [];
  const question = { method: "POST", path: "/api/v1/proof", body: { nonce, ...(tokenId && { id: tokenId }) }, patience: PROOF_PATIENCE };
  const answer = await send(plugin, address, question);
  const proof = answer.status === 200 && parseProof(answer.text);
  if (!proof || !proof.version) return refuseUnproven(plugin, address, answer);
  checkVersion(address, proof.version);
  const port = address.replace(/.*:/, "");
  if (token && proof.token === (await prove(token, port, nonce))) return "token";
  if (id && proof.place === (await prove(id, port, nonce))) return "place";
  throw new AnotherVault(address);
}

/** Reject with who answers there, by its /healthz. @type {(plugin: CompanionPlugin, address: string, answer: Answer) => Promise<never>} */
async function refuseUnproven(plugin, address, answer) {
  const { text } = await send(plugin, address, { method: "GET", path: "/healthz", patience: PROOF_PATIENCE });
  const { name, version = "" } = parseProof(text) ?? {};
  if (name !== plugin.manifest.id) throw new OtherProgram(address);
  checkVersion(address, version);
  if (answer.status !== 200) read(answer); // throws the reason that the daemon gives
  throw new AnotherVault(address);
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

/** @type {(address: string, version: string) => void} version: of the daemon there */
function checkVersion(address, version) {
  if (version.localeCompare(OLDEST, "en", { numeric: true }) < 0) throw new TooOld(say("tooOld", { address }));
}

/** @type {(text: string) => (Partial<Proof> & { name?: string }) | null} */
function parseProof(text) {
  try {
    return parse(text);
  } catch {
    return null;
  }
}

/**
 * Send a request and return the answer. Rejects with DaemonAway.
 *
 * token: empty to send none. key: of a request that is not to be done twice. patience: milliseconds until it is given up.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} address
 * @param {{ method: string, path: string, body?: object | null, token?: string, key?: string, patience?: number }} question
 * @returns {Promise<Answer>}
 */
function send({ manifest, timers }, address, { method, path, body, token, key, patience = PATIENCE }) {
  /** @type {Record<string, string>} */
  const headers = { "Companion-Version": manifest.version };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (key) headers["Idempotency-Key"] = key;
  /** @type {RequestUrlParam} */
  const request = { url: `${address}${path}`, method, headers, throw: false };
  if (body) Object.assign(request, { contentType: "application/json", body: JSON.stringify(body) });
  return new Promise((resolve, reject) => {
    const timer = timers.after(patience, () => reject(new DaemonAway(address)));
    requestUrl(request)
      .then(resolve, () => reject(new AnswerLost(address)))
      .finally(() => timers.cancel(timer));
  });
}

/** Return the answer's text. Throws ApiError, NotPaired or TooOld, by its status and problem (RFC 9457). @param {Answer} answer */
function read({ status, text }) {
  if (status === 401) throw new NotPaired();
  if (status >= 200 && status <= 299) return text;
  if (status === 413) throw new ApiError(say("tooLarge", { size: formatBytes(LARGEST) }), status); // only a note is ever that large
  /** @type {Partial<Problem>} */
  const { code = "", detail = "The daemon does not do that." } = parse(text) ?? {};
  throw code.startsWith("client-too-") ? new TooOld(detail) : new ApiError(detail, status, code);
}

/**
 * Parse JSON. Throws UnexpectedAnswer.
 *
 * @template T
 * @param {string} text
 * @returns {T}
 */
function parse(text) {
  try {
    /** @type {unknown} */
    const value = JSON.parse(text);
    return /** @type {T} */ (value);
  } catch {
    throw new UnexpectedAnswer();
  }
}
