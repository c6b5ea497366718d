/** A note that is open in every way while it is filled: nothing that the user does is disturbed. */

import assert from "node:assert/strict";
import { notice } from "./obsidian.js";
import { focusEditor, openNote, shownText, shows } from "./scenarios.js";
import { clickRibbon, countNotices, endScene, openPaired, openScene } from "./scene.js";
import { testsOn } from "./tests-on.js";
import { waitFor } from "./wait.js";

const STUB = "---\ndescription:\nmood: ok\n---\n\n# Stub\n\n";
const NOTE = `${STUB}Text of mine.\n\nMore of it.\n`;
const CALLOUT = /^> \[!ai\] AI\n> It explains the subject/m;
const NAMES = ["Stub", "Open end", "Composed", "Described", "Unnamed", "Beside", "Out", "Turned", "Suggested", "Tabular"];
const FORMS = [
  ["CRLF", (text) => text.replaceAll("\n", "\r\n")],
  ["a byte order mark", (text) => `\ufeff${text}`],
  ["a byte order mark and CRLF", (text) => `\ufeff${text.replaceAll("\n", "\r\n")}`],
  ["mixed line ends", (text) => text.replaceAll(/(\n\w.*)\n/g, "$1\r\n")],
].slice(process.env.COMPANION_RELEASE_TESTS ? 0 : 2); // tests/writing.test.js has all of them

/** @type {import("./scene.js").Scene} */
let scene;
/** @type {import("playwright-core").Page} */
let page;

const test = testsOn(
  async () => {
    scene = await openScene();
    for (const name of NAMES) await scene.vault.write(`${name}.md`, NOTE);
    await scene.vault.write("Stub.md", STUB);
    await scene.vault.write("Long.md", `${NOTE}\n${"A line of the note.\n\n".repeat(200)}`);
    await scene.vault.write("Open end.md", STUB.trimEnd());
    for (const [name, form] of FORMS) await scene.vault.write(`With ${name}.md`, form(NOTE));
    page = await openPaired(scene);
    await page.evaluate(() => document.body.classList.add("mod-note-head"));
  },
  () => endScene(scene, page),
  () => scene.endpoint.hold(),
);

