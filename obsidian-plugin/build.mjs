/** Builds src/ to main.js and styles.css. */

import { build, transform } from "esbuild";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PLUGIN = fileURLToPath(new URL("./", import.meta.url));

/** The bytes of main.js. */
export async function buildPlugin() {
  const { outputFiles } = await build({
    absWorkingDir: PLUGIN,
    entryPoints: ["src/main.js"],
    bundle: true,
    write: false,
    format: "cjs",
    platform: "browser",
    target: "es2022",
    external: ["obsidian", "@codemirror/*", "node:*"],
    charset: "utf8",
    minify: true,
    logLevel: "warning",
  });
  return Buffer.from(outputFiles[0].contents);
}

/** The plugin's styles. */
async function buildStyles() {
  const styles = await readFile(join(PLUGIN, "src", "styles.css"), "utf8");
  const { code } = await transform(styles, { loader: "css", minify: true, target: "chrome120" });
  return code;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(join(PLUGIN, "main.js"), await buildPlugin());
  await writeFile(join(PLUGIN, "styles.css"), await buildStyles());
}
