/** The inbox in the view: decisions by keyboard and mouse, also on a note in which somebody types. */

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { assertAccessible } from "./axe.js";
import { endScene, openNote, openPaired, openScene, runCommand, secret, shownText } from "./scene.js";
import { testsOn } from "./tests-on.js";
import { waitFor } from "./wait.js";

const VIEW = ".mod-right-split";
const SEED = Number(process.env.E2E_SEED ?? Date.now() % 1_000_000);
const NOTES = Number(process.env.E2E_NOTES ?? 20); // two proposals each; 150 for the figure
const EDITS = Math.round(NOTES * 0.8);
const TYPED_IN = `Stubs/Note ${NOTES / 2}.md`;
const BODY = "A hedge wants to be cut twice a year, and never while birds are nesting in it.\n\n";

/** @type {import("./scene.js").Scene} */
let scene;
/** @type {import("playwright-core").Page} */
let page;

const test = testsOn(
  async () => {
    scene = await openScene();
    page = await openPaired(scene);
  },
  () => endScene(scene, page),
);

test("what a note is asked for by a click waits, is shown in its place, and accepted there", async () => {
  const path = "Cooking/Sourdough.md";
  await openNote(page, path);
  const original = await shownText(page);
  await runCommand(page, "Open set-up, inbox and history");
  await view().getByText("Nothing waits for you here.").waitFor();
  await view().getByRole("button", { name: "Propose for this note" }).click();
  await view().getByRole("listitem").nth(1).waitFor();
  assert.equal(await shownText(page), original, "nothing was written");
  await assertAccessible(page, VIEW);
  const callout = view().getByRole("listitem", { name: /^Callout/ });
  await callout.getByRole("button", { name: path, exact: true }).click();
  const preview = page.locator(".cm-editor .callout-companion-preview");
  await preview.getByText(/A sourdough starter is a culture/).waitFor();
  await assertAccessible(page, ".callout-companion-preview");
  await preview.getByRole("button", { name: "Accept" }).click();
  await waitFor("it is in the note", async () => /\[!ai\] AI\n> A sourdough/.test(await shownText(page)));
  await preview.waitFor({ state: "detached" });
  await view().getByRole("listitem", { name: /^Property description/ }).getByRole("button", { name: /^Edit/ }).click();
  const area = view().getByRole("textbox");
  await area.fill("How I keep my starter alive.");
  await area.press("Control+Enter");
  await waitFor("it is as edited", async () => /^description: How I keep my starter alive\.$/m.test(await shownText(page)));
  await waitFor("the file follows", async () => (await scene.vault.read(path)) === (await shownText(page)));

  await view().getByRole("button", { name: "Undo the last decision" }).click();
  await waitFor("it is taken back", async () => /^description:\s*$/m.test(await shownText(page)));
  await view().getByRole("listitem", { name: /^Property description/ }).waitFor();
  await view().getByRole("button", { name: /^Refuse, Property/ }).click();
  await view().getByText("Nothing waits for you here.").waitFor();
});

test("the history undoes a change, and says what cannot be undone", async () => {
  await view().getByRole("tab", { name: "History" }).click();
  await view().getByRole("button", { name: "Undo, Cooking/Sourdough.md" }).first().waitFor();
  await assertAccessible(page, VIEW);
  await view().getByRole("button", { name: "Undo, Cooking/Sourdough.md" }).first().click();
  await waitFor("it is taken back", async () => !/A sourdough starter is a culture/.test(await shownText(page)));
  await view().getByText("undone", { exact: true }).first().waitFor();
});

test("a run is followed under Now, and cancelled there", async () => {
  await view().getByRole("tab", { name: "Now" }).click();
  await view().getByText("Nothing is being done.").waitFor();
  scene.endpoint.hold();
  const ask = page.evaluate(() => window.app.commands.find(({ id }) => id.endsWith(":enrich-folder")).checkCallback(false));
  await view().getByRole("progressbar").waitFor();
  await assertAccessible(page, VIEW);
  await view().getByRole("button", { name: "Cancel" }).click();
  scene.endpoint.release();
  await view().getByText("Nothing is being done.").waitFor();
  await ask;
});

