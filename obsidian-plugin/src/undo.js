/** Changes taken back: by the daemon, or in the editor that shows the note. */

import { applyOffer } from "./apply.js";
import { confirmUndo, offerUndo, readChanges, undo } from "./daemon.js";
import { NoteInTheWay } from "./errors.js";
import { readNote, saveViews } from "./note-text.js";
import { say } from "./notices.js";
import { isOpen } from "./presence.js";
import { count } from "./words.js";
import { workOn } from "./work.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */

/**
 * Take back the newest change of the note that is still in it.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
export async function undoLast(plugin, file) {
  const [newest] = await findDone(plugin, { path: file.path });
  if (!newest) throw new NoteInTheWay(`There is nothing to undo in “${file.basename}”.`);
  await undoChange(plugin, newest.id, newest.path);
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
  await workOn(plugin, path, async () => {
    const file = plugin.app.vault.getFileByPath(path);
    const note = file && (await readNote(plugin.app, file));
    if (!file || !note?.view || note.text === null) {
      await undo(plugin, change, isOpen(plugin, path));
      return;
    }
    const { text } = note;
    await saveViews(plugin.app, path);
    const again = (/** @type {string} */ now) => offerUndo(plugin, change, now);
    const made = await applyOffer(plugin, { file, path, text, offer: await again(text), again });
    await confirmUndo(plugin, change, made);
  });
}
