/** What the command line asks for in a note that is open here is done in its editor. */

import assert from "node:assert/strict";
import { endScene, openNote, openPaired, openScene, shownText, shows } from "./scene.js";
import { testsOn } from "./tests-on.js";
import { waitFor } from "./wait.js";

const PATH = "Cooking/Sourdough.md";

/** @type {import("./scene.js").Scene} */
let scene;
/** @type {import("playwright-core").Page} */
let page;

const test = testsOn(
  async () => {
    scene = await openScene();
    page = await openPaired(scene, { takeOver: false });
  },
  () => endScene(scene, page),
);

test("an open note is filled in its editor, with what is not saved, and is one run's with the rest", async () => {
  await openNote(page, PATH);
  const before = await shownText(page);
  const printed = scene.vault.companion("enrich", "--json", "Cooking");
  await shows(page, /\[!ai\]/);
  const results = (await printed).split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const mine = results.find(({ path }) => path === PATH);
  assert.equal(mine.status, "enriched");
  const [change] = await scene.vault.history(PATH);
  assert.deepEqual([change.id, change.state], [mine.change, "done"]);
  const filled = await shownText(page);
  await waitFor("the file follows", async () => (await scene.vault.read(PATH)) === filled);
  await page.evaluate(() => window.app.workspace.activeLeaf.view.editor.focus());
  await page.keyboard.press("Control+z");
  assert.equal(await shownText(page), before);
  await page.keyboard.press("Control+y");
  assert.equal(await shownText(page), filled);
});

test("it is taken back in its editor, too", async () => {
  await scene.vault.companion("undo", PATH);
  assert.doesNotMatch(await shownText(page), /\[!ai\]/);
  const changes = await scene.vault.history(PATH);
  assert.deepEqual(changes.map(({ state }) => state).slice(0, 2), ["done", "undone"]);
});
