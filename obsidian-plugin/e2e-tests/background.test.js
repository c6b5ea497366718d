/** Background work: the daemon leaves open notes alone, the plugin fills them once the user rests. */

import assert from "node:assert/strict";
import { focusEditor, notice, openNote, shownText } from "./scenarios.js";
import { page, scene, testsInWindow } from "./scene.js";
import { waitFor } from "./wait.js";

const PATH = "Cooking/Sourdough.md";

const test = testsInWindow({
  background: { enabled: true, backlog: "all", settle_seconds: 1 },
  settings: { takeOver: true },
  look: { hasClock: true },
  furnish: ({ endpoint }) => endpoint.hold(),
});

test("the daemon fills what is not open, and not what is", async () => {
  await openNote(page, PATH);
  await waitFor("the daemon is told", async () => (await countOpen()) === 1);
  scene.endpoint.release();
  await waitFor("the other notes are filled", async () => {
    return /\[!ai\]/.test(await scene.vault.read("Garden/Compost.md"));
  });
  assert.doesNotMatch(await scene.vault.read(PATH), /\[!ai\]/);
  assert.doesNotMatch(await shownText(page), /\[!ai\]/);
});

test("once the user rests, the plugin fills it, in one step of the undo, and says so", async () => {
  await type("Another word. ");
  const typed = await shownText(page);
  await waitFor("the open note is filled", async () => {
    await page.clock.fastForward(3_000);
    return /\[!ai\]/.test(await shownText(page));
  });
  const filled = await shownText(page);
  await waitFor("the file follows", async () => (await scene.vault.read(PATH)) === filled);
  await notice(page, /^Filled .* in “Sourdough”\. The plugin's settings say that/);
  await waitFor("the journal knows", async () => (await scene.vault.history(PATH))[0]?.state === "done");
  await focusEditor(page);
  await page.keyboard.press("Control+z");
  assert.equal(await shownText(page), typed);
});

test("a window that closes its notes gives them back to the daemon", async () => {
  await page.locator(".tab-close").click();
  await waitFor("nothing is open", async () => (await countOpen()) === 0);
});

/** Type at the end of the note; by keys, CodeMirror would wait for the clock that is put forward. */
function type(text) {
  return page.evaluate((words) => {
    const { cm } = window.app.workspace.activeLeaf.view.editor;
    const from = cm.state.doc.length;
    cm.dispatch({ changes: { from, insert: words }, userEvent: "input.type" });
  }, text);
}

/** How many notes are open, as the daemon knows. */
async function countOpen() {
  return JSON.parse(await scene.vault.companion("status", "--json")).open_notes;
}
