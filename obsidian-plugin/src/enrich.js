/** Notes and folders enriched because the user asked for it, or asked about for the inbox. */

import { TFolder } from "obsidian";
import { confirmFirst, notify, notifyWithButton } from "./dialogs.js";
import { saveOpen } from "./note-text.js";
import { ApiError } from "../ui/api.js";
import { sum } from "../ui/status-store.js";
import { tellFilled, undoRun } from "./undo.js";
import { countNotes, say, sentence } from "./words.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { NotePage, RunOptions, RunShape } from "./api-types.d.ts" */
/** @import { Result } from "./runs.js" */

const MANY = 50; // notes in a run that the user is asked about first

/** @typedef {Partial<Pick<RunOptions, "section" | "mode" | "field" | "propose">>} Options what of a note is asked for */
/** @typedef {{ change: number | null, status: string, words: string }} Answer words: why there is no change */

/**
 * Ask a model about a note, write what it gives, and notify the user of the outcome; what is only to be proposed is in
 * the inbox.
 *
 * What waits for the note already is written first: the model is then asked for the rest only. Return the outcome in
 * words.
 *
 * @type {(plugin: CompanionPlugin, file: TFile, options?: Options) => Promise<string>}
 */
export function enrichNote(plugin, file, options = {}) {
  return plugin.work.do(file, async () => {
    let told = "";
    for (const { row, change } of options.propose ? [] : await plugin.outbox.makeNow(file.path)) {
      if (row.change === null) told = await tellFilled(plugin, file, change);
    }
    const { change, status, words } = await askModel(plugin, file, options);
    if (change !== null) return tellFilled(plugin, file, change);
    if (status !== "failed" && (told || (options.propose && status === "proposed"))) return told;
    notify(words);
    return words;
  });
}

/**
 * Have a model asked about a note, and return the change that it came to, or why there is none. If the note is renamed
 * and nothing came of it, it is asked about again: what a model gave is kept, and not asked for twice.
 *
 * @type {(plugin: CompanionPlugin, file: TFile, options: Options) => Promise<Answer>}
 */
async function askModel(plugin, file, options) {
  const { path } = file;
  try {
    const answer = await askOnce(plugin, file, options);
    if (file.path === path || answer.change !== null || answer.status === "proposed") return answer;
  } catch (error) {
    if (file.path === path || !(error instanceof ApiError)) throw error;
  }
  return askModel(plugin, file, options);
}

/** @type {(plugin: CompanionPlugin, file: TFile, options: Options) => Promise<Answer>} */
async function askOnce(plugin, file, options) {
  const { api, outbox, work } = plugin;
  const name = file.basename;
  await saveOpen(plugin, file.path);
  await plugin.daemon.reportOpenIfChanged();
  /** @type {RunShape} */
  const run = await api.post("/runs", { paths: [file.path], priority: "interactive", ...options });
  /** @type {Promise<Answer>} */
  const made = outbox.expect(run.id).then(({ change }) => ({ change, status: "enriched", words: "" }));
  const follow = async () => {
    const { results: [result], fault } = await work.follow(run, file, ({ waits }) => waits || say("thinking", { name }));
    if (!outbox.forget(run.id)) return made; // which may take longer than the run, or outlive its daemon
    if (result) return { ...result, words: describeResult(file, result) };
    return { change: null, status: "failed", words: sentence(fault || say("workCancelled", { name })) };
  };
  return Promise.race([made, follow()]).finally(() => outbox.forget(run.id));
}

/** Return why nothing was written. @type {(file: TFile, result: Result) => string} */
function describeResult({ basename: name }, { left, reason, status }) {
  const why = [reason ?? "", ...left].filter(Boolean).map(sentence).join(" ");
  return `${say(status === "failed" ? "couldNotBeFilled" : "leftAsItIs", { name })} ${why || say("needsNothing")}`;
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
  const act = () => enrichMany(plugin, folder, name);
  if (plugin.daemon.status?.endpoint) return act();
  /** @type {NotePage} */
  const { total } = await plugin.connection.get("/notes", { folder: path, limit: 1 });
  if (total < MANY) return act();
  const words = `${say("largeRun", { notes: countNotes(total), name })} ${say("timeUnknown")}`;
  confirmFirst(plugin, say("enrichAsk", { name }), words, [say("fillThem"), act]);
}

/**
 * Have the daemon enrich notes that were selected together; a single one as enrichNote does.
 *
 * @type {(plugin: CompanionPlugin, files: TFile[]) => Promise<unknown>}
 */
export function enrichFiles(plugin, files) {
  const [first] = files;
  return first && files.length === 1 ? enrichNote(plugin, first) : enrichMany(plugin, files, countNotes(files.length));
}

/**
 * Have the daemon enrich notes or those in a folder that need it, and notify the user of how many it did.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFolder | TFile[]} about
 * @param {string} name of what is enriched, for the user
 * @param {boolean} [agreed] whether the user agreed to the cost; if not, a costly run asks first
 */
async function enrichMany(plugin, about, name, agreed = false) {
  const { api, work } = plugin;
  const paths = about instanceof TFolder ? [about.isRoot() ? "" : about.path] : about.map(({ path }) => path);
  await work.do(about, async () => {
    for (const path of paths) await saveOpen(plugin, path && about instanceof TFolder ? `${path}/` : path);
    /** @type {RunShape} */
    const run = await api.post("/runs", { paths, priority: "request", agreed });
    const { results, fault } = await work.follow(run, about, ({ counts, total, waits }) => {
      return [say("seenOf", { seen: sum(counts), notes: countNotes(total) }), waits].filter(Boolean).join(", ");
    });
    const count = (/** @type {string} */ which) => results.filter(({ status }) => status === which).length;
    const [filled, failed] = [count("enriched"), count("failed")];
    const told = [
      filled ? say("filledNotes", { notes: countNotes(filled), where: name }) : say("nothingFilled"),
      failed && say("failedNotes", { notes: countNotes(failed) }),
      fault && sentence(fault),
    ].filter(Boolean).join(" ");
    if (filled) notifyWithButton(plugin, told, say("undo"), () => undoRun(plugin, run.id));
    else notify(told);
  }).catch((/** @type {unknown} */ error) => {
    if (!(error instanceof ApiError) || error.code !== "not-agreed") throw error;
    const act = () => enrichMany(plugin, about, name, true);
    confirmFirst(plugin, say("enrichAsk", { name }), sentence(error.message), [say("sendThem"), act]);
  });
}
