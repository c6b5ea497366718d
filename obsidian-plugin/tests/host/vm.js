/** Code run in this window. */

import { runInThisContext } from "node:vm";

export function vm(code) {
  return runInThisContext(code, { filename: "main.js" });
}
