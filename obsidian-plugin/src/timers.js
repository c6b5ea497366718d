/** Timers that all end when the plugin does. */

import { Stopped } from "./errors.js";

export class Timers {
  /** @type {Map<number, () => void>} */
  #stops = new Map();
  #isStopped = false;

  /**
   * Call act after so many milliseconds, or stop when the plugin ends before. For cancel().
   *
   * @param {number} ms
   * @param {() => void} act
   */
  after(ms, act, stop = () => {}) {
    if (this.#isStopped) {
      stop();
      return 0;
    }
    const timer = window.setTimeout(() => {
      this.#stops.delete(timer);
      act();
    }, ms);
    this.#stops.set(timer, stop);
    return timer;
  }

  /** @param {number} timer */
  cancel(timer) {
    window.clearTimeout(timer);
    this.#stops.delete(timer);
  }

  /**
   * Resolves after so many milliseconds; rejects with Stopped when the plugin ends before.
   *
   * @param {number} ms
   * @returns {Promise<void>}
   */
  pause(ms) {
    return new Promise((resolve, reject) => {
      this.after(ms, resolve, () => reject(new Stopped()));
    });
  }

  /** End them all; none begins any more. */
  stop() {
    this.#isStopped = true;
    for (const [timer, stop] of [...this.#stops]) {
      this.cancel(timer);
      stop();
    }
  }
}
