/** An editor whose transactions are one step and count the text before, as CodeMirror's are. */

import { Editor } from "obsidian-test-mocks/obsidian";

export class HostEditor extends Editor {
  /** @type {string[]} texts to go back to */
  steps = [];
  cursor = 0;
  /** Called before the text is read. */
  onRead = () => {};
  onType = () => {};

  getValue() {
    this.onRead();
    return super.getValue();
  }

  getCursor() {
    return this.offsetToPos(this.cursor);
  }

  transaction({ changes }) {
    const before = super.getValue();
    const edits = changes.map(({ from, to, text }) => {
      return { start: this.posToOffset(from), end: this.posToOffset(to ?? from), text };
    });
    this.steps.push(before);
    this.#change(edits);
  }

  undo() {
    const before = this.steps.pop();
    if (before !== undefined) this.setValue(before);
  }

  /** What a user does: text typed at an offset. */
  type(offset, text) {
    this.#change([{ start: offset, end: offset, text }]);
    this.onType();
  }

  #change(edits) {
    let text = super.getValue();
    for (const edit of [...edits].sort((a, b) => b.start - a.start)) {
      text = text.slice(0, edit.start) + edit.text + text.slice(edit.end);
      if (this.cursor > edit.start) this.cursor += edit.text.length - (edit.end - edit.start);
    }
    this.content = text;
  }
}
