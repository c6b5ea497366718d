/** The editor of a test: what a user does there, and what can be seen of it. */

import { undoDepth } from "@codemirror/commands";
import { EditorSelection, StateEffect } from "@codemirror/state";
import { TextEditor } from "../../e2e-tests/host/text-editor.js";

export class HostEditor extends TextEditor {
  /** Called before the text is read. */
  onRead = () => {};
  onType = () => {};

  constructor(text = "") {
    super(document.body);
    this.load(text);
  }

  /** Add an extension until the text is set. */
  use(extension) {
    this.view.dispatch({ effects: StateEffect.appendConfig.of(extension) });
  }

  /** The text; setting it leaves no way back. */
  get content() {
    return super.getValue();
  }

  set content(text) {
    this.load(text);
  }

  getValue() {
    this.onRead();
    return this.content;
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

  /** What is selected, each as the words it has; a cursor as what stands on both sides of it. */
  get selected() {
    const { content } = this;
    return this.ranges.map(({ from, to, empty }) => {
      return empty ? `${content.slice(0, from)}|${content.slice(from)}` : content.slice(from, to);
    });
  }

  /** What a user does: text typed at an offset, or where the cursor stands. */
  type(offset, text) {
    const selection = { anchor: offset + text.length };
    this.view.dispatch({ changes: { from: offset, insert: text }, selection, userEvent: "input.type" });
    this.onType();
  }

  typeOn(text) {
    this.type(this.cursor, text);
  }

  /** What an input method does: `compositionstart`, `compositionend`. */
  compose(name) {
    this.view.contentDOM.dispatchEvent(new CompositionEvent(name, { bubbles: true }));
  }

  close() {
    this.view.destroy();
  }
}
