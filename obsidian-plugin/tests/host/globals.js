/** The globals of an Obsidian window, of jsdom and of obsidian-test-mocks what Obsidian adds to elements, with a clock that a test moves. */

import { JSDOM } from "jsdom";
import { createHash, createHmac } from "node:crypto";

/** Time that passes only when a test lets it, so that no test waits. */
class Clock {
  now = Date.parse("2026-01-01T12:00:00Z");
  /** Called whenever some time has passed. @type {Set<() => void>} */
  ticks = new Set();
  #next = 1;
  /** @type {Map<number, { at: number, act: () => void, every: number }>} */
  #timers = new Map();

  /** Timers that run. */
  get size() {
    return this.#timers.size;
  }

  set(act, ms, every = 0) {
    const id = this.#next++;
    this.#timers.set(id, { at: this.now + ms, act, every });
    return id;
  }

  clear(id) {
    this.#timers.delete(id);
  }

  /** End all timers. */
  stop() {
    this.#timers.clear();
  }

  /** Let so much time pass, timer by timer, and what follows from each. */
  async pass(ms) {
    const end = this.now + ms;
    await this.#tick();
    for (let due = this.#due(end); due; due = this.#due(end)) {
      const [id, timer] = due;
      this.now = Math.max(this.now, timer.at);
      if (timer.every) timer.at += timer.every;
      else this.#timers.delete(id);
      timer.act();
      await this.#tick();
    }
    this.now = end;
  }

  async #tick() {
    await settle();
    for (const tick of this.ticks) tick();
    await settle();
  }

  #due(end) {
    const all = [...this.#timers].filter(([, { at }]) => at <= end);
    return all.sort(([, a], [, b]) => a.at - b.at)[0];
  }
}

/** Everything that does not wait for a timer is done once this resolves. */
async function settle() {
  for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve));
}

export const clock = new Clock();
const dom = new JSDOM("<!doctype html><body></body>", { url: "http://localhost/" });
const { window } = dom;

for (const name of Object.getOwnPropertyNames(window)) {
  if (/^(?:[A-Z]\w*(?:Element|Event|Node|Fragment)|Document|Element|Event|Node|Text)$/.test(name)) {
    globalThis[name] = window[name];
  }
}
const { AbortController, document, getComputedStyle, localStorage, MutationObserver } = window;
/** Of what jsdom has not, as it has no layout. */
class ResizeObserver {
  observe() {}
  disconnect() {}
}
Object.assign(globalThis, { AbortController, window, document, getComputedStyle, localStorage, MutationObserver, ResizeObserver });
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
