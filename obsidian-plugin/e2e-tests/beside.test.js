/** The view beside an open note: in reading view, in a window of its own, and with notes that are not there any more. */

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { endScene, openNote, openPaired, openScene, runCommand, shows } from "./scene.js";
import { testsOn } from "./tests-on.js";
import { waitFor } from "./wait.js";

const NOTE = "---\ndescription:\n---\n\n# Hedges\n\n#status/postponed\n\nA hedge wants to be cut twice a year, and never while birds nest.\n";
const NAMES = ["Read", "Beside", "Cut", "Gone", "C#", "Lines", "Fresh"];

/** @type {import("./scene.js").Scene} */
let scene;
/** @type {import("playwright-core").Page} */
let page;

const test = testsOn(
  async () => {
    scene = await openScene();
    for (const name of NAMES) await scene.vault.write(`${name}.md`, name === "Lines" ? inCrlf(NOTE) : NOTE);
    await scene.vault.companion("enrich", "--dry-run", ...NAMES.map((name) => join(scene.vault.path, `${name}.md`)));
    page = await openPaired(scene);
    await runCommand(page, "Open set-up, inbox and history");
    await rows("").nth(NAMES.length * 2 - 1).waitFor();
  },
  () => endScene(scene, page),
);

test("a proposal for a note in reading view is accepted at once", async () => {
  await openNote(page, "Read.md");
  await page.evaluate(() => window.app.workspace.activeLeaf.view.setMode("preview"));
  const count = await rows("").count();
  await rows("Read.md").first().getByRole("button", { name: /^Accept/ }).click();
  await waitFor("it is written", async () => (await scene.vault.read("Read.md")) !== NOTE);
  await waitFor("its row is gone", async () => (await rows("").count()) === count - 1);
  assert.equal(await page.locator(".callout-companion-why:not(:empty)").count(), 0);
});

test("a click on a button of a row that is cut off does what it says", async () => {
  const row = rows("Cut.md").first();
  const button = row.getByRole("button", { name: /^Accept/ });
  await button.evaluate((element) => element.scrollIntoView({ block: "start" }));
  const { x, y, width, height } = (await button.boundingBox()) ?? assert.fail("it is not shown");
  assert.ok(((await row.boundingBox())?.y ?? 0) < y, "the row begins above it");
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  await page.mouse.up();
  await waitFor("it is written", async () => (await scene.vault.read("Cut.md")) !== NOTE);
});

test("a preview in a note goes when its proposal is decided on in the inbox", async () => {
  await openNote(page, "Beside.md");
  const row = rows("Beside.md").filter({ hasText: "Callout" });
  await row.getByRole("button", { name: "Beside.md", exact: true }).click();
  const preview = page.locator(".cm-editor .callout-companion-preview");
  await preview.waitFor();
  await row.getByRole("button", { name: /^Accept/ }).click();
  await shows(page, /\[!ai\]/);
  await preview.waitFor({ state: "detached" });
});

test("a note with a number sign in its name is opened, and no other is made", async () => {
  await link("C#.md").click();
  await page.waitForFunction(() => window.app.workspace.getActiveFile()?.path === "C#.md");
  await assert.rejects(scene.vault.read("C.md"));
});

test("a note that is opened from the inbox takes no other's tab, nor its own with Ctrl", async () => {
  await openNote(page, "Beside.md");
  const before = await tabs();
  assert.equal(before.filter((name) => name === "Gone").length, 0);
  await link("Gone.md").click();
  await page.waitForFunction(() => window.app.workspace.getActiveFile()?.path === "Gone.md");
  assert.deepEqual(await tabs(), [...before, "Gone"]);
  await link("Gone.md").click();
  await link("Gone.md").click({ modifiers: ["Control"] });
  await waitFor("another tab shows it", async () => (await tabs()).length === before.length + 2);
  assert.deepEqual(await tabs(), [...before, "Gone", "Gone"]);
  await page.locator(".workspace-tab-header.is-active .tab-close").click();
});

