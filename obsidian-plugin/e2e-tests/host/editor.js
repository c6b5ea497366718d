/** Obsidian's Editor on a real CodeMirror 6, so that undo, cursor and selection are real. */

import { defaultKeymap, history, historyKeymap, redo, undo } from "@codemirror/commands";
import { EditorSelection, EditorState, Transaction } from "@codemirror/state";
import { EditorView, drawSelection, keymap } from "@codemirror/view";
import { livePreview, showCell } from "./live-preview.js";

export class Editor {
  /**
   * @param {HTMLElement} parent
   * @param {(editor: Editor, transaction: Transaction) => void} onChange after each change of the text
   */
  constructor(parent, onChange) {
    this.onChange = onChange;
    this.cm = new EditorView({ parent, state: this.#state("") });
  }

  /** Show what another program wrote: what differs is changed, the cursor stays about there. */
  reload(text) {
    const before = this.getValue();
    let from = 0;
    const shorter = Math.min(text.length, before.length);
    while (from < shorter && text[from] === before[from]) from += 1;
    let end = 0;
    while (end < shorter - from && text.at(-1 - end) === before.at(-1 - end)) end += 1;
    const insert = text.slice(from, text.length - end);
    this.cm.dispatch({ changes: { from, to: before.length - end, insert }, userEvent: "set" });
  }

  /** Show another text, without a way back to the one before. */
  load(text) {
    this.cm.setState(this.#state(text));
  }

  #state(text) {
    return EditorState.create({
      doc: text,
      extensions: [
        history(),
        drawSelection(),
        EditorState.allowMultipleSelections.of(true),
        EditorView.lineWrapping,
        keymap.of([...defaultKeymap, ...historyKeymap]),
        livePreview,
        ...(window.app?.editorExtensions ?? []),
        EditorView.contentAttributes.of({ "aria-label": "Note", spellcheck: "false" }),
        EditorView.updateListener.of((update) => {
          for (const one of update.transactions) if (one.docChanged) this.onChange(this, one);
        }),
      ],
    });
  }

  getDoc() {
    return this;
  }

  getValue() {
    return this.cm.state.doc.toString();
  }

  setValue(text) {
    this.#replace([{ from: 0, to: this.cm.state.doc.length, insert: text }]);
  }

  getLine(line) {
    return this.cm.state.doc.line(line + 1).text;
  }

  setLine(line, text) {
    const { from, to } = this.cm.state.doc.line(line + 1);
    this.#replace([{ from, to, insert: text }]);
  }

  lineCount() {
    return this.cm.state.doc.lines;
  }

  lastLine() {
    return this.lineCount() - 1;
  }

  getSelection() {
    const { from, to } = this.cm.state.selection.main;
    return this.cm.state.sliceDoc(from, to);
  }

  somethingSelected() {
    return !this.cm.state.selection.main.empty;
  }

  getRange(from, to) {
    return this.cm.state.sliceDoc(this.posToOffset(from), this.posToOffset(to));
  }

  replaceSelection(text, origin) {
    this.cm.dispatch(this.cm.state.replaceSelection(text), { userEvent: origin });
  }

  replaceRange(text, from, to = from, origin) {
    const change = { from: this.posToOffset(from), to: this.posToOffset(to), insert: text };
    this.#replace([change], undefined, origin);
  }

  transaction({ changes = [], selection, selections, replaceSelection }, origin) {
    const made = changes.map(({ from, to = from, text }) => ({
      from: this.posToOffset(from),
      to: this.posToOffset(to),
      insert: text,
    }));
    if (replaceSelection !== undefined) {
      const { from, to } = this.cm.state.selection.main;
      made.push({ from, to, insert: replaceSelection });
    }
    const ranges = selections ?? (selection && [selection]);
    this.#replace(made, ranges, origin);
  }

  getCursor(side = "head") {
    return this.offsetToPos(this.cm.state.selection.main[side]);
  }

  listSelections() {
    return this.cm.state.selection.ranges.map(({ anchor, head }) => ({
      anchor: this.offsetToPos(anchor),
      head: this.offsetToPos(head),
    }));
  }

  setCursor(position, ch = 0) {
    this.setSelection(typeof position === "number" ? { line: position, ch } : position);
  }

  setSelections(ranges, main = 0) {
    const made = ranges.map(({ anchor, head = anchor }) => {
      return EditorSelection.range(this.posToOffset(anchor), this.posToOffset(head));
    });
    this.cm.dispatch({ selection: EditorSelection.create(made, main) });
  }

  setSelection(anchor, head = anchor) {
    const selection = { anchor: this.posToOffset(anchor), head: this.posToOffset(head) };
    this.cm.dispatch({ selection, scrollIntoView: true });
  }

  /** Edit a table's cell below the text. */
  editCell() {
    this.cm.dispatch({ effects: showCell.of(null) });
    this.cm.contentDOM.querySelector(".table-cell").focus();
  }

  focus() {
    this.cm.focus();
  }

  blur() {
    this.cm.contentDOM.blur();
  }

  hasFocus() {
    return this.cm.hasFocus;
  }

  refresh() {
    this.cm.requestMeasure();
  }

  getScrollInfo() {
    return { top: this.cm.scrollDOM.scrollTop, left: this.cm.scrollDOM.scrollLeft };
  }

  scrollTo(x, y) {
    this.cm.scrollDOM.scrollTo(x ?? 0, y ?? 0);
  }

  scrollIntoView({ from }) {
    this.cm.dispatch({ effects: EditorView.scrollIntoView(this.posToOffset(from)) });
  }

  undo() {
    undo(this.cm);
  }

  redo() {
    redo(this.cm);
  }

  posToOffset({ line, ch }) {
    const { doc } = this.cm.state;
    if (line < 0) return 0;
    if (line >= doc.lines) return doc.length;
    const { from, length } = doc.line(line + 1);
    return from + Math.max(0, Math.min(ch, length));
  }

  offsetToPos(offset) {
    const { doc } = this.cm.state;
    const inside = Math.max(0, Math.min(offset, doc.length));
    const line = doc.lineAt(inside);
    return { line: line.number - 1, ch: inside - line.from };
  }

  #replace(changes, ranges, origin) {
    const spec = { changes, ...(origin && { userEvent: origin }) };
    if (ranges) {
      // Positions are meant for the text that results, as in Obsidian.
      const { newDoc } = this.cm.state.update({ changes });
      const at = ({ line, ch }) => Math.min(newDoc.line(line + 1).from + ch, newDoc.length);
      spec.selection = EditorSelection.create(
        ranges.map(({ from, to = from }) => EditorSelection.range(at(from), at(to))),
      );
    }
    this.cm.dispatch(spec);
  }
}

export { Transaction };
