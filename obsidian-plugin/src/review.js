/** What would change in a note, shown before it is written. */

import { offerAgain, refuseChanges } from "./daemon.js";
import { askFor, tell, write } from "./enrich.js";
import { NoteInTheWay, Refused } from "./errors.js";
import { showReview } from "./modals.js";
import { readNote } from "./note-text.js";
import { say } from "./notices.js";
import { saveOpen } from "./open-notes.js";
import { giveBack, takeQuiet } from "./quiet.js";
import { sentence } from "./words.js";
import { tellProgress, workOn } from "./work.js";

/** @import { TFile } from "obsidian" */
/** @import { Given } from "./enrich.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Filled } from "./shapes.js" */

/**
 * A change, and the text that would go for it: mostly none.
 *
 * @typedef {{ change: Filled, before: string }} Proposal
 */

/**
 * Ask a model about the note, show what it gave, and do what is decided. Until then nothing else
 * is done with the note in this window.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
export async function reviewNote(plugin, file) {
  await workOn(plugin, file.path, async () => {
    const quiet = await takeFitting(plugin, file);
    const given = quiet ?? (await askFor(plugin, file, {}, true));
    if (!given.result.offer) return tell(plugin, given, []);
    const proposals = await findProposals(plugin, given);
    tellProgress(plugin, file.path, `reviewing ${file.basename}`);
    const accepted = await showReview(plugin.app, file.basename, proposals);
    if (accepted) await decideOn(plugin, given, accepted);
    else if (quiet) giveBack(plugin, quiet);
  });
}

/**
 * What a model gave for the note before anybody asked, on the text that it has now. Null when
 * there is none, or not all of it has a place any more.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @returns {Promise<Given | null>}
 */
async function takeFitting(plugin, file) {
  const given = await takeQuiet(plugin, file);
  if (!given?.result.offer) return null;
  const { text } = await readNote(plugin.app, file);
  if ((await findOvertaken(plugin, { ...given, text: null })).size) return null;
  const offer = await offerAgain(plugin, given.run, given.path, text, null);
  return { ...given, text, result: { ...given.result, offer } };
}

/**
 * Write what was accepted; what was not is not asked for again.
 *
 * @param {CompanionPlugin} plugin
 * @param {Given} given
 * @param {number[]} accepted
 */
async function decideOn(plugin, given, accepted) {
  const { run, path, result, file } = given;
  const all = [...result.changes.keys()];
  const refused = all.filter((index) => !accepted.includes(index));
  const overtaken = await findOvertaken(plugin, given);
  if (refused.length) await refuseChanges(plugin, run, path, refused);
  const wanted = accepted.filter((index) => !overtaken.has(index));
  if (wanted.length) {
    result.change = await write(plugin, given, wanted);
    tell(plugin, given, wanted);
  }
  const [why] = overtaken.values();
  const isNone = overtaken.size === all.length;
  if (why && (isNone || wanted.length < accepted.length)) {
    const what = isNone ? "nothing" : "not all";
    say(`The review of “${file.basename}” was overtaken: ${what} of it fits any more. ${sentence(why)}`);
  } else if (!wanted.length) {
    say(`Nothing was written in “${file.basename}”.`);
  }
}

/**
 * The changes that have no place in the note any more, each with the reason: it was written
 * meanwhile, by somebody else or in another window.
 *
 * @param {CompanionPlugin} plugin
 * @param {Given} given
 */
async function findOvertaken(plugin, { run, path, text, result, file }) {
  /** @type {Map<number, string>} */
  const overtaken = new Map();
  if (!plugin.app.vault.getFileByPath(file.path)) {
    throw new NoteInTheWay(`“${file.path}” was deleted; nothing was written.`);
  }
  await saveOpen(plugin, file.path);
  const now = (await readNote(plugin.app, file)).text;
  if (now === text) return overtaken;
  for (const index of result.changes.keys()) {
    try {
      await offerAgain(plugin, run, path, now, [index]);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      overtaken.set(index, error.message);
    }
  }
  return overtaken;
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Given} given
 * @returns {Promise<Proposal[]>}
 */
async function findProposals(plugin, { run, path, text, result }) {
  const base = text ?? "";
  const proposals = [];
  for (const [index, change] of result.changes.entries()) {
    const { edits } = await offerAgain(plugin, run, path, base, [index]);
    const replaced = edits.map(({ start, end }) => base.slice(start, end));
    proposals.push({ change, before: replaced.join("").trim() });
  }
  return proposals;
}
