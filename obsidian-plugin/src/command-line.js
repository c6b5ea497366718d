/** Commands of Obsidian's own command line, as in `obsidian callout-companion:enrich path=Note.md`. */

import { enrichNote } from "./enrich.js";
import { explain } from "./errors.js";
import { openView } from "./view.js";
import { describeModel, describeVault, say } from "./words.js";

/** @import { CliFlags } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */

/** @type {CliFlags} */
const PATH = { path: { value: "<path>", description: "The note's path in the vault; else the active note" } };

/** @param {CompanionPlugin} plugin */
export function addCommandLine(plugin) {
  const name = plugin.manifest.id;
  plugin.registerCliHandler(name, "What Callout Companion does, or what it lacks", null, () => describe(plugin));
  plugin.registerCliHandler(`${name}:enrich`, "Fill a note", PATH, ({ path }) => enrich(plugin, path));
  plugin.registerCliHandler(`${name}:inbox`, "Open the inbox", null, async () => {
    await openView(plugin);
    return "";
  });
}

/** @param {CompanionPlugin} plugin */
async function describe(plugin) {
  await plugin.daemon.check();
  const { status, words } = plugin.daemon;
  return status ? `${describeVault(status)}. ${describeModel(status)}.` : words;
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} [path]
 */
async function enrich(plugin, path) {
  const { vault, workspace } = plugin.app;
  const file = path === undefined ? workspace.getActiveFile() : vault.getFileByPath(path);
  if (!file) return path === undefined ? say("openNoteFirst") : say("noSuchNote", { path });
  try {
    return await enrichNote(plugin, file);
  } catch (error) {
    return explain(plugin, error);
  }
}
