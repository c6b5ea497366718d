/** Builds ui/ to what the daemon serves: page.min.js and page.min.css. */

import { build } from "esbuild";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));

await build({
  absWorkingDir: HERE,
  entryPoints: [{ in: "ui/main.js", out: "page.min" }, { in: "ui/page.css", out: "page.min" }],
  outdir: join(HERE, "..", "companion", "daemon", "web", "static"),
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  target: ["es2023", "chrome123", "firefox128", "safari17.5"],
  charset: "utf8",
  legalComments: "external",
  logLevel: "warning",
});
