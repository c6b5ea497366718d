/** What Obsidian has but does not document. Each is checked before it is used, and all at the start. */

import { redoDepth } from "@codemirror/commands";
import { EditorView } from "@codemirror/view";
import { MarkdownView } from "obsidian";

/** @import { App, Editor } from "obsidian" */
/** @import { NoteView } from "./open-notes.js" */

/** Elements where a note is edited outside of its text: its properties and its name. */
export const FIELDS = ".metadata-container, .inline-title, .view-header-title, .is-being-renamed";
export const DIALOGS = ".modal-container, .prompt";
export const SUGGESTIONS = ".suggestion-container"; // they know their place in the text by line and column

/**
 * Show a web page in a tab by the core plugin "Web viewer", there since Obsidian 1.8. Return whether it is on and does so.
 *
 * @type {(app: App, url: string) => Promise<boolean>}
 */
export async function showInWebViewer(app, url) {
  const viewer = field(field(field(app, "internalPlugins"), "plugins"), "webviewer");
  if (field(viewer, "enabled") !== true) return false;
  const leaf = app.workspace.getLeaf("tab");
  await leaf.setViewState({ type: "webviewer", active: true, state: { url, navigate: true } });
  if (leaf.view.getViewType() === "webviewer") return true;
  leaf.detach(); // it has another name by now
  return false;
}

/** Return what is missing of that which the views of notes should have, so that edits may disturb who types. @param {App} app */
export function findMissing({ workspace }) {
  /** @type {Set<string>} */
  const missing = new Set();
  workspace.iterateAllLeaves(({ view }) => {
    if (!(view instanceof MarkdownView) || !view.file) return;
    if (!findCodeMirror(view.editor)) missing.add("editor.cm");
    if (readSaved(view) === null) missing.add("lastSavedData");
    if (!view.containerEl.querySelector(FIELDS)) missing.add(FIELDS);
  });
  return [...missing];
}

/** Return the CodeMirror view behind an editor, there since Obsidian 1.0, else null. @param {Editor | null} editor */
export function findCodeMirror(editor) {
  const cm = field(editor, "cm");
  return cm instanceof EditorView ? cm : null;
}

/** Return whether an input method shows candidates in the editor. @param {NoteView} view */
export function isComposing({ cm }) {
  return Boolean(cm?.composing || cm?.compositionStarted);
}

/** Return whether the user took back steps in the editor that can be made again, until something is edited. @param {NoteView} view */
export function canRedo({ cm }) {
  return cm !== null && redoDepth(cm.state) > 0;
}

/**
 * Return whether Vim's keys are on in the editor and are not in normal mode. In insert mode Vim records
 * every edit as typed; in visual mode it remembers lines and columns.
 *
 * @param {NoteView} view
 */
export function isInVimMode({ cm }) {
  const vim = field(field(field(cm, "cm"), "state"), "vim");
  return Boolean(field(vim, "insertMode")) || Boolean(field(vim, "visualMode"));
}

/** Return the text that a view loaded or saved last, null if it does not say. @param {import("obsidian").TextFileView} view */
export function readSaved(view) {
  const text = field(view, "lastSavedData");
  return typeof text === "string" ? text : null;
}

/** @type {(value: unknown, name: string) => unknown} */
function field(value, name) {
  return value instanceof Object && name in value ? Reflect.get(value, name) : undefined;
}
