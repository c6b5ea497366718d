/** The globals of an Obsidian window, of jsdom and of obsidian-test-mocks what Obsidian adds to elements, with a clock of ours. */

import { JSDOM } from "jsdom";
import { createHash, createHmac } from "node:crypto";
import { Clock } from "./clock.js";

export const clock = new Clock();

const dom = new JSDOM("<!doctype html><body></body>", { url: "http://localhost/" });
const { window } = dom;

for (const name of Object.getOwnPropertyNames(window)) {
  if (/^(?:[A-Z]\w*(?:Element|Event|Node|Fragment)|Document|Element|Event|Node|Text)$/.test(name)) {
    globalThis[name] = window[name];
  }
}
const { document, getComputedStyle, localStorage, MutationObserver } = window;
Object.assign(globalThis, { window, document, getComputedStyle, localStorage, MutationObserver });
Object.assign(window, {
  setTimeout: (act, ms) => clock.set(act, ms),
  clearTimeout: (id) => clock.clear(id),
  setInterval: (act, ms) => clock.set(act, ms, ms),
  clearInterval: (id) => clock.clear(id),
  requestAnimationFrame: () => 0, // nothing is measured: jsdom has no layout
  cancelAnimationFrame: () => {},
});
Date.now = () => clock.now;

// The real one answers from another thread, so that a test could not know when all is done.
crypto.subtle.digest = async (_, bytes) => {
  const hash = createHash("sha256").update(bytes).digest();
  return new Uint8Array(hash).buffer;
};

crypto.subtle.importKey = async (_, bytes) => bytes;
crypto.subtle.sign = async (_, key, bytes) => {
  const mac = createHmac("sha256", key).update(bytes).digest();
  return new Uint8Array(mac).buffer;
};

const { setup } = await import("obsidian-test-mocks/setup");
setup();
