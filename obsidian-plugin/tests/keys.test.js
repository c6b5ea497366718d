/** Single keys of the inbox: which ones act, where, and when. */

import assert from "node:assert/strict";
import { JSDOM } from "jsdom";
import { test } from "node:test";
import { listenToKeys } from "../ui/keys.js";

const { window } = new JSDOM('<body><input><button></button><div class="cc-read__scroll"></div></body>');
const { document } = window;
Object.assign(globalThis, { AbortController: window.AbortController, Element: window.Element });

/** What is pressed, what it does, in what state of the app, and on what. */
const PRESSED = [
  ["a key", { key: "a" }, ["accept"]],
  ["one that is held", { key: "a", repeat: true }, []],
  ["one of a Cyrillic keyboard, by its place", { key: "ф", code: "KeyA" }, ["accept"]],
  ["one of them with Shift", { key: "Ф", code: "KeyA", shiftKey: true }, ["accept all of the note"]],
  ["one that means something to the browser", { key: "a", ctrlKey: true }, []],
  ["one of an input method", { key: "a", isComposing: true }, []],
  ["one in a field", { key: "a" }, [], {}, "input"],
  ["one on a button", { key: "j" }, ["step"], {}, "button"],
  ["one below a dialog", { key: "a" }, [], { dialog: { name: "keys" } }],
  ["one while words are edited", { key: "a" }, [], { mode: "edit" }],
  ["one to decide, among what is decided", { key: "r" }, [], { tab: "decided" }],
  ["one to go on, among what is decided", { key: "j" }, ["step in decided"], { tab: "decided" }],
  ["one that is switched off", { key: "a" }, [], { hasKeys: false }],
  ["an arrow, which cannot be", { key: "ArrowDown" }, ["step"], { hasKeys: false }],
  ["an arrow in the note, which scrolls", { key: "ArrowDown" }, [], {}, ".cc-read__scroll"],
];
for (const [name, init, expected, { dialog = null, hasKeys = true, mode = "", tab = "all" } = {}, on = "body"] of PRESSED) {
  test(`${name} does ${expected.join() || "nothing"}`, (context) => {
    let now = 5_000;
    context.mock.method(performance, "now", () => now);
    const made = [];
    const step = (where) => ({ step: () => made.push(where) });
    const peek = (value) => ({ peek: () => value, value });
    const decide = (what, isNote) => made.push(isNote ? `${what} all of the note` : what);
    const app = { decide, decided: step("step in decided") };
    Object.assign(app, { dialog: peek(dialog), hasKeys: peek(hasKeys), inbox: { mode: peek(mode), ...step("step") }, tab: peek(tab) });
    context.after(listenToKeys(app, document));
    const press = () => document.querySelector(on).dispatchEvent(new window.KeyboardEvent("keydown", { bubbles: true, ...init }));
    press();
    assert.deepEqual(made, expected);
    window.dispatchEvent(new window.Event("focus"));
    now += 1_000;
    press();
    assert.deepEqual(made, expected, "not just after the window came to the front");
    now += 1;
    press();
    assert.deepEqual(made, [...expected, ...expected]);
  });
}
