/** A note's text read and edited, in the editor that shows it or in its file, without losing what was typed. */

import { isolateHistory } from "@codemirror/commands";
import { ChangeSet, EditorSelection, Text } from "@codemirror/state";
import { NoteUnavailable } from "./errors.js";
import { readSaved } from "./internals.js";
import { findEditing, findNoteViews } from "./open-notes.js";
import { nameNote } from "./words.js";

/** @import { SelectionRange } from "@codemirror/state" */
/** @import { App, TFile } from "obsidian" */
/** @import { NoteView } from "./open-notes.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { EditShape as Edit } from "./api-types.d.ts" */

const LOOK = 200; // milliseconds between two checks whether a note is saved
const LOOKS = 15; // checks at most; Obsidian saves two seconds after the last keystroke

/**
 * Return the text of a note's file, with its line ends and byte order mark.
 *
 * isOutdated: whether somebody else wrote the file, as a sync client does, and no view of it shows that yet. Obsidian does so
 * in a moment; a view that is saved before overwrites it. False where Obsidian does not tell what views loaded or saved
 * last, which it does not document.
 *
 * Throws NoteUnavailable if it is not UTF-8.
 *
 * @type {(app: App, file: TFile) => Promise<{ text: string, isOutdated: boolean }>}
 */
export async function readFile(app, file) {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const bytes = await app.vault.readBinary(file);
  let text = "";
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new NoteUnavailable(`“${nameNote(file.path)}” is not UTF-8 text. Save it as UTF-8 to have it filled.`);
  }
  const saved = findNoteViews(app).flatMap(({ file: shown, view, editor }) => (editor && shown === file ? [readSaved(view)] : []));
  const isTold = saved.length > 0 && !saved.includes(null);
  return { text, isOutdated: isTold && saved.every((one) => toEditorText(one ?? "") !== toEditorText(text)) };
}

/**
 * Save what was typed in open notes.
 *
 * Throws NoteUnavailable if a note cannot be saved.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} where the path of a note or a folder, empty for all
 */
export async function saveOpen(plugin, where) {
  for (const view of findNoteViews(plugin.app)) {
    if (!where || `${view.file.path}/`.startsWith(`${where}/`)) await saveView(plugin, view);
  }
}

/**
 * Save what was typed in a view, once it shows what others wrote into its file. Where nothing was typed, saving would only
 * lose the file's line ends or byte order mark.
 *
 * @type {(plugin: CompanionPlugin, view: NoteView) => Promise<void>}
 */
async function saveView({ app, timers }, { file, view, read }) {
  for (let looks = 0; looks < LOOKS; looks++) {
    if (looks) await timers.pause(LOOK);
    const { text, isOutdated } = await readFile(app, file);
    if (view.file !== file) return; // it shows another note by now, and Obsidian saved this one
    if (isOutdated) continue;
    if (toEditorText(text) !== read()) await view.save();
    return;
  }
  throw notSaved(file);
}

/** @param {TFile} file */
function notSaved({ path }) {
  return new NoteUnavailable(`“${nameNote(path)}” is not saved yet. Try again in a moment.`);
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
  for (let looks = 0; looks < 2; looks++) {
    const { text, isOutdated } = await readFile(app, file);
    const view = findEditing(app, file); // now, since it may show another note by now
    if (!view) return text;
    if (isPlain(text)) return view.read();
    if (view.read() === toEditorText(text)) return text;
    if (isOutdated) break;
    await view.view.save();
  }
  throw notSaved(file);
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
  const { text, isOutdated } = await readFile(app, file);
  if (isOutdated || !isPlain(text)) return false;
  if (findEditing(app, file)?.editor !== view.editor || view.read() !== before || !mayEdit()) return false;
  changeEditor(view, toChanges(before, edits));
  await view.view.save();
  return true;
}

/** @type {(app: App, file: TFile, before: string, edits: Edit[], mayEdit: () => boolean) => Promise<boolean>} */
async function editFile(app, file, before, edits, mayEdit) {
  if ((await readFile(app, file)).text !== before) return false;
  let isSame = true;
  try {
    await app.vault.process(file, (text) => {
      const view = findEditing(app, file);
      const isShown = !view || (!isPlain(before) && view.read() === toEditorText(before));
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
 * Make the edits as one step of the undo history, apart from what is typed before and after.
 *
 * Throws NoteUnavailable, and makes none, if an extension of another plugin changes them, or there is no CodeMirror.
 *
 * @param {NoteView} view
 * @param {ChangeSet} changes
 */
function changeEditor({ cm }, changes) {
  if (!cm) throw new NoteUnavailable("This version of Obsidian has no editor.cm, so no edit is made in its editors.");
  const { doc, selection } = cm.state;
  const ranges = selection.ranges.map((range) => mapRange(doc.toString(), changes, range));
  const transaction = cm.state.update({
    changes,
    selection: EditorSelection.create(ranges, selection.mainIndex),
    annotations: isolateHistory.of("full"),
    userEvent: "companion",
  });
  if (!transaction.newDoc.eq(changes.apply(doc))) throw new NoteUnavailable("another plugin changes these edits, so they were not made");
  cm.dispatch(transaction);
}

/**
 * Return where a range is after the edits: it stays with its words. A cursor where whole lines are
 * inserted stays with the line below them, or with the line above if they begin with a line break, as
 * at the end of a note; in whole lines that are taken out it goes to the line above. A selection does not grow.
 *
 * @type {(text: string, changes: ChangeSet, range: SelectionRange) => SelectionRange}
 */
function mapRange(text, changes, { anchor, head, from, to, empty }) {
  if (empty) {
    /** @type {Edit[]} */
    const edits = [];
    changes.iterChanges((start, end, _from, _to, inserted) => edits.push({ start, end, text: inserted.toString(), place: null }));
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

/** Return the text with the edits made. @type {(text: string, edits: Edit[]) => string} */
export function applyEdits(text, edits) {
  return toChanges(text, edits).apply(toLines(text)).toString();
}

/**
 * Return the edits of a text as an editor makes them. Their offsets count UTF-16 code units.
 *
 * @type {(text: string, edits: Edit[]) => ChangeSet}
 */
function toChanges(text, edits) {
  const sorted = [...edits].sort((a, b) => a.start - b.start || a.end - b.end);
  return ChangeSet.of(sorted.map(({ start, end, text: insert }) => ({ from: start, to: end, insert: toLines(insert) })), text.length);
}

/** Return the lines of a text, each with what else than LF it ends with. @param {string} text */
function toLines(text) {
  return Text.of(text.split("\n"));
}

/** Return the SHA-256 of the text as UTF-8, in hexadecimal digits. @param {string} text */
export async function sha256(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Return whether an editor shows the text as it is: no byte order mark, all line ends LF. @param {string} text */
function isPlain(text) {
  return !/^\ufeff|\r/.test(text);
}

/** Return what an editor shows of a file's text. @param {string} text */
export function toEditorText(text) {
  return withoutMark(text).replace(/\r\n?/g, "\n");
}

/** Return where an offset in a file's text is in what an editor shows of it. @type {(text: string, offset: number) => number} */
export function toEditorOffset(text, offset) {
  return toEditorText(text.slice(0, offset)).length;
}

/** @param {string} text */
function withoutMark(text) {
  return text.replace(/^\ufeff/, "");
}
