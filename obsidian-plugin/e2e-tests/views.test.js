/** The inbox in Obsidian's sidebar, and the settings: decisions by keyboard, also while somebody types in one of the notes. */

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { assertAccessible } from "./axe.js";
import { openNote, shownText, statusSays } from "./scenarios.js";
import { page, runCommand, scene, testsInWindow } from "./scene.js";
import { waitFor } from "./wait.js";

const VIEW = ".mod-right-split";
const SEED = Number(process.env.E2E_SEED ?? Date.now() % 1_000_000);
const NOTES = Number(process.env.E2E_NOTES ?? 20); // two proposals each
const TYPED_IN = `Stubs/Note ${NOTES / 2}.md`;
const BODY = "A hedge wants to be cut twice a year, and never while birds are nesting in it.\n\n";
const PATH = "Cooking/Sourdough.md";

const test = testsInWindow({
  async begin() {
    await openNote(page, PATH);
    await runCommand(page, "Open set-up and inbox");
    await view().locator(".cc").waitFor();
  },
});

test("what a note is asked for waits, is shown in its place, accepted, edited and undone there", async () => {
  const original = await shownText(page);
  await view().getByText("Nothing is waiting for you").waitFor();
  await propose();
  assert.equal(await shownText(page), original, "nothing was written");
  await inEachTheme(VIEW);
  await row("Callout").click();
  await view().getByRole("button", { name: "Again" }).click();
  const wish = view().getByRole("textbox", { name: "Again" });
  assert.ok(await isOnTop(wish), "nothing lies over the field");
  await wish.press("Escape");
  await view().getByRole("heading", { name: "Sourdough" }).getByRole("link").click();
  const preview = page.locator(".cm-editor .callout-companion-preview");
  await preview.getByText(/A sourdough starter is a culture/).waitFor();
  await preview.getByRole("button", { name: "Accept" }).click();
  await waitFor("it is in the note", async () => /\[!ai\] AI\n> A sourdough/.test(await shownText(page)));
  await preview.waitFor({ state: "detached" });
  await view().getByRole("button", { name: "Edit" }).click();
  const area = view().getByRole("textbox", { name: "Your words" });
  await area.fill(" \n ");
  await area.press("Control+Enter");
  await view().getByRole("button", { name: "Look at it" }).click();
  await view().locator(".cc-fault").getByText(/nothing would be left of the description/).waitFor();
  assert.equal(await area.inputValue(), " \n ");
  await area.fill("How I keep my starter alive.");
  await inEachTheme(VIEW);
  await area.press("Control+Enter");
  await waitFor("it is as edited", async () => /^description: How I keep my starter alive\.$/m.test(await shownText(page)));
  await view().getByRole("heading", { name: "Inbox clear" }).waitFor();
  await view().getByRole("button", { name: "Undo all" }).click();
  await waitFor("all is as it was", async () => (await shownText(page)) === original);
  await waitFor("the file follows", async () => (await scene.vault.read(PATH)) === original);
});

test("what is typed stays: other notes that are opened, a daemon that is gone", async () => {
  await propose();
  await row("Description").click();
  await view().getByRole("button", { name: "Edit" }).click();
  const area = view().getByRole("textbox", { name: "Your words" });
  await area.fill("My own words.");
  await openNote(page, "Garden/Compost.md");
  const { port } = scene.vault;
  await scene.vault.stop();
  await statusSays(page, /not running/);
  assert.equal(await area.inputValue(), "My own words.");
  await scene.vault.companion("enrich", "--dry-run", join(scene.vault.path, "Garden/Basil.md"));
  await scene.vault.serve(port);
  await view().getByRole("button", { name: /new$/ }).waitFor();
  await statusSays(page, /today/);
  await area.press("Control+Enter");
  await waitFor("it is written", async () => (await scene.vault.read(PATH)).includes("My own words."));
  await view().getByRole("button", { name: "Undo" }).click();
  await waitFor("it is undone", async () => !(await scene.vault.read(PATH)).includes("My own words."));
});