for (const [path, end] of [["Stub.md", /> .*\nHello$/], ["Open end.md", /^# StubHello\n\n> \[!ai\]/m]]) {
  test(`what is typed on goes on in ${path}, and each undo is one step`, async () => {
    await openNote(page, path);
    await page.keyboard.press("Control+End");
    await clickRibbon(page);
    await focusEditor(page);
    const before = await shownText(page);
    scene.endpoint.release();
    await shows(page, CALLOUT);
    const filled = await shownText(page);
    await page.keyboard.type("Hello");
    const typed = await shownText(page);
    assert.match(typed, end);
    assert.match(typed, CALLOUT);
    for (const [keys, text] of [
      ["Control+z", filled],
      ["Control+z", before],
      ["Control+Shift+Z", filled],
      ["Control+Shift+Z", typed],
    ]) {
      await page.keyboard.press(keys);
      assert.equal(await shownText(page), text);
    }
  });
}

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

test("the Properties pane is not disturbed", async () => {
  await openNote(page, "Described.md");
  const field = page.locator("[aria-label=mood]:visible");
  await field.focus();
  await page.keyboard.type(", and more");
  await fillWhileHeld(/waits until you have left its properties and its title/);
  assert.equal(await field.inputValue(), "ok, and more");
  await focusEditor(page);
  await shows(page, CALLOUT);
  assert.match(await shownText(page), /^mood: ok, and more$/m);
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

test("what is in sight stays where it is when lines come in above it", async () => {
  await openNote(page, "Long.md");
  await page.evaluate(() => {
    const { cm } = window.app.workspace.activeLeaf.view.editor;
    cm.dispatch({ selection: { anchor: cm.state.doc.line(200).from }, scrollIntoView: true });
  });
  await page.waitForTimeout(300); // until the editor has measured its lines
  const before = await placeOfCursor();
  await clickRibbon(page);
  scene.endpoint.release();
  await shows(page, CALLOUT);
  await page.waitForTimeout(300);
  const after = await placeOfCursor();
  assert.ok(Math.abs(after - before) <= 2, `${before} px from the top before, ${after} after`);
});

test("a note that is renamed in its title while the model thinks is filled under its new name", async () => {
  await openNote(page, "Unnamed.md");
  await clickRibbon(page);
  await page.locator(".inline-title:visible").fill("Named");
  const notices = await countNotices(page);
  await focusEditor(page);
  await waitFor("it is renamed", async () => (await scene.vault.read("Named.md").catch(() => "")) !== "");
  scene.endpoint.release();
  await shows(page, CALLOUT);
  await notice(page, /Filled .* in “Named”/, notices);
  const filled = await shownText(page);
  await waitFor("the file follows", async () => (await scene.vault.read("Named.md")) === filled);
  await assert.rejects(scene.vault.read("Unnamed.md"));
  const [change] = await scene.vault.history("Named.md");
  assert.deepEqual([change.path, change.state], ["Named.md", "done"]);
  await undoByNotice();
  await waitFor("the file is as before", async () => (await scene.vault.read("Named.md")) === NOTE);
});

for (const [name, form] of FORMS) {
  test(`${name}: what the file has of it survives a fill and its undo`, async () => {
    const path = `With ${name}.md`;
    await openNote(page, path);
    await page.keyboard.press("Control+Home");
    await clickRibbon(page);
    scene.endpoint.release();
    const filled = await waitFor("the file is filled", async () => {
      const text = await scene.vault.read(path);
      return text !== form(NOTE) && text;
    });
    assert.equal(without(filled), form(NOTE));
    await shows(page, CALLOUT);
    assert.equal(await shownText(page), filled.replace(/^\ufeff/, "").replaceAll("\r\n", "\n"));
    await undoByNotice();
    await waitFor("the file is as before", async () => (await scene.vault.read(path)) === form(NOTE));
    const [undo, change] = await scene.vault.history(path);
    assert.deepEqual([undo.undoes, change.state], [change.id, "undone"]);
    await waitFor("the editor follows", async () => (await shownText(page)) === NOTE);
  });
}

test("a second pane shows the same, and words typed in either stay", async () => {
  await openNote(page, "Beside.md");
  await page.evaluate(() => window.app.workspace.split().then(({ editor }) => editor.focus()));
  await page.keyboard.press("Control+End");
  await clickRibbon(page);
  await focusEditor(page);
  await page.keyboard.type("Typed.");
  scene.endpoint.release();
  await shows(page, CALLOUT);
  assert.match(await shownText(page), /\nTyped\.$/);
  assert.equal(await shownTexts("Beside.md"), 1);
  await page.evaluate(() => window.app.workspace.activeLeaf.detach());
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

test("a note that is turned from reading to editing while the model thinks is filled in its editor", async () => {
  await openNote(page, "Turned.md");
  await page.evaluate(() => window.app.workspace.activeLeaf.view.setMode("preview"));
  const { asked } = scene.endpoint;
  await clickRibbon(page);
  await waitFor("the model is asked", async () => scene.endpoint.asked > asked);
  await page.evaluate(() => window.app.workspace.activeLeaf.view.setMode("source"));
  await focusEditor(page);
  await page.keyboard.press("Control+End");
  await page.keyboard.type("Typed too.");
  scene.endpoint.release();
  await shows(page, CALLOUT);
  const filled = await shownText(page);
  assert.match(filled, /\nTyped too\.$/);
  await waitFor("the file follows", async () => (await scene.vault.read("Turned.md")) === filled);
  await page.keyboard.press("Control+z");
  assert.equal(await shownText(page), `${NOTE}Typed too.`);
  const conflicts = await page.evaluate(() => window.host.conflicts);
  assert.ok(!conflicts.includes("Turned.md"), "another note's two panes may write one after the other");
});

/** Have the note filled, and see that nothing comes of it for now. @param {RegExp} words */
async function fillWhileHeld(words) {
  const [before, notices] = [await shownText(page), await countNotices(page)];
  await page.evaluate(() => document.querySelector(".side-dock-ribbon-action").click());
  scene.endpoint.release();
  await notice(page, words, notices);
  assert.equal(await shownText(page), before);
}

/** Pixels from the top of the window to the cursor. */
function placeOfCursor() {
  return page.evaluate(() => {
    const { cm } = window.app.workspace.activeLeaf.view.editor;
    return cm.coordsAtPos(cm.state.selection.main.head).top;
  });
}

async function undoByNotice() {
  await page.locator(".notice").last().getByRole("button", { name: "Undo" }).click();
}

/** The text without the value and the callout that were filled. @param {string} text */
function without(text) {
  const [, value] = /^description:( .*?)\r?$/m.exec(text) ?? [];
  return text.replace(value, "").replace(/^> \[!ai\][\s\S]*?\r?\n\r?\n(?!>)/m, "");
}

/** How many different texts the editors of a note show. @param {string} path */
function shownTexts(path) {
  return page.evaluate((name) => {
    const views = window.app.workspace.getLeavesOfType("markdown").map((leaf) => leaf.view);
    return new Set(views.filter(({ file }) => file?.path === name).map(({ editor }) => editor.getValue())).size;
  }, path);
}
