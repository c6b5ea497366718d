/** Seconds that a test waits at most: enough for a machine that does much else, and lost only where a test fails. */
export const PATIENCE = 60;

/**
 * What `look` returns, once it returns something; it looks again and again until then. what: is waited for, for the error.
 * @template T
 * @param {string | (() => string)} what
 * @param {() => T | Promise<T>} look
 * @returns {Promise<NonNullable<T>>}
 */
export async function waitFor(what, look, seconds = PATIENCE) {
  const until = performance.now() + seconds * 1000; // no test sets that clock
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > until) {
      const words = typeof what === "string" ? what : what();
      throw new Error(`after ${seconds} s still not: ${words}`);
    }
    await new Promise((done) => setTimeout(done, 30));
  }
}
