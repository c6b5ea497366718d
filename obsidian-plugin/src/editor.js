/** Edits in an open editor: one step of its undo history, the cursor kept with the words it is in. */

import { isolateHistory } from "@codemirror/commands";
import { ChangeSet, EditorSelection } from "@codemirror/state";
import { NoteUnavailable } from "./errors.js";
import { findCodeMirror } from "./internals.js";
import { say } from "./words.js";

/** @import { SelectionRange } from "@codemirror/state" */
/** @import { Editor } from "obsidian" */
/** @import { EditShape as Edit } from "./api-types.d.ts" */

/**
 * Make the edits as one step of the undo history, apart from what is typed before and after.
 *
 * Throws NoteUnavailable, and makes none, if an extension of another plugin changes them, or there is no CodeMirror.
 *
 * @param {Editor} editor
 * @param {Edit[]} edits sorted by offset; no two are adjacent
 * @param {string} after the text that they make
 */
export function changeEditor(editor, edits, after) {
  const cm = findCodeMirror(editor);
  if (!cm) throw new NoteUnavailable(say("missing", { what: "editor.cm" }));
  const { doc, selection } = cm.state;
  const ranges = selection.ranges.map((range) => mapRange(doc.toString(), edits, range));
  const transaction = cm.state.update({
    changes: toChanges(edits, doc.length),
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
 * @type {(text: string, edits: Edit[], range: SelectionRange) => SelectionRange}
 */
function mapRange(text, edits, { anchor, head, from, to, empty }) {
  const changes = toChanges(edits, text.length);
  if (empty) return EditorSelection.cursor(changes.mapPos(leaveLines(text, edits, head), findSide(edits, head)));
  const start = changes.mapPos(from, 1);
  const end = Math.max(start, changes.mapPos(to, -1));
  return anchor < head ? EditorSelection.range(start, end) : EditorSelection.range(end, start);
}

/** @type {(edits: Edit[], length: number) => ChangeSet} */
function toChanges(edits, length) {
  const changes = edits.map(({ start, end, text }) => ({ from: start, to: end, insert: text }));
  return ChangeSet.of(changes, length);
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

/**
 * Return on which side of text inserted at the offset a cursor goes: -1 before it, 1 after it.
 *
 * @type {(edits: Edit[], offset: number) => 1 | -1}
 */
function findSide(edits, offset) {
  const text = edits.find(({ start }) => start === offset)?.text ?? "";
  return text.startsWith("\n") && !text.endsWith("\n") ? -1 : 1;
}
