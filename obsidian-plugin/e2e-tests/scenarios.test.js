/** The scenarios in our host, a real Chromium; app/ has the same in the real Obsidian. Then what only our host can show. */

import assert from "node:assert/strict";
import { SCENARIOS, clickRibbon, focusEditor, notice, openNote, shownText, shows, tidyUp } from "./scenarios.js";
import { page, runCommand, scene, testsInWindow } from "./scene.js";
import { waitFor } from "./wait.js";

const PATH = "Cooking/Sourdough.md";
const LOGS = "---\ndescription:\n---\n\n# Logs\n\n#status/postponed\n\nWhat was done.\n\n";

const user = {
  evaluate: (act, value) => page.evaluate(act, value),
  type: (text) => page.keyboard.type(text),
  runCommand: (_, name) => runCommand(page, name),
  letTimePass: () => page.clock.fastForward(10_000),
};

const test = testsInWindow({ look: { hasClock: true }, prepare: () => scene.endpoint.release() });

for (const [name, act] of Object.entries(SCENARIOS)) {
  test(name, () => act({ user, vault: scene.vault, endpoint: scene.endpoint }));
}

test("its callout has an icon and a colour of its own, unlike a type that Obsidian does not know, and a snippet may change both", async () => {
  const title = page.locator(".callout[data-callout=ai] .lp-callout-title").first();
  await title.locator("svg.lucide-sparkles").waitFor({ state: "attached" }); // it may be in a tab behind
  const look = (type) =>
    page.evaluate((name) => {
      const callout = document.body.createDiv({ cls: "callout", attr: { "data-callout": name } });
      const { style } = callout;
      Object.assign(style, { color: "rgb(var(--callout-color))" });
      const { color } = getComputedStyle(callout);
      const icon = getComputedStyle(callout).getPropertyValue("--callout-icon").trim();
      callout.remove();
      return { color, icon };
    }, type);
  assert.deepEqual(await look("ai"), { color: "rgb(120, 82, 238)", icon: "lucide-sparkles" });
  assert.deepEqual(await look("unknown"), { color: "rgb(8, 109, 221)", icon: "lucide-pencil" });
  const snippet = '.callout[data-callout="ai"] { --callout-color: 1, 2, 3; --callout-icon: lucide-bot; }';
  await page.evaluate((text) => document.head.prepend(createEl("style", { text, attr: { id: "snippet" } })), snippet);
  assert.deepEqual(await look("ai"), { color: "rgb(1, 2, 3)", icon: "lucide-bot" }, "wherever Obsidian puts it");
  await page.evaluate(() => document.getElementById("snippet")?.remove());
});

test("the section at the cursor, of two that read alike; undo goes past what the editor took back", async () => {
  await scene.vault.write("Logs.md", `${LOGS}## Log\n\nMonday.\n\n## Log\n\nTuesday.`);
  await openNote(page, "Logs.md");
  await clickRibbon(page);
  await notice(page, /^Filled .* in “Logs”/);
  await focusEditor(page);
  await page.keyboard.press("Control+End");
  await tidyUp(page);
  await runCommand(page, "Enrich section at the cursor");
  await notice(page, /^Filled a callout in “Logs”/);
  assert.match(await shownText(page), /Monday\.\n\n## Log\n\n> \[!ai\]\+ AI\n> It explains[^#]*Tuesday\.$/);
  await focusEditor(page);
  await page.keyboard.press("Control+z");
  assert.doesNotMatch(await shownText(page), /\[!ai\]\+ AI/);
  await runCommand(page, "Undo the last change");
  await notice(page, /What was filled last is not in it any more; the change before was undone in “Logs\.md”/);
  assert.doesNotMatch(await shownText(page), /\[!ai\]/);
});

test("a command fills an open note in its editor, with what is not saved, in one run with the rest, and takes it back there", async () => {
  await scene.vault.companion("undo", "--today").catch(() => "");
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
  await scene.vault.companion("undo", PATH);
  assert.doesNotMatch(await shownText(page), /\[!ai\]/);
  const changes = await scene.vault.history(PATH);
  assert.deepEqual(changes.map(({ state }) => state).slice(0, 2), ["done", "undone"]);
});
