/** One note enriched: ask, wait, write where the note is open. */

import { applyOffer, requireText } from "./apply.js";
import { confirmEdits, offerAgain, startRun } from "./daemon.js";
import { DaemonAway, NoteInTheWay, Refused } from "./errors.js";
import { follow } from "./follow.js";
import { readNote, saveViews } from "./note-text.js";
import { say, sayWithUndo } from "./notices.js";
import { isOpen } from "./presence.js";
import { undoChange } from "./undo.js";
import { nameFilled, sentence } from "./words.js";
import { tellProgress, workOn } from "./work.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Result } from "./shapes.js" */

const LONGEST = 16_000; // milliseconds until the daemon is told again of what was written

/**
 * section: the heading that is to get a callout, and nothing else. requests: only the empty
 * callouts are filled. isQuiet: in the background, without a word. rest: see applyOffer.
 *
 * @typedef {{
 *   section?: string, requests?: boolean, isQuiet?: boolean, rest?: () => Promise<void>,
 * }} Wish
 */

/**
 * What a run gave for a note. text: of the note as it was sent; null: the daemon writes it.
 *
 * @typedef {{ file: TFile, path: string, run: string, text: string | null, result: Result }} Given
 */

/**
 * Enrich a note and say what became of it.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @param {Wish} [wish]
 */
export async function enrichNote(plugin, file, wish = {}) {
  const { isQuiet, rest } = wish;
  await workOn(plugin, file.path, async () => {
    const given = await askFor(plugin, file, wish, Boolean(isQuiet));
    const { result } = given;
    const all = [...result.changes.keys()];
    if (result.offer) result.change = await write(plugin, given, all, rest);
    if (!isQuiet) tell(plugin, given, all);
  });
}

/**
 * What a model gave for the note.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @param {Wish} wish
 * @param {boolean} isOurs whether it is to be written here even where no editor shows the note
 * @returns {Promise<Given>}
 */
export async function askFor(plugin, file, { section, requests, isQuiet }, isOurs) {
  const { path } = file;
  await saveViews(plugin.app, path);
  const note = await readNote(plugin.app, file);
  const text = isOurs ? requireText(note, file) : note.view && note.text;
  const run = await startRun(plugin, {
    paths: [path],
    priority: isQuiet ? "background" : "interactive",
    on_fault: "stop",
    section,
    requests,
    ...(text !== null && { apply: "client", text }),
    ...(text === null && isOpen(plugin, path) && { even_open: true }),
  });
  return { file, path, run, text, result: await followNote(plugin, run, file) };
}

/**
 * The id of the change that made the changes `only` of what was given.
 *
 * @param {CompanionPlugin} plugin
 * @param {Given} given with an offer
 * @param {number[]} only
 * @param {() => Promise<void>} [rest]
 */
export async function write(plugin, { file, path, run, text, result }, only, rest) {
  const some = only.length < result.changes.length ? only : null;
  const again = (/** @type {string} */ now) =>
    offerAgain(plugin, run, path, now, some).catch((error) => {
      if (!(error instanceof Refused)) throw error;
      throw new Refused(`“${file.basename}” is left as it is. ${sentence(error.message)}`);
    });
  const base = text ?? "";
  const offer = (!some && result.offer) || (await again(base));
  const made = await applyOffer(plugin, { file, path, text: base, offer, again, rest });
  return confirm(plugin, file, () => confirmEdits(plugin, run, path, made));
}

/**
 * The id of the change, once the daemon knows of it: it may be away for a moment.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @param {() => Promise<number>} tellDaemon
 */
async function confirm(plugin, file, tellDaemon) {
  for (let pause = 1_000; pause <= LONGEST; pause *= 2) {
    try {
      return await tellDaemon();
    } catch (error) {
      if (!(error instanceof DaemonAway)) throw error;
      await plugin.timers.pause(pause);
    }
  }
  throw new NoteInTheWay(
    `“${file.basename}” was filled, but Callout Companion went away. Once it is back it finds that ` +
      "in the note; then it can be undone.",
  );
}

/**
 * Say what was written, and offer to undo it; or why nothing was.
 *
 * @param {CompanionPlugin} plugin
 * @param {Given} given
 * @param {number[]} only
 */
export function tell(plugin, { file, path, result }, only) {
  const { change, changes, left, reason, status } = result;
  if (change !== null) {
    const filled = nameFilled(changes.filter((_, index) => only.includes(index)));
    const undo = () => undoChange(plugin, change, path);
    return sayWithUndo(plugin, `Filled ${filled} in “${file.basename}”.`, undo);
  }
  const verb = status === "failed" ? "could not be filled" : "is left as it is";
  const why = [reason ?? "", ...left].filter(Boolean).map(sentence).join(" ");
  say(`“${file.basename}” ${verb}. ${why || "It needs nothing."}`);
}

/**
 * The one result of a note's run.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} run
 * @param {TFile} file
 */
async function followNote(plugin, run, file) {
  for await (const { results, waits, fault } of follow(plugin, run)) {
    const [result] = results;
    if (result) return result;
    if (fault) throw new Refused(fault);
    tellProgress(plugin, file.path, waits || `thinking about ${file.basename}`);
  }
  throw new Refused(`The work on “${file.basename}” was cancelled.`);
}
