/** Builds src/ and ui/ to main.js and styles.css, with the messages of all languages as JSON. */

import { build, transform } from "esbuild";
import { readFile, readdir, writeFile } from "node:fs/promises";
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
    loader: { ".base": "text" },
    external: ["obsidian", "@codemirror/*", "node:*"],
    charset: "utf8",
    minify: true,
    logLevel: "warning",
    plugins: [addLanguages, withoutMarkup],
  });
  return Buffer.from(outputFiles[0].contents);
}

/** The plugin's styles: its own, and those of the view, which count for more than Obsidian's of buttons and fields. */
export async function buildStyles() {
  const read = (...path) => readFile(join(PLUGIN, ...path), "utf8");
  const [own, ...tokens] = await Promise.all([read("src", "styles.css"), read("ui", "tokens.css"), read("ui", "obsidian", "tokens.css")]);
  const components = await Promise.all([read("ui", "components.css"), read("ui", "obsidian", "sidebar.css")]);
  const { code } = await transform(`${own}\n${tokens.join("\n")}\n.callout-companion-view {\n${components.join("\n")}\n}\n`, { loader: "css", minify: true, target: "chrome120" });
  return code;
}

/** An esbuild plugin for `import languages from "languages"`: the messages of each language but English. */
const addLanguages = {
  name: "languages",
  setup({ onResolve, onLoad }) {
    const folder = join(PLUGIN, "ui", "languages");
    onResolve({ filter: /^languages$/ }, ({ path }) => ({ path, namespace: "languages" }));
    onLoad({ filter: /.*/, namespace: "languages" }, async () => {
      const files = (await readdir(folder)).filter((file) => file !== "en.json").sort();
      const read = async (file) => {
        const { view, plugin } = JSON.parse(await readFile(join(folder, file), "utf8"));
        return [file.replace(".json", ""), { ...view, ...plugin }];
      };
      return { contents: JSON.stringify(Object.fromEntries(await Promise.all(files.map(read)))), loader: "json" };
    });
  },
};

/** An esbuild plugin that takes out of Preact what could make elements of markup: the view makes none of that. */
const withoutMarkup = {
  name: "without-markup",
  setup({ onLoad }) {
    onLoad({ filter: /node_modules\/preact\/.*\.m?js$/ }, async ({ path }) => {
      return { contents: (await readFile(path, "utf8")).replaceAll("innerHTML", "textContent"), loader: "js" };
    });
  },
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(join(PLUGIN, "main.js"), await buildPlugin());
  await writeFile(join(PLUGIN, "styles.css"), await buildStyles());
}
