/** Changes taken back: by the daemon, or in the editor that shows the note. */

import { applyOffer } from "./apply.js";
import { confirmUndo, offerUndo, readChangePath, readChanges, undo } from "./daemon.js";
import { NoteInTheWay, Refused, Stopped } from "./errors.js";
import { showLists } from "./modals.js";
import { findEditing, readNote, saveViews } from "./note-text.js";
import { say } from "./notices.js";
import { count, explain, sentence } from "./words.js";
import { workOn } from "./work.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */

/** @import { Change } from "./shapes.js" */

/** @typedef {{ path: string, reason: string | null }} Undone */

/**
 * Take back the newest change of the note that is still in it.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
export async function undoLast(plugin, file) {
  for await (const { id, path, left } of findDone(plugin, { path: file.path })) {
    if (left?.length) continue; // what could be taken back of it was
    await undoChange(plugin, id, path);
    return;
  }
  throw new NoteInTheWay(`There is nothing to undo in “${file.basename}”.`);
}

/**
 * Take a change back, and say so, and what of it stays.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} change
 * @param {string} path
 */
export async function undoChange(plugin, change, path) {
  const undone = await takeBack(plugin, change, path);
  say([`Undone in “${undone.path}”.`, undone.reason && sentence(undone.reason)].filter(Boolean).join(" "));
}

/**
 * Take back all of what a run wrote that can be, say in how many notes that was, and list the rest.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 */
export async function undoRun(plugin, run) {
  /** @type {Change[]} */
  const found = [];
  for await (const change of findDone(plugin, { run })) found.push(change);
  const notes = new Set();
  /** @type {string[]} */
  const kept = [];
  for (const [index, { id, path }] of found.entries()) {
    try {
      const undone = await takeBack(plugin, id, path);
      notes.add(undone.path);
      if (undone.reason) kept.push(sentence(`${undone.path}: ${undone.reason}`));
    } catch (error) {
      if (error instanceof Stopped) throw error;
      const why = explain(error, plugin.settings.address);
      kept.push(why.startsWith(path) ? why : `${path}: ${why}`);
      if (isForAll(error)) {
        const rest = found.length - index - 1;
        if (rest) kept.push(`${count(rest, "more change")} not tried.`);
        break;
      }
    }
  }
  const told = `Undone in ${count(notes.size, "note")}.`;
  say(kept.length ? `${told} Not all of it could be undone.` : told);
  if (kept.length) showLists(plugin, told, [["What stays, and why", kept]]);
}

/**
 * Whether it would go wrong with every other note, too.
 *
 * @param {unknown} error
 */
function isForAll(error) {
  return !(error instanceof Refused || error instanceof NoteInTheWay);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {{ path: string } | { run: string }} which
 */
async function* findDone(plugin, which) {
  for await (const change of readChanges(plugin, which)) {
    if (change.state === "done" && change.undoes === null) yield change;
  }
}

/**
 * Where it was taken back, and why a part of it stays, where one does.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} change
 * @param {string} path
 * @returns {Promise<Undone>}
 */
async function takeBack(plugin, change, path) {
  const { vault } = plugin.app;
  let file = vault.getFileByPath(path);
  if (!file) {
    path = await readChangePath(plugin, change); // it may have been moved
    file = vault.getFileByPath(path);
  }
  /** @type {Undone} */
  let undone = { path, reason: null };
  await workOn(plugin, path, async () => {
    if (!file || !findEditing(plugin.app, file)) {
      const made = await undo(plugin, change);
      undone = { path: made.path ?? path, reason: made.reason };
      return;
    }
    await saveViews(plugin.app, path);
    const { text } = await readNote(plugin.app, file);
    const again = async (/** @type {string} */ now) => {
      const { offer, reason } = await offerUndo(plugin, change, now);
      undone = { path, reason };
      return offer;
    };
    const made = await applyOffer(plugin, { file, path, text, offer: await again(text), again });
    await confirmUndo(plugin, change, made);
  });
  return undone;
}
