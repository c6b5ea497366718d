/** What is shipped: the manifest, the styles, and a main.js that is the same whenever it is built. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { buildPlugin as build } from "../build.mjs";

const PLUGIN = new URL("../", import.meta.url);
const read = (path) => readFile(new URL(path, PLUGIN), "utf8");
const MANIFEST = JSON.parse(await read("manifest.json"));

test("two builds are the same bytes, small, and what npm run build made", async () => {
  const [one, two] = await Promise.all([build(), build()]);
  assert.ok(one.equals(two));
  assert.ok(one.length <= 90_000, `main.js has ${one.length} bytes`);
  assert.equal(one.toString(), await read("main.js"));
});

test("main.js makes no noise, and takes no markup", async () => {
  const code = await read("main.js");
  for (const word of [/\bconsole\b/, /innerHTML|outerHTML|insertAdjacentHTML/, /\bfetch\(/]) {
    assert.doesNotMatch(code, word);
  }
  const modules = [...code.matchAll(/require\("([^"]+)"\)/g)].map(([, name]) => name);
  const node = ["child_process", "crypto", "fs/promises", "os", "path", "process"].map((name) => `node:${name}`);
  const given = ["@codemirror/commands", "@codemirror/state", "@codemirror/view", ...node, "obsidian"];
  assert.deepEqual([...new Set(modules)].sort(), given, "Obsidian has these on a desktop");
});

test("the manifest has what Obsidian's directory wants, and the repository's root the same versions", async () => {
  assert.equal(MANIFEST.name, "Callout Companion");
  assert.equal(MANIFEST.minAppVersion, "1.13.0");
  assert.equal(MANIFEST.isDesktopOnly, true);
  assert.match(MANIFEST.description, /^[A-Z].{1,248}\.$/);
  assert.equal(await read("../versions.json"), await read("versions.json"));
  assert.equal(JSON.parse(await read("../package.json")).version, MANIFEST.version);
});

test("nothing is needed to run it, and what is needed to build it is named exactly", async () => {
  const { dependencies, devDependencies } = JSON.parse(await read("package.json"));
  assert.equal(dependencies, undefined);
  for (const version of Object.values(devDependencies)) assert.match(version, /^\d+\.\d+\.\d+$/);
});

test("a build in the repository's root builds the plugin, as its lock file has it", async () => {
  const { scripts, dependencies, devDependencies } = JSON.parse(await read("../package.json"));
  assert.deepEqual([dependencies, devDependencies], [undefined, undefined]);
  assert.equal(scripts.build, "cd obsidian-plugin && npm ci --no-audit --no-fund && npm run build && npm run page");
});

test("colours are Obsidian's, so that they fit light and dark", async () => {
  const styles = await read("src/styles.css");
  assert.doesNotMatch(styles, /#[0-9a-f]{3}|rgba?\(|!important/);
  for (const [, value] of styles.matchAll(/color: ([^;]+);/g)) {
    assert.match(value, /var\(--/);
  }
  for (const [, name] of styles.matchAll(/\.([a-z-]+)/g)) {
    assert.match(name, /^(?:callout-companion-|is-|mod-|notice$|setting-item-|callout$)/);
  }
});
