/** The daemon dies and comes back: one quiet state, a notice only on a click, no restart. */

import assert from "node:assert/strict";
import { Vault } from "./daemon.js";
import { errorsOf, notice, readData, writeData } from "./obsidian.js";
import {
  clickRibbon,
  countNotices,
  endScene,
  openNote,
  openPaired,
  openScene,
  secret,
  shownText,
  shows,
  statusBar,
} from "./scene.js";
import { testsOn } from "./tests-on.js";
import { waitFor } from "./wait.js";

/** @type {import("./scene.js").Scene} */
let scene;
/** @type {import("playwright-core").Page} */
let page;

const test = testsOn(
  async () => {
    scene = await openScene();
    page = await openPaired(scene, {}, { hasClock: true });
    await openNote(page, "Cooking/Sourdough.md");
  },
  () => endScene(scene, page),
);

test("on another port it is found, too, and so is the next one", async () => {
  for (let times = 0; times < 2; times++) {
    const { port } = scene.vault;
    await scene.vault.stop();
    await pass(page, "the status bar says so", /not running/);
    await scene.vault.serve(0);
    assert.notEqual(scene.vault.port, port);
    await pass(page, "the status bar knows", /today/);
  }
});

test("a second vault finds its own daemon, though its settings name the first one's", async () => {
  const second = await Vault.copy(scene.endpoint.baseUrl);
  try {
    const data = { address: scene.vault.address, code: await second.pair() };
    await writeData(second, data);
    const other = await scene.obsidian.open(second, { hasClock: true });
    await pass(other, "the first one's daemon is not taken for its own", /another vault's/);
    assert.equal(JSON.parse(await readData(second)).code, data.code, "the code is kept");
    await second.serve();
    await pass(other, "its own is found", /today/);
    assert.equal(JSON.parse(await readData(second)).code, undefined);
    assert.notEqual(await secret(other), await secret(page));
    assert.deepEqual(await errorsOf(other), []);
    await other.close();
  } finally {
    await second.remove();
  }
});

test("a daemon that dies while the model thinks: the note stays, and the user is told", async () => {
  await openNote(page, "Garden/Basil.md");
  const text = await shownText(page);
  const notices = await countNotices(page);
  const { asked } = scene.endpoint;
  scene.endpoint.hold();
  await clickRibbon(page);
  await waitFor("the model is asked", async () => scene.endpoint.asked > asked);
  await scene.vault.kill();
  await pass(page, "the status bar says so", /waiting for Callout Companion/);
  await notice(page, /companion serve/, notices);
  assert.equal(await shownText(page), text);
  scene.endpoint.release();
  await scene.vault.serve(0);
  await pass(page, "the status bar knows", /today/);
  await notice(page, /was restarted meanwhile/, notices);
  await clickRibbon(page);
  await shows(page, /\[!ai\]/);
});

/**
 * Let time pass in the window until the status bar says that.
 * @param {import("playwright-core").Page} page
 * @param {string} what
 * @param {RegExp} words
 */
function pass(page, what, words) {
  return waitFor(what, async () => {
    await page.clock.fastForward(10_000);
    return words.test(await statusBar(page));
  });
}
