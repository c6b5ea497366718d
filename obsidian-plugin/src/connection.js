/** The daemon's API over HTTP. Where it answers, and the user's token, are in files of the state folder, or in the settings. */

import { createHash } from "node:crypto";
import { readFile, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { env, kill } from "node:process";
import { FileSystemAdapter, Platform, requestUrl } from "obsidian";
import { ApiError, NoAnswer, Stopped } from "./errors.js";

/** @import { App, RequestUrlParam } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Problem } from "./api-types.d.ts" */

export const SECRET = "callout-companion-token"; // where Obsidian keeps the token that the user pasted
const NAME = "callout-companion"; // of the state folder
const DIGITS = 12; // of the hash of its path in the name of a vault's folder
const PATIENCE = 30_000; // milliseconds until a request is given up; the feed takes 25 seconds

/** The way to this vault's daemon. All of it rejects with ApiError, NoAnswer, or Stopped once the plugin is switched off. */
export class Connection {
  #plugin;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /**
   * @template T
   * @param {string} path below `/api/v1`
   * @param {Record<string, string | number>} [query]
   * @returns {Promise<T>}
   */
  get(path, query = {}) {
    const words = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();
    return this.#send("GET", words ? `${path}?${words}` : path);
  }

  /** @template T @param {string} path @param {object} [body] @returns {Promise<T>} */
  post(path, body = {}) {
    return this.#send("POST", path, body);
  }

  /** @template T @param {string} method @param {string} path @param {object} [body] @returns {Promise<T>} */
  async #send(method, path, body) {
    const { timers } = this.#plugin;
    if (timers.isStopped) throw new Stopped();
    const { address, token } = await locate(this.#plugin);
    /** @type {RequestUrlParam} */
    const request = {
      url: `${address}/api/v1${path}`,
      method,
      headers: { Authorization: `Bearer ${token}` },
      throw: false,
      ...(body && { contentType: "application/json", body: JSON.stringify(body) }),
    };
    const fail = () => Promise.reject(new NoAnswer("away"));
    const answer = requestUrl(request).catch(fail);
    const end = timers.pause(PATIENCE).then(fail, () => answer); // once the plugin is switched off, it may still be answered
    const { status, text } = await Promise.race([answer, end]);
    if (status === 401) throw new NoAnswer("token");
    if (status >= 200 && status <= 299) return parse(text);
    /** @type {Partial<Problem>} */
    const { code = "", detail = "Refused." } = parse(text) ?? {};
    throw new ApiError(detail, status, code);
  }
}

/** Parse what the daemon says. Throws NoAnswer where that is no JSON. @template T @param {string} text @returns {T} */
function parse(text) {
  try {
    /** @type {unknown} */
    const value = JSON.parse(text);
    return /** @type {T} */ (value);
  } catch {
    throw new NoAnswer("trouble");
  }
}

/**
 * Return where this vault's daemon answers, and the token. Rejects with NoAnswer.
 *
 * @param {CompanionPlugin} plugin
 */
async function locate({ app, settings }) {
  const pasted = app.secretStorage.getSecret(SECRET) ?? "";
  const token = pasted || (await readFile(join(findState(), "token"), "utf8").catch(() => "")).trim();
  const port = await readPort(app);
  if (port) return { address: `http://127.0.0.1:${port}`, token };
  if (pasted) return { address: settings.address, token };
  throw new NoAnswer(token ? "away" : "missing");
}

/** Return the port of this vault's daemon, 0 where none runs. @param {App} app */
async function readPort({ vault: { adapter } }) {
  if (!(adapter instanceof FileSystemAdapter)) return 0;
  try {
    const root = await realpath(adapter.getBasePath());
    const digest = createHash("sha256").update(root).digest("hex").slice(0, DIGITS);
    const file = join(findState(), "vaults", `${basename(root) || "vault"}-${digest}`, "daemon.json");
    /** @type {{ port?: unknown, pid?: unknown }} */
    const { port, pid } = parse(await readFile(file, "utf8"));
    kill(Number(pid), 0); // throws where there is no such process: the daemon was killed
    return Number(port);
  } catch {
    return 0;
  }
}

/** Return the folder of the daemon's state, as the daemon finds it. */
function findState() {
  const { COMPANION_HOME: home, LOCALAPPDATA: local = "", XDG_STATE_HOME: state } = env;
  if (home) return home;
  if (Platform.isWin) return join(local, NAME);
  if (Platform.isMacOS) return join(homedir(), "Library", "Application Support", NAME);
  return join(state || join(homedir(), ".local", "state"), NAME);
}
