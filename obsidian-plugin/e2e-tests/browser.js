/**
 * Finds a Chromium, or brings one: Debian's, else the one in npm's @sparticuz/chromium (a binary
 * inside a package, so that it installs wherever npm does), else playwright's own.
 */

import { spawnSync } from "node:child_process";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { chmod, mkdir, rename } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import { chromium } from "playwright-core";

const VERSION = "147.0.0";
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "callout-companion");
const BROUGHT = join(CACHE, `e2e-chromium-${VERSION}`); // apart from node_modules, which come and go
const PACKED = join(BROUGHT, "node_modules", "@sparticuz", "chromium", "bin");
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** A headless Chromium with its usual protections: nothing is switched off but the sandbox, which root cannot have. */
export async function launchBrowser() {
  const { path, env } = await findBrowser();
  return chromium.launch({
    executablePath: path,
    env: { ...process.env, ...env },
    chromiumSandbox: process.getuid?.() !== 0,
    args: ["--font-render-hinting=none", "--disable-lcd-text"],
  });
}

/** Where it is, and what to set in its environment. */
async function findBrowser() {
  const named = process.env.E2E_BROWSER ?? NAMES.map(onPath).find(Boolean);
  if (named) return { path: named, env: {} };
  const own = chromium.executablePath();
  return existsSync(own) && process.platform !== "linux" ? { path: own, env: {} } : bring(own);
}

function onPath(name) {
  const folders = (process.env.PATH ?? "").split(":");
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

async function bring(own) {
  if (process.platform === "linux" && process.arch === "x64") {
    if (!existsSync(PACKED)) await npmInstall();
    if (existsSync(PACKED)) return unpack();
  }
  const cli = join(dirname(createRequire(import.meta.url).resolve("playwright-core")), "cli.js");
  if (!existsSync(own)) spawnSync(process.execPath, [cli, "install", "chromium-headless-shell"], { stdio: "inherit" });
  if (existsSync(own)) return { path: own, env: {} };
  throw new Error("There is no Chromium and none could be brought: apt-get install chromium");
}

async function npmInstall() {
  await mkdir(BROUGHT, { recursive: true });
  const quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  const words = ["install", "--prefix", BROUGHT, ...quiet, `@sparticuz/chromium@${VERSION}`];
  spawnSync("npm", words, { stdio: "inherit" });
}

/** Unpack the browser once; the libraries beside it only where the machine lacks them. */
async function unpack() {
  const path = join(BROUGHT, "chromium");
  if (!existsSync(path)) await inflate(join(PACKED, "chromium.br"), path);
  const ldd = spawnSync("ldd", [path], { encoding: "utf8" });
  if (!ldd.stdout.includes("not found")) return { path, env: {} };
  const libraries = join(BROUGHT, "lib");
  if (!existsSync(libraries)) {
    const tar = join(BROUGHT, "al2023.tar");
    await inflate(join(PACKED, "al2023.tar.br"), tar);
    spawnSync("tar", ["-xf", tar, "-C", BROUGHT]);
  }
  return { path, env: { LD_LIBRARY_PATH: libraries } };
}

/** Unpack a file, which appears whole, or not at all. */
async function inflate(from, to) {
  await mkdir(dirname(to), { recursive: true });
  const part = `${to}.${process.pid}`;
  await pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(part));
  await chmod(part, 0o755);
  await rename(part, to);
}
