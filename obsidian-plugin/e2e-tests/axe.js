/** What axe-core finds wrong for people who do not see, or do not use a mouse. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const SCRIPT = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Check a part of the page, by a selector; none of axe's rules may be broken there. */
export async function assertAccessible(page, selector = "html") {
  await page.evaluate(SCRIPT); // not as a script of the page, whose policy may forbid that
  const found = await page.evaluate((where) => window.axe.run(where), selector);
  const faults = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(", ")}`);
  assert.deepEqual(faults, [], page.url());
}
