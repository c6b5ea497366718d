/** What the user can do with a note or a folder, for commands, menus and the ribbon. */

import { enrichNote } from "./enrich.js";
import { enrichFolder } from "./folder.js";
import { findEditing } from "./note-text.js";
import { reviewNote } from "./review.js";
import { isInSection } from "./section.js";
import { undoLast } from "./undo.js";
import { showWhy } from "./why.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */

/**
 * @template T
 * @typedef {{
 *   id: string, name: string, icon: string, act: (plugin: CompanionPlugin, file: T) => Promise<void>,
 *   isPossible?: (plugin: CompanionPlugin, file: T) => boolean,
 * }} Action
 */

/**
 * isPossible: whether it can be done now; without it, with every note.
 *
 * @satisfies {Record<string, Action<TFile>>}
 */
export const ACTIONS = {
  enrich: { id: "enrich-note", name: "Enrich note", icon: "sparkles", act: enrichNote },
  section: {
    id: "enrich-section",
    name: "Enrich section at the cursor",
    icon: "heading",
    act: (plugin, file) => enrichNote(plugin, file, { section: true }),
    isPossible: hasSection,
  },
  answer: {
    id: "answer-requests",
    name: "Answer requests in this note",
    icon: "message-square-reply",
    act: (plugin, file) => enrichNote(plugin, file, { requests: true }),
  },
  folder: {
    id: "enrich-folder",
    name: "Enrich folder of this note",
    icon: "folder-pen",
    act: async (plugin, file) => {
      if (file.parent) await enrichFolder(plugin, file.parent);
    },
  },
  review: { id: "review-note", name: "Review what would change", icon: "file-diff", act: reviewNote },
  undo: { id: "undo-note", name: "Undo the last change of this note", icon: "undo-2", act: undoLast },
  why: { id: "why-note", name: "Why is this note (not) picked", icon: "circle-help", act: showWhy },
};

/**
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
function hasSection({ app }, file) {
  const editor = findEditing(app, file)?.editor;
  return Boolean(editor && isInSection(editor.getValue(), editor.getCursor().line));
}
