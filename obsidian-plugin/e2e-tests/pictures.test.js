/**
 * The pictures of the documentation: docs/images, with PICTURES=1, those of the page with what the
 * embedded model wrote, which takes minutes; else only tried.
 */

import assert from "node:assert/strict";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { launchBrowser } from "./browser.js";
import { Vault } from "./daemon.js";
import { Endpoint } from "./endpoint.js";
import { errorsOf } from "./obsidian.js";
import { notice, openNote, shownText, shows, tidyUp } from "./scenarios.js";
import { openPaired, openScene, runCommand } from "./scene.js";
import { testsOn } from "./tests-on.js";
import { waitFor } from "./wait.js";

const IMAGES = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "docs", "images");
const FONT = fileURLToPath(new URL("../node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2", import.meta.url)); // machines may lack it
const PATH = "Cooking/Sourdough.md";
const LARGEST = 200_000; // bytes
const IS_REAL = Boolean(process.env.PICTURES);
const PROPOSED = ["Garden", ...["Sage", "Tarragon", "Parsley", "Potatoes"].map((name) => `Garden/${name}.md`)];
const SIZES = [[1280, 800], [768, 1024], [360, 740]]; // a screen, a tablet, a phone

let scene;

const test = testsOn(
  async () => {
    scene = await openScene();
  },
  async () => scene?.end(),
);

for (const theme of ["light", "dark"]) {
  test(`the plugin in a ${theme} window`, async () => {
    const page = await openPaired(scene, { theme });
    await openNote(page, PATH);
    await runCommand(page, "Enrich one part");
    await page.locator(".modal").getByRole("button", { name: "Only propose" }).click();
    const card = page.locator(".callout-companion-preview");
    await card.waitFor();
    await notice(page, /2 to review/);
    await tidyUp(page);
    await page.mouse.move(1, 1);
    await take(page, `plugin-proposal-${theme}`);

    for (const name of ["Description", "Callout"]) {
      await card.locator("strong", { hasText: name }).waitFor();
      await card.getByRole("button", { name: "Accept" }).click();
    }
    await shows(page, /\[!ai\]/);
    await notice(page, /callout filled/);
    await take(page, `plugin-note-${theme}`);
    for (const left of [/^description: \w/m, /^description: ?$/m]) {
      await runCommand(page, "Undo the last change");
      await waitFor("it is as before", async () => left.test(await shownText(page)) && !(await shownText(page)).includes("[!ai]"));
    }
    await tidyUp(page);

    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("combobox", { name: "tags" }).waitFor();
    await page.mouse.move(1, 1);
    await take(page, `plugin-settings-${theme}`);
    assert.deepEqual(await errorsOf(page), []);
    await page.close();
  });
}

test("the page", async (context) => {
  const endpoint = await Endpoint.start();
  const vault = await Vault.copy(IS_REAL ? "" : endpoint.baseUrl);
  const browser = await launchBrowser();
  context.after(async () => {
    await browser.close();
    await vault.remove();
    endpoint.stop();
  });
  const named = join(vault.base, "Kitchen and Garden");
  await rename(vault.path, named);
  vault.path = named;
  const proposed = PROPOSED.map((path) => join(vault.path, path));
  await vault.companion("enrich", join(vault.path, "Cooking"));
  await vault.companion("enrich", "--propose", ...proposed).catch((error) => error.stdout); // one note is broken
  await vault.companion("undo", join(vault.path, "Cooking", "Bread flour.md"));
  await vault.serve();
  const page = await (await browser.newContext({ bypassCSP: true })).newPage(); // its policy lets no font in
  await page.route("**/page.min.css", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `@font-face{font-family:Inter;font-weight:100 900;src:url(/inter.woff2)}${await response.text()}` });
  });
  await page.route("**/inter.woff2", (route) => route.fulfill({ path: FONT }));
  await page.goto(await vault.openPage());
  if (IS_REAL) await decide(page);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const name of ["inbox", "history", "spending"]) {
      await page.locator("nav a", { hasText: new RegExp(name, "i") }).click();
      await page.waitForFunction(() => !document.body.innerText.includes("One moment"));
      if (name === "history") {
        await page.locator(".cc-change summary").first().click();
        await page.locator("pre.cc-diff").first().waitFor();
      }
      await page.mouse.move(1, 1);
      for (const [width, height] of SIZES) {
        await page.setViewportSize({ width, height });
        if (width > 1000 && name === "spending") await page.setViewportSize({ width, height: await wholeHeight(page) });
        await take(page, `page-${name}-${width}-${colorScheme}`);
      }
    }
  }
});

/** The height of a window that shows all of the page. */
async function wholeHeight(page) {
  return page.locator(".cc-view").evaluate((view) => view.offsetTop + view.scrollHeight);
}

/** Accept one that is not flagged and two that are, and stand on the answer to a question. */
async function decide(page) {
  const [plain, flagged] = [".cc-row:not(:has(.cc-dot))", ".cc-row:has(.cc-dot)"];
  for (const [index, row] of [plain, flagged, flagged].entries()) {
    await page.locator(row).last().click();
    await page.locator(".cc-actions .cc-btn--main").click();
    await page.getByText(`${index + 1} of`).first().waitFor();
  }
  await page.locator(".cc-row", { hasText: /wine/i }).first().click();
  await page.locator(".cc-toast").waitFor({ state: "hidden" });
}

async function take(page, name) {
  await page.evaluate(() => document.fonts.ready);
  const image = await page.screenshot({ animations: "disabled", caret: "hide" });
  assert.ok(image.length > 10_000 && image.length < LARGEST, `${name}: ${image.length} bytes`);
  if (!IS_REAL) return;
  await mkdir(IMAGES, { recursive: true });
  await writeFile(join(IMAGES, `${name}.png`), image);
}
