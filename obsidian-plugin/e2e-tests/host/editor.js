/** The editor as the window shows it: with live preview, and what plugins add. */

import { defaultKeymap, historyKeymap } from "@codemirror/commands";
import { EditorView, drawSelection, keymap } from "@codemirror/view";
import { livePreview, showCell } from "./live-preview.js";
import { TextEditor } from "./text-editor.js";

export class Editor extends TextEditor {
  /** onChange: called with the editor and the transaction after each change of the text. */
  constructor(parent, onChange) {
    super(parent);
    this.onChange = onChange;
  }

  get extensions() {
    return [
      drawSelection(),
      EditorView.lineWrapping,
      keymap.of([...defaultKeymap, ...historyKeymap]),
      livePreview,
      ...(window.app?.plugin?.editorExtensions__ ?? []),
      EditorView.contentAttributes.of({ "aria-label": "Note", spellcheck: "false" }),
      EditorView.updateListener.of((update) => {
        for (const one of update.transactions) if (one.docChanged) this.onChange(this, one);
      }),
    ];
  }

  /** Edit a table's cell below the text. */
  editCell() {
    this.view.dispatch({ effects: showCell.of(null) });
    this.view.contentDOM.querySelector(".table-cell").focus();
  }
}
