/** Edits in an open editor: one step of its undo history, the cursor kept with the words it is in. */

import { isolateHistory } from "@codemirror/commands";
import { ChangeSet, EditorSelection } from "@codemirror/state";
import { NoteUnavailable } from "./errors.js";
import { findCodeMirror } from "./internals.js";
import { say } from "./words.js";

/** @import { EditorView } from "@codemirror/view" */
/** @import { Editor } from "obsidian" */
/** @import { EditShape as Edit } from "./api-types.d.ts" */

/** @typedef {{ anchor: number, head: number }} Range offsets; the same where nothing is selected */

/**
 * Make the edits as one step of the undo history, apart from what is typed before and after. Where
 * CodeMirror's view is not available, words typed within half a second may share that step.
 *
 * Throws NoteUnavailable if an extension of another plugin changes the edits; they are not made then, but
 * where CodeMirror's view is not available.
 *
 * @param {Editor} editor
 * @param {Edit[]} edits sorted by offset; no two are adjacent
 * @param {string} after the text that they make
 */
export function changeEditor(editor, edits, after) {
  const cm = findCodeMirror(editor);
  if (cm) return changeView(cm, edits, after);
  changeByTransaction(editor, edits);
  if (editor.getValue() !== after) throw new NoteUnavailable(say("changedByPlugin"));
}

/** Return the editor's selected ranges. @type {(editor: Editor) => Range[]} */
export function findRanges(editor) {
  return editor.listSelections().map(({ anchor, head }) => {
    return { anchor: editor.posToOffset(anchor), head: editor.posToOffset(head) };
  });
}

/** Return whether an input method shows candidates in the editor. @param {Editor} editor */
export function isComposing(editor) {
  const cm = findCodeMirror(editor);
  return cm !== null && (cm.composing || cm.compositionStarted);
}

/**
 * Return where a range is after the edits: it stays with its words. A cursor where whole lines are
 * inserted stays with the line below them, or with the line above if they begin with a line break, as
 * at the end of a note; in whole lines that are taken out it goes to the line above. A selection does not grow.
 *
 * @param {string} text before the edits
 * @param {Edit[]} edits
 * @param {Range} range
 * @returns {Range}
 */
function mapRange(text, edits, { anchor, head }) {
  const changes = toChanges(edits, text.length);
  if (anchor === head) {
    const place = changes.mapPos(leaveLines(text, edits, head), findSide(edits, head));
    return { anchor: place, head: place };
  }
  const from = changes.mapPos(Math.min(anchor, head), 1);
  const to = Math.max(from, changes.mapPos(Math.max(anchor, head), -1));
  return anchor < head ? { anchor: from, head: to } : { anchor: to, head: from };
}

/** @type {(cm: EditorView, edits: Edit[], after: string) => void} */
function changeView(cm, edits, after) {
  const { doc, selection } = cm.state;
  const ranges = selection.ranges.map((range) => {
    const { anchor, head } = mapRange(doc.toString(), edits, range);
    return EditorSelection.range(anchor, head);
  });
  const transaction = cm.state.update({
    changes: toChanges(edits, doc.length),
    selection: EditorSelection.create(ranges, selection.mainIndex),
    annotations: isolateHistory.of("full"),
    userEvent: "companion",
  });
  if (transaction.newDoc.toString() !== after) throw new NoteUnavailable(say("keptOutByPlugin"));
  cm.dispatch(transaction);
}

/** @type {(editor: Editor, edits: Edit[]) => void} */
function changeByTransaction(editor, edits) {
  const text = editor.getValue();
  const ranges = findRanges(editor).map((range) => mapRange(text, edits, range));
  const changes = edits.map(({ start, end, text }) => {
    return { from: editor.offsetToPos(start), to: editor.offsetToPos(end), text };
  });
  editor.transaction({ changes: changes.reverse() });
  editor.setSelections(
    ranges.map(({ anchor, head }) => {
      return { anchor: editor.offsetToPos(anchor), head: editor.offsetToPos(head) };
    }),
  );
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
