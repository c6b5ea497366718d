/** What this window is working on, one thing at a time per note, and the results that wait to be written. */

import { NoteUnavailable } from "./errors.js";
import { updateStatusBar } from "./status-bar.js";
import { say } from "./words.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Enrichment } from "./runs.js" */

/**
 * Call act while the path is marked as being worked on, even if the note is renamed meanwhile. A
 * background write of the note is waited for.
 *
 * Throws NoteUnavailable if the path is marked already.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} path of the note or folder
 * @param {() => Promise<void>} act
 */
export async function workOn(plugin, path, act) {
  await awaitPendingWrite(plugin, path);
  if (plugin.doing.has(path)) throw new NoteUnavailable(say("busy", { path }));
  const { vault } = plugin.app;
  const renamed = vault.on("rename", (file, before) => {
    if (before !== path) return;
    plugin.doing.set(file.path, plugin.doing.get(path) ?? "");
    plugin.doing.delete(path);
    path = file.path;
  });
  showProgress(plugin, path, say("asking"));
  try {
    await act();
  } finally {
    vault.offref(renamed);
    plugin.doing.delete(path);
    updateStatusBar(plugin);
    void plugin.daemon.check();
  }
}

/**
 * Show in the status bar what is being done with the note or folder.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} path
 * @param {string} words
 */
export function showProgress(plugin, path, words) {
  plugin.doing.set(path, words);
  updateStatusBar(plugin);
}

/**
 * A result of a model that was asked in the background, kept so that nothing is paid twice.
 *
 * given: the result. writing: the attempt to write it that is in progress. isTaken: whether it was
 * claimed because the user asked for the same.
 *
 * @typedef {{ given: Promise<Enrichment>, writing: Promise<void> | null, isTaken: boolean }} Pending
 */

/**
 * Claim the pending result for the whole note: nobody else will write it. Null if there is none, or
 * asking for it failed.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
export async function claimPending({ pending }, file) {
  const found = pending.get(file);
  if (!found) return null;
  pending.delete(file);
  found.isTaken = true;
  return found.given.catch(() => null);
}

/**
 * Keep a claimed result, to be written another time.
 *
 * @param {CompanionPlugin} plugin
 * @param {Enrichment} given
 */
export function returnPending({ pending }, given) {
  pending.set(given.file, { given: Promise.resolve(given), writing: null, isTaken: false });
}

/**
 * Resolve when no pending result is being written into the note. That is soon: waiting for the user
 * to pause is done before writing begins.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} path
 */
export async function awaitPendingWrite({ pending }, path) {
  const found = [...pending].find(([file]) => file.path === path);
  await found?.[1].writing?.catch(() => {});
}
