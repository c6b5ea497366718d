/** A copy of the example vault on disk, its real daemon, and the command line. */

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, realpathSync } from "node:fs";
import { cp, mkdtemp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { waitFor } from "./wait.js";

/** The plugin's folder in a vault. */
export const PLUGIN = join(".obsidian", "plugins", "callout-companion");
const REPOSITORY = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const PYTHON = [join(".venv", "bin", "python"), join(".venv", "Scripts", "python.exe")]
  .map((path) => join(REPOSITORY, path))
  .find((path) => existsSync(path));

export class Vault {
  /** @type {import("node:child_process").ChildProcess | null} */
  #process = null;
  /** Programs that were started beside the daemon. @type {import("node:child_process").ChildProcess[]} */
  #spawned = [];

  /** @param {string} base the temporary folder that holds everything */
  constructor(base) {
    this.base = base;
    this.path = join(base, "vault");
    this.home = join(base, "home");
    /** Of daemon and commands. @type {NodeJS.ProcessEnv} */
    this.env = { ...process.env, COMPANION_HOME: this.home };
  }

  /** @param {string} baseUrl of the endpoint; empty: the embedded model, whose answers are checked */
  static async copy(baseUrl) {
    const base = await mkdtemp(join(realpathSync(tmpdir()), "companion-e2e-"));
    const vault = new Vault(base);
    await cp(join(REPOSITORY, "examples", "vault"), vault.path, { recursive: true });
    await mkdir(join(vault.path, PLUGIN), { recursive: true });
    await mkdir(vault.home, { mode: 0o700 });
    if (baseUrl) vault.env.COMPANION_CHECKS = "off"; // its answers are too short for the checks, which have tests of their own
    const endpoint = baseUrl && `[endpoint]\nbase_url = "${baseUrl}"\nmodel = "llama3.3:70b"\n`;
    await writeFile(join(vault.home, "config.toml"), `${endpoint}[background]\nenabled = false\n`);
    return vault;
  }

  /**
   * Start the daemon; it answers once this returns.
   * @param {number} [port] 0: any free one
   */
  async serve(port = 0) {
    const words = ["-m", "companion", "serve", "--vault", this.path, "--port", String(port)];
    const child = spawn(python(), words, { cwd: REPOSITORY, env: this.env, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (data) => (said += data));
    this.#process = child;
    this.port = await waitFor("the daemon answers", async () => {
      if (child.exitCode !== null) throw new Error(`the daemon ended: ${said}`);
      const place = await this.#place();
      if (!place || place.pid !== child.pid) return 0;
      const health = await fetch(`http://127.0.0.1:${place.port}/healthz`).catch(() => null);
      return health?.ok ? place.port : 0;
    });
  }

  /** Run a program as the plugin asks, and resolve when it ends with what it said to its standard error. */
  spawn(file, words, options) {
    return new Promise((done) => {
      const child = spawn(file, words, { ...options, env: this.env });
      this.#spawned.push(child);
      let said = "";
      child.stderr?.on("data", (data) => (said += data));
      child.on("error", (error) => done({ error: error.message, said }));
      child.on("exit", (code) => done({ code, said }));
    });
  }

  get address() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** End the daemon as its user does. */
  async stop() {
    await end(this.#process, "SIGTERM");
  }

  /** Kill the daemon as a crash does. */
  async kill() {
    await end(this.#process, "SIGKILL");
  }

  /** End the daemon and remove everything. */
  async remove() {
    for (const child of [this.#process, ...this.#spawned]) await end(child, "SIGTERM");
    await rm(this.base, { recursive: true, force: true });
  }

  /** Run `companion` and return what it prints. @param {string[]} words */
  async companion(command, ...words) {
    const all = ["-m", "companion", command, "--vault", this.path, ...words];
    const { stdout } = await promisify(execFile)(python(), all, { cwd: REPOSITORY, env: this.env });
    return stdout;
  }

  /** The changes of a note, newest first, as `companion history` knows them. */
  async history(path) {
    const lines = (await this.companion("history", "--json", path)).split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line));
  }

  /** The address that opens the page, once. */
  async openPage() {
    return (await this.companion("open", "--print")).trim();
  }

  /**
   * Ask the API by the owner's token.
   * @param {string} path
   * @param {object} [body] of a POST
   * @returns {Promise<any>}
   */
  async call(path, body) {
    const token = (await readFile(join(this.home, "token"), "utf8")).trim();
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const answer = await fetch(`${this.address}/api/v1${path}`, { headers, ...(body && { method: "POST", body: JSON.stringify(body) }) });
    return answer.json();
  }

  read(path) {
    return readFile(join(this.path, path), "utf8");
  }

  write(path, text) {
    return writeFile(join(this.path, path), text);
  }

  /** @returns {Promise<{port: number, pid: number} | null>} */
  async #place() {
    const vaults = join(this.home, "vaults");
    for (const name of await readdir(vaults).catch(() => [])) {
      const text = await readFile(join(vaults, name, "daemon.json"), "utf8").catch(() => "");
      if (text) return JSON.parse(text);
    }
    return null;
  }
}

/** End a process, unless it has ended. @param {import("node:child_process").ChildProcess | null} child @param {NodeJS.Signals} signal */
async function end(child, signal) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
}

function python() {
  if (!PYTHON) throw new Error("there is no .venv here; run `make dev` first");
  return PYTHON;
}
