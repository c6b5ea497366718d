/**
 * The daemon's API over HTTP: requests with the token; pairing, which gets the token for a one-time code; and
 * discovery, which finds this vault's daemon, has it prove that it is, and sends no secret.
 */

import { requestUrl } from "obsidian";
import { ApiError, parse, parseEvents, readAnswer, readText, toQuery, UnexpectedAnswer } from "../ui/api.js";
import { notifyWithButton } from "./dialogs.js";
import { ConnectionFault, explain, faultOf, Stopped } from "./errors.js";
import { toHex } from "./note-text.js";
import { updateStatusBar } from "./status-bar.js";
import { say } from "./words.js";

/** @import { RequestUrlParam } from "obsidian" */
/** @import { Answer, Question, Transport } from "../ui/api.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Proof, TokenSecret } from "./api-types.d.ts" */

const SECRET = "callout-companion-token";
const PLACE_FILE = /\/daemon-[0-9a-f]{12}\.json$/;
const PLACE_ID = /^[0-9a-f]{32}$/;
const MOST_FILES = 20; // files read at most; each computer with this vault leaves one
const OLDEST = "0.3"; // the oldest version of the daemon that the plugin works with
const NONCE = 32; // bytes
const WRONG_CODE = 403; // or used up, or too old
const PAUSE = 500; // milliseconds until what got no answer is asked again
const PATIENCE = 30_000; // milliseconds until a request is given up; the daemon answers within 26 seconds
const PROOF_PATIENCE = 2_000; // milliseconds, since any program may hold the port and never answer

