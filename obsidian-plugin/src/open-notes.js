/** Which notes are open in this app, wherever they are shown, and saving what was typed in them. */

import { TFile } from "obsidian";
import { NoteUnavailable } from "./errors.js";
import { field, findCards } from "./internals.js";
import { findTextViews, isOutdated, isPlain, readFile, toEditorText } from "./note-text.js";
import { say } from "./words.js";

/** @import { App, TextFileView } from "obsidian" */
/** @import { Card } from "./internals.js" */
/** @import CompanionPlugin from "./main.js" */

const LOOK = 200; // milliseconds between two checks whether a note is saved
const LOOKS = 15; // checks at most; Obsidian saves two seconds after the last keystroke

/**
 * Return the sorted paths of the notes that are open: in a tab, a pane or a pop-out window, on a
 * canvas, in a popover, or embedded in one of these.
 *
 * @param {App} app
 */
export function findOpen(app) {
  /** @type {Set<TFile>} */
  const shown = new Set();
  const views = findTextViews(app);
  const files = views.flatMap((view) => [view.file, ...filesOnCanvas(app, view)]);
  for (const file of [...files, ...findCards(app).map((card) => card.file)]) {
    addWithEmbeds(app, file, shown);
  }
  return [...shown].map((file) => file.path).sort();
}

/**
 * Save what was typed in open notes.
 *
 * Throws NoteUnavailable if a note cannot be saved.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} where the start of the notes' paths: a note, a folder with `/` at the end, empty for all
 */
export async function saveOpen(plugin, where) {
  const { app } = plugin;
  for (const view of findTextViews(app)) {
    const { file } = view;
    if (isNote(file) && file.path.startsWith(where)) await saveView(plugin, view, file);
  }
  for (const card of findCards(app)) {
    if (isNote(card.file) && card.file.path.startsWith(where)) await saveCard(plugin, card);
  }
}

/**
 * Return the files on a canvas (https://jsoncanvas.org), none if the view is of another kind.
 *
 * @type {(app: App, view: TextFileView) => (TFile | null)[]}
 */
function filesOnCanvas(app, view) {
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
 * Save a view, once it shows what others wrote into its file.
 *
 * @type {(plugin: CompanionPlugin, view: TextFileView, file: TFile) => Promise<void>}
 */
async function saveView({ app, timers }, view, file) {
  for (let looks = 0; looks < LOOKS; looks++) {
    if (looks) await timers.pause(LOOK);
    if (await isOutdated(app, file)) continue;
    const text = await readFile(app, file);
    // where nothing was typed, saving would only lose the file's line ends or byte order mark
    if (isPlain(text) || view.getViewData() !== toEditorText(text)) await view.save();
    return;
  }
  throw new NoteUnavailable(say("notSaved", { name: file.basename }));
}

/** Save a card, and wait until its text is in the file. @type {(plugin: CompanionPlugin, card: Card) => Promise<void>} */
async function saveCard({ app, timers }, { file, editor, isPart, save }) {
  for (let looks = 0; looks < LOOKS; looks++) {
    const saved = toEditorText(await app.vault.read(file));
    const shown = editor.getValue();
    if (isPart ? saved.includes(shown) : saved === shown) return;
    if (!looks) await save();
    else await timers.pause(LOOK);
  }
  throw new NoteUnavailable(say("cardNotSaved", { name: file.basename }));
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

/** @type {(file: unknown) => file is TFile} */
export function isNote(file) {
  return file instanceof TFile && file.extension === "md";
}
