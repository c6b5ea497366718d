/** Opens the page that plays Obsidian on a vault; everything outside the page happens here. */

import { build } from "esbuild";
import { watch } from "node:fs";
import { execFile } from "node:child_process";
import { access, mkdir, readFile, readdir, realpath, rename, stat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { launchBrowser } from "./browser.js";
import { PATIENCE, waitFor } from "./wait.js";

export { readData, writeData } from "./daemon.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const PLUGIN = dirname(HERE);
const FONT = "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2";
const PAGE = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Vault</title>
<link rel="stylesheet" href="/host.css"><link rel="stylesheet" href="/styles.css"></head>
<body class="theme-light"><script type="module" src="/host.js"></script></body></html>`;

/** @import { Page } from "playwright-core" */
/** @import { Vault } from "./daemon.js" */

/**
 * hasClock: its time can be put forward. path: where programs are searched.
 * version: the plugin's, in place of that of its manifest.
 *
 * @typedef {{theme?: "light" | "dark", hasClock?: boolean, path?: string, version?: string}} Look
 */

/** A browser whose pages play Obsidian. */
export class Obsidian {
  /** @type {import("node:fs").FSWatcher[]} */
  #watchers = [];

  /**
   * @param {import("playwright-core").Browser} browser
   * @param {string} host the page's code
   */
  constructor(browser, host) {
    this.browser = browser;
    this.host = host;
  }

  static async launch() {
    const [browser, host] = await Promise.all([launchBrowser(), bundleHost()]);
    return new Obsidian(browser, host);
  }

  /**
   * Open the vault in a new window, with the plugin's settings as they lie in it.
   * @param {Vault} vault
   * @param {Look} [look]
   */
  async open(vault, { theme = "light", hasClock = false, path = "", version = "" } = {}) {
    const context = await this.browser.newContext({
      viewport: { width: 1040, height: 660 },
      reducedMotion: "reduce",
    });
    context.setDefaultTimeout(PATIENCE * 1000);
    const page = await context.newPage();
    /** @type {string[]} */
    const faults = [];
    page.on("pageerror", (error) => faults.push(error.stack ?? error.message));
    if (hasClock) await page.clock.install();
    await expose(page, vault.path);
    await exposeNode(page, vault);
    await page.addInitScript((node) => (window.hostNode = node), { root: vault.path, home: vault.home, path, language: "en" });
    await page.route("http://localhost/**", (route) => this.#serve(route));
    if (version) await page.route("http://localhost/manifest.json", (route) => serveManifest(route, version));
    await page.goto("http://localhost/");
    await waitFor("the window is there", async () => {
      if (faults.length) throw new Error(faults.join("\n"));
      return page.evaluate(() => window.host?.isReady);
    });
    await page.evaluate((name) => document.body.className = `theme-${name}`, theme);
    this.#follow(page, vault.path);
    return page;
  }

  async close() {
    for (const watcher of this.#watchers) watcher.close();
    await this.browser.close();
  }

  /** @param {import("playwright-core").Route} route */
  async #serve(route) {
    const name = new URL(route.request().url()).pathname;
    if (name === "/") return route.fulfill({ contentType: "text/html", body: PAGE });
    if (name === "/host.js") {
      return route.fulfill({ contentType: "text/javascript", body: this.host });
    }
    const path = FILES[name];
    return path ? route.fulfill({ path }) : route.fulfill({ status: 404, body: "" });
  }

  /**
   * Tell the page of files that others write, as Obsidian watches the vault.
   * @param {Page} page
   * @param {string} root
   */
  #follow(page, root) {
    const watcher = watch(root, { recursive: true }, (_, name) => {
      const path = name?.split(sep).join("/") ?? "";
      if (!path || path.startsWith(".") || page.isClosed()) return;
      void page.evaluate((changed) => window.hostChanged(changed), path).catch(() => {});
    });
    this.#watchers.push(watcher);
    page.once("close", () => watcher.close()); // the vault is removed next, and Node's watcher throws then
  }
}

/** @type {Record<string, string>} */
const FILES = {
  "/main.js": join(PLUGIN, "main.js"),
  "/manifest.json": join(PLUGIN, "manifest.json"),
  "/styles.css": join(PLUGIN, "styles.css"),
  "/host.css": join(HERE, "host", "host.css"),
  "/inter.woff2": join(PLUGIN, "node_modules", FONT),
};

/**
 * Answer with the plugin's manifest, as if it were of that version.
 * @param {import("playwright-core").Route} route
 * @param {string} version
 */
async function serveManifest(route, version) {
  const manifest = JSON.parse(await readFile(FILES["/manifest.json"], "utf8"));
  return route.fulfill({ json: { ...manifest, version } });
}

async function bundleHost() {
  const { outputFiles } = await build({
    entryPoints: [join(HERE, "host", "index.js")],
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "warning",
  });
  return outputFiles[0].text;
}

/**
 * @param {Page} page
 * @param {string} root the vault's folder
 */
async function expose(page, root) {
  const read = (path) => readFile(join(root, path), "utf8").catch(() => "");
  await page.exposeFunction("hostList", () => list(root));
  await page.exposeFunction("hostListFolder", (path) => listFolder(root, path));
  await page.exposeFunction("hostRead", read);
  await page.exposeFunction("hostRename", async (from, to) => {
    await mkdir(dirname(join(root, to)), { recursive: true });
    await rename(join(root, from), join(root, to));
  });
  await page.exposeFunction("hostRequest", send);
  await page.exposeFunction("hostWrite", async (path, text, expected) => {
    if (expected !== null && (await read(path)) !== expected) return false;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
    return true;
  });
}

/**
 * Node in the window, as far as the plugin uses it: programs are run for real, with the vault's environment.
 * @param {Page} page
 * @param {Vault} vault
 */
async function exposeNode(page, vault) {
  const fails = (error) => ({ error: error.message });
  await page.exposeFunction("hostRealpath", (path) => realpath(path).then((value) => ({ value }), fails));
  await page.exposeFunction("hostAccess", (path, mode) => access(path, mode).then(() => ({}), fails));
  await page.exposeFunction("hostIsFile", async (path) => (await stat(path)).isFile());
  await page.exposeFunction("hostExecFile", (file, words, options) =>
    new Promise((done) => {
      const whole = { ...options, env: vault.env };
      execFile(file, words, whole, (error, stdout, stderr) => done({ error: error?.message, stdout, stderr }));
    }),
  );
  await page.exposeFunction("hostSpawn", (file, words, options) => vault.spawn(file, words, options));
}

/** @param {string} root */
async function list(root) {
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1).split(sep).join("/"))
    .filter((path) => !path.startsWith("."));
}

/**
 * The files of one folder, hidden ones too, by their paths in the vault.
 * @param {string} root
 * @param {string} path
 */
async function listFolder(root, path) {
  const found = await readdir(join(root, path), { withFileTypes: true }).catch(() => []);
  return found.filter((entry) => entry.isFile()).map((entry) => `${path}/${entry.name}`);
}

/**
 * What Electron's network service sends for requestUrl: no Origin, Sec-Fetch-Site none.
 * @param {{url: string, method: string, body?: string, headers: Record<string, string>}} asked
 */
function send({ url, method, body, headers }) {
  const own = { "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty" };
  const length = body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) };
  return new Promise((done) => {
    const outgoing = request(url, { method, headers: { ...own, ...headers, ...length } }, (got) => {
      let text = "";
      got.setEncoding("utf8");
      got.on("data", (part) => (text += part));
      got.on("end", () => done({ status: got.statusCode, headers: got.headers, text }));
      got.on("error", () => done({ error: "net::ERR_CONNECTION_RESET" }));
    });
    outgoing.on("error", () => done({ error: "net::ERR_CONNECTION_REFUSED" }));
    outgoing.end(body);
  });
}

/**
 * The window's errors that nobody caught; none is wanted.
 * @param {Page} page
 */
export function errorsOf(page) {
  return page.evaluate(() => window.host.errors);
}

/**
 * Wait until a notice said that, and return its words.
 * @param {Page} page
 * @param {RegExp} words
 * @param {number} [after] how many notices there were before
 */
export async function notice(page, words, after = 0) {
  let said = /** @type {string[]} */ ([]);
  const look = async () => {
    said = (await page.evaluate(() => window.host.notices)).slice(after);
    return said.find((one) => words.test(one));
  };
  return waitFor(() => `a notice that says ${words}, only: ${said.join(" | ")}`, look);
}
