/** Which notes are open in this app, and every view that shows one. */

import { MarkdownView, TextFileView, TFile } from "obsidian";
import { findCodeMirror } from "./internals.js";

/** @import { EditorView } from "@codemirror/view" */
/** @import { App, Editor } from "obsidian" */

/**
 * What shows a note in a tab, a pane or a window.
 *
 * editor, cm: its editor, and CodeMirror's view behind that; null where it has none. isEditing: whether the editor holds the
 * text; not so in reading mode. read: returns the text as an editor shows it.
 *
 * @typedef {{
 *   file: TFile, view: TextFileView, editor: Editor | null, cm: EditorView | null, containerEl: HTMLElement,
 *   isEditing: boolean, read: () => string,
 * }} NoteView
 */

/**
 * Return everything that shows a note, in all tabs, panes and windows.
 *
 * @type {(app: App) => NoteView[]}
 */
export function findNoteViews({ workspace }) {
  /** @type {NoteView[]} */
  const views = [];
  workspace.iterateAllLeaves(({ view }) => {
    if (!(view instanceof TextFileView) || !isNote(view.file)) return;
    const { file, containerEl } = view;
    const editor = view instanceof MarkdownView ? view.editor : null;
    const isEditing = view instanceof MarkdownView && view.getMode() === "source";
    views.push({ file, view, editor, cm: findCodeMirror(editor), containerEl, isEditing, read: () => view.getViewData() });
  });
  return views;
}

/**
 * Return what edits the note, preferably the active view, or null. A view in reading mode does not count:
 * its editor need not hold the note's text.
 *
 * @type {(app: App, file: TFile) => NoteView | null}
 */
export function findEditing(app, { path }) {
  const active = app.workspace.getActiveViewOfType(MarkdownView);
  const editing = findNoteViews(app).filter((one) => one.file.path === path && one.isEditing);
  return editing.find(({ view }) => view === active) ?? editing[0] ?? null;
}

/** Return the sorted paths of the notes that are open in a tab, a pane or a pop-out window. @param {App} app */
export function findOpen(app) {
  return [...new Set(findNoteViews(app).map(({ file }) => file.path))].sort();
}

/**
 * Return the file of a path as the daemon has it from the disk, where macOS may have decomposed the name.
 *
 * @type {(app: App, path: string) => TFile | null}
 */
export function findFile({ vault }, path) {
  return vault.getFileByPath(path) ?? vault.getFileByPath(path.normalize("NFC"));
}

/** @type {(file: unknown) => file is TFile} */
export function isNote(file) {
  return file instanceof TFile && file.extension === "md";
}
