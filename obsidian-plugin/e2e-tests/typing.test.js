/** A hundred edits, twice as many before a release, at random places and times while a slow model thinks: none may be lost. */

import assert from "node:assert/strict";
import { randomNumbers } from "./host/typist.js";
import { clickRibbon, notice, openNote, shownText, undoByNotice } from "./scenarios.js";
import { page, scene, testsInWindow } from "./scene.js";
import { waitFor } from "./wait.js";

const SEED = Number(process.env.E2E_SEED ?? Date.now() % 1_000_000);
const EDITS = 50; // a round
const LONGEST = 150; // milliseconds between two edits
const FAULT = /did not work|nobody answers|not paired|not a callout companion|another plugin/i;
const REWRITTEN = /the note was rewritten since the model was asked/; // so many edits may come to that in a short note
const LONG = `---
description:
tags: [garden]
---

# Hedges

${"A hedge wants to be cut twice a year, and never while birds are nesting in it.\n\n".repeat(30)}`;

const ROUNDS = [
  { path: "Cooking/Sourdough.md", where: "body" },
  { path: "Garden/Hedges.md", where: "body" },
  { path: "Garden/Compost.md", where: "anywhere" },
  { path: "Garden/Hedges again.md", where: "anywhere" },
].filter((_, number) => process.env.COMPANION_RELEASE_TESTS || number % 3 === 0);

const test = testsInWindow({
  async furnish({ vault, endpoint }) {
    for (const { path } of ROUNDS) if (path.includes("Hedges")) await vault.write(path, LONG);
    const random = randomNumbers(SEED);
    endpoint.delay = () => 1000 + 2000 * random();
  },
});

for (const [number, { path, where }] of ROUNDS.entries()) {
  const seed = SEED + number;
  test(`${EDITS} edits in ${path}, ${where}, seed ${seed}`, async (context) => {
    await openNote(page, path);
    const typing = type(seed, where);
    await clickRibbon(page);
    const typed = await typing;
    await moveCursorAway();
    const said = await notice(page, /^(?!.* waits until )/);
    const { lost, brought } = await tell();
    context.diagnostic(`seed ${seed}: ${typed} edits, ${brought} letters filled; said: ${said}`);
    assert.equal(typed, EDITS);
    assert.equal(lost, "", "each letter that was typed is there");
    if (brought > 0) assert.match(said, / filled/);
    else assert.ok(said && !FAULT.test(said), `a polite refusal, not: ${said}`);
    if (where === "body") assert.ok(brought > 0 || REWRITTEN.test(said), said);
    await waitFor("the file follows", async () => {
      return (await scene.vault.read(path)) === (await shownText(page));
    });
    assert.deepEqual(await page.evaluate(() => window.host.conflicts), []);
    if (brought > 0) await takeBack();
  });
}

/** Undo leaves the user's text alone, with what of it was typed in, or refuses. */
async function takeBack() {
  await undoByNotice(page);
  const said = await notice(page, /undone|stays|cannot be|nothing to undo/);
  const { lost, brought } = await tell();
  if (/undone/.test(said) && !/ stays /.test(said)) assert.equal(brought, 0);
  assert.equal(lost, "");
}

/** Type in the active note; resolves to the number of edits made. */
function type(seed, where) {
  return page.evaluate(
    async ({ seed, where, count, longest }) => {
      const typist = window.host.newTypist(seed, where);
      await typist.type(count, longest);
      return typist.edits;
    },
    { seed, where, count: EDITS, longest: LONGEST },
  );
}

/** Into the body: a property that the cursor stands in would wait. */
function moveCursorAway() {
  return page.evaluate(() => {
    const { cm } = window.app.workspace.activeLeaf.view.editor;
    cm.dispatch({ selection: { anchor: cm.state.doc.length } });
  });
}

function tell() {
  return page.evaluate(() => {
    const { lost, brought } = window.host.typist;
    return { lost, brought };
  });
}
