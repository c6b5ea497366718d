/** A proposal drawn in its note, at the place where it would go, with what can be done with it. */

import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, WidgetType } from "@codemirror/view";
import { setIcon } from "obsidian";
import { nameProposal, sentence, showHidden } from "./words.js";

/** @import { EditorState } from "@codemirror/state" */
/** @import { DecorationSet } from "@codemirror/view" */
/** @import { Proposal, ProposalInPlace } from "./api-types.d.ts" */

/** @typedef {{ text?: Proposal["text"], wish?: string }} More text: the user's version; wish: what should be different */
/** @typedef {(what: "accept" | "refuse" | "again" | "next", more?: More) => void} Decide */

/**
 * A proposal as it is shown. key: changes with what is to be seen. at: the offset of its first edit. place: its number among those
 * of its note, and of how many. isAsking: whether it is being asked for again.
 *
 * @typedef {{
 *   key: string, at: number, proposal: Proposal, parts: ProposalInPlace["parts"], place: [number, number], isAsking: boolean, decide: Decide,
 * }} Preview
 */

/** @type {Record<string, [name: string, why: string]>} why somebody should look at it, by its flag */
const FLAGS = {
  unsupported: ["Not in your notes", "Something in it is not in your notes: look closer."],
  "new-value": ["New", "No other note uses this yet."],
  replaces: ["Replaces", "It takes the place of what Companion wrote before."],
  program: ["By a program", "A program proposed this, not the model you chose."],
  undone: ["Undone", "You undid this before."],
};
const LINE = 72; // characters
const MOST_LINES = 14; // that a field shows

/** @type {import("@codemirror/state").StateEffectType<Card | null>} */
const show = StateEffect.define();

/** @typedef {{ card: Card | null, decorations: DecorationSet }} Shown */

/** The extension of Obsidian's editors that shows previews. @type {StateField<Shown>} */
export const previewField = StateField.define({
  create: () => /** @type {Shown} */ ({ card: null, decorations: Decoration.none }),
  update(shown, { changes, effects, state }) {
    const effect = effects.find((one) => one.is(show));
    if (!effect) return changes.empty ? shown : { ...shown, decorations: shown.decorations.map(changes) };
    return { card: effect.value, decorations: effect.value ? decorate(state, effect.value) : Decoration.none };
  },
  provide: (field) => EditorView.decorations.from(field, ({ decorations }) => decorations),
});

/** Return what an editor shows, null if nothing. @param {EditorView} cm */
export function findCard(cm) {
  return cm.state.field(previewField, false)?.card ?? null;
}

/** Show a proposal in an editor in the place of the one before; null: none. @type {(cm: EditorView, preview: Preview | null) => void} */
export function showPreview(cm, preview) {
  cm.dispatch({ effects: show.of(preview && new Card(preview)) });
}

/** Bring what an editor shows into sight, and return whether it was: all of it, or, where it is too tall, its start. @param {EditorView} cm */
export function scrollToCard(cm) {
  const box = cm.contentDOM.querySelector(".callout-companion-preview");
  const [own, window] = [box?.getBoundingClientRect(), cm.scrollDOM.getBoundingClientRect()];
  if (!box || !own) {
    const at = cm.state.field(previewField).decorations.iter().from; // an editor draws only what is in sight
    cm.dispatch({ effects: EditorView.scrollIntoView(at, { y: "center" }) });
    return false;
  }
  const isTall = own.bottom - own.top > window.bottom - window.top;
  const isSeen = own.top >= window.top && (isTall ? own.top < window.bottom : own.bottom <= window.bottom);
  if (!isSeen) box.scrollIntoView({ block: isTall ? "start" : "center" });
  return isSeen;
}

/**
 * Show it where it goes: below its line, above it if it goes to its start, and never within the properties, which Obsidian
 * draws as a whole.
 *
 * @type {(state: EditorState, card: Card) => DecorationSet}
 */
function decorate({ doc }, card) {
  const properties = /^---\n[^]*?\n---(?=\n|$)/.exec(doc.toString())?.[0].length ?? -1;
  const at = Math.min(card.preview.at, doc.length);
  const line = doc.lineAt(Math.max(at, properties));
  const isAbove = at > properties && at === line.from;
  const widget = Decoration.widget({ widget: card, block: true, side: isAbove ? -1 : 1 });
  return Decoration.set(widget.range(isAbove ? line.from : line.to));
}

/** What is drawn. The user's version, or wish, is kept here, since an editor drops what is scrolled out of sight. */
class Card extends WidgetType {
  /** What is being typed. */
  mode = /** @type {"edit" | "again" | null} */ (null);
  #draft = "";
  #box = /** @type {HTMLElement | null} */ (null);
  #cm = /** @type {EditorView | null} */ (null);

  /** @param {Preview} preview */
  constructor(preview) {
    super();
    this.preview = preview;
  }

  /** @param {EditorView} cm */
  toDOM(cm) {
    const { proposal } = this.preview;
    this.#cm = cm;
    this.#box = createDiv({ cls: "callout-companion-preview", attr: { role: "group", "aria-label": nameProposal(proposal) } });
    this.#draw();
    return this.#box;
  }

  ignoreEvent() {
    return true; // its buttons and fields are not the editor's
  }

