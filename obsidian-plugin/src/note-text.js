/** The text of a note as its editor shows it, and edits made in it without losing a letter. */

import { MarkdownView } from "obsidian";
import { NoteInTheWay } from "./errors.js";

/** @import { App, TFile } from "obsidian" */
/** @import { Edit } from "./shapes.js" */

/**
 * text: null where it cannot be edited here: the file has line ends or a byte order mark that
 * Obsidian does not show. view: the editor that shows it; null where none does.
 *
 * @typedef {{ text: string | null, view: MarkdownView | null }} Reading
 */

/**
 * All views that show notes, whether to read or to edit, in windows of their own, too.
 *
 * @param {App} app
 * @returns {MarkdownView[]}
 */
export function findViews(app) {
  /** @type {MarkdownView[]} */
  const views = [];
  app.workspace.iterateAllLeaves(({ view }) => {
    if (view instanceof MarkdownView) views.push(view);
  });
  return views;
}

/**
 * @param {App} app
 * @param {TFile} file
 * @returns {Promise<Reading>}
 */
export async function readNote(app, file) {
  const view = findEditing(app, file);
  if (view) return { text: view.editor.getValue(), view };
  return { text: (await isPlain(app, file)) ? await app.vault.read(file) : null, view: null };
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
  if (editor.getValue() !== applyEdits(before, edits)) {
    throw new NoteInTheWay("another plugin changed what was written; undo it in the editor");
  }
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
  return joinEdits(edits).reduceRight(
    (edited, edit) => edited.slice(0, edit.start) + edit.text + edited.slice(edit.end),
    text,
  );
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
export function findEditing(app, file) {
  const active = app.workspace.getActiveViewOfType(MarkdownView);
  const views = [active, ...findViews(app)];
  return views.find((view) => view?.file?.path === file.path && view.getMode() === "source") ?? null;
}

/**
 * @param {App} app
 * @param {TFile} file
 * @param {string} before
 * @param {Edit[]} edits
 */
async function editFile(app, file, before, edits) {
  if (!(await isPlain(app, file)) || findEditing(app, file)) return false;
  let isSame = true;
  try {
    await app.vault.process(file, (text) => {
      isSame = text === before;
      if (!isSame) throw new Error(); // nothing is written then
      return applyEdits(text, edits);
    });
  } catch (error) {
    if (isSame) throw error;
  }
  return isSame;
}

/**
 * Whether the file holds what Obsidian shows of it, and not a byte order mark or other line ends.
 *
 * @param {App} app
 * @param {TFile} file
 */
async function isPlain({ vault }, file) {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return !/^\ufeff|\r/.test(decoder.decode(await vault.readBinary(file)));
}
