/** Time that passes only when a test lets it, so that no test waits. */

export class Clock {
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
export async function settle() {
  for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve));
}
