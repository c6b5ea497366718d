/** Notes and folders enriched because the user asked for it. */

import { startRun } from "./daemon.js";
import { confirmFirst, notify, notifyWithUndo } from "./dialogs.js";
import { ConsentMissing, Refused } from "./errors.js";
import { saveOpen } from "./open-notes.js";
import { askModel, followRun } from "./runs.js";
import { undoChange, undoRun } from "./undo.js";
import { countNotes, nameFilled, say, sentence } from "./words.js";
import { claimPending, showProgress, workOn } from "./work.js";
import { writeEnrichment } from "./writing.js";

/** @import { TFile, TFolder } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Enrichment, Scope } from "./runs.js" */

/**
 * Ask a model about a note, write what it gives, and notify the user of the outcome.
 *
 * A pending result of the background is written first: the model is then asked for the rest only.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @param {Scope} [scope]
 */
export async function enrichNote(plugin, file, scope = {}) {
  const isWhole = !scope.section && !scope.requests;
  await workOn(plugin, file.path, async () => {
    const isFilled = isWhole && (await writePending(plugin, file));
    const given = await askModel(plugin, file, scope, false);
    const { result } = given;
    const all = [...result.changes.keys()];
    if (result.offer) result.change = await writeEnrichment(plugin, given, all);
    if (result.change !== null || result.status === "failed" || !isFilled) notifyOfOutcome(plugin, given, all);
  });
}

/**
 * Write the pending result for the note, and notify the user. Return whether there was one that still
 * fits the note.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
async function writePending(plugin, file) {
  const given = await claimPending(plugin, file);
  if (!given?.result.offer) return false;
  const all = [...given.result.changes.keys()];
  try {
    given.result.change = await writeEnrichment(plugin, given, all);
  } catch (error) {
    if (error instanceof Refused) return false; // it does not fit the note any more
    throw error;
  }
  notifyOfOutcome(plugin, given, all);
  return true;
}

/**
 * Notify the user of what was written, with a button to undo it, or of why nothing was.
 *
 * @param {CompanionPlugin} plugin
 * @param {Enrichment} given
 * @param {number[]} only the numbers of the changes that were written
 * @param {string} [more] a sentence to add if something was written
 */
export function notifyOfOutcome(plugin, { file, result }, only, more = "") {
  const { change, changes, left, reason, status } = result;
  if (change !== null) {
    const filled = nameFilled(changes.filter((_, index) => only.includes(index)));
    const undo = () => undoChange(plugin, change, file.path);
    const told = say("filled", { what: filled, name: file.basename });
    return notifyWithUndo(plugin, `${told} ${more}`.trim(), undo);
  }
  const told = say(status === "failed" ? "couldNotBeFilled" : "leftAsItIs", { name: file.basename });
  const why = [reason ?? "", ...left].filter(Boolean).map(sentence).join(" ");
  notify(`${told} ${why || say("needsNothing")}`);
}

/**
 * Have the daemon enrich the notes in a folder that need it, and notify the user of how many it did.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFolder} folder
 * @param {boolean} [agreed] whether the user agreed to the cost; if not, a costly run asks first
 */
export async function enrichFolder(plugin, folder, agreed = false) {
  const path = folder.isRoot() ? "" : folder.path;
  const key = `${path}/`;
  const name = path || say("theVault");
  const words = [say("nothingFilled")];
  let isFilled = false;
  await workOn(plugin, key, async () => {
    await saveOpen(plugin, path && key);
    const run = await startRun(plugin, { paths: [path], priority: "request", agreed });
    for await (const { counts, total, waits, fault } of followRun(plugin, run)) {
      const { enriched = 0, failed = 0 } = counts;
      const seen = Object.values(counts).reduce((sum, some) => sum + some, 0);
      showProgress(plugin, key, [say("seenOf", { seen, notes: countNotes(total) }), waits].filter(Boolean).join(", "));
      if (enriched) words[0] = say("filledNotes", { notes: countNotes(enriched), where: name });
      isFilled ||= enriched > 0;
      words[1] = failed ? say("failedNotes", { notes: countNotes(failed) }) : "";
      words[2] = fault && sentence(fault);
    }
    const told = words.filter(Boolean).join(" ");
    if (isFilled) notifyWithUndo(plugin, told, () => undoRun(plugin, run));
    else notify(told);
  }).catch((error) => {
    if (!(error instanceof ConsentMissing)) throw error;
    confirmFirst(plugin, say("enrichAsk", { name }), sentence(error.message), [
      say("sendThem"),
      () => enrichFolder(plugin, folder, true),
    ]);
  });
}
