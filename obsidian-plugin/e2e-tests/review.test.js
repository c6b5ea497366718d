/** Proposals in their notes, as a window shows them: in their place, in every form of note, and one after the other. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { assertAccessible } from "./axe.js";
import { openNote, shows, shownText } from "./scenarios.js";
import { page, runCommand, scene, testsInWindow } from "./scene.js";
import { waitFor } from "./wait.js";

const NOTE = "---\ndescription:\n---\n\n# Hedges\n\n#status/postponed\n\nA hedge wants to be cut twice a year, and never while birds nest.\n";
const HOSTILE = "<img src=x onerror=window.harm=1> \u202etxt";
const NAMES = ["Beside", "C#", "Fresh", "Keys", "Lines", "Read", HOSTILE];

const test = testsInWindow({
  async furnish({ vault }) {
    for (const name of NAMES) await vault.write(`${name}.md`, name === "Lines" ? NOTE.replaceAll("\n", "\r\n") : NOTE);
    await vault.companion("enrich", "--propose", ...NAMES.map((name) => join(vault.path, `${name}.md`)));
  },
});

const card = () => page.locator(".workspace-leaf:visible .callout-companion-preview");
const button = (name) => card().getByRole("button", { name, exact: true });
const next = () => card().getByRole("button", { name: /show the next/ });
const isOpen = (path) => page.waitForFunction((name) => window.app.workspace.getActiveFile()?.path === name, path);
const tabs = () => page.locator(".workspace-tab-header > span").allInnerTexts();

/** Open a note, and wait for what is proposed of a kind. */
async function show(path, kind) {
  await openNote(page, path);
  await card().waitFor();
  if ((await card().locator("strong").innerText()) !== kind) await next().click();
  await card().locator("strong", { hasText: kind }).waitFor();
}

test("a property is shown below all of them, a callout where it goes, in a note with CRLF line ends, too, which keeps them", async () => {
  await show("Lines.md", "Description");
  await page.locator(".lp-edge + .callout-companion-preview").waitFor();
  await next().click();
  await card().locator("strong", { hasText: "Callout" }).waitFor();
  const line = (words) => page.locator(".workspace-leaf:visible .cm-line", { hasText: words }).boundingBox();
  const [above, place, below] = [await line("#status/postponed"), await card().boundingBox(), await line("A hedge wants")];
  assert.ok(above.y < place.y && place.y < below.y, "it is under the tags, above the text");
  await button("Accept").click();
  await waitFor("it is written", async () => /\r\n> \[!ai\] AI\r\n/.test(await scene.vault.read("Lines.md")));
  assert.doesNotMatch(await scene.vault.read("Lines.md"), /[^\r]\n/);
});

test("a note with a number sign in its name is opened as the next one, in a tab of its own, and no other is made", async () => {
  await openNote(page, "Garden/Basil.md");
  const before = await tabs();
  await waitFor("it is the next one", async () => {
    await runCommand(page, "Review next");
    return page.evaluate(() => window.app.workspace.getActiveFile().path === "C#.md");
  });
  await card().waitFor();
  assert.ok((await tabs()).includes("Basil") && (await tabs()).length > before.length);
  await assert.rejects(scene.vault.read("C.md"));
});

test("a name that somebody made to do harm is text: in its note, and in notices", async () => {
  await show(`${HOSTILE}.md`, "Callout");
  await button("Accept").click();
  await waitFor("it is written", async () => /^> \[!ai\]/m.test(await scene.vault.read(`${HOSTILE}.md`)));
  await runCommand(page, "Undo the last change");
  await page.locator(".notice", { hasText: "undone" }).waitFor();
  assert.equal(await page.locator(".notice img, .callout-companion-preview img").count(), 0);
  assert.equal(await page.evaluate(() => window.harm), undefined);
});

test("a proposal that is decided on elsewhere is shown no longer", async () => {
  await show("Beside.md", "Description");
  const { proposals } = await scene.vault.call("/proposals?limit=100");
  await scene.vault.call("/proposals/decide", { refuse: proposals.filter(({ path }) => path === "Beside.md").map(({ id }) => id) });
  await card().waitFor({ state: "detached" });
});

