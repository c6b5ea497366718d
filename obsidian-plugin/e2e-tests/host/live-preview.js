/** How the note looks: headings, properties and callouts about as Obsidian's live preview shows them. */

import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, ViewPlugin, WidgetType } from "@codemirror/view";
import { icon } from "./icons.js";

class Shown extends WidgetType {
  /** key: widgets of the same one look the same. */
  constructor(key, draw) {
    super();
    Object.assign(this, { key, toDOM: draw });
  }

  eq(other) {
    return other.key === this.key;
  }

  ignoreEvent() {
    return true;
  }
}

/** A table's cell, which is edited by itself, as in Obsidian's own tables. */
const CELL = new Shown("cell", () => {
  const element = createDiv({ cls: "cm-table-widget", attr: { contenteditable: "false" } });
  element.createDiv({ cls: "table-cell", attr: { contenteditable: "true", tabindex: "0" } });
  return element;
});
const RULE = new Shown("rule", () => createSpan({ cls: "lp-rule" }));

function title(type, words) {
  return new Shown(`${type} ${words}`, () => {
    const element = createSpan({ cls: "lp-callout-title" });
    element.append(icon(findIcon(type)));
    element.appendText(words);
    return element;
  });
}

/** The icon that the styles name for a type of callout: https://help.obsidian.md/callouts#Customize+callouts */
function findIcon(type) {
  const callout = document.body.createDiv({ cls: "callout", attr: { "data-callout": type } });
  const name = getComputedStyle(callout).getPropertyValue("--callout-icon").trim();
  callout.remove();
  return name.replace(/^lucide-/, "");
}

/** Shows a cell below the text. */
export const showCell = StateEffect.define();

const cells = StateField.define({
  create: () => Decoration.none,
  update(shown, { changes, effects, newDoc }) {
    if (!effects.some((one) => one.is(showCell))) return shown.map(changes);
    return Decoration.set(Decoration.widget({ widget: CELL, block: true, side: 1 }).range(newDoc.length));
  },
  provide: (field) => EditorView.decorations.from(field),
});

export const livePreview = [
  cells,
  ViewPlugin.define((view) => ({
    decorations: decorate(view),
    update(update) {
      if (update.docChanged) this.decorations = decorate(update.view);
    },
  }), { decorations: (plugin) => plugin.decorations }),
  EditorView.editorAttributes.of({ class: "markdown-source-view" }),
];

function decorate({ state: { doc } }) {
  const properties = /^---\n[^]*?\n---(?=\n|$)/.exec(doc.toString())?.[0].length ?? 0;
  let type = "";
  const made = [];
  for (let number = 1; number <= doc.lines; number += 1) {
    const { from, text } = doc.line(number);
    const header = /^ *> ?\[!(\w+)\][+-]? ?(.*)$/.exec(text);
    if (header) type = header[1].toLowerCase();
    else if (!/^ *>/.test(text)) type = "";
    for (const [start, end, look] of from < properties ? property(text) : type ? callout(text, header, type) : plain(text)) {
      made.push(look.range(from + start, from + end));
    }
  }
  return Decoration.set(made, true);
}

const hide = Decoration.replace({});
const mark = (name) => Decoration.mark({ class: name });
const line = (name, attributes = {}) => [0, 0, Decoration.line({ class: name, attributes })];

/** Parts of a line: from where to where, and how they look. */
function property(text) {
  if (text === "---") return [line("lp-edge"), [0, 3, hide]];
  const name = /^[^\s:][^:]*:/.exec(text);
  return name ? [[0, name[0].length, mark("lp-name")]] : [];
}

function callout(text, header, type) {
  const shown = line("callout lp-callout", { "data-callout": type });
  if (header) return [shown, [0, text.length, Decoration.replace({ widget: title(type, header[2] || "AI") })]];
  const quote = /^ *> ?/.exec(text)[0].length;
  return [shown, [0, quote, hide], ...links(text)];
}

function plain(text) {
  const heading = /^#(#*) /.exec(text);
  if (heading) return [line(`lp-heading ${heading[1] ? "" : "lp-title"}`), [0, heading[0].length, hide]];
  return text === "---" ? [[0, 3, Decoration.replace({ widget: RULE })]] : links(text);
}

function links(text) {
  return [...text.matchAll(/\[\[([^\]|]+\|)?([^\]]+)\]\]|(?<=^|\s)#[\w/]+/g)].flatMap(({ index, 0: all, 1: target = "", 2: name }) => {
    if (!name) return [[index, index + all.length, mark("lp-tag")]];
    const [start, end] = [index + 2 + target.length, index + all.length];
    return [[index, start, hide], [start, end - 2, mark("lp-link")], [end - 2, end, hide]];
  });
}
