/** The view and the settings, light and dark, as axe-core reads them; and several proposals decided on at once, by keyboard alone. */

import assert from "node:assert/strict";
import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { assertAccessible } from "./axe.js";
import { endScene, openNote, openPaired, openScene, runCommand, statusBar } from "./scene.js";
import { testsOn } from "./tests-on.js";
import { waitFor } from "./wait.js";

const VIEW = ".mod-right-split";
const THEMES = /** @type {const} */ (["light", "dark"]);
const FOLDER = "Stubs";
const NOTES = 6; // a description and a callout each
const BODY = "A hedge wants to be cut twice a year, and never while birds are nesting in it.\n\n";

/** @type {import("./scene.js").Scene} */
let scene;
/** @type {import("playwright-core").Page} */
let page;

const test = testsOn(
  async () => {
    scene = await openScene();
    await mkdir(join(scene.vault.path, FOLDER));
    for (let number = 1; number <= NOTES; number += 1) await scene.vault.write(nameOf(number), textOf(number));
    await scene.vault.companion("enrich", "--dry-run", join(scene.vault.path, FOLDER));
    page = await openPaired(scene);
    await runCommand(page, "Open set-up, inbox and history");
    await view().getByRole("listitem").nth(NOTES * 2 - 1).waitFor();
  },
  () => endScene(scene, page),
);

test("axe finds nothing in the inbox, also while a proposal is edited", async () => {
  await inEachTheme(VIEW);
  await view().getByRole("button", { name: /^Edit/ }).first().click();
  await inEachTheme(VIEW);
  await page.keyboard.press("Escape");
});

test("a flagged proposal names the sentences that nothing supports", async () => {
  const evidence = [
    { sentence: "It sings at night.", shown: "", similarity: -1, supported: false },
    { sentence: "It is cut.", shown: "Cut it.", similarity: 0.9, supported: true },
  ];
  const set = (/** @type {string} */ flags, /** @type {string} */ shown) =>
    `db.execute("UPDATE proposals SET flags = ?, evidence = ? WHERE id = 1", ('${flags}', ${shown}))`;
  const { end } = await scene.vault.harmStore(set('["unsupported"]', `'${JSON.stringify(evidence)}'`), set("[]", "None"));
  await view().getByRole("tab", { name: "Inbox" }).click();
  const flag = view().locator(".callout-companion-flag");
  await flag.getByText("“It sings at night.”").waitFor();
  assert.doesNotMatch(await flag.innerText(), /It is cut/);
  await inEachTheme(VIEW);
  await end();
  await view().getByRole("tab", { name: "Inbox" }).click();
  await flag.waitFor({ state: "detached" });
});

test("several are chosen, and accepted at once, by keyboard alone; one key takes all of them back", async () => {
  const before = await readAll();
  await enterRows();
  await chooseRows(4);
  await page.keyboard.press("Shift+A");
  await waitForRows(NOTES * 2 - 4);
  await waitFor("they are written", async () => (await countFilled(before)) === 4);
  assert.ok(await isInRow(), "the keys go on with the rows that are left");
  await page.keyboard.press("u");
  await waitForRows(NOTES * 2);
  assert.deepEqual(await readAll(), before);
});

test("several are refused at once; the notes stay as they are, and one key opens them again", async () => {
  const before = await readAll();
  await enterRows();
  await chooseRows(3);
  await page.keyboard.press("Shift+R");
  await waitForRows(NOTES * 2 - 3);
  await page.keyboard.press("u");
  await waitForRows(NOTES * 2);
  assert.deepEqual(await readAll(), before);
});

test("the buttons do the same, and are before the rows, where Tab gets to them", async () => {
  for (const [name, left] of /** @type {const} */ ([["Accept chosen", 10], ["Refuse chosen", 8]])) {
    await enterRows();
    await chooseRows(2);
    await page.keyboard.press("k");
    await page.keyboard.press("k");
    await tabBackTo(name);
    await page.keyboard.press("Enter");
    await waitForRows(left);
  }
  await tabBackTo("Accept chosen");
  await page.keyboard.press("Space");
  await view().getByText("Choose proposals first.").waitFor();
  await tabTo("Accept all without a flag");
  await page.keyboard.press("Enter");
  await view().getByText("Nothing waits for you here.").waitFor();
  await waitFor("the daemon has decided on all", async () => (await countStates()).open === 0);
  assert.deepEqual(await countStates(), { open: 0, accepted: 10, refused: 2 });
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Accept all without a flag");
});

test("the last row is decided on, and taken back, without the keyboard leaving the list", async () => {
  await scene.vault.companion("enrich", "--dry-run", "--retry", join(scene.vault.path, FOLDER));
  await view().getByRole("tab", { name: "Inbox" }).press("Enter");
  await waitForRows(2);
  await enterRows();
  for (const left of [1, 0]) {
    await page.keyboard.press("r");
    await waitForRows(left);
  }
  for (const back of [1, 2]) {
    await page.keyboard.press("u");
    await waitForRows(back);
    assert.ok(await isInRow());
  }
});