test("a note that is only read says what there is above it, and opens it there", async () => {
  await openNote(page, "Read.md");
  await page.evaluate(() => window.app.workspace.activeLeaf.view.setMode("preview"));
  const line = page.locator(".callout-companion-waiting:visible");
  await line.getByText("2 proposals for this note: Description, Callout").waitFor();
  await line.getByRole("button", { name: "Show" }).click();
  await card().waitFor();
  assert.equal(await line.count(), 0);
});

test("all of it is done by commands; what is typed is what is written, and the cursor stays in the note", async () => {
  await show("Keys.md", "Description");
  await page.keyboard.press("Control+End");
  await runCommand(page, "Edit the proposal");
  await page.keyboard.press("Control+a");
  await page.keyboard.type("How hedges are cut.");
  await page.keyboard.press("Control+Enter");
  await waitFor("it is written", async () => /^description: How hedges are cut\.$/m.test(await scene.vault.read("Keys.md")));
  await page.keyboard.type("Mine.");
  await waitFor("it stands at the end", async () => (await scene.vault.read("Keys.md")).endsWith("nest.\nMine."));
  await card().locator("strong", { hasText: "Callout" }).waitFor();
  await runCommand(page, "Refuse the proposal");
  await card().waitFor({ state: "detached" });
});

test("what is accepted while somebody types in the note costs no letter", async () => {
  await scene.vault.write("Typed.md", `${NOTE}${"\nA hedge wants to be cut twice a year.\n".repeat(20)}`);
  await openNote(page, "Typed.md");
  await scene.vault.companion("enrich", "--propose", join(scene.vault.path, "Typed.md"));
  await card().waitFor();
  const typing = page.evaluate(async () => {
    const typist = window.host.newTypist(7, "body");
    await typist.type(40, 100);
    return typist.edits;
  });
  await button("Accept").click();
  await waitFor("it is written", async () => /^description: \w/m.test(await shownText(page)));
  await typing;
  await button("Accept").click();
  await shows(page, /\[!ai\]/);
  assert.equal(await page.evaluate(() => window.host.typist.lost), "");
  await waitFor("the file follows", async () => (await scene.vault.read("Typed.md")) === (await shownText(page)));
  assert.deepEqual(await page.evaluate(() => window.host.conflicts), []);
});

test("it is asked for again, and the new one takes its place", async () => {
  await show("Fresh.md", "Callout");
  await button("Again, but …").click();
  await page.keyboard.type("Shorter");
  await button("Ask again").click();
  await waitFor("it is replaced", async () => {
    const { proposals } = await scene.vault.call("/proposals?path=Fresh.md&state=superseded");
    return proposals.length > 0;
  });
  await card().locator("strong", { hasText: "Callout" }).waitFor();
  await isOpen("Fresh.md");
});

test("a click in the settings is what the command line shows, and nothing private is given up unasked", async () => {
  const settings = () => scene.vault.call("/settings");
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("combobox", { name: "tags" }).selectOption("Propose first");
  await waitFor("it is kept", async () => (await settings()).modes.tags === "propose");
  const field = page.getByRole("textbox", { name: "Private folders" });
  await field.fill("Garden");
  await field.blur();
  await waitFor("it is private", async () => (await settings()).private.folders.join() === "Garden");
  await waitFor("it is shown", async () => (await field.inputValue()) === "Garden");
  await field.fill("");
  await field.blur();
  await page.getByRole("button", { name: "Take it out" }).click();
  await waitFor("it is not", async () => (await settings()).private.folders.length === 0);
  await page.locator(".mod-settings .modal-close-button").evaluate((close) => close.click()); // a notice may lie over it
});

for (const theme of ["light", "dark"]) {
  test(`nothing is hard to reach or to read in a ${theme} window`, async () => {
    await page.evaluate((name) => {
      document.body.className = `theme-${name}`;
      document.body.style.setProperty("--interactive-accent", "#6c3fd1"); // the theme's own has too little contrast
      if (name === "light") document.body.style.setProperty("--color-purple-rgb", "90, 50, 200");
      else document.body.style.removeProperty("--color-purple-rgb");
    }, theme);
    await show("Fresh.md", "Callout");
    for (const act of ["Edit", "Cancel", "Again, but …", "Cancel"]) {
      await assertAccessible(page, ".workspace-leaf:not([style*=none]) .callout-companion-preview");
      await button(act).click();
    }
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("combobox", { name: "tags" }).waitFor();
    await assertAccessible(page, ".vertical-tab-content");
  });
}