test("a proposal for a note with CRLF line ends is shown in its place", async () => {
  await openNote(page, "Lines.md");
  const row = rows("Lines.md").filter({ hasText: "Callout" });
  await row.getByRole("button", { name: "Lines.md", exact: true }).click();
  const preview = page.locator(".cm-editor .callout-companion-preview");
  await preview.waitFor();
  const line = page.locator(".workspace-leaf:visible .cm-line", { hasText: "#status/postponed" });
  const [above, below] = [await line.boundingBox(), await preview.boundingBox()];
  assert.ok(above && below && below.y >= above.y && below.y - above.y < 100, "it is under the tags");
  await preview.getByRole("button", { name: "Accept" }).click();
  await waitFor("it is written", async () => /\r\n> \[!ai\] AI\r\n/.test(await scene.vault.read("Lines.md")));
  assert.doesNotMatch(await scene.vault.read("Lines.md"), /[^\r]\n/);
});

test("a proposal is shown in its place where Obsidian opens notes to be read; one that is read already says why it is not", async () => {
  await page.evaluate(() => (window.app.defaultViewMode = "preview"));
  await link("Fresh.md").click();
  await page.locator(".cm-editor .callout-companion-preview").waitFor();
  await page.evaluate(() => (window.app.defaultViewMode = "source"));
  await openNote(page, "Read.md");
  await page.evaluate(() => window.app.workspace.activeLeaf.view.setMode("preview"));
  await link("Read.md").click();
  await view().getByText("“Read” is open in reading view. Switch it to editing to see where its proposals would go.").waitFor();
});

test("words typed into a proposal stay until it is decided on, or Escape is pressed", async () => {
  const [edited, other] = [rows("Beside.md").first(), rows("Gone.md").filter({ hasText: "Callout" })];
  await edited.getByRole("button", { name: /^Edit/ }).click();
  const area = edited.getByRole("textbox");
  await area.fill("My own words");
  await other.getByRole("button", { name: /^Refuse/ }).click();
  await other.waitFor({ state: "detached" });
  await view().getByRole("button", { name: "Undo the last decision" }).click();
  await other.waitFor();
  assert.equal(await area.inputValue(), "My own words");
  await view().getByRole("tab", { name: "Now" }).click();
  await view().getByRole("tab", { name: "Inbox" }).click();
  await area.waitFor();
  assert.equal(await area.inputValue(), "My own words");
  await area.evaluate((element) => {
    const init = { key: "Escape", bubbles: true, cancelable: true, isComposing: true };
    element.dispatchEvent(new KeyboardEvent("keydown", init)); // candidates of an input method are left
  });
  assert.equal(await area.inputValue(), "My own words");
  await area.press("Escape");
  await area.waitFor({ state: "detached" });
  await view().getByRole("tab", { name: "Inbox" }).click();
  await edited.waitFor();
  assert.equal(await area.count(), 0);
});

test("a note that is gone is not made anew by a click in the history", async () => {
  await rows("Gone.md").first().getByRole("button", { name: /^Accept/ }).click();
  await waitFor("it is written", async () => (await scene.vault.read("Gone.md")) !== NOTE);
  await rm(join(scene.vault.path, "Gone.md"));
  await page.waitForFunction(() => window.app.vault.getFileByPath("Gone.md") === null);
  await view().getByRole("tab", { name: "History" }).click();
  await view().getByRole("link", { name: "Gone.md" }).first().click();
  await view().getByText("There is no note Gone.md in this vault.").waitFor();
  await assert.rejects(scene.vault.read("Gone.md"));
});

test("a view that Obsidian restores before the daemon was asked says nothing wrong of it", async () => {
  const said = await page.evaluate(async (selector) => {
    const headings = new Set();
    const watch = new MutationObserver(() => {
      for (const heading of document.querySelectorAll(`${selector} h3`)) headings.add(heading.textContent);
    });
    watch.observe(document.querySelector(selector), { childList: true, subtree: true });
    Object.assign(window.app.plugins.plugins["callout-companion"].daemon, { status: null, error: null });
    document.querySelector(`${selector} [role=tab]`).click();
    await new Promise((done) => setTimeout(done, 1000));
    watch.disconnect();
    return [...headings];
  }, ".mod-right-split");
  assert.deepEqual(said, []);
  await rows("").first().waitFor();
});

function view() {
  return page.locator(".mod-right-split");
}

/** What opens a note, in its first proposal. @param {string} path */
function link(path) {
  return rows(path).first().getByRole("button", { name: path, exact: true });
}

/** The names in the tabs. */
function tabs() {
  return page.locator(".workspace-tab-header > span").allInnerTexts();
}

/** @param {string} text */
function inCrlf(text) {
  return text.replaceAll("\n", "\r\n");
}

/** The proposals of a note. @param {string} path empty for all */
function rows(path) {
  return view().getByRole("listitem").filter({ hasText: path });
}
