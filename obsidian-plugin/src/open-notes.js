/** Which notes are open in this app, and every view, card, embed and popover that shows one. */

import { MarkdownView, TextFileView, TFile } from "obsidian";
import { NoteUnavailable } from "./errors.js";
import { field, findCards, findCodeMirror } from "./internals.js";
import { say } from "./words.js";

/** @import { App } from "obsidian" */
/** @import { NoteView } from "./internals.js" */

/**
 * Return everything that shows a note or a part of it, in all tabs, panes and windows; of two that contain each
 * other, the inner one first.
 *
 * @type {(app: App) => NoteView[]}
 */
export function findNoteViews(app) {
  return [...findCards(app), ...findTextViews(app).flatMap(asNoteView)].filter(({ file }) => isNote(file));
}

/**
 * Return what edits the note, preferably the active view, or null. A view in reading mode does not count:
 * its editor need not hold the note's text. Nor does a card that shows a part of the note.
 *
 * @type {(app: App, file: TFile) => NoteView | null}
 */
export function findEditing(app, { path }) {
  const active = app.workspace.getActiveViewOfType(MarkdownView);
  const editing = findNoteViews(app).filter((one) => one.file.path === path && one.isEditing && !one.isPart);
  return editing.find(({ view }) => view && view === active) ?? editing.find(({ view }) => view) ?? editing[0] ?? null;
}

/**
 * Return the sorted paths of the notes that are open: in a tab, a pane or a pop-out window, on a
 * canvas, in a popover, or embedded in one of these.
 *
 * @param {App} app
 */
export function findOpen(app) {
  /** @type {Set<TFile>} */
  const shown = new Set();
  const files = [...findNoteViews(app).map(({ file }) => file), ...findTextViews(app).flatMap((view) => readCanvas(app, view))];
  for (const file of files) addWithEmbeds(app, file, shown);
  return [...shown].map((file) => file.path).sort();
}

/** Return the text views in all tabs, panes and windows: of notes, canvases, and other plugins'. @param {App} app */
function findTextViews(app) {
  /** @type {TextFileView[]} */
  const views = [];
  app.workspace.iterateAllLeaves(({ view }) => {
    if (view instanceof TextFileView) views.push(view);
  });
  return views;
}

/** @type {(view: TextFileView) => NoteView[]} */
function asNoteView(view) {
  const { file, containerEl } = view;
  if (!file) return [];
  const editor = view instanceof MarkdownView ? view.editor : null;
  const isEditing = view instanceof MarkdownView && view.getMode() === "source";
  const [read, save] = [() => view.getViewData(), () => view.save()];
  return [{ file, view, editor, cm: findCodeMirror(editor), containerEl, isPart: false, isEditing, read, save }];
}

/**
 * Return the files on a canvas (https://jsoncanvas.org), none if the view is of another kind.
 *
 * @type {(app: App, view: TextFileView) => (TFile | null)[]}
 */
function readCanvas(app, view) {
  if (view.getViewType() !== "canvas") return [];
  try {
    const nodes = field(JSON.parse(view.getViewData()), "nodes");
    const paths = Array.isArray(nodes) ? nodes.map((node) => field(node, "file")) : [];
    return paths.map((path) => (typeof path === "string" ? app.vault.getFileByPath(path) : null));
  } catch {
    return []; // a canvas that is not loaded yet
  }
}

/**
 * Add the note and all notes embedded in it, directly or through others.
 *
 * @type {(app: App, file: TFile | null, shown: Set<TFile>) => void}
 */
function addWithEmbeds(app, file, shown) {
  if (!isNote(file) || shown.has(file)) return;
  shown.add(file);
  for (const { link } of app.metadataCache.getFileCache(file)?.embeds ?? []) {
    const path = link.replace(/#.*/s, "");
    addWithEmbeds(app, app.metadataCache.getFirstLinkpathDest(path, file.path), shown);
  }
}

/**
 * Return the note of a path, or the active one where none is named. Throws NoteUnavailable if there is none.
 *
 * @type {(app: App, path?: string) => TFile}
 */
export function requireNote({ vault, workspace }, path) {
  const file = path === undefined ? workspace.getActiveFile() : vault.getFileByPath(path);
  if (isNote(file)) return file;
  throw new NoteUnavailable(path === undefined ? say("openNoteFirst") : say("noSuchNote", { path }));
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
