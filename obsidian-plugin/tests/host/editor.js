/** Obsidian's Editor on CodeMirror 6 itself: its history, its selections, its transactions. */

import { createRequire } from "node:module";

const require = createRequire(import.meta.url); // the plugin gets the same instances
const { history, redo, undo, undoDepth } = require("@codemirror/commands");
const { EditorSelection, EditorState, StateEffect } = require("@codemirror/state");
const { EditorView } = require("@codemirror/view");

export class HostEditor {
  /** Called before the text is read. */
  onRead = () => {};
  onType = () => {};
  #cm;

  constructor(text = "") {
    this.#cm = new EditorView({ parent: document.body, state: newState(text) });
    /** What Obsidian does not document; a test may delete it. */
    this.cm = this.#cm;
  }

  focus() {
    this.#cm.focus();
  }

  /** Add an extension until the text is set. */
  use(extension) {
    this.#cm.dispatch({ effects: StateEffect.appendConfig.of(extension) });
  }

  /** The text; setting it leaves no way back. */
  get content() {
    return this.#cm.state.doc.toString();
  }

  set content(text) {
    this.#cm.setState(newState(text));
  }

  /** How many steps of undo there are. */
  get steps() {
    return undoDepth(this.#cm.state);
  }

  get cursor() {
    return this.#cm.state.selection.main.head;
  }

  set cursor(offset) {
    this.select([offset, offset]);
  }

  getValue() {
    this.onRead();
    return this.content;
  }

  setValue(text) {
    this.#cm.dispatch({ changes: { from: 0, to: this.#cm.state.doc.length, insert: text } });
  }

  /** Show what another program wrote: what differs is changed, so that the cursor stays about there. */
  reload(text) {
    const { content } = this;
    if (text === content) return;
    let from = 0;
    while (from < text.length && text[from] === content[from]) from += 1;
    let end = 0;
    const most = Math.min(text.length, content.length) - from;
    while (end < most && text.at(-1 - end) === content.at(-1 - end)) end += 1;
    const insert = text.slice(from, text.length - end);
    this.#cm.dispatch({ changes: { from, to: content.length - end, insert } });
  }

  getCursor() {
    return this.offsetToPos(this.cursor);
  }

  listSelections() {
    return this.#cm.state.selection.ranges.map(({ anchor, head }) => {
      return { anchor: this.offsetToPos(anchor), head: this.offsetToPos(head) };
    });
  }

  setSelections(ranges) {
    this.select(...ranges.map(({ anchor, head = anchor }) => [this.posToOffset(anchor), this.posToOffset(head)]));
  }

  transaction({ changes }) {
    this.#cm.dispatch({
      changes: changes.map(({ from, to = from, text }) => {
        return { from: this.posToOffset(from), to: this.posToOffset(to), insert: text };
      }),
    });
  }

  posToOffset({ line, ch }) {
    const { from, length } = this.#cm.state.doc.line(line + 1);
    return from + Math.min(ch, length);
  }

  offsetToPos(offset) {
    const { number, from } = this.#cm.state.doc.lineAt(offset);
    return { line: number - 1, ch: offset - from };
  }

  undo() {
    return undo(this.#cm);
  }

  redo() {
    return redo(this.#cm);
  }

  /** What a user does: select from anchors to heads. */
  select(...ranges) {
    const all = ranges.map(([anchor, head]) => EditorSelection.range(anchor, head));
    this.#cm.dispatch({ selection: EditorSelection.create(all, all.length - 1) });
  }

  get ranges() {
    return this.#cm.state.selection.ranges;
  }

  /** What is selected, each as the words it has; a cursor as what stands on both sides of it. */
  get selected() {
    const { content } = this;
    return this.#cm.state.selection.ranges.map(({ from, to, empty }) => {
      return empty ? `${content.slice(0, from)}|${content.slice(from)}` : content.slice(from, to);
    });
  }

  /** What a user does: text typed at an offset, or where the cursor stands. */
  type(offset, text) {
    const selection = { anchor: offset + text.length };
    this.#cm.dispatch({ changes: { from: offset, insert: text }, selection, userEvent: "input.type" });
    this.onType();
  }

  typeOn(text) {
    this.type(this.cursor, text);
  }

  /** What an input method does: `compositionstart`, `compositionend`. */
  compose(name) {
    this.#cm.contentDOM.dispatchEvent(new CompositionEvent(name, { bubbles: true }));
  }

  close() {
    this.#cm.destroy();
  }
}

function newState(doc) {
  return EditorState.create({ doc, extensions: [history(), EditorState.allowMultipleSelections.of(true)] });
}
