/** Opens the page that plays Obsidian on a vault; everything outside the page happens here. */

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { watch } from "node:fs";
import { execFile } from "node:child_process";
import { access, mkdir, readFile, readdir, realpath, rename, stat, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { launchBrowser } from "./browser.js";
import { PATIENCE, waitFor } from "./wait.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const PLUGIN = dirname(HERE);
const FONT = "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2";
const PAGE = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Vault</title>
<link rel="stylesheet" href="/host.css"><link rel="stylesheet" href="/styles.css"></head>
<body class="theme-light"><script type="module" src="/host.js"></script></body></html>`;

/** A browser whose pages play Obsidian. */
export class Obsidian {
  constructor(browser, code) {
    Object.assign(this, { browser, code });
  }

  static async launch() {
    return new Obsidian(...(await Promise.all([launchBrowser(), bundleHost()])));
  }

  /** Open the vault in a new window, with the plugin's settings as they are in it. */
  async open(vault, { theme = "light" } = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1040, height: 660 }, reducedMotion: "reduce" });
    context.setDefaultTimeout(PATIENCE * 1000);
    const page = await context.newPage();
    const faults = [];
    page.on("pageerror", (error) => faults.push(error.stack ?? error.message));
    for (const [name, act] of Object.entries(hostFunctions(vault))) await page.exposeFunction(name, act);
    await page.addInitScript((node) => (window.hostNode = node), {
      root: vault.path,
      home: vault.home,
      digest: createHash("sha256").update(await realpath(vault.path)).digest("hex"),
    });
    await page.route("http://localhost/**", (route) => this.#serve(route));
    await page.goto("http://localhost/");
    await waitFor("the window is there", async () => {
      if (faults.length) throw new Error(faults.join("\n"));
      return page.evaluate(() => window.host?.isReady);
    });
    await page.evaluate((name) => (document.body.className = `theme-${name}`), theme);
    follow(page, vault.path);
    return page;
  }

  close() {
    return this.browser.close();
  }

  #serve(route) {
    const name = new URL(route.request().url()).pathname;
    const path = FILES[name];
    if (name === "/") return route.fulfill({ contentType: "text/html", body: PAGE });
    if (name === "/host.js") return route.fulfill({ contentType: "text/javascript", body: this.code });
    return path ? route.fulfill({ path }) : route.fulfill({ status: 404, body: "" });
  }
}

/** Tell the page of files that others write, as Obsidian watches the vault. */
function follow(page, root) {
  const watcher = watch(root, { recursive: true }, (_, name) => {
    const path = name?.split(sep).join("/") ?? "";
    if (!path || path.startsWith(".") || page.isClosed()) return;
    void page.evaluate((changed) => window.hostChanged(changed), path).catch(() => {});
  });
  page.once("close", () => watcher.close()); // the vault is removed next, and Node's watcher throws then
}

const FILES = {
  "/main.js": join(PLUGIN, "main.js"),
  "/manifest.json": join(PLUGIN, "manifest.json"),
  "/styles.css": join(PLUGIN, "styles.css"),
  "/host.css": join(HERE, "host", "host.css"),
  "/inter.woff2": join(PLUGIN, "node_modules", FONT),
};

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
 * What the window has done outside of it: files read and written, requests sent, and what the plugin uses of Node, where programs
 * are run for real, with the vault's environment.
 */
function hostFunctions(vault) {
  const whole = (path) => join(vault.path, path);
  const read = (path) => readFile(whole(path), "utf8").catch(() => "");
  return {
    hostList: async () => (await list(vault.path, "", { recursive: true })).filter((path) => !path.startsWith(".")),
    hostListFolder: (path) => list(vault.path, path),
    hostRead: read,
    hostRename: async (from, to) => {
      await mkdir(dirname(whole(to)), { recursive: true });
      await rename(whole(from), whole(to));
    },
    hostRequest: send,
    hostWrite: async (path, text, expected) => {
      if (expected !== null && (await read(path)) !== expected) return false;
      await mkdir(dirname(whole(path)), { recursive: true });
      await writeFile(whole(path), text);
      return true;
    },
    hostReadFile: (path) => readFile(path, "utf8"),
    hostRealpath: (path) => realpath(path),
    hostAccess: (path, mode) => access(path, mode),
    hostIsFile: async (path) => (await stat(path)).isFile(),
    hostExecFile: (file, words, options) =>
      new Promise((done) => {
        execFile(file, words, { ...options, env: vault.env }, (error, stdout, stderr) => done({ error: error?.message, stdout, stderr }));
      }),
    hostSpawn: (file, words, options) => vault.spawn(file, words, options),
  };
}

/** The files in a folder, hidden ones too, by their paths in the vault. */
async function list(root, folder, options) {
  const entries = await readdir(join(root, folder), { ...options, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"));
}

/** What Electron's network service sends for requestUrl: no Origin, Sec-Fetch-Site none. */
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

/** The window's errors that nobody caught; none is wanted. */
export function errorsOf(page) {
  return page.evaluate(() => window.host.errors);
}
