/** The text of a note as its editor shows it, and edits made in it without losing a letter. */

import { MarkdownView } from "obsidian";
import { changeEditor } from "./editor.js";
import { NoteUnavailable } from "./errors.js";

/** @import { App, TFile } from "obsidian" */
/** @import { Edit } from "./shapes.js" */

/**
 * text: what edits are to be made for. It is what the editor shows, unless its file has line ends
 * or a byte order mark that no editor shows and Obsidian drops when it saves: then it is the
 * file's, and the edits are made there. view: the one that edits the note; null where none does.
 *
 * @typedef {{ text: string, view: MarkdownView | null }} Reading
 */

const BOM = "\ufeff";

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
 * Whether a note that shows this is to be saved: not where its file's line ends or byte order mark
 * would be lost and nothing was typed; if something was, Obsidian is about to do that itself.
 *
 * @param {App} app
 * @param {TFile} file
 * @param {string} shown
 */
export async function needsSaving(app, file, shown) {
  const text = await readFile(app, file);
  return isPlain(text) || shown !== toEditorText(text);
}

/**
 * What the note holds; what was typed in it is saved before where that gives up its line ends.
 * Throws NoteUnavailable.
 *
 * @param {App} app
 * @param {TFile} file
 * @returns {Promise<Reading>}
 */
export async function readNote(app, file) {
  const view = findEditing(app, file);
  let text = await readFile(app, file);
  if (!view) return { text, view };
  if (!isPlain(text) && view.editor.getValue() !== toEditorText(text)) {
    await view.save();
    text = await readFile(app, file);
  }
  const shown = view.editor.getValue();
  if (isPlain(text)) return { text: shown, view };
  if (shown === toEditorText(text)) return { text, view };
  throw new NoteUnavailable(`“${file.basename}” is not saved yet. Try again in a moment.`);
}

/**
 * Whether the file of the note has line ends and a byte order mark where the text has them.
 *
 * @param {App} app
 * @param {TFile} file
 * @param {string} text
 */
export async function hasForm(app, file, text) {
  return isPlain(await readFile(app, file)) === isPlain(text);
}

/**
 * Whether the edits were made; they are not when the note is not exactly `before` any more, which
 * is compared in the same breath. In an editor they are one step of its undo, and its cursor and
 * its scrolling stay; an editor whose file is written in its place is read anew by Obsidian.
 *
 * @param {App} app
 * @param {TFile} file
 * @param {string} before
 * @param {Edit[]} edits
 */
export async function editNote(app, file, before, edits) {
  const view = findEditing(app, file);
  if (!view || !isPlain(before)) return editFile(app, file, before, edits);
  const { editor } = view;
  if (editor.getValue() !== before) return false;
  changeEditor(editor, joinEdits(edits));
  if (editor.getValue() !== applyEdits(before, edits)) {
    throw new NoteUnavailable("another plugin changed what was written; undo it in the editor");
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
  if ((await readFile(app, file)) !== before) return false;
  const mark = before.startsWith(BOM) ? BOM : "";
  let isSame = true;
  try {
    await app.vault.process(file, (text) => {
      isSame = mark + withoutMark(text) === before && !isShownDifferently(app, file, before);
      if (!isSame) throw new Error(); // nothing is written then
      return applyEdits(before, edits);
    });
  } catch (error) {
    if (isSame) throw error;
  }
  return isSame;
}

/**
 * Whether an editor shows the note that would not take what the file gets.
 *
 * @param {App} app
 * @param {TFile} file
 * @param {string} text
 */
function isShownDifferently(app, file, text) {
  const view = findEditing(app, file);
  return view !== null && (isPlain(text) || view.editor.getValue() !== toEditorText(text));
}

/**
 * The text in the file, its line ends and byte order mark as they are. Throws NoteUnavailable.
 *
 * @param {App} app
 * @param {TFile} file
 */
async function readFile({ vault }, file) {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const bytes = await vault.readBinary(file);
  try {
    return decoder.decode(bytes);
  } catch {
    throw new NoteUnavailable(`“${file.basename}” is not UTF-8 text. Save it as UTF-8 to have it filled.`);
  }
}

/**
 * Whether an editor shows the text as it is.
 *
 * @param {string} text
 */
function isPlain(text) {
  return !/^\ufeff|\r/.test(text);
}

/**
 * What an editor shows of a file's text.
 *
 * @param {string} text
 */
export function toEditorText(text) {
  return withoutMark(text).replace(/\r\n?/g, "\n");
}

/** @param {string} text */
function withoutMark(text) {
  return text.startsWith(BOM) ? text.slice(1) : text;
}
