/** An offer's edits made in a note that may be typed in at the same time. */

import { Garbled, NoteInTheWay } from "./errors.js";
import { applyEdits, editNote, readNote, sha256 } from "./note-text.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Reading } from "./note-text.js" */
/** @import { Offer } from "./shapes.js" */

/**
 * path: where the note was when the daemon was asked. text: what the offer was made for. again:
 * the offer for another text. rest: resolves when the note may be written now.
 *
 * @typedef {{
 *   file: TFile, path: string, text: string, offer: Offer, again: (text: string) => Promise<Offer>,
 *   rest?: (() => Promise<void>) | undefined,
 * }} Application
 */

const TRIES = 5;
const PAUSE = 400; // milliseconds

/**
 * The offer whose edits were made.
 *
 * Throws NoteInTheWay when the note is gone, moved, or changes all the time.
 *
 * @param {CompanionPlugin} plugin
 * @param {Application} application
 */
export async function applyOffer(plugin, { file, path, text, offer, again, rest }) {
  const { app, timers } = plugin;
  for (let tries = 0; tries < TRIES; tries++) {
    await timers.pause(tries && PAUSE);
    await rest?.();
    if (app.vault.getFileByPath(path) !== file) {
      throw new NoteInTheWay(`“${path}” was moved or deleted; nothing was written.`);
    }
    if (tries) {
      text = requireText(await readNote(app, file), file);
      offer = await again(text);
    }
    if ((await fits(text, offer)) && (await editNote(app, file, text, offer.edits))) return offer;
  }
  throw new NoteInTheWay(
    `“${file.basename}” keeps changing, so nothing was written. Try again when it rests.`,
  );
}

/**
 * The text that edits can be made in here. Throws NoteInTheWay.
 *
 * @param {Reading} note
 * @param {TFile} file
 */
export function requireText({ text }, file) {
  if (text !== null) return text;
  throw new NoteInTheWay(
    `“${file.basename}” has line ends or a byte order mark that Obsidian does not show. ` +
      "Open it in editing view first.",
  );
}

/**
 * Whether the offer is for this text. Throws Garbled when its edits make another text than it says.
 *
 * @param {string} text
 * @param {Offer} offer
 */
async function fits(text, offer) {
  if ((await sha256(text)) !== offer.base_sha256) return false;
  if ((await sha256(applyEdits(text, offer.edits))) !== offer.new_sha256) throw new Garbled();
  return true;
}