  /** Have the user type: their version, or what should be different; null: nothing any more. @param {Card["mode"]} mode */
  type(mode) {
    this.mode = mode;
    this.#draft = mode === "edit" ? linesOf(this.preview.proposal) : "";
    this.#draw();
    this.#cm?.requestMeasure(); // it is of another height now
    this.#box?.querySelector("textarea")?.focus();
  }

  #draw() {
    const box = this.#box;
    if (!box) return;
    const { isAsking, parts, place: [number, of], proposal } = this.preview;
    box.empty();
    const head = box.createDiv({ cls: "callout-companion-head" });
    head.createEl("strong", { text: nameProposal(proposal) });
    for (const flag of proposal.flags) head.createSpan({ cls: "callout-companion-flag", text: FLAGS[flag]?.[0] ?? flag });
    if (of > 1) this.#button(head, `${number} of ${of} ›`, () => this.#decide("next")).setAttribute("aria-label", `${number} of ${of} ›; show the next`);
    if (this.mode === "edit") this.#drawField("Your version", "Accept", () => this.#decide("accept", { text: this.#readDraft() }));
    else drawValue(box.createDiv({ cls: "callout-companion-value" }), proposal, parts);
    const why = [sentence(showHidden(proposal.why)), ...proposal.flags.map((flag) => FLAGS[flag]?.[1] ?? ""), "It waits for your decision."].join(" ");
    if (this.mode !== "edit") box.createDiv({ cls: "callout-companion-why", text: why });
    if (this.mode === "again") this.#drawField("What should be different? Shorter, for example.", "Ask again", () => this.#decide("again", { wish: this.#draft.trim() }));
    if (this.mode) return;
    const row = box.createDiv({ cls: "callout-companion-buttons" });
    if (isAsking) return void row.createSpan({ cls: "callout-companion-quiet", text: "Asking again …" });
    this.#button(row, "Accept", () => this.#decide("accept")).addClass("mod-cta");
    this.#button(row, "Edit", () => this.type("edit"));
    this.#button(row, "Refuse", () => this.#decide("refuse"));
    this.#button(row, "Again, but …", () => this.type("again")).addClass("callout-companion-again");
  }

  /** @type {(label: string, name: string, act: () => void) => void} */
  #drawField(label, name, act) {
    const box = /** @type {HTMLElement} */ (this.#box);
    const lines = this.#draft.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / LINE)), 0);
    const field = box.createEl("textarea", { attr: { "aria-label": label, placeholder: label, rows: Math.min(MOST_LINES, Math.max(2, lines)) } });
    field.value = this.#draft;
    field.addEventListener("input", () => (this.#draft = field.value));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.type(null);
      else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) act();
    });
    const row = box.createDiv({ cls: "callout-companion-buttons" });
    this.#button(row, name, act).addClass("mod-cta");
    this.#button(row, "Cancel", () => this.type(null));
  }

  /** @type {(parent: HTMLElement, text: string, act: () => void) => HTMLElement} */
  #button(parent, text, act) {
    const button = parent.createEl("button", { text });
    button.addEventListener("click", act);
    return button;
  }

  /** @type {Decide} */
  #decide(what, more) {
    this.mode = null;
    this.preview.decide(what, more);
  }

  #readDraft() {
    const { text } = this.preview.proposal;
    const lines = this.#draft.split("\n");
    if (!Array.isArray(text)) return this.#draft;
    return this.preview.proposal.kind === "callout" ? lines : lines.map((line) => line.trim()).filter(Boolean);
  }
}

/** @param {Proposal} proposal */
function linesOf({ text }) {
  return Array.isArray(text) ? text.join("\n") : (text ?? "");
}

/**
 * Draw what would be written, as it would look; where something would be taken out, with marks.
 *
 * @type {(parent: HTMLElement, proposal: Proposal, parts: string[][]) => void}
 */
function drawValue(parent, proposal, parts) {
  if (parts.some(([mark]) => mark === "-")) {
    for (const [mark, text = ""] of parts) {
      if (mark !== "…") parent.createEl(mark === "+" ? "ins" : mark === "-" ? "del" : "span", { text: showHidden(text) });
    }
  } else if (proposal.kind === "callout") {
    const callout = parent.createDiv({ cls: "callout", attr: { "data-callout": "ai" } });
    const title = callout.createDiv({ cls: "callout-title" });
    setIcon(title.createDiv({ cls: "callout-icon" }), "sparkles");
    title.createDiv({ cls: "callout-title-inner", text: "AI" });
    drawText(callout.createDiv({ cls: "callout-content" }), linesOf(proposal));
  } else if (Array.isArray(proposal.text)) {
    for (const value of proposal.text) drawText(parent.createSpan({ cls: "callout-companion-item" }), value);
  } else drawText(parent, proposal.text ?? "");
}

/** Draw text, with links by the names that they show. @type {(parent: HTMLElement, text: string) => void} */
function drawText(parent, text) {
  for (const [index, part] of showHidden(text).split(/\[\[([^\]]+)\]\]/).entries()) {
    if (index % 2) parent.createSpan({ cls: "callout-companion-link", text: part.slice(part.indexOf("|") + 1) });
    else parent.appendText(part);
  }
}
