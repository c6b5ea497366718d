/** What the user is typing or editing, which an edit of a note would disturb. */

import { Component } from "obsidian";
import { findCodeMirror, findRanges, isComposing } from "./editor.js";
import { findViews } from "./note-text.js";
import { say } from "./words.js";

/** @import { App, MarkdownView, TFile } from "obsidian" */
/** @import { Range } from "./editor.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Edit } from "./shapes.js" */

/** Elements where a note is edited outside of its text: its properties and its name. */
const FIELDS = ".metadata-container, .inline-title, .view-header-title, .is-being-renamed";
const DIALOGS = ".modal-container, .prompt";
const SUGGESTIONS = ".suggestion-container"; // they know their place in the text by line and column
const TEXT_FIELDS = "input:not([type=checkbox]), textarea, select";
const KEY = /^[^\s#-]/; // the first character of a line that begins a property

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
    const typed = () => {
      this.#typedAt = Date.now();
    };
    /** @type {Map<Document, Component>} */
    const windows = new Map();
    /** @param {Document} doc */
    const follow = (doc) => {
      const listeners = plugin.addChild(new Component());
      listeners.registerDomEvent(doc, "input", typed, true);
      listeners.registerDomEvent(doc, "compositionstart", () => (this.#composing = doc.activeElement), true);
      listeners.registerDomEvent(doc, "compositionend", () => (this.#composing = null), true);
      windows.set(doc, listeners);
    };
    /** @param {Document} doc */
    const leave = (doc) => {
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
   * null if nothing. Where an editor shows another text, the edits are not checked against its cursor.
   *
   * @param {TFile} file
   * @param {string} text
   * @param {Edit[]} edits checked against the property the cursor is in; empty to skip that check
   */
  findWaitReason(file, text, edits) {
    const { app } = this.#plugin;
    const views = findViews(app);
    for (const element of findFocused(app)) {
      const view = views.find(({ containerEl }) => containerEl.contains(element));
      if (view && view.file !== file) continue;
      if (view && element === this.#composing) return say("untilInputMethod");
      if (view && hasSuggestions(element)) return say("untilSuggestion");
      if (view && isFieldInText(view, element)) return say("untilField");
      if (element.closest(FIELDS)) return say("untilLeft");
    }
    const editing = views.filter((view) => view.file === file && view.getMode() === "source");
    if (editing.some(({ editor }) => isComposing(editor))) return say("untilInputMethod");
    for (const { editor } of editing) {
      if (editor.getValue() !== text) continue;
      const name = findTouchedProperty(text, edits, findRanges(editor));
      if (name) return say("untilCursor", { name });
    }
    return null;
  }
}

/**
 * Return the name of a property that one of the edits changes and one of the ranges touches.
 *
 * @param {string} text
 * @param {Edit[]} edits
 * @param {Range[]} ranges
 */
function findTouchedProperty(text, edits, ranges) {
  const properties = findProperties(text);
  return properties.find(({ from, to }) => {
    const isChanged = edits.some(({ start, end }) => start >= from && end <= to);
    return isChanged && ranges.some(({ anchor, head }) => {
      return Math.max(anchor, head) >= from && Math.min(anchor, head) <= to;
    });
  })?.name;
}

/**
 * Return the properties in the frontmatter, each from the start of its first line to the end of its last.
 *
 * @param {string} text
 */
function findProperties(text) {
  /** @type {{ name: string, from: number, to: number }[]} */
  const found = [];
  const block = /^---[ \t]*\n([\s\S]*?\n)??---[ \t]*(?:\n|$)/.exec(text);
  let from = text.indexOf("\n") + 1;
  for (const line of (block?.[1] ?? "").split("\n").slice(0, -1)) {
    const to = from + line.length;
    const last = found.at(-1);
    if (KEY.test(line)) found.push({ name: line.split(":")[0] ?? line, from, to });
    else if (last) last.to = to;
    from = to + 1;
  }
  return found;
}

/**
 * Return whether Obsidian or a plugin shows suggestions for what is being typed there.
 *
 * @param {Element} element that has the focus
 */
function hasSuggestions(element) {
  const shown = [...element.ownerDocument.querySelectorAll(SUGGESTIONS)];
  return shown.some((one) => one.getClientRects().length > 0);
}

/**
 * Return whether an element is edited by itself within the text: a table's cell, another plugin's field.
 *
 * @param {MarkdownView} view
 * @param {Element} element
 */
function isFieldInText({ editor }, element) {
  const text = findCodeMirror(editor)?.contentDOM;
  if (!text?.contains(element) || element === text) return false;
  return element.closest("[contenteditable]:not([contenteditable=false])") !== text || element.matches(TEXT_FIELDS);
}

/**
 * Return the focused element of each window.
 *
 * @param {App} app
 */
function findFocused(app) {
  return findDocuments(app).flatMap((doc) => doc.activeElement ?? []);
}

/**
 * Return the documents of the main window and of all pop-out windows.
 *
 * @param {App} app
 */
function findDocuments({ workspace }) {
  const docs = new Set([workspace.containerEl.ownerDocument]);
  workspace.iterateAllLeaves(({ view }) => void docs.add(view.containerEl.ownerDocument));
  return [...docs];
}
