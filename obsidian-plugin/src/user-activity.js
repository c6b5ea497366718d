/** What the user is typing or editing, which an edit of a note would disturb. */

import { Component } from "obsidian";
import { canRedo, DIALOGS, FIELDS, isComposing, isInVimMode, SUGGESTIONS } from "./internals.js";
import { toEditorOffset, toEditorText } from "./note-text.js";
import { findNoteViews } from "./open-notes.js";
import { showHidden } from "./words.js";

/** @import { App, TFile } from "obsidian" */
/** @import { NoteView } from "./open-notes.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { EditShape as Edit } from "./api-types.d.ts" */

const EDITORS = ".cm-content";
const TEXT_FIELDS = "input:not([type=checkbox]), textarea, select";
const UNREQUESTED = "the user pauses"; // never shown: what nobody asked for is tried again

/** What the user does in the windows of this app. */
export class UserActivity {
  #plugin;
  /** When the user typed last, in milliseconds since the epoch. */
  #typedAt = 0;
  /** The element where an input method shows candidates. */
  #composing = /** @type {Element | null} */ (null);

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /** Record typing in all windows from now on, including those that open later. */
  watch() {
    const plugin = this.#plugin;
    const { workspace } = plugin.app;
    const typed = () => void (this.#typedAt = Date.now());
    const windows = /** @type {Map<Document, Component>} */ (new Map());
    const follow = (/** @type {Document} */ doc) => {
      const listeners = plugin.addChild(new Component());
      listeners.registerDomEvent(doc, "input", typed, true);
      listeners.registerDomEvent(doc, "compositionstart", () => (this.#composing = doc.activeElement), true);
      listeners.registerDomEvent(doc, "compositionend", () => (this.#composing = null), true);
      windows.set(doc, listeners);
    };
    const leave = (/** @type {Document} */ doc) => {
      const listeners = windows.get(doc);
      if (listeners) plugin.removeChild(listeners);
      windows.delete(doc);
      if (this.#composing?.ownerDocument === doc) this.#composing = null;
    };
    for (const doc of findDocuments(plugin.app)) follow(doc);
    plugin.registerEvent(workspace.on("window-open", ({ doc }) => follow(doc)));
    plugin.registerEvent(workspace.on("window-close", ({ doc }) => leave(doc)));
    plugin.registerEvent(workspace.on("editor-change", typed));
  }

  /**
   * Return whether nothing was typed for so many milliseconds, and nothing but a note's text is being edited,
   * in any window: no property, name of a note, or dialog, and no text for which an input method shows candidates,
   * or Obsidian suggestions.
   *
   * @param {number} ms
   */
  isIdle(ms) {
    const isEditing = findFocused(this.#plugin.app).some((element) => {
      return element === this.#composing || hasSuggestions(element) || element.closest(`${FIELDS}, ${DIALOGS}`) !== null;
    });
    return Date.now() - this.#typedAt >= ms && !isEditing;
  }

  /**
   * Return what edits of the note have to wait for, as `the cursor has left its property “tags”`, or
   * null if nothing. Only the cursor of the editor that has the focus counts, and only while it shows that text.
   *
   * @param {TFile} file
   * @param {string} text
   * @param {Edit[]} edits checked against the cursor; empty to skip that check
   * @param {boolean} isRequested whether the user asked for them in this window; if not, they also wait until
   *   the cursor has left their callout, nothing can be redone, and Vim is in normal mode
   */
  findWaitReason(file, text, edits, isRequested) {
    const { app } = this.#plugin;
    const views = findNoteViews(app);
    for (const element of findFocused(app)) {
      const owner = views.find(({ containerEl }) => containerEl.contains(element));
      if (owner && owner.file !== file) continue;
      const isEditor = owner ?? element.closest(EDITORS); // of an unknown note, as in another plugin's window
      if (isEditor && element === this.#composing) return "your input method is done";
      if (isEditor && hasSuggestions(element)) return "you have chosen a suggestion";
      if (owner && isFieldInText(owner, element)) return "you have left its table or field";
      if (element.closest(FIELDS)) return "you have left its properties and its title";
    }
    const own = views.filter((one) => one.file === file && one.isEditing);
    if (own.some(isComposing)) return "your input method is done";
    for (const view of own.filter((one) => hasCursor(app, one))) {
      const edit = findEditAtCursor(view, text, edits, isRequested);
      if (edit) return edit.place?.kind === "property" ? `the cursor has left its property “${showHidden(edit.place.name)}”` : UNREQUESTED;
    }
    const isAway = own.some((view) => canRedo(view) || isInVimMode(view));
    return isAway && !isRequested ? UNREQUESTED : null;
  }
}

/**
 * Return the first edit whose property or callout a selected range or the cursor touches; of the edits that the
 * user asked for, only those of properties: a callout's title can be typed on.
 *
 * @param {NoteView} view
 * @param {string} text that the edits are for: what the view shows, or its file's
 * @param {Edit[]} edits
 * @param {boolean} isRequested
 */
function findEditAtCursor({ cm, read }, text, edits, isRequested) {
  if (toEditorText(text) !== read()) return null;
  const ranges = cm?.state.selection.ranges ?? [];
  return edits.find(({ start, end, place }) => {
    const isProperty = place?.kind === "property";
    if (isRequested && !isProperty) return false;
    const from = toEditorOffset(text, place?.start ?? start);
    const to = toEditorOffset(text, place?.end ?? end) + (isProperty ? 1 : 0); // a blank typed at the start of the line below goes on with it
    return ranges.some((range) => range.to >= from && range.from <= to);
  }) ?? null;
}

/**
 * Return whether what is typed next goes to the editor: it has the focus, or gets it back from a dialog.
 *
 * @type {(app: App, view: NoteView) => boolean}
 */
function hasCursor(app, { editor, cm, containerEl }) {
  const focused = containerEl.ownerDocument.activeElement;
  if (focused?.closest(DIALOGS)) return app.workspace.activeEditor?.editor === editor;
  return (cm?.contentDOM ?? containerEl).contains(focused);
}

/** Return whether Obsidian or a plugin shows suggestions for what is being typed there. @param {Element} element that has the focus */
function hasSuggestions({ ownerDocument }) {
  return [...ownerDocument.querySelectorAll(SUGGESTIONS)].some((one) => one.getClientRects().length > 0);
}

/**
 * Return whether an element is edited by itself within the text: a table's cell, another plugin's field.
 *
 * @type {(view: NoteView, element: Element) => boolean}
 */
function isFieldInText({ cm }, element) {
  const text = cm?.contentDOM;
  if (!text?.contains(element) || element === text) return false;
  return element.closest("[contenteditable]:not([contenteditable=false])") !== text || element.matches(TEXT_FIELDS);
}

/** Return the focused element of each window. @param {App} app */
function findFocused(app) {
  return findDocuments(app).flatMap((doc) => doc.activeElement ?? []);
}

/** Return the documents of the main window and of all pop-out windows. @param {App} app */
function findDocuments({ workspace }) {
  const docs = new Set([workspace.containerEl.ownerDocument]);
  workspace.iterateAllLeaves(({ view }) => void docs.add(view.containerEl.ownerDocument));
  return [...docs];
}
