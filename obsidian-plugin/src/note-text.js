/** The text of a note as its editor shows it, and edits made in it without losing a letter. */

import { MarkdownView } from "obsidian";

/** @import { App, TFile } from "obsidian" */
/** @import { Edit } from "./shapes.js" */

/**
 * text: null where it cannot be edited here: the file has line ends or a byte order mark that
 * Obsidian does not show. view: the editor that shows it; null where none does.
 *
 * @typedef {{ text: string | null, view: MarkdownView | null }} Reading
 */

/**
 * All views that show notes, whether to read or to edit.
 *
 * @param {App} app
 * @returns {MarkdownView[]}
 */
export function findViews(app) {
  const views = app.workspace.getLeavesOfType("markdown").map((leaf) => leaf.view);
  return views.filter((view) => view instanceof MarkdownView);
}

/**
 * Write what was typed to the disk.
 *
 * @param {App} app
 * @param {(path: string) => boolean} isWanted which notes
 */
export async function saveViews(app, isWanted) {
  for (const view of findViews(app)) {
    if (view.file && isWanted(view.file.path)) await view.save();
  }
}

/**
 * @param {App} app
 * @param {TFile} file
 * @returns {Promise<Reading>}
 */
export async function readNote(app, file) {
  const view = findEditing(app, file);
  if (view) return { text: view.editor.getValue(), view };
  const isPlain = isPlainText(await app.vault.readBinary(file));
  return { text: isPlain ? await app.vault.read(file) : null, view: null };
}

/**
 * Whether the edits were made; they are not when the note is not exactly `before` any more, which
 * is compared in the same breath. In an editor they are one step of its undo; its cursor and
 * its scrolling stay.
 *
 * @param {App} app
 * @param {TFile} file
 * @param {string} before
 * @param {Edit[]} edits
 */
export async function editNote(app, file, before, edits) {
  const view = findEditing(app, file);
  if (!view) return editFile(app, file, before, edits);
  const { editor } = view;
  if (editor.getValue() !== before) return false;
  const changes = joinEdits(edits).map(({ start, end, text }) => {
    return { from: editor.offsetToPos(start), to: editor.offsetToPos(end), text };
  });
  editor.transaction({ changes: changes.reverse() });
  await view.save();
  return true;
}

/**
 * The text with the edits made, whose offsets count UTF-16 code units of it.
 *
 * @param {string} text
 * @param {Edit[]} edits
 */
export function applyEdits(text, edits) {
  let edited = text;
  for (const edit of joinEdits(edits).reverse()) {
    edited = edited.slice(0, edit.start) + edit.text + edited.slice(edit.end);
  }
  return edited;
}

/**
 * The edits in the order of their places, those that touch made one: then it does not matter in
 * which order an editor takes them.
 *
 * @param {Edit[]} edits
 */
export function joinEdits(edits) {
  /** @type {Edit[]} */
  const joined = [];
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const last = joined.at(-1);
    if (last?.end === edit.start) {
      last.end = edit.end;
      last.text += edit.text;
    } else {
      joined.push({ ...edit });
    }
  }
  return joined;
}

/**
 * Of the text as UTF-8, in hexadecimal digits.
 *
 * @param {string} text
 */
export async function sha256(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The view whose editor shows the note, the active one first. A view in reading mode has an
 * editor, too, which need not hold the note's text.
 *
 * @param {App} app
 * @param {TFile} file
 */
function findEditing(app, file) {
  const active = app.workspace.getActiveViewOfType(MarkdownView);
  const views = active ? [active, ...findViews(app)] : findViews(app);
  return views.find((view) => view.file?.path === file.path && view.getMode() === "source") ?? null;
}

/**
 * @param {App} app
 * @param {TFile} file
 * @param {string} before
 * @param {Edit[]} edits
 */
async function editFile(app, file, before, edits) {
  const changed = new Error();
  if (!isPlainText(await app.vault.readBinary(file)) || findEditing(app, file)) return false;
  try {
    await app.vault.process(file, (text) => {
      if (text !== before) throw changed; // nothing is written then
      return applyEdits(text, edits);
    });
  } catch (error) {
    if (error === changed) return false;
    throw error;
  }
  return true;
}

/** @param {ArrayBuffer} data */
function isPlainText(data) {
  const bytes = new Uint8Array(data);
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return !hasMark && !bytes.includes(0x0d);
}
