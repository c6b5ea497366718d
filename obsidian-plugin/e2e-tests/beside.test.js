/** The view beside an open note: in reading view, in a window of its own, and with notes that are not there any more. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { openNote } from "./scenarios.js";
import { page, runCommand, scene, testsInWindow } from "./scene.js";
import { waitFor } from "./wait.js";

const NOTE = "---\ndescription:\n---\n\n# Hedges\n\n#status/postponed\n\nA hedge wants to be cut twice a year, and never while birds nest.\n";
const HOSTILE = "<img src=x onerror=window.harm=1> \u202etxt";
const NAMES = ["Read", "Beside", "Gone", "C#", "Lines", "Fresh", HOSTILE];

const test = testsInWindow({
  async furnish({ vault }) {
    for (const name of NAMES) await vault.write(`${name}.md`, name === "Lines" ? NOTE.replaceAll("\n", "\r\n") : NOTE);
    await vault.companion("enrich", "--dry-run", ...NAMES.map((name) => join(vault.path, `${name}.md`)));
  },
  async begin() {
    await runCommand(page, "Open set-up and inbox");
    await view().getByRole("button", { name: `All ${NAMES.length * 2}` }).first().waitFor();
  },
});

test("a proposal for a note in reading view is accepted at once", async () => {
  await openNote(page, "Read.md");
  await page.evaluate(() => window.app.workspace.activeLeaf.view.setMode("preview"));
  await choose("Read.md", "Description");
  await view().getByRole("button", { name: "Accept", exact: true }).click();
  await waitFor("it is written", async () => (await scene.vault.read("Read.md")) !== NOTE);
});

test("a note with a number sign in its name is opened, and no other is made; a property is shown below all of them", async () => {
  await choose("C#.md", "Description");
  await title().click();
  await page.waitForFunction(() => window.app.workspace.getActiveFile()?.path === "C#.md");
  await assert.rejects(scene.vault.read("C.md"));
  await page.locator(".lp-edge + .callout-companion-preview").waitFor(); // below the properties, which Obsidian draws as a whole
});

test("a note that is opened from the inbox takes no other's tab, nor its own with Ctrl", async () => {
  await openNote(page, "Beside.md");
  const before = await tabs();
  assert.equal(before.filter((name) => name === "Gone").length, 0);
  await choose("Gone.md", "Description");
  await title().click();
  await page.waitForFunction(() => window.app.workspace.getActiveFile()?.path === "Gone.md");
  assert.deepEqual(await tabs(), [...before, "Gone"]);
  await title().click();
  await title().click({ modifiers: ["Control"] });
  await waitFor("another tab shows it", async () => (await tabs()).length === before.length + 2);
  assert.deepEqual(await tabs(), [...before, "Gone", "Gone"]);
  await page.locator(".workspace-tab-header.is-active .tab-close").click();
});

test("a proposal for a note with CRLF line ends is shown in its place", async () => {
  await openNote(page, "Lines.md");
  await choose("Lines.md", "Callout");
  await title().click();
  const preview = page.locator(".cm-editor .callout-companion-preview");
  await preview.waitFor();
  const line = (words) => page.locator(".workspace-leaf:visible .cm-line", { hasText: words }).boundingBox();
  const [above, place, below] = [await line("#status/postponed"), await preview.boundingBox(), await line("A hedge wants")];
  assert.ok(above.y < place.y && place.y < below.y, "it is under the tags, above the text");
  await preview.getByRole("button", { name: "Accept" }).click();
  await waitFor("it is written", async () => /\r\n> \[!ai\] AI\r\n/.test(await scene.vault.read("Lines.md")));
  assert.doesNotMatch(await scene.vault.read("Lines.md"), /[^\r]\n/);
});

test("a name that somebody made to do harm is text: in the view, beside its note, and in notices", async () => {
  await choose(`${HOSTILE}.md`, "Callout", HOSTILE.replace("\u202e", "<U+202E>"));
  await title().click();
  const preview = page.locator(".cm-editor .callout-companion-preview");
  await preview.getByRole("button", { name: "Accept" }).click();
  await waitFor("it is written", async () => /^> \[!ai\]/m.test(await scene.vault.read(`${HOSTILE}.md`)));
  await runCommand(page, "Undo the last change");
  await page.locator(".notice", { hasText: "<U+202E>" }).waitFor();
  for (const place of [view(), page.locator(".notice")]) assert.equal(await place.locator("img").count(), 0);
  assert.equal(await page.evaluate(() => window.harm), undefined);
});

test("a proposal that is decided on elsewhere is shown in its note no longer", async () => {
  await choose("Beside.md", "Callout");
  await title().click();
  const preview = page.locator(".cm-editor .callout-companion-preview");
  await preview.waitFor();
  await choose("Gone.md", "Callout");
  assert.equal(await preview.count(), 1);
  const { proposals } = await scene.vault.call("/proposals?limit=100");
  const { id } = proposals.find(({ path, kind }) => path === "Beside.md" && kind === "callout");
  await scene.vault.call("/proposals/decide", { refuse: [id] });
  await preview.waitFor({ state: "detached" });
});

test("a proposal is shown in its place where Obsidian opens notes to be read; one that is read already says why it is not", async () => {
  await page.evaluate(() => (window.app.defaultViewMode = "preview"));
  await choose("Fresh.md", "Callout");
  await title().click();
  await page.locator(".cm-editor .callout-companion-preview").waitFor();
  await page.evaluate(() => (window.app.defaultViewMode = "source"));
  await openNote(page, "Read.md");
  await page.evaluate(() => window.app.workspace.activeLeaf.view.setMode("preview"));
  await choose("Read.md", "Callout");
  await title().click();
  await page.locator(".notice").getByText("“Read” is open in reading view. Switch it to editing to see where its proposals would go.").waitFor();
});

function view() {
  return page.locator(".mod-right-split");
}

/** What opens the note of the current proposal. */
function title() {
  return view().locator(".cc-title h1 a");
}

/** Have a proposal be the current one. */
async function choose(path, kind, heading = path.replace(".md", "")) {
  await view().getByRole("button", { name: /^All \d/ }).first().click();
  await view().locator(".cc-place button").click();
  await view().getByRole("searchbox").fill(path);
  await view().locator(".cc-row", { hasText: `${kind}: ` }).click();
  await view().getByRole("heading", { name: heading }).waitFor();
}

/** The names in the tabs. */
function tabs() {
  return page.locator(".workspace-tab-header > span").allInnerTexts();
}
