/** A note that is open in every way while it is filled: nothing that the user does is disturbed. */

import assert from "node:assert/strict";
import { clickRibbon, focusEditor, notice, openNote, shownText, shows, undoByNotice } from "./scenarios.js";
import { page, scene, testsInWindow } from "./scene.js";
import { waitFor } from "./wait.js";

const NOTE = "---\ndescription:\nmood: ok\n---\n\n# Stub\n\nText of mine.\n\nMore of it.\n";
const CALLOUT = /^> \[!ai\] AI\n> It explains the subject/m;
const NAMES = ["Composed", "Unnamed", "Out", "Suggested", "Tabular"];

const test = testsInWindow({
  async furnish({ vault }) {
    for (const name of NAMES) await vault.write(`${name}.md`, NOTE);
  },
  begin: () => page.evaluate(() => document.body.classList.add("mod-note-head")),
  prepare: () => scene.endpoint.hold(),
});

test("an input method's candidates are not disturbed", async () => {
  await openNote(page, "Composed.md");
  await page.keyboard.press("Control+End");
  const input = await page.context().newCDPSession(page);
  await input.send("Input.imeSetComposition", { text: "に", selectionStart: 1, selectionEnd: 1 });
  await fillWhileHeld(/waits until your input method is done/);
  await input.send("Input.imeSetComposition", { text: "にほ", selectionStart: 2, selectionEnd: 2 });
  await input.send("Input.insertText", { text: "日本" });
  await shows(page, CALLOUT);
  assert.match(await shownText(page), /\n日本$/);
});

test("a list of suggestions at the cursor is not disturbed", async () => {
  await openNote(page, "Suggested.md");
  await page.evaluate(() => document.body.createDiv({ cls: "suggestion-container", text: "Garden" }));
  await page.keyboard.press("Control+End");
  await fillWhileHeld(/waits until you have chosen a suggestion/);
  await page.evaluate(() => document.querySelector(".suggestion-container").remove());
  await shows(page, CALLOUT);
});

test("a table's cell that is edited within the text is not disturbed", async () => {
  await openNote(page, "Tabular.md");
  await page.evaluate(() => window.app.workspace.activeLeaf.view.editor.editCell());
  await page.keyboard.type("In a cell");
  await fillWhileHeld(/waits until you have left its table or field/);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "In a cell");
  await focusEditor(page);
  await shows(page, CALLOUT);
});

test("a note that is renamed in its title while the model thinks is filled under its new name", async () => {
  await openNote(page, "Unnamed.md");
  await clickRibbon(page);
  await page.locator(".inline-title:visible").fill("Named");
  await focusEditor(page);
  await waitFor("it is renamed", async () => (await scene.vault.read("Named.md").catch(() => "")) !== "");
  scene.endpoint.release();
  await shows(page, CALLOUT);
  await notice(page, /^Named: .* filled/);
  const filled = await shownText(page);
  await waitFor("the file follows", async () => (await scene.vault.read("Named.md")) === filled);
  await assert.rejects(scene.vault.read("Unnamed.md"));
  const [change] = await scene.vault.history("Named.md");
  assert.deepEqual([change.path, change.state], ["Named.md", "done"]);
  await undoByNotice(page);
  await waitFor("the file is as before", async () => (await scene.vault.read("Named.md")) === NOTE);
});

test("a note in a pop-out window is filled there", async () => {
  await openNote(page, "Out.md");
  const [popup] = await Promise.all([
    page.waitForEvent("popup"),
    page.evaluate(() => void window.app.workspace.popOut()),
  ]);
  await popup.getByLabel("mood").focus();
  await fillWhileHeld(/waits until you have left its properties/);
  await popup.locator(".cm-content").focus();
  await shows(page, CALLOUT);
  await popup.close();
});

/** Have the note filled, and see that nothing comes of it for now. */
async function fillWhileHeld(words) {
  const before = await shownText(page);
  await clickRibbon(page);
  scene.endpoint.release();
  await notice(page, words);
  assert.equal(await shownText(page), before);
}
