/** The scenarios in our host, a real Chromium; app/ has the same in the real Obsidian. Then what only our host can show. */

import assert from "node:assert/strict";
import { SCENARIOS, focusEditor, openNote, shownText, shows } from "./scenarios.js";
import { page, runCommand, scene, testsInWindow } from "./scene.js";
import { waitFor } from "./wait.js";

const PATH = "Cooking/Sourdough.md";

const user = {
  evaluate: (act, value) => page.evaluate(act, value),
  type: (text) => page.keyboard.type(text),
  runCommand: (_, name) => runCommand(page, name),
};

const test = testsInWindow({ prepare: () => scene.endpoint.release() });

for (const [name, act] of Object.entries(SCENARIOS)) {
  test(name, () => act({ user, vault: scene.vault, endpoint: scene.endpoint }));
}

test("its callout has an icon and a colour of its own, unlike a type that Obsidian does not know, and a snippet may change both", async () => {
  await scene.vault.write("Answered.md", "An answer.\n\n> [!ai] AI\n> It is flour and water.\n");
  await openNote(page, "Answered.md");
  await page.locator(".callout[data-callout=ai] .lp-callout-title svg.lucide-sparkles:visible").waitFor();
  const look = (type) =>
    page.evaluate((name) => {
      const callout = document.body.createDiv({ cls: "callout", attr: { "data-callout": name } });
      const style = getComputedStyle(callout);
      const values = ["color", "icon"].map((part) => style.getPropertyValue(`--callout-${part}`).trim());
      callout.remove();
      return values;
    }, type);
  assert.deepEqual(await look("ai"), ["120, 82, 238", "lucide-sparkles"]);
  assert.deepEqual(await look("unknown"), ["8, 109, 221", "lucide-pencil"]);
  const snippet = '.callout[data-callout="ai"] { --callout-color: 1, 2, 3; --callout-icon: lucide-bot; }';
  await page.evaluate((text) => document.head.prepend(createEl("style", { text, attr: { id: "snippet" } })), snippet);
  assert.deepEqual(await look("ai"), ["1, 2, 3", "lucide-bot"], "wherever Obsidian puts it");
  await page.evaluate(() => document.getElementById("snippet")?.remove());
});

test("a command fills an open note in its editor, with what is not saved, in one run with the rest, and takes it back there", async () => {
  await scene.vault.companion("undo", "--since", "today").catch(() => "");
  await openNote(page, PATH);
  const before = await shownText(page);
  const printed = scene.vault.companion("enrich", "--json", "--retry", "Cooking");
  await shows(page, /\[!ai\]/);
  const results = (await printed).split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const mine = results.find(({ path }) => path === PATH);
  assert.equal(mine.status, "enriched");
  const [change] = await scene.vault.history(PATH);
  assert.deepEqual([change.id, change.state], [mine.change, "done"]);
  const filled = await shownText(page);
  await waitFor("the file follows", async () => (await scene.vault.read(PATH)) === filled);
  await focusEditor(page);
  await page.keyboard.press("Control+z");
  assert.equal(await shownText(page), before);
  await page.keyboard.press("Control+y");
  assert.equal(await shownText(page), filled);
  await scene.vault.companion("undo", PATH).catch(() => ""); // it says that the editor is left to do it
  await waitFor("its editor takes it back", async () => !(await shownText(page)).includes("[!ai]"));
  const states = async () => (await scene.vault.history(PATH)).map(({ state }) => state).slice(0, 2).join();
  await waitFor("the history has it", async () => (await states()) === "done,undone");
});
