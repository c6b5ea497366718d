/** The notes of a folder enriched; the daemon writes them. */

import { startRun } from "./daemon.js";
import { NotAgreed } from "./errors.js";
import { follow } from "./follow.js";
import { askFirst } from "./modals.js";
import { say, sayWithUndo } from "./notices.js";
import { saveOpen } from "./open-notes.js";
import { undoRun } from "./undo.js";
import { count, sentence } from "./words.js";
import { tellProgress, workOn } from "./work.js";

/** @import { TFolder } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */

/**
 * Enrich the notes in a folder that need it, and say how many were.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFolder} folder
 * @param {boolean} [agreed] whether the user knows what that costs; asked where it is much
 */
export async function enrichFolder(plugin, folder, agreed = false) {
  const path = folder.isRoot() ? "" : folder.path;
  const key = `${path}/`;
  const name = path || "the vault";
  const words = ["Nothing was filled."];
  await workOn(plugin, key, async () => {
    await saveOpen(plugin, path && key);
    const run = await startRun(plugin, { paths: [path], priority: "request", agreed });
    for await (const { counts, total, waits, fault } of follow(plugin, run)) {
      const { enriched = 0, failed = 0 } = counts;
      const seen = Object.values(counts).reduce((sum, some) => sum + some, 0);
      tellProgress(plugin, key, [`${seen} of ${total} notes`, waits].filter(Boolean).join(", "));
      if (enriched) words[0] = `Filled ${count(enriched, "note")} in ${name}.`;
      words[1] = failed ? `${count(failed, "note")} could not be filled.` : "";
      words[2] = fault && sentence(fault);
    }
    const told = words.filter(Boolean).join(" ");
    if (told.startsWith("Filled")) sayWithUndo(plugin, told, () => undoRun(plugin, run));
    else say(told);
  }).catch((error) => {
    if (!(error instanceof NotAgreed)) throw error;
    askFirst(plugin, `Enrich ${name}?`, sentence(error.message), [
      "Send them",
      () => enrichFolder(plugin, folder, true),
    ]);
  });
}
