/** One note enriched: ask, wait, write where the note is open. */

import { applyOffer } from "./apply.js";
import { confirmEdits, offerAgain, startRun } from "./daemon.js";
import { AnotherVault, DaemonAway, NoteInTheWay, Refused } from "./errors.js";
import { follow } from "./follow.js";
import { readNote } from "./note-text.js";
import { say, sayWithUndo } from "./notices.js";
import { saveOpen } from "./open-notes.js";
import { isOpen } from "./presence.js";
import { takeQuiet } from "./quiet.js";
import { undoChange } from "./undo.js";
import { nameFilled, sentence } from "./words.js";
import { tellProgress, workOn } from "./work.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Result } from "./shapes.js" */

const LONGEST = 16_000; // milliseconds until the daemon is told again of what was written

/**
 * section: the section at the cursor is to get a callout, and nothing else. requests: only the
 * empty callouts are filled. isQuiet: in the background, without a word.
 *
 * @typedef {{ section?: boolean, requests?: boolean, isQuiet?: boolean }} Wish
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
  const isWhole = !wish.section && !wish.requests;
  await workOn(plugin, file.path, async () => {
    const isFilled = isWhole && (await writeQuiet(plugin, file));
    const given = await askFor(plugin, file, wish, false);
    const { result } = given;
    const all = [...result.changes.keys()];
    if (result.offer) result.change = await write(plugin, given, all);
    if (result.change !== null || result.status === "failed" || !isFilled) tell(plugin, given, all);
  });
}

/**
 * Whether something was written that a model gave for the note before anybody asked; it is told.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
async function writeQuiet(plugin, file) {
  const given = await takeQuiet(plugin, file);
  if (!given?.result.offer) return false;
  const all = [...given.result.changes.keys()];
  try {
    given.result.change = await write(plugin, given, all);
  } catch (error) {
    if (error instanceof Refused) return false; // it has no place any more
    throw error;
  }
  tell(plugin, given, all);
  return true;
}

/**
 * What a model gave for the note. One that is renamed before a model is asked is asked for again.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @param {Wish} wish
 * @param {boolean} isOurs whether it is to be written here even where no editor shows the note
 * @returns {Promise<Given>}
 */
export async function askFor(plugin, file, wish, isOurs) {
  for (;;) {
    const { path } = file;
    try {
      const given = await askOnce(plugin, file, wish, isOurs);
      if (file.path === path || given.result.status !== "skipped") return given;
    } catch (error) {
      if (file.path === path || !(error instanceof Refused)) throw error;
    }
  }
}

/**
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @param {Wish} wish
 * @param {boolean} isOurs
 * @returns {Promise<Given>}
 */
async function askOnce(plugin, file, { section, requests, isQuiet }, isOurs) {
  const { path } = file;
  await saveOpen(plugin, path);
  const note = await readNote(plugin.app, file);
  const text = isOurs || note.view ? note.text : null;
  const run = await startRun(plugin, {
    paths: [path],
    priority: isQuiet ? "background" : "interactive",
    on_fault: "stop",
    line: section && note.view ? note.view.editor.getCursor().line + 1 : undefined,
    requests,
    ...(text !== null && { apply: "client", text }),
    ...(text === null && isOpen(plugin, path) && { even_open: true }),
  });
  return { file, path, run, text, result: await followNote(plugin, run, file, Boolean(isQuiet)) };
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
  const made = await applyOffer(plugin, { file, path, text: base, offer, again, rest, fills: true });
  return confirm(plugin, file, () => confirmEdits(plugin, run, path, made, file.path));
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
      if (!(error instanceof DaemonAway || error instanceof AnotherVault)) throw error;
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
 * @param {string} [more] to be said of what was filled
 */
export function tell(plugin, { file, result }, only, more = "") {
  const { change, changes, left, reason, status } = result;
  if (change !== null) {
    const filled = nameFilled(changes.filter((_, index) => only.includes(index)));
    const undo = () => undoChange(plugin, change, file.path);
    return sayWithUndo(plugin, `Filled ${filled} in “${file.basename}”. ${more}`.trim(), undo);
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
 * @param {boolean} isQuiet
 */
async function followNote(plugin, run, file, isQuiet) {
  for await (const { results, waits, fault } of follow(plugin, run, isQuiet)) {
    const [result] = results;
    if (result) return result;
    if (fault) throw new Refused(fault);
    if (!isQuiet) tellProgress(plugin, file.path, waits || `thinking about ${file.basename}`);
  }
  throw new Refused(`The work on “${file.basename}” was cancelled.`);
}