/** The way to this vault's daemon. Both reject with Stopped once the plugin is switched off. */
export class Connection {
  #plugin;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /** Send a request, once it is proved to whom. Rejects as locate() does. @type {Transport["send"]} */
  async send({ path, ...question }) {
    if (this.#plugin.timers.isStopped) throw new Stopped();
    const { address, token } = await locate(this.#plugin);
    if (!token) throw new ConnectionFault("unpaired");
    const answer = await send(this.#plugin, address, { ...question, path: `/api/v1${path}`, token });
    if (answer.status === 401) throw new ConnectionFault("unpaired");
    return answer;
  }

  /**
   * Read what a path has now. Rejects at once where nobody answers: what the user asks for is not begun later, when
   * they may have forgotten it.
   *
   * @template T
   * @param {string} path
   * @param {Record<string, string | number>} [query]
   * @returns {Promise<T>}
   */
  async get(path, query = {}) {
    return readAnswer(await this.send({ method: "GET", path: `${path}${toQuery(query)}` }));
  }

  /**
   * Return what changed after an event, as soon as something does; nothing after 25 seconds.
   *
   * @param {string} after the id of that event; empty: how things are now
   */
  async readEvents(after) {
    const path = `/events${toQuery({ once: true, ...(after && { after }) })}`;
    return parseEvents(readText(await this.send({ method: "GET", path })));
  }

  /** Wait a moment, or for as long as the daemon cannot be asked, which the user is told and can cancel. @type {Transport["wait"]} */
  async wait(error, tries) {
    const { daemon, manifest, timers, work } = this.#plugin;
    if (error instanceof UnexpectedAnswer) throw error;
    await timers.pause(PAUSE);
    if (error instanceof ApiError || tries === 1) return;
    await daemon.check();
    if (!daemon.error) return;
    const what = say("untilAnswer");
    const wait = [...work.waits].find((each) => each.what === what) ?? { name: manifest.name, what, isCancelled: false };
    const isTold = work.waits.has(wait) || work.runs.size; // while a run is followed, the status bar tells it
    work.waits.add(wait);
    updateStatusBar(this.#plugin);
    if (!isTold) notifyWithButton(this.#plugin, explain(error), say("cancel"), () => work.cancelWaits([wait]));
    while (daemon.error && !wait.isCancelled) await timers.pause(PAUSE);
    work.waits.delete(wait);
    updateStatusBar(this.#plugin);
    if (wait.isCancelled) throw error;
  }
}

/**
 * Exchange a code for a token, even if there is one, with this vault's daemon. Rejects as locate does, or with ApiError.
 *
 * unproven: the address of whoever gets the code instead, once the user has agreed to send what they typed there: a
 * daemon may be unable to write its file into the plugin's folder. Rejects with the fault `another` if it is refused there.
 *
 * @type {(plugin: CompanionPlugin, code: string, unproven?: string) => Promise<void>}
 */
export async function pair(plugin, code, unproven) {
  const address = unproven ?? (await locate(plugin)).address;
  const answer = await send(plugin, address, { method: "POST", path: "/api/v1/pair", body: { code: code.trim() } });
  if (unproven && answer.status !== 200) throw new ConnectionFault("another", address);
  /** @type {TokenSecret} */
  const { token } = readAnswer(answer);
  plugin.app.secretStorage.setSecret(SECRET, token);
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
  await pair(plugin, code).catch((error) => {
    if (!(error instanceof ApiError) || error.status !== WRONG_CODE) throw error;
  });
  if (plugin.settings.code === code) delete plugin.settings.code;
  await plugin.saveData(plugin.settings);
}

/**
 * Find this vault's daemon: where it answered last, at the address in the settings, or at the ports
 * in the files that daemons leave in the plugin's folder. It has to prove itself every time, since
 * another program may take its port at any moment. Return our token for it, empty if it does not know that.
 *
 * Rejects with ConnectionFault, or with why a daemon sent no proof.
 *
 * @param {CompanionPlugin} plugin
 */
async function locate(plugin) {
  const { settings, daemon, app } = plugin;
  const token = app.secretStorage.getSecret(SECRET) ?? "";
  // the name may resolve to another interface, where another program can have the same port and forward the request for a proof
  const usual = settings.address.replace("localhost", "127.0.0.1");
  let error = /** @type {unknown} */ (null);
  const fruitless = new Set();
  for (const address of new Set([daemon.address || usual, usual])) {
    try {
      await identify(plugin, address, token);
      daemon.address = address;
      return { address, token };
    } catch (reason) {
      error = reason;
      if (["away", "other"].includes(faultOf(reason))) fruitless.add(address);
    }
  }
  const places = await readPlaces(plugin);
  const others = places.filter(({ address }) => !fruitless.has(address));
  const proofs = await Promise.all(others.map(({ address, id }) => identify(plugin, address, token, id).catch(() => null)));
  for (const proof of ["token", "place"]) {
    daemon.address = others[proofs.indexOf(proof)]?.address ?? "";
    if (daemon.address) return { address: daemon.address, token: proof === "token" ? token : "" };
  }
  if (faultOf(error) !== "away") throw error;
  const wasHere = token || places.length || settings.code !== undefined;
  throw new ConnectionFault(wasHere ? "away" : "notInstalled", usual);
}

/** Read the files that daemons left. Any may be from another computer, or from a daemon that was killed. @param {CompanionPlugin} plugin */
async function readPlaces({ app, manifest }) {
  const { adapter, configDir } = app.vault;
  const folder = manifest.dir ?? `${configDir}/plugins/${manifest.id}`;
  const { files } = await adapter.list(folder).catch(() => ({ files: [] }));
  /** @type {{ address: string, id: string }[]} */
  const places = [];
  for (const file of files.filter((name) => PLACE_FILE.test(name)).slice(0, MOST_FILES)) {
    try {
      /** @type {{ port?: unknown, id?: unknown }} */
      const { port, id } = parse(await adapter.read(file));
      const isPort = Number.isInteger(port) && Number(port) > 0 && Number(port) < 65536;
      if (isPort && typeof id === "string" && PLACE_ID.test(id)) places.push({ address: `http://127.0.0.1:${Number(port)}`, id });
    } catch {
      // not such a file, or removed at this moment
    }
  }
  return places;
}

/**
 * Return by what a daemon has proved that it is this vault's: our token, or the id in the file that led to its place.
 * Rejects with ConnectionFault, or with why a daemon sent no proof.
 *
 * @type {(plugin: CompanionPlugin, address: string, token: string, id?: string) => Promise<string>}
 */
async function identify(plugin, address, token, id = "") {
  const nonce = toHex(crypto.getRandomValues(new Uint8Array(NONCE)));
  const [tokenId] = token.includes(".") ? token.split(".") : [];
  const question = { method: "POST", path: "/api/v1/proof", body: { nonce, ...(tokenId && { id: tokenId }) }, patience: PROOF_PATIENCE };
  const answer = await send(plugin, address, question);
  const proof = answer.status === 200 ? parseProof(answer.text) : {};
  if (!proof.version) return refuseUnproven(plugin, address, answer);
  checkVersion(address, proof.version);
  const port = address.replace(/.*:/, "");
  if (token && proof.token === (await prove(token, port, nonce))) return "token";
  if (id && proof.place === (await prove(id, port, nonce))) return "place";
  throw new ConnectionFault("another", address);
}

/** Reject with who answers there, by its /healthz. @type {(plugin: CompanionPlugin, address: string, answer: Answer) => Promise<never>} */
async function refuseUnproven(plugin, address, answer) {
  const { text } = await send(plugin, address, { method: "GET", path: "/healthz", patience: PROOF_PATIENCE });
  const { name, version = "" } = parseProof(text);
  if (name !== plugin.manifest.id) throw new ConnectionFault("other", address);
  checkVersion(address, version);
  if (answer.status !== 200) readAnswer(answer); // throws the reason that the daemon gives
  throw new ConnectionFault("another", address);
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
  if (version.localeCompare(OLDEST, "en", { numeric: true }) < 0) throw new ConnectionFault("version", address);
}

/** Return what another program may have answered, empty if it is no JSON. @type {(text: string) => Partial<Proof> & { name?: string }} */
function parseProof(text) {
  try {
    return { .../** @type {object} */ (parse(text)) };
  } catch {
    return {};
  }
}

/**
 * Send a request and return the answer. Rejects with ConnectionFault.
 *
 * path: with the whole of its prefix. token: empty to send none. patience: milliseconds until it is given up.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} address
 * @param {Question & { token?: string, patience?: number }} question
 * @returns {Promise<Answer>}
 */
function send({ manifest, timers }, address, { method, path, body, headers, token, patience = PATIENCE }) {
  /** @type {RequestUrlParam} */
  const request = {
    url: `${address}${path}`,
    method,
    headers: { "Companion-Version": manifest.version, ...headers, ...(token && { Authorization: `Bearer ${token}` }) },
    throw: false,
    ...(body && { contentType: "application/json", body: JSON.stringify(body) }),
  };
  const fail = () => Promise.reject(new ConnectionFault("away", address, true));
  const answer = requestUrl(request).catch(fail);
  const end = timers.pause(patience).then(fail, () => answer); // once the plugin is switched off, it may still be answered
  return Promise.race([answer, end]);
}
