/** A proposal shown in its note, at the place where it would go, to be accepted or refused there. */

import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, WidgetType } from "@codemirror/view";
import { Keymap } from "obsidian";
import { nameOf } from "../ui/proposal.js";
import { NoteUnavailable } from "./errors.js";
import { readFile, saveOpen, toEditorOffset, toEditorText } from "./note-text.js";
import { findEditing, findFile, findNoteViews } from "./open-notes.js";
import { say, showHidden } from "./words.js";

/** @import { EditorState } from "@codemirror/state" */
/** @import { DecorationSet } from "@codemirror/view" */
/** @import { App, TFile, UserEvent } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { App as Inbox } from "../ui/app.js" */
/** @import { Proposal, ProposalInPlace } from "./api-types.d.ts" */

/** @typedef {(what: "accept" | "refuse") => void} Decide */
/** @typedef {{ name: string, at: number, parts: ProposalInPlace["parts"], decide: Decide }} Preview at: the offset of its first edit */
/** @typedef {{ id: number, inbox: Inbox, close: () => void }} ShownPreview id: of the proposal; inbox: where it was chosen */

/** @type {import("@codemirror/state").StateEffectType<Preview | null>} */
const show = StateEffect.define();

/** The extension of Obsidian's editors that shows previews. */
export const previewField = StateField.define({
  create: () => Decoration.none,
  update(shown, { changes, effects, state }) {
    const effect = effects.find((one) => one.is(show));
    if (!effect) return changes.empty ? shown : shown.map(changes);
    return effect.value ? decorate(state, effect.value) : Decoration.none;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/**
 * Open the proposal's note at the place where it would go, and show it there.
 *
 * Throws NoteUnavailable if the note is gone, is only being read, or keeps changing; ApiError if the proposal
 * does not fit it any more.
 *
 * @param {CompanionPlugin} plugin
 * @param {Inbox} inbox that shows it, and decides on it
 * @param {Proposal} proposal
 * @param {UserEvent} event the click or key that asks for it
 */
export async function openPlace(plugin, inbox, proposal, event) {
  const { api, app } = plugin;
  const file = await showNote(app, proposal.path, event);
  await saveOpen(plugin, file.path);
  /** @type {ProposalInPlace} */
  const { start, parts } = await api.get(`/proposals/${proposal.id}/place`, { context: 0 });
  const { text } = await readFile(app, file);
  const view = findEditing(app, file); // now, since another note may be shown in its place meanwhile
  const cm = view?.cm;
  if (!cm) throw new NoteUnavailable(say("noPlaceInReading", { name: file.basename }));
  if (view.read() !== toEditorText(text)) throw new NoteUnavailable(say("notSaved", { name: file.basename }));
  plugin.preview?.close();
  plugin.preview = { id: proposal.id, inbox, close: () => cm.dispatch({ effects: show.of(null) }) };
  const at = Math.min(toEditorOffset(text, start), cm.state.doc.length);
  const decide = (/** @type {Parameters<Decide>[0]} */ what) => void inbox.decisions.decide(what, [proposal.id]);
  const preview = { name: showHidden(nameOf(proposal)), at, parts: parts.filter(([mark]) => mark !== "…"), decide };
  cm.dispatch({ effects: [show.of(preview), EditorView.scrollIntoView(at, { y: "center" })] });
}

/**
 * Show the note of a path, and return its file: in its tab if it is open, else in a new one, or where the
 * modifier keys say. A link would not do: a note may have `#` in its name, and a click on a link to none
 * makes one.
 *
 * @type {(app: App, path: string, event: UserEvent) => Promise<TFile>}
 */
async function showNote(app, path, event) {
  const { workspace } = app;
  const file = findFile(app, path);
  if (!file) throw new NoteUnavailable(say("noSuchNote", { path }));
  const pane = Keymap.isModEvent(event);
  const leaf = findNoteViews(app).find(({ view, editor }) => editor && view?.file === file)?.view?.leaf;
  const isEmpty = workspace.getMostRecentLeaf()?.view.getViewType() === "empty";
  if (leaf && !pane) workspace.setActiveLeaf(leaf, { focus: true });
  else await workspace.getLeaf(pane || (isEmpty ? false : "tab")).openFile(file, { state: { mode: "source" } });
  return file;
}

/**
 * Show no proposal of that inbox in its note any more, unless it is one of those that are open.
 *
 * @type {(plugin: CompanionPlugin, inbox: Inbox, open?: number[]) => void}
 */
export function closePlace(plugin, inbox, open = []) {
  if (plugin.preview?.inbox !== inbox || open.includes(plugin.preview.id)) return;
  plugin.preview.close();
  plugin.preview = null;
}

/**
 * Show it where it goes: below its line, above it if it goes to its start, and never within the properties, which Obsidian
 * draws as a whole.
 *
 * @type {(state: EditorState, preview: Preview) => DecorationSet}
 */
function decorate({ doc }, preview) {
  const properties = /^---\n[^]*?\n---(?=\n|$)/.exec(doc.toString())?.[0].length ?? -1;
  const line = doc.lineAt(Math.max(preview.at, properties));
  const isAbove = preview.at > properties && preview.at === line.from;
  const widget = Decoration.widget({ widget: new PreviewWidget(preview), block: true, side: isAbove ? -1 : 1 });
  return Decoration.set(widget.range(isAbove ? line.from : line.to));
}

class PreviewWidget extends WidgetType {
  /** @param {Preview} preview */
  constructor(preview) {
    super();
    this.preview = preview;
  }

  toDOM() {
    const { name, parts, decide } = this.preview;
    const box = createDiv({ cls: "callout-companion-preview", attr: { role: "group", "aria-label": name } });
    box.createEl("p", { text: name, cls: "callout-companion-quiet" });
    const text = box.createDiv({ cls: "callout-companion-text" });
    for (const [mark, part = ""] of parts) text.createEl(mark === "+" ? "ins" : mark === "-" ? "del" : "span", { text: showHidden(part) });
    const buttons = box.createDiv({ cls: "callout-companion-buttons" });
    for (const what of /** @type {const} */ (["accept", "refuse"])) {
      const button = buttons.createEl("button", { text: say(what) });
      button.addEventListener("click", () => decide(what));
    }
    return box;
  }
}
