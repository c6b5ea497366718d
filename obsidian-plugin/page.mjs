/**
 * Builds ui/page/ to what the daemon serves: page.min.js and page.min.css. The font is Inter, only the
 * letters of Latin text, and only if it is there.
 */

import { build } from "esbuild";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const STATIC = join(HERE, "..", "companion", "daemon", "web", "static");

await build({
  absWorkingDir: HERE,
  entryPoints: [{ in: "ui/page/main.js", out: "page.min" }, { in: "ui/page/page.css", out: "page.min" }],
  outdir: STATIC,
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  target: ["es2023", "chrome123", "firefox128", "safari17.5"],
  charset: "utf8",
  logLevel: "warning",
});
