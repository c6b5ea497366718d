/** Notes and folders enriched because the user asked for it, or asked about for the inbox. */

import { confirmFirst, notify, notifyWithUndo } from "./dialogs.js";
import { ConsentMissing, Refused } from "./errors.js";
import { saveOpen } from "./open-notes.js";
import { askModel, countSeen, followRun } from "./runs.js";
import { undoChange, undoRun } from "./undo.js";
import { countNotes, formatMinutes, nameFilled, say, sentence } from "./words.js";
import { writeEnrichment } from "./writing.js";

/** @import { TFile, TFolder } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Enrichment, Scope } from "./runs.js" */

const MANY = 50; // notes in a run that the user is asked about first

/**
 * Ask a model about a note, write what it gives, and notify the user of the outcome.
 *
 * A pending result of the background is written first: the model is then asked for the rest only.
 * Return the outcome in words.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @param {Scope} [scope]
 */
export async function enrichNote(plugin, file, scope = {}) {
  const isWhole = !scope.section && !scope.requests;
  let told = "";
  await plugin.work.do(file.path, async () => {
    const isFilled = isWhole && (await writePending(plugin, file));
    const given = await askModel(plugin, file, scope, false);
    const { result } = given;
    const all = [...result.changes.keys()];
    if (result.offer) result.change = await writeEnrichment(plugin, given, all);
    told = describeOutcome(given, all);
    if (result.change !== null || result.status === "failed" || !isFilled) notifyOfOutcome(plugin, given, all);
  });
  return told;
}

/**
 * Write the pending result for the note, and notify the user. Return whether there was one that still
 * fits the note.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
async function writePending(plugin, file) {
  const given = await plugin.work.claim(file);
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
export function notifyOfOutcome(plugin, given, only, more = "") {
  const { file, result } = given;
  const { change } = result;
  const told = describeOutcome(given, only);
  if (change === null) return notify(told);
  notifyWithUndo(plugin, `${told} ${more}`.trim(), () => undoChange(plugin, change, file.path));
}

/**
 * Return what was written, or why nothing was.
 *
 * @param {Pick<Enrichment, "file" | "result">} given
 * @param {number[]} only the numbers of the changes that were written
 */
function describeOutcome({ file, result }, only) {
  const { change, changes, left, reason, status } = result;
  const name = file.basename;
  if (change !== null) return say("filled", { what: nameFilled(changes.filter((_, index) => only.includes(index))), name });
  const why = [reason ?? "", ...left].filter(Boolean).map(sentence).join(" ");
  return `${say(status === "failed" ? "couldNotBeFilled" : "leftAsItIs", { name })} ${why || say("needsNothing")}`;
}

/**
 * Have a model asked about the note, and what it gives kept for the inbox. The user is notified if
 * there is nothing to propose.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
export async function proposeNote(plugin, file) {
  await plugin.work.do(file.path, async () => {
    const { path } = file;
    await saveOpen(plugin, path);
    const run = await plugin.api.startRun({ paths: [path], propose: true, priority: "interactive", on_fault: "stop" });
    for await (const { results, waits, fault } of followRun(plugin, run)) {
      plugin.work.show(file.path, waits || say("thinking", { name: file.basename }));
      if (fault) notify(sentence(fault));
      for (const result of results) {
        if (result.status !== "proposed") notify(describeOutcome({ file, result }, []));
      }
    }
  });
}

/**
 * Have the daemon enrich the notes in a folder that need it. Many notes on this computer take long, so
 * that the user is asked first.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFolder} folder
 */
export async function enrichFolder(plugin, folder) {
  const path = folder.isRoot() ? "" : folder.path;
  const name = path || say("theVault");
  const act = () => enrichPaths(plugin, [path], name);
  const notes = plugin.daemon.status?.endpoint ? 0 : await plugin.api.countToDo(path);
  if (notes < MANY) return act();
  const words = say("largeRun", { notes: countNotes(notes), name });
  confirmFirst(plugin, say("enrichAsk", { name }), `${words} ${describeTime(plugin, notes)}`, [say("fillThem"), act]);
}

/**
 * Have the daemon enrich notes that were selected together; a single one as enrichNote does.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile[]} files
 * @returns {Promise<unknown>}
 */
export function enrichFiles(plugin, files) {
  const [first] = files;
  if (first && files.length === 1) return enrichNote(plugin, first);
  const paths = files.map(({ path }) => path);
  return enrichPaths(plugin, paths, countNotes(files.length));
}

/**
 * Return how long so many notes take at the pace of earlier runs in this window.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} notes
 */
function describeTime({ pace }, notes) {
  if (!pace.notes) return say("timeUnknown");
  return say("timeAbout", { time: formatMinutes(((pace.ms / pace.notes) * notes) / 60_000) });
}

/**
 * Have the daemon enrich notes and those in folders that need it, and notify the user of how many it did.
 *
 * @param {CompanionPlugin} plugin
 * @param {string[]} paths
 * @param {string} name of what is enriched, for the user
 * @param {boolean} [agreed] whether the user agreed to the cost; if not, a costly run asks first
 */
async function enrichPaths(plugin, paths, name, agreed = false) {
  const key = paths.length === 1 ? `${paths[0]}/` : paths.join("\n");
  const words = [say("nothingFilled")];
  let isFilled = false;
  await plugin.work.do(key, async () => {
    for (const path of paths) await saveOpen(plugin, path && (paths.length === 1 ? key : path));
    const run = await plugin.api.startRun({ paths, priority: "request", agreed });
    const began = Date.now();
    for await (const { counts, total, waits, fault } of followRun(plugin, run)) {
      const { enriched = 0, failed = 0 } = counts;
      const seen = countSeen(counts);
      plugin.work.show(key, [say("seenOf", { seen, notes: countNotes(total) }), waits].filter(Boolean).join(", "));
      if (enriched) words[0] = say("filledNotes", { notes: countNotes(enriched), where: name });
      isFilled ||= enriched > 0;
      if (enriched) plugin.pace = { notes: enriched, ms: Date.now() - began };
      words[1] = failed ? say("failedNotes", { notes: countNotes(failed) }) : "";
      words[2] = fault && sentence(fault);
    }
    const told = words.filter(Boolean).join(" ");
    if (isFilled) notifyWithUndo(plugin, told, () => undoRun(plugin, run));
    else notify(told);
  }).catch((/** @type {unknown} */ error) => {
    if (!(error instanceof ConsentMissing)) throw error;
    const act = () => enrichPaths(plugin, paths, name, true);
    confirmFirst(plugin, say("enrichAsk", { name }), sentence(error.message), [say("sendThem"), act]);
  });
}
