/**
 * What a user does with the plugin, the same in our host (scenarios.test.js) and in the real
 * Obsidian (app/scenarios.e2e.js). The daemon, the vault on disk and the endpoint are real in both.
 */

import assert from "node:assert/strict";
import { waitFor } from "./wait.js";

/** @import { Endpoint } from "./endpoint.js" */
/** @import { Vault } from "./daemon.js" */

/**
 * A user of one of the two hosts. evaluate: what a function returns in the window, as Playwright's pages do. type: into
 * what has the focus.
 *
 * @typedef {{
 *   evaluate: <T, V>(act: (value: V) => T | Promise<T>, value?: V) => Promise<T>,
 *   type: (text: string) => Promise<void>,
 *   runCommand: (id: string, name: string) => Promise<void>,
 * }} User
 */

/** @typedef {Pick<User, "evaluate">} Window also a page of Playwright's */
/** @typedef {{ user: User, vault: Vault, endpoint: Endpoint }} Stage */

const FILLED = /^description: How to keep a sourdough starter/m;
const STUB = "---\ndescription:\n---\n\n# Leaven\n\n#status/postponed\n\nA leaven is flour and water.\n";

/** @type {Record<string, (stage: Stage) => Promise<void>>} */
export const SCENARIOS = {
  "the ribbon fills the open note, one undo takes back exactly that, and so does the command": async ({ user, vault }) => {
    const path = "Cooking/Sourdough.md";
    await openNote(user, path);
    const original = await shownText(user);
    await clickRibbon(user);
    await shows(user, FILLED);
    const filled = await shownText(user);
    assert.match(filled, /^> \[!ai\] AI\n> A sourdough starter/m);
    await notice(user, /^Sourdough: description and callout filled/);
    await user.evaluate(() => app.workspace.activeLeaf.view.editor.undo());
    assert.equal(await shownText(user), original);
    await user.evaluate(() => app.workspace.activeLeaf.view.editor.redo());
    assert.equal(await shownText(user), filled);
    await waitFor("the file follows", async () => (await vault.read(path)) === filled);
    await user.runCommand("undo-note", "Undo the last change");
    await notice(user, /^Sourdough: undone/);
    assert.equal(await shownText(user), original);
    await waitFor("the file follows", async () => (await vault.read(path)) === original);
  },

  "what is typed beside the insertion stays with its words": async ({ user, vault, endpoint }) => {
    const path = "Leaven.md";
    await vault.write(path, STUB);
    await openNote(user, path);
    await placeCursor(user, STUB.split("\n").indexOf("A leaven is flour and water."));
    endpoint.hold();
    await clickRibbon(user);
    await user.type("Truly: ");
    endpoint.release();
    await shows(user, /^> It explains the subject/m);
    await user.type("old ");
    const text = await shownText(user);
    assert.match(text, /^Truly: old A leaven is flour and water\.$/m);
    assert.match(text, /^> \[!ai\] AI$/m);
  },

  "a folder run fills what needs it, the open note in its editor, and is taken back as a whole": async ({ user, vault }) => {
    const path = "Garden/Comfrey.md";
    await openNote(user, path);
    const original = await shownText(user);
    await user.runCommand("enrich-folder", "Enrich folder of this note");
    await notice(user, /\d+ notes? filled/);
    await shows(user, /\[!ai\]/);
    const text = await shownText(user);
    await waitFor("the file follows", async () => (await vault.read(path)) === text);
    await undoByNotice(user);
    await notice(user, /\d+ changes? undone/);
    await waitFor("its editor takes it back", async () => (await shownText(user)) === original);
    assert.doesNotMatch(await vault.read("Garden/Lovage.md"), /\[!ai\]/);
    for (const note of [path, "Garden/Lovage.md"]) assert.equal((await vault.history(note)).length, 2, "a change, and its undo");
  },

  "a daemon that dies while the model thinks is found again on another port, and the user is told": async ({ user, vault, endpoint }) => {
    await openNote(user, "Questions.md");
    const text = await shownText(user);
    const { asked } = endpoint;
    endpoint.hold();
    await clickRibbon(user);
    await waitFor("the model is asked", () => endpoint.asked > asked);
    await statusSays(user, /Enriching/);
    await vault.kill();
    await statusSays(user, /not running/);
    assert.equal(await shownText(user), text);
    endpoint.release();
    await vault.serve();
    await statusSays(user, /^(?!.*not running)/);
    await notice(user, /restarted, which stopped the work on “Questions”/);
    await clickRibbon(user);
    await shows(user, /^ *> It explains the subject/m);
  },
};

