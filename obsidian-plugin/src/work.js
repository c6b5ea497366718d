/** What this window is working on, one thing a note at a time, and results that wait to be written. */

import { NoteUnavailable } from "./errors.js";
import { checkDaemon } from "./heartbeat.js";
import { updateStatusBar } from "./status-bar.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Enrichment } from "./runs.js" */

/**
 * Do it unless something is done there already. What is only written quietly there is finished. A
 * note that is renamed meanwhile is still it.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} path of the note or folder
 * @param {() => Promise<void>} act
 */
export async function workOn(plugin, path, act) {
  await awaitPendingWrite(plugin, path);
  if (plugin.doing.has(path)) throw new NoteUnavailable(`“${path}” is being worked on already.`);
  const { vault } = plugin.app;
  const renamed = vault.on("rename", (file, before) => {
    if (before !== path) return;
    plugin.doing.set(file.path, plugin.doing.get(path) ?? "");
    plugin.doing.delete(path);
    path = file.path;
  });
  showProgress(plugin, path, "asking");
  try {
    await act();
  } finally {
    vault.offref(renamed);
    plugin.doing.delete(path);
    updateStatusBar(plugin);
    void checkDaemon(plugin);
  }
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} path
 * @param {string} words
 */
export function showProgress(plugin, path, words) {
  plugin.doing.set(path, words);
  updateStatusBar(plugin);
}

/**
 * given: what the model gives, paid once. writing: the attempt to write it that is under way.
 * isTaken: whether the user got it, by asking for the same.
 *
 * @typedef {{ given: Promise<Enrichment>, writing: Promise<void> | null, isTaken: boolean }} Pending
 */

/**
 * What a model gave for the whole note, or is about to, and is not written: it is the caller's from now on.
 * Null when there is none.
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
 * Keep what was taken, to be written another time.
 *
 * @param {CompanionPlugin} plugin
 * @param {Enrichment} given
 */
export function returnPending({ pending }, given) {
  pending.set(given.file, { given: Promise.resolve(given), writing: null, isTaken: false });
}

/**
 * Resolves once nothing is being written quietly in the note. That takes no time to speak of: what waits for
 * the user to rest does so before.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} path
 */
export async function awaitPendingWrite({ pending }, path) {
  const found = [...pending].find(([file]) => file.path === path);
  await found?.[1].writing?.catch(() => {});
}