test(`${NOTES * 2} decisions by keyboard while somebody types in one of the notes, seed ${SEED}`, async (context) => {
  await mkdir(join(scene.vault.path, "Stubs"));
  for (let number = 1; number <= NOTES; number += 1) {
    const text = `---\ndescription:\n---\n\n# Note ${number}\n\n#status/postponed\n\n${BODY.repeat(12)}`;
    await scene.vault.write(`Stubs/Note ${number}.md`, text);
  }
  await proposeAll("Stubs");
  const before = await listStates();
  assert.equal(before.open, NOTES * 2);
  await openNote(page, TYPED_IN);
  await view().getByRole("tab", { name: "Inbox" }).click();
  await view().getByRole("listitem").first().waitFor();
  await view().getByRole("combobox", { name: "Which" }).selectOption("This folder");
  await view().getByText(`${NOTES * 2} proposals`).waitFor();
  await view().getByRole("listitem").first().focus();
  const typing = page.evaluate(
    async ([seed, edits]) => {
      const typist = window.host.newTypist(seed, "body");
      await typist.type(edits, 250);
      const { cm } = window.app.workspace.activeLeaf.view.editor;
      cm.dispatch({ selection: { anchor: cm.state.doc.length } });
      return typist.edits;
    },
    [SEED, EDITS],
  );
  const began = performance.now();
  for (let decision = 0; decision < NOTES * 2; decision += 1) {
    await waitFor("there is a row", () => page.evaluate(() => document.activeElement?.closest(".callout-companion-proposal") !== null));
    await page.keyboard.press(decision % 3 === 2 ? "r" : "a");
  }
  const seconds = (performance.now() - began) / 1000;
  assert.equal(await typing, EDITS);
  // a row that comes back with why it could not be written takes one of the keys, so that another is left
  const left = () => view().getByRole("listitem").count();
  const after = await waitFor("all is decided or reported", async () => {
    const states = await listStates();
    return states.open === (await left()) && states;
  }, 120);
  const { kept, model } = await page.evaluate(() => {
    const { kept, model } = window.host.typist;
    return { kept, model };
  });
  assert.equal(kept, model, "each letter that was typed is there, and none that was not");
  const accepted = after.accepted - before.accepted;
  const refused = after.refused - before.refused;
  context.diagnostic(`seed ${SEED}: ${accepted} accepted, ${refused} refused, ${after.open} left in the inbox; ${seconds.toFixed(1)} s of keys; ${EDITS} edits typed`);
  assert.equal(accepted + refused + after.open, NOTES * 2);
  const told = await view().locator(".callout-companion-why:not(:empty)").allInnerTexts();
  if (told.length) context.diagnostic(told.join(" | "));
  assert.ok(after.open <= told.length * 2, "what is left was told of, or its key went to one that was");
  await waitFor("the file follows", async () => (await scene.vault.read(TYPED_IN)) === (await shownText(page)));
  assert.deepEqual(await page.evaluate(() => window.host.conflicts), []);
});

function view() {
  return page.locator(VIEW);
}

/** Have the daemon ask about the notes of a folder. @param {string} folder */
async function proposeAll(folder) {
  const headers = { Authorization: `Bearer ${await secret(page)}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ paths: [folder], propose: true });
  const begun = await fetch(`${scene.vault.address}/api/v1/runs`, { method: "POST", headers, body });
  const { id } = await begun.json();
  await waitFor("the model was asked", async () => {
    const { state } = await (await fetch(`${scene.vault.address}/api/v1/runs/${id}`, { headers })).json();
    return state === "done";
  }, 120);
}

/** How many proposals are in each state, as the daemon has them. */
async function listStates() {
  /** @type {Record<string, number>} */
  const counts = { open: 0, accepted: 0, refused: 0 };
  for (const state of Object.keys(counts)) {
    const headers = { Authorization: `Bearer ${await secret(page)}` };
    const answer = await fetch(`${scene.vault.address}/api/v1/proposals?folder=Stubs&state=${state}&limit=1`, { headers });
    counts[state] = (await answer.json()).total;
  }
  return counts;
}