test(`${NOTES * 2} decisions by keyboard while somebody types in one of the notes, seed ${SEED}`, async () => {
  await mkdir(join(scene.vault.path, "Stubs"));
  for (let number = 1; number <= NOTES; number += 1) {
    await scene.vault.write(`Stubs/Note ${number}.md`, `---\ndescription:\n---\n\n# Note ${number}\n\n#status/postponed\n\n${BODY.repeat(12)}`);
  }
  const fresh = view().getByRole("button", { name: /new$/ });
  if (await fresh.count()) await fresh.click();
  await view().getByRole("button", { name: /^All/ }).first().click();
  while (await view().locator(".cc-read[data-id]").count()) await view().getByRole("button", { name: "Refuse", exact: true }).click();
  await scene.vault.companion("enrich", "--dry-run", join(scene.vault.path, "Stubs"));
  await openNote(page, TYPED_IN);
  await page.locator(".workspace-leaf:visible .cm-content").first().click(); // who is in the view keeps its proposal
  await view().getByRole("button", { name: new RegExp(`^(All ${NOTES * 2}|${NOTES * 2} new)`) }).first().waitFor();
  if (await fresh.count()) await fresh.click();
  await view().getByRole("button", { name: `All ${NOTES * 2}` }).first().click();
  await view().getByRole("button", { name: `${NOTES * 2} proposals` }).click();
  assert.ok(await isOnTop(view().getByRole("button", { name: /^Accept \d+ unflagged/ })), "the list scrolls in itself");
  assert.ok((await view().locator(".cc-row").count()) < NOTES * 2, "only the rows in sight are made");
  await view().locator(".cc-row").first().click();
  await view().locator(".cc-actions .cc-btn--main").focus();
  const typing = page.evaluate(async (seed) => {
    const typist = window.host.newTypist(seed, "body");
    await typist.type(16, 250);
    return typist.edits;
  }, SEED);
  const expected = {};
  for (let decision = 0; decision < NOTES * 2; decision += 1) {
    const id = await view().locator(".cc-read").getAttribute("data-id");
    const key = decision % 3 === 2 ? "r" : "a";
    assert.ok(id && !(id in expected), "each is decided on once");
    expected[id] = key === "r" ? "refused" : "accepted";
    await page.keyboard.press(key);
  }
  await typing;
  await view().getByRole("heading", { name: "Inbox clear" }).waitFor();
  await waitFor("all is as it was pressed", async () => {
    const all = (await scene.vault.call("/proposals?state=all&limit=1000&folder=Stubs")).proposals;
    return all.every((each) => each.state === expected[each.id]);
  }, 120);
  assert.equal(await page.evaluate(() => window.host.typist.lost), "", "each letter that was typed is there");
  await waitFor("the file follows", async () => (await scene.vault.read(TYPED_IN)) === (await shownText(page)));
  assert.deepEqual(await page.evaluate(() => window.host.conflicts), []);
});

test("in a pop-out window, too, a key acts once, and not just after the window got the focus", async () => {
  await scene.vault.companion("enrich", "--dry-run", "--retry", join(scene.vault.path, "Garden/Basil.md"));
  await waitFor("it waits", async () => (await scene.vault.call("/proposals?limit=1")).total === 2);
  const popup = page.waitForEvent("popup");
  await page.evaluate(() => void window.app.workspace.popOut(window.app.workspace.getLeavesOfType("callout-companion")[0]));
  const moved = await popup;
  const fresh = moved.getByRole("button", { name: /new$/ });
  await fresh.or(moved.locator(".cc-actions .cc-btn--main")).first().waitFor();
  if (await fresh.count()) await fresh.first().click();
  await moved.locator(".cc-actions .cc-btn--main").focus();
  const setClock = (milliseconds) => page.evaluate((now) => void (performance.now = () => now), milliseconds);
  await setClock(1e9);
  await moved.evaluate(() => dispatchEvent(new Event("focus")));
  await moved.keyboard.press("r");
  await setClock(1e9 + 1001);
  await moved.keyboard.press("r");
  await waitFor("one is refused", async () => (await scene.vault.call("/proposals?limit=1")).total === 1);
  await moved.locator(".cc-read[data-id]").waitFor();
});

test("axe finds nothing in the settings, light and dark", async () => {
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("combobox", { name: "Ribbon button" }).waitFor();
  await inEachTheme(".vertical-tab-content");
});

/** Have the open note asked about; what it gives is in the view. */
async function propose() {
  await runCommand(page, "Propose for this note");
  await view().getByRole("button", { name: /^This note/ }).click();
  await row("Callout").waitFor();
}

function view() {
  return page.locator(VIEW);
}

/** The row of what a proposal fills. */
function row(name) {
  return view().locator(".cc-row", { hasText: `${name}: ` });
}

/** Whether a click on an element's middle would meet it. */
function isOnTop(locator) {
  return locator.evaluate((element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    return element.contains(document.elementFromPoint(left + width / 2, top + height / 2));
  });
}

async function inEachTheme(selector) {
  for (const theme of ["light", "dark"]) {
    await page.evaluate((name) => (document.body.className = `theme-${name}`), theme);
    await assertAccessible(page, selector);
  }
}
