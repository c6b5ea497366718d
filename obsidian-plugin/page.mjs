/** Builds ui/page/ to what the daemon serves: page.min.js and page.min.css, and the messages of each language, as de.min.json. */

import { build } from "esbuild";
import { readdir, readFile, writeFile } from "node:fs/promises";
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
  legalComments: "external",
  logLevel: "warning",
});

const LANGUAGES = join(HERE, "ui", "languages");
for (const file of await readdir(LANGUAGES)) {
  const { view, page } = JSON.parse(await readFile(join(LANGUAGES, file), "utf8"));
  await writeFile(join(STATIC, file.replace(".json", ".min.json")), JSON.stringify({ ...view, ...page }));
}
