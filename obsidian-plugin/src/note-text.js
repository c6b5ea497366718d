/** A note's text read and edited, in the editor that shows it or in its file, without losing what was typed. */

import { isolateHistory } from "@codemirror/commands";
import { ChangeSet, EditorSelection } from "@codemirror/state";
import { MarkdownView, TextFileView } from "obsidian";
import { NoteUnavailable } from "./errors.js";
import { findCards, findCodeMirror, readSaved } from "./internals.js";
import { say } from "./words.js";

/** @import { SelectionRange } from "@codemirror/state" */
/** @import { App, Editor, TFile } from "obsidian" */
/** @import { Card } from "./internals.js" */
/** @import { EditShape as Edit } from "./api-types.d.ts" */

/**
 * What edits a note: a view, or a card on a canvas, an embed or a popover that shows all of it.
 *
 * @typedef {{ editor: Editor, save: () => unknown }} Editing
 */

/**
 * An editor of a note or a part of it. isEditing: false for a view in reading mode, whose editor need not
 * hold the note's text.
 *
 * @typedef {{ file: TFile | null, editor: Editor, containerEl: HTMLElement, isEditing: boolean }} NoteEditor
 */

/** Return all views of notes, in reading and in editing mode, including those in pop-out windows. @param {App} app */
export function findViews(app) {
  return findTextViews(app).filter((view) => view instanceof MarkdownView);
}

/** Return the text views in all tabs, panes and windows: of notes, canvases, and other plugins'. @param {App} app */
export function findTextViews(app) {
  /** @type {TextFileView[]} */
  const views = [];
  app.workspace.iterateAllLeaves(({ view }) => {
    if (view instanceof TextFileView) views.push(view);
  });
  return views;
}

/**
 * Return the editors of notes wherever they are shown; of two that contain each other, the inner one first.
 *
 * @type {(app: App) => NoteEditor[]}
 */
export function findEditors(app) {
  const cards = findCards(app).flatMap(({ file, editor }) => {
    const cm = findCodeMirror(editor);
    return cm?.dom.isConnected ? [{ file, editor, containerEl: cm.dom, isEditing: true }] : [];
  });
  const views = findViews(app).map((view) => {
    const { file, editor, containerEl } = view;
    return { file, editor, containerEl, isEditing: view.getMode() === "source" };
  });
  return [...cards, ...views];
}

/**
 * Return whether somebody else wrote the file of an open note, as a sync client does, and no view of it
 * shows that yet. Obsidian does so in a moment; a view that is saved before overwrites it. False where
 * Obsidian does not tell what views loaded or saved last, which it does not document.
 *
 * @type {(app: App, file: TFile) => Promise<boolean>}
 */
export async function isOutdated(app, file) {
  const views = findViews(app).filter((view) => view.file === file);
  const saved = views.map(readSaved).filter((text) => text !== null);
  if (!saved.length || saved.length < views.length) return false;
  const now = toEditorText(await readFile(app, file));
  return saved.every((text) => toEditorText(text) !== now);
}

/**
 * Return the text that edits have to be made for. That is what the editor shows, unless the file has line ends or a
 * byte order mark that editors do not show and Obsidian drops when it saves: then it is the file's text, and the edits
 * are made there. If something was typed into such a note, it is saved first, which gives them up.
 *
 * Throws NoteUnavailable if the note is not UTF-8, or cannot be saved.
 *
 * @type {(app: App, file: TFile) => Promise<string>}
 */
export async function readNote(app, file) {
  const view = findEditing(app, file);
  let text = await readFile(app, file);
  if (!view) return text;
  if (!isPlain(text) && view.editor.getValue() !== toEditorText(text)) {
    if (!(await isOutdated(app, file))) await view.save();
    text = await readFile(app, file);
  }
  const shown = view.editor.getValue();
  if (isPlain(text)) return shown;
  if (shown === toEditorText(text)) return text;
  throw new NoteUnavailable(say("notSaved", { name: file.basename }));
}

/**
 * Make the edits if the note is exactly `before` and mayEdit agrees, and return whether they were made. Asking, comparing and
 * writing are one step that nothing can come between. What somebody else wrote into the file of an
 * open note is waited for, as Obsidian shows it in a moment. In an editor the edits are one step of its undo
 * history, and its cursor and scroll position stay. If the file is written instead, Obsidian reloads it.
 *
 * @type {(app: App, file: TFile, before: string, edits: Edit[], mayEdit: () => boolean) => Promise<boolean>}
 */
export async function editNote(app, file, before, edits, mayEdit) {
  const view = findEditing(app, file);
  if (!view || !isPlain(before)) return editFile(app, file, before, edits, mayEdit);
  if ((await isOutdated(app, file)) || !isPlain(await readFile(app, file))) return false;
  const { editor } = view;
  if (findEditing(app, file)?.editor !== editor || editor.getValue() !== before || !mayEdit()) return false;
  changeEditor(editor, joinEdits(edits), applyEdits(before, edits));
  await view.save();
  return true;
}

/**
 * Make the edits as one step of the undo history, apart from what is typed before and after.
 *
 * Throws NoteUnavailable, and makes none, if an extension of another plugin changes them, or there is no CodeMirror.
 *
 * @param {Editor} editor
 * @param {Edit[]} edits sorted by offset; no two are adjacent
 * @param {string} after the text that they make
 */
