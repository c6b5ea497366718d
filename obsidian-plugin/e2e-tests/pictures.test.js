/**
 * The pictures of the documentation: docs/images, with PICTURES=1; else only tried.
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
const PROPOSED = ["Comfrey", "Lovage", "Sage", "Tarragon", "Thyme", "Compost"].map((name) => `Garden/${name}.md`);
/** What a model could say about these notes, by words of the question. */
const WRITTEN = [
  {
    about: "tastes of celery",
    description: "How lovage tastes, and when it is cut for fresh leaves until autumn.",
    callout:
      "Lovage is a tall perennial herb with the taste of celery. Cut back hard in June, before it flowers, it gives fresh leaves until autumn.\n\n" +
      "Three leaves are enough for a whole pot of soup. It was brought to Bavaria by monks in 1180.",
  },
  {
    about: "never into the old wood",
    description: "Where sage likes to stand, and when it is pruned.",
    callout: "Sage is a low shrub that likes the driest corner of the garden in full sun. It is pruned in spring, and never into the old wood.",
  },
  {
    about: "sets no seed",
    description: "Which tarragon tastes of something, and how it is multiplied.",
    callout: "French tarragon is the one that tastes of anise. Since it sets no seed, the plant is divided every three years in spring.",
  },
  {
    about: "not the cold",
    description: "How thyme gets through a wet winter.",
    callout: "Thyme wants poor, stony soil and all the sun there is. In winter the wet kills it, not the cold.",
  },
  {
    about: "Kitchen scraps",
    description: "What goes on a compost heap, how moist it should be, and when it is ripe.",
    callout:
      "Compost is made of kitchen scraps and dry leaves in turns. The heap is turned every few weeks and kept as moist as a wrung-out sponge. " +
      "After nine months or so it is dark and smells of the forest.\n\nCooked food and meat attract rats, so they are left out. The leaves of [[Comfrey]] feed it with nitrogen.",
  },
  {
    about: "Comfrey",
    description: "Why comfrey is a good plant beside the compost heap.",
    callout: "Comfrey is a good plant beside the compost heap: its leaves rot within days and feed the compost with nitrogen.",
  },
  {
    about: "",
    description: "What the dough needs, and how it is kneaded and baked.",
    callout: "The dough is kneaded until it can be stretched thin without tearing, and baked once it has risen.",
  },
];
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
  const endpoint = await Endpoint.start(WRITTEN);
  const vault = await Vault.copy(endpoint.baseUrl);
  delete vault.env.COMPANION_CHECKS; // these answers are long enough, and one says more than its note
  const browser = await launchBrowser();
  context.after(async () => {
    await browser.close();
    await vault.remove();
    endpoint.stop();
  });
  const named = join(vault.base, "Kitchen and Garden");
  await rename(vault.path, named);
  vault.path = named;
  await vault.serve();
  const page = await (await browser.newContext({ bypassCSP: true, reducedMotion: "reduce" })).newPage(); // its policy lets no font in
  await page.route("**/page.min.css*", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `@font-face{font-family:Inter;font-weight:100 900;src:url(/inter.woff2)}${await response.text()}` });
  });
  await page.route("**/inter.woff2", (route) => route.fulfill({ path: FONT }));

  /** Take a state at each size, light and dark. */
  const takeAll = async (state) => {
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      for (const [width, height] of SIZES) {
        await page.setViewportSize({ width, height });
        await page.mouse.move(1, 1);
        await take(page, `page-${state}-${width}-${colorScheme}`);
      }
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  };
  await page.goto(await vault.openPage());
  await page.getByText(/still need something/).waitFor();
  await takeAll("empty");
  const propose = (...paths) => vault.companion("enrich", "--dry-run", "--all", ...paths.map((path) => join(vault.path, path))).catch((error) => error.stdout);
  await vault.companion("enrich", join(vault.path, "Cooking"));
  await propose(...PROPOSED);
  await page.locator(".cc-row:has(.cc-dot)").last().click();
  await takeAll("inbox");
  await page.keyboard.press("e");
  await takeAll("edit");
  await page.keyboard.press("Escape");
  await page.locator(".cc-row:not(:has(.cc-dot))").first().click();
  await page.keyboard.press("a");
  await page.locator(".cc-toast").waitFor();
  await page.getByRole("link", { name: "History" }).click();
  await page.locator(".cc-change summary").first().click();
  await page.locator("pre.cc-diff").first().waitFor();
  await takeAll("history");
  await page.getByRole("link", { name: /^Inbox/ }).click();
  await vault.call("/pause", {});
  await page.locator(".cc-status", { hasText: "Paused" }).click();
  await takeAll("paused");
  await page.keyboard.press("Escape");
  await vault.call("/resume", {});
  endpoint.stop();
  await page.getByRole("button", { name: /^Again/ }).click();
  await page.keyboard.press("Enter");
  await page.locator(".cc-status", { hasText: "Model not answering" }).waitFor();
  await page.locator(".cc-read .cc-fault").waitFor();
  await takeAll("failing");
});

async function take(page, name) {
  await page.evaluate(() => document.fonts.ready);
  const image = await page.screenshot({ animations: "disabled", caret: "hide" });
  assert.ok(image.length > 10_000 && image.length < LARGEST, `${name}: ${image.length} bytes`);
  if (!IS_REAL) return;
  await mkdir(IMAGES, { recursive: true });
  await writeFile(join(IMAGES, `${name}.png`), image);
}
