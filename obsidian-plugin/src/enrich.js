/** Notes and folders enriched because the user asked for it, or asked about for the inbox. */

import { confirmFirst, notify, notifyWithButton } from "./dialogs.js";
import { saveOpen } from "./note-text.js";
import { tellFilled } from "./outbox.js";
import { ApiError } from "../ui/api.js";
import { sum } from "../ui/status-store.js";
import { askModel, followRun } from "./runs.js";
import { undoRun } from "./undo.js";
import { countNotes, formatMinutes, say, sentence } from "./words.js";

/** @import { TFile, TFolder } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { NotePage, RunShape } from "./api-types.d.ts" */
/** @import { Result, Scope } from "./runs.js" */

const MANY = 50; // notes in a run that the user is asked about first

/**
 * Ask a model about a note, write what it gives, and notify the user of the outcome.
 *
 * What waits for the note already is written first: the model is then asked for the rest only. Return the outcome in
 * words.
 *
 * @type {(plugin: CompanionPlugin, file: TFile, scope?: Scope) => Promise<string>}
 */
export async function enrichNote(plugin, file, scope = {}) {
  let told = "";
  await plugin.work.do(file.path, async () => {
    const earlier = (await plugin.outbox.makeNow(file.path)).filter(({ row }) => row.change === null);
    for (const { change } of earlier) told = await tellFilled(plugin, file, change);
    const result = await askModel(plugin, file, scope);
    if (result.change !== null) told = await tellFilled(plugin, file, result.change);
    else if (!earlier.length || result.status === "failed") notify((told = describeOutcome(file, result)));
  });
  return told;
}

/** Return why nothing was written. @type {(file: TFile, result: Result) => string} */
function describeOutcome({ basename: name }, { left, reason, status }) {
  const why = [reason ?? "", ...left].filter(Boolean).map(sentence).join(" ");
  return `${say(status === "failed" ? "couldNotBeFilled" : "leftAsItIs", { name })} ${why || say("needsNothing")}`;
}

/**
 * Have a model asked about the note, and what it gives kept for the inbox. The user is notified if
 * there is nothing to propose.
 *
 * @type {(plugin: CompanionPlugin, file: TFile) => Promise<void>}
 */
export async function proposeNote(plugin, file) {
  await plugin.work.do(file.path, async () => {
    const result = await askModel(plugin, file, { propose: true });
    if (result.status !== "proposed") notify(describeOutcome(file, result));
  });
}

/**
 * Have the daemon enrich the notes in a folder that need it. Many notes on this computer take long, so
 * that the user is asked first.
 *
 * @type {(plugin: CompanionPlugin, folder: TFolder) => Promise<void>}
 */
export async function enrichFolder(plugin, folder) {
  const path = folder.isRoot() ? "" : folder.path;
  const name = path || say("theVault");
  const act = () => enrichPaths(plugin, [path], name);
  if (plugin.daemon.status?.endpoint) return act();
  /** @type {NotePage} */
  const { total } = await plugin.api.get("/notes", { folder: path, limit: 1 });
  if (total < MANY) return act();
  const { notes, ms } = plugin.pace; // of earlier runs in this window
  const time = notes ? say("timeAbout", { time: formatMinutes(((ms / notes) * total) / 60_000) }) : say("timeUnknown");
  const words = say("largeRun", { notes: countNotes(total), name });
  confirmFirst(plugin, say("enrichAsk", { name }), `${words} ${time}`, [say("fillThem"), act]);
}

/**
 * Have the daemon enrich notes that were selected together; a single one as enrichNote does.
 *
 * @type {(plugin: CompanionPlugin, files: TFile[]) => Promise<unknown>}
 */
export function enrichFiles(plugin, files) {
  const [first] = files;
  if (first && files.length === 1) return enrichNote(plugin, first);
  const paths = files.map(({ path }) => path);
  return enrichPaths(plugin, paths, countNotes(files.length));
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
  await plugin.work.do(key, async () => {
    for (const path of paths) await saveOpen(plugin, path && (paths.length === 1 ? key : path));
    /** @type {RunShape} */
    const run = await plugin.api.post("/runs", { paths, priority: "request", agreed });
    const began = Date.now();
    const { counts, fault, results } = await followRun(plugin, run, ({ counts: seen, total, waits }) => {
      plugin.work.show(key, [say("seenOf", { seen: sum(seen), notes: countNotes(total) }), waits].filter(Boolean).join(", "));
    });
    const { enriched = 0, failed = 0 } = counts;
    const filled = Math.max(enriched, results.filter(({ status }) => status === "enriched").length);
    const told = [
      filled ? say("filledNotes", { notes: countNotes(filled), where: name }) : say("nothingFilled"),
      failed && say("failedNotes", { notes: countNotes(failed) }),
      fault && sentence(fault),
    ].filter(Boolean).join(" ");
    if (filled) plugin.pace = { notes: filled, ms: Date.now() - began };
    if (filled) notifyWithButton(plugin, told, say("undo"), () => undoRun(plugin, run.id));
    else notify(told);
  }).catch((/** @type {unknown} */ error) => {
    if (!(error instanceof ApiError) || error.code !== "not-agreed") throw error;
    const act = () => enrichPaths(plugin, paths, name, true);
    confirmFirst(plugin, say("enrichAsk", { name }), sentence(error.message), [say("sendThem"), act]);
  });
}
