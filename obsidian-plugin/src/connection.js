/** The daemon's API over HTTP. Where it answers, and the user's token, are in files of the state folder, or in the settings. */

import { createHash } from "node:crypto";
import { readFile, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { env, kill } from "node:process";
import { FileSystemAdapter, Platform, requestUrl } from "obsidian";
import { ApiError, parse, readAnswer, toQuery, UnexpectedAnswer } from "../ui/api.js";
import { notifyWithButton } from "./dialogs.js";
import { ConnectionFault, explain, Stopped } from "./errors.js";
import { updateStatusBar } from "./status-bar.js";
import { say } from "./words.js";

/** @import { App, RequestUrlParam } from "obsidian" */
/** @import { Transport } from "../ui/api.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { News } from "./api-types.d.ts" */

export const SECRET = "callout-companion-token"; // where Obsidian keeps the token that the user pasted
const NAME = "callout-companion"; // of the state folder
const DIGITS = 12; // of the hash of its path in the name of a vault's folder
const WAIT = 25; // seconds that the feed may take to tell something
const PAUSE = 500; // milliseconds until what got no answer is asked again
const PATIENCE = 30_000; // milliseconds until a request is given up

/** The way to this vault's daemon. Both reject with Stopped once the plugin is switched off. */
export class Connection {
  #plugin;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /** Send a request. Rejects with ConnectionFault. @type {Transport["send"]} */
  async send({ method, path, body }) {
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
    const fail = () => Promise.reject(new ConnectionFault("away", address));
    const answer = requestUrl(request).catch(fail);
    const end = timers.pause(PATIENCE).then(fail, () => answer); // once the plugin is switched off, it may still be answered
    const { status, text } = await Promise.race([answer, end]);
    if (status === 401) throw new ConnectionFault("unpaired");
    return { status, text };
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
   * Return what changed after a number, as soon as something does.
   *
   * @param {number} after of the news that were read last; 0: how things are now
   * @returns {Promise<News>}
   */
  readNews(after) {
    return this.get("/feed", { after, wait: after && WAIT, client: this.#plugin.client });
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
 * Return where this vault's daemon answers, and the token. Rejects with ConnectionFault.
 *
 * @param {CompanionPlugin} plugin
 */
async function locate({ app, settings }) {
  const pasted = app.secretStorage.getSecret(SECRET) ?? "";
  const token = pasted || (await readFile(join(findState(), "token"), "utf8").catch(() => "")).trim();
  const port = await readPort(app);
  if (port) return { address: `http://127.0.0.1:${port}`, token };
  if (pasted) return { address: settings.address, token };
  throw new ConnectionFault(token ? "away" : "notInstalled", settings.address);
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
