/**
 * Builds src/ to main.js. The languages other than English are packed: each as the list of its
 * messages in the order of en.json, deflated, in Base64; plain, they would be larger than the code.
 */

import { build } from "esbuild";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateRawSync } from "node:zlib";

const PLUGIN = fileURLToPath(new URL("./", import.meta.url));

/** The bytes of main.js. root: a folder with src/; the plugin's own unless it is named. */
export async function buildPlugin(root = PLUGIN) {
  const { outputFiles } = await build({
    absWorkingDir: root,
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
    plugins: [packLanguages(join(root, "src", "languages"))],
  });
  return Buffer.from(outputFiles[0].contents);
}

/** An esbuild plugin for `import packed from "packed-languages"`. */
function packLanguages(folder) {
  return {
    name: "languages",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^packed-languages$/ }, ({ path }) => ({ path, namespace: "languages" }));
      onLoad({ filter: /.*/, namespace: "languages" }, async () => ({
        contents: JSON.stringify(await readLanguages(folder)),
        loader: "json",
      }));
    },
  };
}

async function readLanguages(folder) {
  const read = async (name) => JSON.parse(await readFile(join(folder, `${name}.json`), "utf8"));
  const keys = Object.keys(await read("en"));
  const packed = {};
  for (const file of (await readdir(folder)).sort()) {
    const [name, ending] = file.split(".");
    if (ending !== "json" || name === "en") continue;
    const messages = await read(name);
    const list = JSON.stringify(keys.map((key) => messages[key]));
    packed[name] = deflateRawSync(list, { level: 9 }).toString("base64");
  }
  return packed;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(join(PLUGIN, "main.js"), await buildPlugin());
}
