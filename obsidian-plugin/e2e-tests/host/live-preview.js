/** How the note looks: headings, properties and callouts as Obsidian's live preview shows them. */

import { RangeSetBuilder, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, ViewPlugin, WidgetType } from "@codemirror/view";
import { icon } from "./icons.js";

class Title extends WidgetType {
  constructor(type, title) {
    super();
    this.type = type;
    this.title = title;
  }

  eq(other) {
    return other.type === this.type && other.title === this.title;
  }

  toDOM() {
    const element = createSpan({ cls: "lp-callout-title" });
    element.append(icon(findIcon(this.type)));
    element.appendText(this.title);
    return element;
  }
}

/** The icon that the styles name for a type of callout: https://help.obsidian.md/callouts#Customize+callouts */
function findIcon(type) {
  const callout = document.body.createDiv({ cls: "callout", attr: { "data-callout": type } });
  const name = getComputedStyle(callout).getPropertyValue("--callout-icon").trim();
  callout.remove();
  return name.replace(/^lucide-/, "");
}

class Rule extends WidgetType {
  eq() {
    return true;
  }

  toDOM() {
    return createSpan({ cls: "lp-rule" });
  }
}

/** A cell of a table, which is edited by itself, as in Obsidian's own tables. */
class Cell extends WidgetType {
  eq() {
    return true;
  }

  toDOM() {
    const element = createDiv({ cls: "cm-table-widget", attr: { contenteditable: "false" } });
    element.createDiv({ cls: "table-cell", attr: { contenteditable: "true", tabindex: "0" } });
    return element;
  }

  ignoreEvent() {
    return true;
  }
}

/** Shows a cell below the text. */
export const showCell = StateEffect.define();

const cells = StateField.define({
  create: () => Decoration.none,
  update(shown, { changes, effects, newDoc }) {
    if (!effects.some((one) => one.is(showCell))) return shown.map(changes);
    return Decoration.set(Decoration.widget({ widget: new Cell(), block: true, side: 1 }).range(newDoc.length));
  },
  provide: (field) => EditorView.decorations.from(field),
});

const HIDDEN = Decoration.replace({});
const RULE = Decoration.replace({ widget: new Rule() });

export const livePreview = [
  cells,
  ViewPlugin.fromClass(
    class {
      constructor(view) {
        this.decorations = decorate(view);
      }

      update(update) {
        if (update.docChanged || update.viewportChanged) this.decorations = decorate(update.view);
      }
    },
    { decorations: (plugin) => plugin.decorations },
  ),
  EditorView.editorAttributes.of({ class: "markdown-source-view" }),
];

function decorate(view) {
  const builder = new RangeSetBuilder();
  const { doc } = view.state;
  let properties = doc.line(1).text === "---" ? "open" : "none";
  let type = "";
  for (let number = 1; number <= doc.lines; number += 1) {
    const { from, to, text } = doc.line(number);
    if (properties === "open" && (number === 1 || text !== "---")) {
      property(builder, from, to, text, number);
      continue;
    }
    if (properties === "open") {
      properties = "closed";
      property(builder, from, to, text, number);
      continue;
    }
    const header = /^( *> ?)\[!(\w+)\][+-]? ?(.*)$/.exec(text);
    if (header) type = header[2].toLowerCase();
    else if (!/^ *>/.test(text)) type = "";
    if (type) calloutLine(builder, doc, number, header, type);
    else plain(builder, from, to, text);
  }
  return builder.finish();
}

function property(builder, from, to, text, number) {
  const edge = text === "---";
  builder.add(from, from, line(edge ? (number === 1 ? "lp-first" : "lp-last") : "lp-property"));
  const name = /^[^\s:][^:]*:/.exec(text)?.[0].length ?? 0;
  if (edge) builder.add(from, to, HIDDEN);
  else if (name) builder.add(from, from + name, Decoration.mark({ class: "lp-name" }));
}

function calloutLine(builder, doc, number, header, type) {
  const { from, to, text } = doc.line(number);
  const isLast = number === doc.lines || !/^ *>/.test(doc.line(number + 1).text);
  const kind = `callout lp-callout${header ? " mod-first" : ""}${isLast ? " mod-last" : ""}`;
  builder.add(from, from, Decoration.line({ class: kind, attributes: { "data-callout": type } }));
  if (header) {
    const widget = new Title(type, header[3] || "AI");
    builder.add(from, to, Decoration.replace({ widget }));
    return;
  }
  const mark = /^ *> ?/.exec(text)?.[0].length ?? 0;
  if (mark) builder.add(from, from + mark, HIDDEN);
  links(builder, from, text);
}

function plain(builder, from, to, text) {
  const heading = /^(#{1,6}) /.exec(text);
  if (heading) {
    builder.add(from, from, line(`lp-heading-${heading[1].length}`));
    builder.add(from, from + heading[0].length, HIDDEN);
  } else if (text === "---") {
    builder.add(from, to, RULE);
  } else {
    links(builder, from, text);
  }
}

function links(builder, from, text) {
  for (const found of text.matchAll(/\[\[([^\]|]+\|)?([^\]]+)\]\]|(?<=^|\s)#[\w/]+/g)) {
    const [all, target = "", name] = found;
    const start = from + found.index;
    if (!name) {
      builder.add(start, start + all.length, Decoration.mark({ class: "lp-tag" }));
      continue;
    }
    const shown = start + 2 + target.length;
    builder.add(start, shown, HIDDEN);
    builder.add(shown, shown + name.length, Decoration.mark({ class: "lp-link" }));
    builder.add(shown + name.length, start + all.length, HIDDEN);
  }
}

function line(name) {
  return Decoration.line({ class: name });
}
