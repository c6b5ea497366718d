/** Timers that all end when the plugin does. */

import { Stopped } from "./errors.js";

/** @typedef {ReturnType<typeof newTimers>} Timers */

/** No timers yet. */
export function newTimers() {
  /** @type {Map<number, () => void>} */
  const running = new Map();
  let isStopped = false;

  /**
   * Call act after so many milliseconds, or stop when the plugin ends before. Returns what cancel
   * takes.
   *
   * @param {number} ms
   * @param {() => void} act
   */
  function after(ms, act, stop = () => {}) {
    const timer = window.setTimeout(() => {
      running.delete(timer);
      act();
    }, ms);
    running.set(timer, stop);
    if (isStopped) stopAll();
    return timer;
  }

  /** @param {number} timer */
  function cancel(timer) {
    window.clearTimeout(timer);
    running.delete(timer);
  }

  /**
   * Resolves after so many milliseconds; rejects with Stopped when the plugin ends before.
   *
   * @param {number} ms
   * @returns {Promise<void>}
   */
  function pause(ms) {
    return new Promise((resolve, reject) => {
      after(ms, resolve, () => reject(new Stopped()));
    });
  }

  /** End them all, and at once each that is begun later. */
  function stopAll() {
    isStopped = true;
    for (const [timer, stop] of [...running]) {
      cancel(timer);
      stop();
    }
  }

  return { after, cancel, pause, stopAll };
}
