/** Obsidian's Editor on a real CodeMirror 6, so that undo, cursor and selection are real: in Chromium, and in Node. */

import { history, redo, undo, undoDepth } from "@codemirror/commands";
import { EditorSelection, EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

export class TextEditor {
  constructor(parent, text = "") {
    this.view = new EditorView({ parent, state: this.newState(text) });
    /** What Obsidian does not document. */
    this.cm = this.view;
  }

  /** What the editor has beside its history. */
  get extensions() {
    return [];
  }

  newState(doc) {
    return EditorState.create({ doc, extensions: [history(), EditorState.allowMultipleSelections.of(true), ...this.extensions] });
  }

  /** Show what another program wrote: what differs is changed, the cursor stays about there. */
  reload(text) {
    const before = this.view.state.doc.toString();
    if (text === before) return;
    let from = 0;
    const shorter = Math.min(text.length, before.length);
    while (from < shorter && text[from] === before[from]) from += 1;
    let end = 0;
    while (end < shorter - from && text.at(-1 - end) === before.at(-1 - end)) end += 1;
    const insert = text.slice(from, text.length - end);
    this.view.dispatch({ changes: { from, to: before.length - end, insert }, userEvent: "set" });
  }

  getValue() {
    return this.view.state.doc.toString();
  }

  getCursor() {
    return this.offsetToPos(this.view.state.selection.main.head);
  }

  setCursor(position) {
    this.view.dispatch({ selection: { anchor: this.posToOffset(position) }, scrollIntoView: true });
  }

  focus() {
    this.view.focus();
  }

  undo() {
    return undo(this.view);
  }

  redo() {
    return redo(this.view);
  }

  posToOffset({ line, ch }) {
    const { doc } = this.view.state;
    if (line >= doc.lines) return doc.length;
    const { from, length } = doc.line(line + 1);
    return from + Math.max(0, Math.min(ch, length));
  }

  offsetToPos(offset) {
    const { doc } = this.view.state;
    const inside = Math.max(0, Math.min(offset, doc.length));
    const line = doc.lineAt(inside);
    return { line: line.number - 1, ch: inside - line.from };
  }

  /** The text; setting it leaves no way back. */
  get content() {
    return this.view.state.doc.toString();
  }

  set content(text) {
    this.view.setState(this.newState(text));
  }

  setValue(text) {
    this.view.dispatch({ changes: { from: 0, to: this.content.length, insert: text } });
  }

  /** How many steps of undo there are. */
  get steps() {
    return undoDepth(this.view.state);
  }

  get cursor() {
    return this.view.state.selection.main.head;
  }

  set cursor(offset) {
    this.select([offset, offset]);
  }

  /** What a user does: select from anchors to heads. */
  select(...ranges) {
    const all = ranges.map(([anchor, head]) => EditorSelection.range(anchor, head));
    this.view.dispatch({ selection: EditorSelection.create(all, all.length - 1) });
  }

  get ranges() {
    return this.view.state.selection.ranges;
  }

  /** What a user does: text typed at an offset, or where the cursor stands. */
  type(offset, text) {
    const selection = { anchor: offset + text.length };
    this.view.dispatch({ changes: { from: offset, insert: text }, selection, userEvent: "input.type" });
  }

  typeOn(text) {
    this.type(this.cursor, text);
  }

  /** What an input method does: `compositionstart`, `compositionend`. */
  compose(name) {
    this.view.contentDOM.dispatchEvent(new CompositionEvent(name, { bubbles: true }));
  }
}
