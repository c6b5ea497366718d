/** What the page and the view show of what the daemon says, and what a click asks it for; without a browser. */

import assert from "node:assert/strict";
import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { clock } from "./host/globals.js";
import { find } from "./host/obsidian.js";

const FILES = ["app", "components/ends", "components/history", "components/list", "components/status", "dom", "words"];
const contents = `export { options, render } from "preact"; ${FILES.map((name) => `export * from "./${name}.js";`).join("\n")}`;
const resolveDir = fileURLToPath(new URL("../ui", import.meta.url));
const { outputFiles } = await build({ stdin: { contents, resolveDir }, bundle: true, write: false, format: "esm" });
const ui = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
const { App, AppContext, html, options, render } = ui;
const { page, view } = JSON.parse(await readFile(new URL("../ui/languages/en.json", import.meta.url), "utf8"));
ui.setLanguage("en", { ...view, ...page });
options.requestAnimationFrame = setImmediate; // effects follow without a time
Element.prototype.scrollIntoView = () => {}; // jsdom has no layout
Map.groupBy ??= (all, keyOf) => { // browsers have it, Node from 21 on
  const groups = new Map();
  for (const each of all) groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each]);
  return groups;
};

const NOW = {
  background: { backlog: {}, notes_today: 0, notes_a_day: 50, off: "" }, in_hand: [], waiting: {}, settings_to_restart_for: [], model: "m", ready: true,
  notes: 40, skipped: 2, to_do: 0, proposals: 0, fault: null, newest_change: 1,
};
const RUN = { id: "1", kind: "fill", state: "running", made_at: "2026-01-01T12:00:00Z", counts: { enriched: 1 }, total: 20 };

let app = null;
let answers = {};
/** What is asked of the daemon but for what it knows, in order. */
let asked = [];
let root = null;

beforeEach(() => {
  asked = [];
  root = document.body.appendChild(document.createElement("div"));
  const get = async (path, query) => answers[path]?.(query) ?? { changes: [], notes: [], texts: [], total: 0, next: null };
  const post = (path, body) => new Promise((resolve) => asked.push({ path, body, answer: (value) => (resolve(value), settle()) }));
  app = new App({ get, post }, { isPage: true, root: () => root, hrefOf: String, noteHref: String, signOut: () => asked.push("signOut") });
  app.status.status.value = NOW;
});

afterEach(() => {
  render(null, root);
  root.remove();
  clock.stop();
});

async function show(component) {
  render(html`<${AppContext.Provider} value=${app}><${component} /><//>`, root);
  await settle();
}

/** All that waits for no time is done. */
async function settle() {
  for (let turn = 0; turn < 9; turn += 1) await new Promise(setImmediate);
}

async function press(name) {
  find(root, "button", name).click();
  await settle();
}

/** The texts of what is there. */
const textsOf = (selector) => [...root.querySelectorAll(selector)].map((each) => each.textContent.trim());

for (const [notes, skipped, words] of [[0, 1, "Every note has what it needs."], [0, 0, "This vault has no notes yet."]]) {
  test(`of ${notes} notes and ${skipped} that are left alone, the inbox and the panel say: ${words}`, async () => {
    app.status.status.value = { ...NOW, notes, skipped };
    await show(ui.Empty);
    assert.deepEqual([textsOf(".cc-empty > p")[0], app.status.headline.value.words], [words, words]);
  });
}

test("the tick of what is done comes once it is done", async () => {
  app.decisions.log.value = [{ what: "accept", ids: [1], texts: {}, isMany: true, isUnderWay: true }];
  const seen = async () => (await show(ui.Empty), [textsOf("h1")[0], root.querySelectorAll(".cc-end__tick").length]);
  assert.deepEqual(await seen(), ["One moment …", 0]);
  app.status.takeRuns([{ ...RUN, kind: "accept" }]);
  assert.deepEqual(await seen(), ["Writing", 0]);
  app.status.takeRuns([{ ...RUN, kind: "accept", state: "done" }]);
  app.decisions.log.value = [{ ...app.decisions.log.value[0], isUnderWay: false }];
  assert.deepEqual(await seen(), ["Inbox clear", 1]);
});

test("who finds the daemon away can sign out", async () => {
  app.status.isAway.value = true;
  await show(ui.StatusButton);
  await press("Sign out");
  assert.deepEqual(asked, ["signOut"]);
});

test("numbers are as the language writes them, and a note at the top has no empty folder", async () => {
  const proposals = Array.from({ length: 1150 }, (_, id) => ({ id, path: `${id % 2 ? "" : "Garden/"}Sage.md`, kind: "description", text: "x", flags: ["unsupported"], state: "open" }));
  answers["/proposals/ids"] = async () => ({ ids: proposals.map(({ id }) => id) });
  answers["/proposals"] = async () => ({ proposals, total: proposals.length, next: null });
  app.decided.total.value = 1200;
  await app.inbox.follow();
  await show(ui.List);
  assert.deepEqual(textsOf(".cc-chip b"), ["1,150", "1,150"]);
  assert.match(textsOf("option").join(), /Garden \(575\)/);
  assert.deepEqual(textsOf(".cc-group__title small").filter((words) => !words), []);
  app.shell.isPage = false;
  await show(ui.Tabs);
  assert.match(textsOf(".cc-seg")[0], /All 1,150/);
});

test("a run whose older changes are not read names no number, until it is asked about", async () => {
  const change = { run: "a", path: "Sage.md", needs: [], state: "done", made_at: "2026-01-01T10:00:00Z", decided_by: "user", undoes: null, undone_by: null, left: [] };
  const changes = (count) => Array.from({ length: count }, (_, id) => ({ ...change, id: count - id }));
  answers["/changes"] = async ({ undoable }) => (undoable ? { changes: changes(252), next: null } : { changes: changes(100), next: 9 });
  await show(ui.History);
  await press("Undo all");
  assert.equal(app.dialog.value.yes, "Undo all 252");
});
