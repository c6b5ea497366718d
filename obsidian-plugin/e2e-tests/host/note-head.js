/** What Obsidian shows above a note's text: its name, and the Properties pane. */

import { icon } from "./icons.js";

/** A property with a value of one line, or none. */
const PROPERTY = /^([^\s:#][^:\n]*):[ \t]*([^\n]*)$/gm;

export class NoteHead {
  constructor(view) {
    this.view = view;
    const parent = view.containerEl.createDiv({ cls: "note-head" });
    this.titleEl = parent.createDiv({ cls: "inline-title", attr: { contenteditable: "true" } });
    this.titleEl.addEventListener("blur", () => void this.#rename());
    this.propertiesEl = parent.createDiv({ cls: "metadata-container" });
  }

  /** Show the note as it is now; what was typed and not left yet is gone, as in Obsidian. */
  draw() {
    const { view } = this;
    this.titleEl.setText(view.getDisplayText());
    this.propertiesEl.empty();
    for (const { name, value } of readProperties(view.editor.getValue())) {
      const row = this.propertiesEl.createDiv({ cls: "metadata-property" });
      row.append(icon("text"));
      row.createSpan({ cls: "metadata-property-key", text: name });
      const input = row.createEl("input", { cls: "metadata-input", attr: { "aria-label": name } });
      input.value = value;
    }
  }

  async #rename() {
    const { view } = this;
    const name = this.titleEl.textContent.trim();
    if (!view.file || !name || name === view.file.basename) return;
    const folder = view.file.path.slice(0, -view.file.name.length);
    await view.app.vault.rename(view.file, `${folder}${name}.md`);
  }
}

function readProperties(text) {
  const block = /^---\n([\s\S]*?\n??)---\n/.exec(text)?.[1] ?? "";
  return [...block.matchAll(PROPERTY)].map(([, name, value]) => ({ name, value }));
}
