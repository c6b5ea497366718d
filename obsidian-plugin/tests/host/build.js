/** main.js built by the line that package.json has. */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PLUGIN = fileURLToPath(new URL("../../", import.meta.url));

/** The bytes of a build. root: a folder with src/; the plugin's own unless it is named. */
export async function build(root = PLUGIN) {
  const { scripts } = JSON.parse(await readFile(join(PLUGIN, "package.json"), "utf8"));
  const out = await mkdtemp(join(tmpdir(), "companion-build-"));
  const file = join(out, "main.js");
  const [, ...words] = scripts.build.replace("--outfile=main.js", `--outfile=${file}`).split(" ");
  const esbuild = join(PLUGIN, "node_modules", ".bin", "esbuild");
  const shell = process.platform === "win32"; // a script there
  await promisify(execFile)(esbuild, words, { cwd: root, shell });
  const bytes = await readFile(file);
  await rm(out, { recursive: true });
  return bytes;
}
