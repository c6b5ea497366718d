/** Copies what the daemon's page needs from npm's packages to where the daemon serves it. */

import { copyFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const STATIC = join(HERE, "..", "companion", "daemon", "web", "static");
const FILES = [
  ["idiomorph", "dist", "idiomorph.min.js"],
  ["simpledotcss", "simple.min.css"],
];

for (const path of FILES) {
  await copyFile(join(HERE, "node_modules", ...path), join(STATIC, path.at(-1)));
}