test("what is typed stays: refused values, other notes that are opened, a daemon that is gone", async () => {
  const text = "word ".repeat(10_000);
  const row = view().getByRole("listitem", { name: /^Property description/ });
  await row.getByRole("button", { name: /^Edit/ }).click();
  const area = view().getByRole("textbox");
  await area.fill(text);
  await area.press("Control+Enter");
  await row.getByText(/: a description may have [\d,]+ characters, and this has 50,000\.$/i).waitFor();
  assert.equal(await area.inputValue(), text);
  await area.fill("My own words.");
  await openNote(page, "Cooking/Sourdough.md");
  const { port } = scene.vault;
  await scene.vault.stop();
  await waitFor("it is known", async () => /not running/.test(await statusBar(page)));
  assert.equal(await area.inputValue(), "My own words.");
  await scene.vault.serve(port);
  await waitFor("it is there again", async () => !/not running/.test(await statusBar(page)));
  assert.equal(await area.inputValue(), "My own words.");
  const before = await readAll();
  await area.press("Control+Enter");
  await waitFor("it is written", async () => (await readAll()).join("").includes("My own words."));
  await view().getByRole("button", { name: "Undo the last decision" }).click();
  await waitFor("it is taken back", async () => (await readAll()).join("") === before.join(""));
});

test("axe finds nothing in the history, light and dark", async () => {
  await view().getByRole("tab", { name: "History" }).click();
  await view().getByRole("button", { name: /^Undo, / }).nth(5).waitFor();
  await inEachTheme(VIEW);
  await view().getByRole("button", { name: /^Undo, / }).first().click();
  await view().getByText("undone", { exact: true }).first().waitFor();
  await inEachTheme(VIEW);
});

test("axe finds nothing under Now, at rest and during a run, light and dark", async () => {
  await view().getByRole("tab", { name: "Now" }).click();
  await view().getByText("Nothing is being done.").waitFor();
  await inEachTheme(VIEW);
  scene.endpoint.hold();
  const run = scene.vault.companion("enrich", "--all", join(scene.vault.path, "Garden"));
  await view().getByRole("progressbar").waitFor();
  await inEachTheme(VIEW);
  scene.endpoint.release();
  await run;
  await view().getByText("Nothing is being done.").waitFor();
});

test("Now names the changed settings that need a restart", async () => {
  await appendFile(join(scene.vault.home, "config.toml"), "[server]\nport = 27199\n");
  await view().getByText(/Changed settings that Companion follows once you end it and start it again: .*port/).waitFor();
});

test("axe finds nothing in the settings, light and dark", async () => {
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("combobox", { name: "Ribbon button" }).waitFor();
  await inEachTheme(".vertical-tab-content");
});

function view() {
  return page.locator(VIEW);
}

/** @param {string} selector */
async function inEachTheme(selector) {
  for (const theme of THEMES) {
    await page.evaluate((name) => (document.body.className = `theme-${name}`), theme);
    await assertAccessible(page, selector);
  }
}

/** @param {number} number */
function nameOf(number) {
  return `${FOLDER}/Note ${number}.md`;
}

/** @param {number} number */
function textOf(number) {
  return `---\ndescription:\n---\n\n# Note ${number}\n\n#status/postponed\n\n${BODY.repeat(12)}`;
}

function readAll() {
  return Promise.all(Array.from({ length: NOTES }, (_, index) => scene.vault.read(nameOf(index + 1))));
}

/** How many properties and callouts were filled. @param {string[]} before */
async function countFilled(before) {
  const now = (await readAll()).join("");
  assert.equal(before.join("").match(/^description:$|\[!ai\]/gm)?.length, NOTES);
  return NOTES - (now.match(/^description:$/gm)?.length ?? 0) + (now.match(/\[!ai\]/g)?.length ?? 0);
}

async function countStates() {
  const counts = { open: 0, accepted: 0, refused: 0 };
  for (const state of Object.keys(counts)) {
    const printed = await scene.vault.companion("proposals", "--json", "--state", state, join(scene.vault.path, FOLDER));
    counts[state] = printed.split("\n").filter(Boolean).length;
  }
  return counts;
}

/** Go from the tabs to the first row, as who has no mouse does. */
async function enterRows() {
  await view().getByRole("tab", { selected: true }).focus();
  for (let presses = 0; presses < 20 && !(await isInRow()); presses += 1) await page.keyboard.press("Tab");
  assert.ok(await isInRow());
}

/** Choose the current row and those after it. @param {number} number */
async function chooseRows(number) {
  for (let row = 0; row < number; row += 1) {
    await page.keyboard.press("x");
    if (row < number - 1) await page.keyboard.press("j");
  }
  assert.equal(await view().locator("input:checked").count(), number);
}

/** @param {number} number */
async function waitForRows(number) {
  await waitFor(`there are ${number} rows`, async () => (await view().getByRole("listitem").count()) === number);
}

/** @param {string} name of a button */
const tabBackTo = (name) => pressUntil("Shift+Tab", name);

/** @param {string} name of a button */
const tabTo = (name) => pressUntil("Tab", name);

/**
 * @param {string} key
 * @param {string} name
 */
async function pressUntil(key, name) {
  for (let presses = 0; presses < 40; presses += 1) {
    if ((await page.evaluate(() => document.activeElement?.textContent)) === name) return;
    await page.keyboard.press(key);
  }
  assert.fail(`${key} does not get to ${name}`);
}

function isInRow() {
  return page.evaluate(() => Boolean(document.activeElement?.closest(".callout-companion-proposal")));
}
