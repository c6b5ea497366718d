/** The pictures of the documentation: docs/images, with PICTURES=1; else only tried. */

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { errorsOf, notice } from "./obsidian.js";
import { clickRibbon, countNotices, openNote, openPaired, openScene, runCommand, shows } from "./scene.js";
import { testsOn } from "./tests-on.js";

const IMAGES = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "docs", "images");
const PATH = "Cooking/Sourdough.md";
const LARGEST = 150_000; // bytes

/** @type {import("./scene.js").Scene} */
let scene;

const test = testsOn(
  async () => {
    scene = await openScene();
  },
  async () => scene?.end(),
);

for (const theme of /** @type {const} */ (["light", "dark"])) {
  test(`the plugin in a ${theme} window`, async () => {
    const page = await openPaired(scene, {}, { theme });
    await openNote(page, PATH);
    await runCommand(page, "Propose for this note");
    await page.locator(".cc-view").getByRole("button", { name: /^All/ }).first().click();
    await page.locator(".cc-view .cc-actions .cc-btn--main").waitFor();
    await take(page, `plugin-inbox-${theme}`);
    assert.equal(await page.locator(".cc-view").getByText(/^\d+ of \d+ reviewed$/).count(), 1, "said once");

    await clickRibbon(page);
    await shows(page, /\[!ai\]/);
    await notice(page, /Filled/);
    await take(page, `plugin-note-${theme}`);
    const notices = await countNotices(page);
    await page.locator(".notice").getByRole("button", { name: "Undo" }).click();
    await notice(page, /Undone/, notices);
    await page.evaluate(() => document.querySelectorAll(".notice").forEach((one) => one.click()));

    await page.getByRole("button", { name: "Settings" }).click();
    await page.locator('.setting-item input[type="text"]').first().evaluate((field) => {
      field.value = "http://127.0.0.1:27182"; // the default; this daemon has any free port
    });
    await page.mouse.move(1, 1);
    await take(page, `plugin-settings-${theme}`);
    assert.deepEqual(await errorsOf(page), []);
    await page.close();
  });
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} name of the picture
 */
async function take(page, name) {
  await page.evaluate(() => document.fonts.ready);
  const image = await page.screenshot({ animations: "disabled", caret: "hide" });
  assert.ok(image.length > 10_000 && image.length < LARGEST, `${name}: ${image.length} bytes`);
  if (!process.env.PICTURES) return;
  await mkdir(IMAGES, { recursive: true });
  await writeFile(join(IMAGES, `${name}.png`), image);
}
