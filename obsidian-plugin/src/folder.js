/** The notes of a folder enriched; the daemon writes them. */

import { startRun } from "./daemon.js";
import { follow } from "./follow.js";
import { saveViews } from "./note-text.js";
import { say, sayWithUndo } from "./notices.js";
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
 */
export async function enrichFolder(plugin, folder) {
  const path = folder.isRoot() ? "" : folder.path;
  const name = path || "the vault";
  await workOn(plugin, `${path}/`, async () => {
    await saveViews(plugin.app, (note) => !path || note.startsWith(`${path}/`));
    const run = await startRun(plugin, { paths: [path], priority: "request" });
    const { filled, failed, fault } = await followFolder(plugin, run, path);
    const words = [`Filled ${count(filled, "note")} in ${name}.`];
    if (failed) words.push(`${count(failed, "note")} could not be filled.`);
    if (fault) words.push(sentence(fault));
    if (filled) sayWithUndo(plugin, words.join(" "), () => undoRun(plugin, run));
    else say(words.join(" "));
  });
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {string} path
 */
async function followFolder(plugin, run, path) {
  const sum = { seen: 0, filled: 0, failed: 0, fault: "" };
  for await (const { results, total, waits, fault } of follow(plugin, run)) {
    for (const { status, change } of results) {
      sum.seen += 1;
      if (change !== null) sum.filled += 1;
      if (status === "failed") sum.failed += 1;
    }
    sum.fault = fault;
    const told = `${sum.seen} of ${total} notes`;
    tellProgress(plugin, `${path}/`, waits ? `${told}, ${waits}` : told);
  }
  return sum;
}