function changeEditor(editor, edits, after) {
  const cm = findCodeMirror(editor);
  if (!cm) throw new NoteUnavailable(say("missing", { what: "editor.cm" }));
  const { doc, selection } = cm.state;
  const text = doc.toString();
  const changes = ChangeSet.of(edits.map(({ start, end, text: insert }) => ({ from: start, to: end, insert })), doc.length);
  const ranges = selection.ranges.map((range) => mapRange(text, edits, changes, range));
  const transaction = cm.state.update({
    changes,
    selection: EditorSelection.create(ranges, selection.mainIndex),
    annotations: isolateHistory.of("full"),
    userEvent: "companion",
  });
  if (transaction.newDoc.toString() !== after) throw new NoteUnavailable(say("keptOutByPlugin"));
  cm.dispatch(transaction);
}

/**
 * Return where a range is after the edits: it stays with its words. A cursor where whole lines are
 * inserted stays with the line below them, or with the line above if they begin with a line break, as
 * at the end of a note; in whole lines that are taken out it goes to the line above. A selection does not grow.
 *
 * @type {(text: string, edits: Edit[], changes: ChangeSet, range: SelectionRange) => SelectionRange}
 */
function mapRange(text, edits, changes, { anchor, head, from, to, empty }) {
  if (empty) {
    const inserted = edits.find(({ start }) => start === head)?.text ?? "";
    const side = inserted.startsWith("\n") && !inserted.endsWith("\n") ? -1 : 1;
    return EditorSelection.cursor(changes.mapPos(leaveLines(text, edits, head), side));
  }
  const start = changes.mapPos(from, 1);
  const end = Math.max(start, changes.mapPos(to, -1));
  return anchor < head ? EditorSelection.range(start, end) : EditorSelection.range(end, start);
}

/**
 * Return the end of the line above if whole lines that the offset is in are taken out or replaced, else the offset;
 * never the end of a line `---`, which would not close the properties any more.
 *
 * @type {(text: string, edits: Edit[], offset: number) => number}
 */
function leaveLines(text, edits, offset) {
  const isLineStart = (/** @type {number} */ at) => at === text.length || text[at - 1] === "\n";
  const edit = edits.find(({ start, end }) => start <= offset && offset < end);
  if (!edit?.start || /[^\n]$/.test(edit.text) || !isLineStart(edit.start) || !isLineStart(edit.end)) return offset;
  return text.endsWith("---\n", edit.start) ? offset : edit.start - 1;
}

/** Return the text with the edits made. Their offsets count UTF-16 code units. @type {(text: string, edits: Edit[]) => string} */
export function applyEdits(text, edits) {
  return joinEdits(edits).reduceRight(
    (edited, edit) => edited.slice(0, edit.start) + edit.text + edited.slice(edit.end),
    text,
  );
}

/**
 * Return the edits sorted by offset, with adjacent ones joined: then it does not matter in which
 * order an editor applies them.
 *
 * @param {Edit[]} edits
 */
function joinEdits(edits) {
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

/** Return the SHA-256 of the text as UTF-8, in hexadecimal digits. @param {string} text */
export async function sha256(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return toHex(new Uint8Array(digest));
}

/** @param {Uint8Array} bytes */
export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Return what edits the note, preferably the active view, or null. A view in reading mode does not count:
 * its editor need not hold the note's text. Nor does a card that shows a part of the note.
 *
 * @type {(app: App, file: TFile) => Editing | null}
 */
export function findEditing(app, file) {
  const active = app.workspace.getActiveViewOfType(MarkdownView);
  const views = [active, ...findViews(app)];
  const view = views.find((one) => one?.file?.path === file.path && one.getMode() === "source");
  const isWhole = (/** @type {Card} */ card) => {
    return card.file.path === file.path && !card.isPart && findCodeMirror(card.editor)?.dom.isConnected;
  };
  return view ?? findCards(app).find(isWhole) ?? null;
}

/**
 * Return the file of a path as the daemon has it from the disk, where macOS may have decomposed the name.
 *
 * @type {(app: App, path: string) => TFile | null}
 */
export function findFile({ vault }, path) {
  return vault.getFileByPath(path) ?? vault.getFileByPath(path.normalize("NFC"));
}

/** @type {(app: App, file: TFile, before: string, edits: Edit[], mayEdit: () => boolean) => Promise<boolean>} */
async function editFile(app, file, before, edits, mayEdit) {
  if ((await readFile(app, file)) !== before) return false;
  let isSame = true;
  try {
    await app.vault.process(file, (text) => {
      const view = findEditing(app, file);
      const isShown = !view || (!isPlain(before) && view.editor.getValue() === toEditorText(before));
      isSame = isShown && withoutMark(text) === withoutMark(before) && mayEdit();
      if (!isSame) throw new Error(); // so that nothing is written
      return applyEdits(before, edits);
    });
  } catch (error) {
    if (isSame) throw error;
  }
  return isSame;
}

/**
 * Return the text of the file, with its line ends and byte order mark.
 *
 * Throws NoteUnavailable if it is not UTF-8.
 *
 * @type {(app: App, file: TFile) => Promise<string>}
 */
export async function readFile({ vault }, file) {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const bytes = await vault.readBinary(file);
  try {
    return decoder.decode(bytes);
  } catch {
    throw new NoteUnavailable(say("notUtf8", { name: file.basename }));
  }
}

/** Return whether an editor shows the text as it is: no byte order mark, all line ends LF. @param {string} text */
export function isPlain(text) {
  return !/^\ufeff|\r/.test(text);
}

/** Return what an editor shows of a file's text. @param {string} text */
export function toEditorText(text) {
  return withoutMark(text).replace(/\r\n?/g, "\n");
}

/** @param {string} text */
function withoutMark(text) {
  return text.replace(/^\ufeff/, "");
}
