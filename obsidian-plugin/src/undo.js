/** Changes taken back: by the daemon, or in the editor that shows the note. */

import { applyOffer } from "./apply.js";
import { confirmUndo, offerUndo, readChanges, undo } from "./daemon.js";
import { ChangeGone, NoteInTheWay } from "./errors.js";
import { findEditing, readNote } from "./note-text.js";
import { say } from "./notices.js";
import { saveOpen } from "./open-notes.js";
import { count } from "./words.js";
import { workOn } from "./work.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */

/**
 * Take back the newest change of the note that is still in it. The editor's own undo may have taken
 * back newer ones, and its redo may bring them again, so that they are tried each time.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
export async function undoLast(plugin, file) {
  let gone = 0;
  for (const { id } of await findDone(plugin, { path: file.path })) {
    try {
      await takeBack(plugin, id, file.path);
    } catch (error) {
      if (!(error instanceof ChangeGone)) throw error;
      gone += 1;
      continue;
    }
    const newer = gone === 1 ? "The last change is" : `The last ${gone} changes are`;
    say(`${gone ? `${newer} not in it any more; the one before was undone` : "Undone"} in “${file.path}”.`);
    return;
  }
  const words = gone ? "What was filled is not in it any more: there" : "There";
  throw new NoteInTheWay(`${words} is nothing to undo in “${file.basename}”.`);
}

/**
 * Take a change back, and say so.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} change
 * @param {string} path
 */
export async function undoChange(plugin, change, path) {
  await takeBack(plugin, change, path);
  say(`Undone in “${path}”.`);
}

/**
 * Take back all that a run wrote, and say in how many notes that was.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 */
export async function undoRun(plugin, run) {
  const found = await findDone(plugin, { run });
  for (const { id, path } of found) await takeBack(plugin, id, path);
  say(`Undone in ${count(found.length, "note")}.`);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {{ path: string } | { run: string }} which
 */
async function findDone(plugin, which) {
  const found = await readChanges(plugin, which);
  return found.filter(({ state, undoes }) => state === "done" && undoes === null);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {number} change
 * @param {string} path
 */
async function takeBack(plugin, change, path) {
  const { vault } = plugin.app;
  // the daemon has the name as it is on the disk, which macOS may have decomposed
  const file = vault.getFileByPath(path) ?? vault.getFileByPath(path.normalize("NFC"));
  await workOn(plugin, file?.path ?? path, async () => {
    if (file) await saveOpen(plugin, file.path);
    if (!file || !findEditing(plugin.app, file)) {
      await undo(plugin, change);
      return;
    }
    const { text } = await readNote(plugin.app, file);
    const again = (/** @type {string} */ now) => offerUndo(plugin, change, now);
    const made = await applyOffer(plugin, { file, path: file.path, text, offer: await again(text), again });
    await confirmUndo(plugin, change, made);
  });
}
