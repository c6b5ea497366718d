/**
 * The program `companion` on this computer: found, and started for this vault. It is
 * run without a shell, with fixed arguments, and only after its path was shown and agreed to.
 */

import { execFile, spawn } from "node:child_process";
import { access, constants, realpath, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join, sep } from "node:path";
import { env } from "node:process";
import { FileSystemAdapter, Platform } from "obsidian";
import { ProgramFailed } from "./errors.js";
import { showInWebViewer } from "./internals.js";
import { showHidden } from "./words.js";

/** @import { App } from "obsidian" */
/** @import { PageAddress } from "./api-types.d.ts" */
/** @import CompanionPlugin from "./main.js" */

const AGREED = "callout-companion-program"; // in this device's storage, which no sync reads
const PATIENCE = 30_000; // milliseconds to open the page
const LONGEST = 4_000; // characters kept of what it says

/**
 * Return the path of the program: the one that was agreed to, else one on the search path or where
 * uv and pipx put it. Null if there is none that may be run.
 *
 * @param {App} app
 */
export async function findProgram(app) {
  const named = [env.UV_TOOL_BIN_DIR, env.XDG_BIN_HOME, env.PIPX_BIN_DIR].map((folder) => folder ?? "");
  const usual = [join(homedir(), ".local", "bin"), "/opt/homebrew/bin", "/usr/local/bin"];
  const folders = [...(env.PATH ?? "").split(delimiter), ...named, ...usual].filter((folder) => isAbsolute(folder));
  const name = Platform.isWin ? "companion.exe" : "companion";
  for (const path of new Set([readAgreed(app), ...folders.map((folder) => join(folder, name))])) {
    if (path && (await requireRunnable(app, path).catch(() => ""))) return path;
  }
  return null;
}

/**
 * Remember on this computer that the user agreed to run the program at the path.
 *
 * Throws ProgramFailed if it may not be run.
 *
 * @type {(app: App, path: string) => Promise<void>}
 */
export async function agreeTo(app, path) {
  app.saveLocalStorage(AGREED, await requireRunnable(app, path));
}

/** Return the path that the user agreed to on this computer, empty if there is none. @param {App} app */
export function readAgreed(app) {
  /** @type {unknown} */
  const path = app.loadLocalStorage(AGREED);
  return typeof path === "string" ? path : "";
}

/** Return what starts the daemon, as it is shown. @type {(app: App, path: string) => string} */
export function describeServe(app, path) {
  return [path, ...listArguments(app)].map((word) => (/\s/.test(word) ? `"${word}"` : word)).join(" ");
}

/**
 * Start the daemon of this vault, and wait until it answers. It runs on when Obsidian is closed.
 *
 * Throws ProgramFailed if it ends before, with the last that it said.
 *
 * @type {(app: App, untilAnswered: () => Promise<void>) => Promise<void>}
 */
export async function startDaemon(app, untilAnswered) {
  const path = await requireRunnable(app);
  const child = spawn(path, listArguments(app), { ...options(), detached: true, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text) => void (said = (said + text).slice(-LONGEST)));
  const end = new Promise((_, reject) => {
    child.on("error", (error) => reject(new ProgramFailed(error.message)));
    child.on("exit", () => reject(new ProgramFailed(lastLine(said))));
  });
  child.unref();
  await Promise.race([end, untilAnswered()]);
  child.stderr.destroy();
}

/**
 * Open the daemon's page: in Obsidian's Web viewer where that is on, else in the browser by the program, so that its address, which
 * lets in, stands on no command line.
 *
 * Throws ProgramFailed.
 *
 * @param {CompanionPlugin} plugin
 */
export async function openPage({ app, connection }) {
  /** @type {PageAddress} */
  const { address } = await connection.post("/session/address");
  if (await showInWebViewer(app, address)) return;
  if (!readAgreed(app)) throw new ProgramFailed("Switch on the core plugin Web viewer to see the page here, or run “companion open” in a terminal.");
  const path = await requireRunnable(app);
  await new Promise((resolve, reject) => {
    execFile(path, ["open", "--vault", findRoot(app)], { ...options(), timeout: PATIENCE }, (error, stdout, stderr) =>
      error ? reject(new ProgramFailed(lastLine(stderr) || error.message)) : resolve(stdout),
    );
  });
}

/**
 * Return the path of a program that may be run, the one that was agreed to where none is given. One inside the vault may
 * not be: whoever shares the vault could put it there.
 *
 * Throws ProgramFailed with why it may not be run.
 *
 * @param {App} app
 */
async function requireRunnable(app, path = readAgreed(app)) {
  if (!isAbsolute(path)) throw new ProgramFailed("Give the whole path, from the root of the disk.");
  const missing = () => Promise.reject(new ProgramFailed(`There is no program at ${showHidden(path)}.`));
  const isRunnable = stat(path).then((file) => file.isFile() && access(path, constants.X_OK).then(() => true));
  const [real, root, isFile] = await Promise.all([realpath(path), realpath(findRoot(app)), isRunnable]).catch(missing);
  if (!isFile) return missing();
  const isInside = [path, real].some((one) => `${one}${sep}`.startsWith(`${root}${sep}`));
  if (isInside) throw new ProgramFailed(`${showHidden(path)} is inside the vault. Whoever the vault is shared with could change it, so it is not run.`);
  return path;
}

/** @param {App} app */
function listArguments(app) {
  return ["serve", "--vault", findRoot(app), "--port", "0"];
}

function options() {
  return { cwd: homedir(), shell: /** @type {const} */ (false), windowsHide: /** @type {const} */ (true) };
}

/** @param {App} app */
function findRoot({ vault }) {
  if (vault.adapter instanceof FileSystemAdapter) return vault.adapter.getBasePath();
  throw new ProgramFailed("This vault is not on this computer.");
}

/** @param {string} said */
function lastLine(said) {
  return said.trim().split(/[\r\n]+/).at(-1) ?? "";
}