/** Open a note in a tab of its own, with an editor, and put the cursor at its start. @param {Window} user */
export async function openNote(user, path) {
  await waitFor(`${path} is in the vault`, () =>
    user.evaluate((name) => Boolean(app.vault.getFileByPath(name)), path),
  );
  await user.evaluate((name) => app.workspace.openLinkText(name, "", true), path);
  await waitFor(`${path} is open`, () =>
    user.evaluate((name) => app.workspace.getActiveFile()?.path === name, path),
  );
  await focusEditor(user);
}

/** @param {Window} user */
export function focusEditor(user) {
  return user.evaluate(() => app.workspace.activeLeaf.view.editor.focus());
}

/** The text that the active editor shows. @param {Window} user */
export function shownText(user) {
  return user.evaluate(() => /** @type {string} */ (app.workspace.activeLeaf.view.editor.getValue()));
}

/** Put the cursor at the start of a line. @param {User} user */
function placeCursor(user, line) {
  return user.evaluate((position) => {
    const { editor } = app.workspace.activeLeaf.view;
    editor.setCursor(position);
    editor.focus();
  }, { line, ch: 0 });
}

/** @param {Window} user */
export function clickRibbon(user) {
  return clickIn(user, ".workspace-ribbon", '[aria-label="Enrich note"]', "");
}

/** Click the element with a text of that pattern once it is there; of several the last one, as of notices the newest. @param {Window} user */
function clickIn(user, within, selector, words) {
  return waitFor(`${selector} ${words} in ${within}`, () =>
    user.evaluate(([outer, inner, pattern]) => {
      const all = [...document.querySelectorAll(`${outer} ${inner}`)];
      const found = all.findLast((one) => new RegExp(pattern).test(one.textContent?.trim() ?? ""));
      if (found instanceof HTMLElement) found.click();
      return Boolean(found);
    }, [within, selector, words]),
  );
}

/** Wait until the active editor shows something. @type {(user: Window, words: RegExp) => Promise<boolean>} */
export function shows(user, words) {
  let text = "";
  let said = /** @type {string[]} */ ([]);
  const what = () => `the editor shows ${words}, only: ${text}; notices: ${said.join(" | ")}`;
  const look = async () => words.test((text = await shownText(user)));
  return waitFor(what, async () => (await look()) || ((said = await user.evaluate(() => [...document.querySelectorAll(".notice")].map((one) => one.textContent ?? ""))), false));
}

/**
 * Wait until a notice has said that since `tidyUp`, and return its words: one may be gone again.
 *
 * @type {(user: Window, words: RegExp) => Promise<string>}
 */
export function notice(user, words) {
  let said = /** @type {string[]} */ ([]);
  const what = () => `a notice that says ${words}, only: ${said.join(" | ")}`;
  const look = async () => (said = await user.evaluate(() => [...saidByNotices])).find((one) => words.test(one));
  return waitFor(what, look);
}

/** Click *Undo* in the newest notice. @param {Window} user */
export function undoByNotice(user) {
  return clickIn(user, ".notice", "button", "^Undo$");
}

/** Close every notice and dialog, and keep what notices say from now on. @param {Window} user */
export function tidyUp(user) {
  return user.evaluate(() => {
    for (const one of document.querySelectorAll(".modal-close-button, .notice")) {
      if (one instanceof HTMLElement) one.click();
    }
    const said = new Set();
    Object.assign(window, { saidByNotices: said });
    new MutationObserver(() => document.querySelectorAll(".notice").forEach((one) => said.add(one.textContent))).observe(document.body, { childList: true, subtree: true });
  });
}

/** Wait until the status bar says that. @type {(user: Window, words: RegExp) => Promise<boolean>} */
export function statusSays(user, words) {
  let said = "";
  const read = () => user.evaluate(() => [...document.querySelectorAll(".status-bar-item.plugin-callout-companion")].map((one) => one.textContent).join(" | "));
  return waitFor(() => `the status bar says ${words}, only: ${said}`, async () => words.test((said = await read())));
}
