/** What Obsidian shows above a note's text: its name, and the Properties pane. */

import { icon } from "./icons.js";

/** A property with a value of one line, or none. */
const PROPERTY = /^([^\s:#][^:\n]*):[ \t]*([^\n]*)$/;

export class NoteHead {
  constructor(view) {
    this.view = view;
    const parent = view.containerEl.createDiv({ cls: "note-head" });
    this.titleEl = parent.createDiv({ cls: "inline-title", attr: { contenteditable: "true" } });
    this.titleEl.addEventListener("blur", () => void this.#rename());
    this.titleEl.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      view.editor.focus();
    });
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
      input.addEventListener("change", () => this.#write(name, input.value));
    }
  }

  #write(name, value) {
    const { cm } = this.view.editor;
    const found = readProperties(cm.state.doc.toString()).find((one) => one.name === name);
    if (!found) return;
    const { from, to } = found;
    cm.dispatch({ changes: { from, to, insert: value ? ` ${value}` : "" }, userEvent: "set" });
  }

  async #rename() {
    const { view } = this;
    const name = this.titleEl.textContent.trim();
    if (!view.file || !name || name === view.file.basename) return;
    const folder = view.file.path.slice(0, -view.file.name.length);
    await view.app.vault.rename(view.file, `${folder}${name}.md`);
  }
}

/** from, to: of the value and the blanks before it. */
function readProperties(text) {
  const block = /^---\n([\s\S]*?\n)??---\n/.exec(text)?.[1] ?? "";
  const found = [];
  let start = 4;
  for (const line of block.split("\n").slice(0, -1)) {
    const [all, name, value] = PROPERTY.exec(line) ?? [];
    if (all) found.push({ name, value, from: start + name.length + 1, to: start + line.length });
    start += line.length + 1;
  }
  return found;
}
