/** The page that plays Obsidian for the built plugin. `window.host` is for the tests. */

import { setup } from "obsidian-test-mocks/setup";
import { CODEMIRROR, makeApp, OBSIDIAN, requireObsidian } from "./app.js";
import { NODE } from "./node.js";
import { drawExplorer } from "./plugin.js";
import { Typist } from "./typist.js";

setup();
window.host = {
  /** What notices said, in order. */
  notices: [],
  /** Notes that were written by others while they held unsaved text. */
  conflicts: [],
  /** Errors that nobody caught. */
  errors: [],
  /** Follows every change of an open note. */
  watch(view, transaction) {
    if (view === this.typist?.view) this.typist.watch(transaction);
  },
  /** Somebody who types in the active note from now on. */
  newTypist(seed, where) {
    this.typist = new Typist(this.app.workspace.activeLeaf.view, seed, where);
    return this.typist;
  },
};
window.addEventListener("error", ({ error, message }) => {
  if (!message.startsWith("ResizeObserver loop")) window.host.errors.push(String(error)); // a layout took two frames
});
window.addEventListener("unhandledrejection", (event) =>
  window.host.errors.push(String(event.reason?.stack ?? event.reason)),
);
await start();

async function start() {
  const app = makeApp("Example vault");
  window.host.app = app;
  await app.vault.load();
  drawExplorer(app, document.querySelector(".mod-left-split"));
  window.hostChanged = (path) => void app.vault.changed(path);
  await loadPlugin(app);
  app.workspace.ready();
  window.host.isReady = true;
}

/** Load main.js as Obsidian does: CommonJS, with its own `obsidian` module. */
async function loadPlugin(app) {
  const [code, manifest] = await Promise.all([
    fetch("/main.js").then((response) => response.text()),
    fetch("/manifest.json").then((response) => response.json()),
  ]);
  const module = { exports: {} };
  const load = new Function("require", "module", "exports", `${code}\n//# sourceURL=main.js`);
  load(find, module, module.exports);
  const Kind = module.exports.default ?? module.exports;
  await new Kind(app, manifest).load();
}

function find(name) {
  if (name === "obsidian") return requireObsidian(OBSIDIAN);
  if (name in CODEMIRROR) return CODEMIRROR[name];
  if (name in NODE) return NODE[name];
  throw new Error(`no module ${name}`);
}
