/** Tests of a file that share what is slow to start; one that fails does not take the others along. */

import { after, test } from "node:test";

/**
 * What declares a test, as `test` of node:test does. The first test begins with `start`; so does one after a test that
 * failed, once `end` was called, also where `start` failed half-way; `end` throws if faults were seen. prepare: before each test.
 */
export function testsOn(start, end, prepare = () => {}) {
  let isStarted = false;
  let isFit = false; // no test has failed since it was started

  async function finish() {
    const was = isStarted;
    isStarted = false;
    if (was) await end();
  }

  after(finish);

  return (name, act) =>
    test(name, async (context) => {
      if (!isFit) {
        await finish().catch(() => {}); // the test that failed told of its fault
        isStarted = true;
        await start();
      }
      isFit = false;
      await prepare();
      await act(context);
      isFit = true;
    });
}
