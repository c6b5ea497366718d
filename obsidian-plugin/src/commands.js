/** What the user can do with a note, a folder or the daemon: commands, items of menus, and a command line. */

import { TFile, TFolder } from "obsidian";
import { askAboutBacklog, findBacklog, setPaused } from "./background.js";
import { showWhy } from "./details.js";
import { notifyOfErrors } from "./dialogs.js";
import { makeBase } from "./base-file.js";
import { enrichFiles, enrichFolder, enrichNote, proposeNote } from "./enrich.js";
import { explain } from "./errors.js";
import { findEditing } from "./note-text.js";
import { undoLast } from "./undo.js";
import { openView } from "./view.js";
import { countNotes, describeModel, describeVault, say } from "./words.js";

/** @import { CliFlags, Menu } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Key } from "./words.js" */

const HEADING = /^ {0,3}#{1,6}[ \t]+[^ \t#]/;
const WORDS = /^ {0,3}[^ \t>#|`~+*-]/; // a line that is a heading if the next one underlines it
const UNDERLINE = /^ {0,3}(?:=+|-+)[ \t]*$/;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;

/** @type {CliFlags} */
const PATH = { path: { value: "<path>", description: "The note's path in the vault; else the active note" } };

/**
 * An action for a note or a folder. isPossible: whether it can be done now; always where it is left out.
 *
 * @template T
 * @typedef {{
 *   id: string, name: Key, icon: string, act: (plugin: CompanionPlugin, file: T) => Promise<unknown>,
 *   isPossible?: (plugin: CompanionPlugin, file: T) => boolean,
 * }} Action
 */

/**
 * The actions for a note, by name.
 *
 * @satisfies {Record<string, Action<TFile>>}
 */
export const ACTIONS = {
  enrich: { id: "enrich-note", name: "enrichNote", icon: "sparkles", act: enrichNote },
  section: {
    id: "enrich-section",
    name: "enrichSection",
    icon: "heading",
    act: (plugin, file) => enrichNote(plugin, file, { section: true }),
    isPossible: hasSection,
  },
  answer: {
    id: "answer-requests",
    name: "answerRequests",
    icon: "message-square-reply",
    act: (plugin, file) => enrichNote(plugin, file, { requests: true }),
  },
  folder: {
    id: "enrich-folder",
    name: "enrichFolderOf",
    icon: "folder-pen",
    act: async (plugin, { parent }) => parent && enrichFolder(plugin, parent),
  },
  propose: { id: "propose-note", name: "propose", icon: "inbox", act: proposeAndShow },
  undo: { id: "undo-note", name: "undoLast", icon: "undo-2", act: undoLast },
  why: { id: "why-note", name: "whyNote", icon: "circle-help", act: showWhy },
};

const { enrich, section, answer, propose, undo, why } = ACTIONS;
/** @type {Action<TFolder>} */
const FOLDER = { id: "", name: "enrichFolder", icon: "folder-pen", act: enrichFolder };

/** @param {CompanionPlugin} plugin */
export function addCommands(plugin) {
  /** @type {Action<TFile>[]} */
  const actions = Object.values(ACTIONS);
  for (const { id, name, icon, act, isPossible } of actions) {
    const checkCallback = (/** @type {boolean} */ isChecking) => {
      const file = plugin.app.workspace.getActiveFile();
      if (!isNote(file) || isPossible?.(plugin, file) === false) return false;
      if (!isChecking) void notifyOfErrors(plugin, () => act(plugin, file));
      return true;
    };
    plugin.addCommand({ id, name: say(name), icon, checkCallback });
  }
  const decide = (/** @type {boolean} */ isChecking) => {
    if (!findBacklog(plugin).notes) return false;
    if (!isChecking) void notifyOfErrors(plugin, () => askAboutBacklog(plugin));
    return true;
  };
  plugin.addCommand({
    id: "backlog",
    name: say("decideBacklog"),
    icon: "list-todo",
    checkCallback: decide,
  });
  const turn = (/** @type {boolean} */ isPaused) => () => void notifyOfErrors(plugin, () => setPaused(plugin, isPaused));
  const open = (/** @type {boolean} */ inTab) => () => void openView(plugin, inTab);
  plugin.addCommand({ id: "open", name: say("openView"), icon: "sparkles", callback: open(false) });
  plugin.addCommand({ id: "open-tab", name: say("openInTab"), icon: "sparkles", callback: open(true) });
  const base = () => void notifyOfErrors(plugin, () => makeBase(plugin));
  plugin.addCommand({ id: "base", name: say("makeBase"), icon: "table", callback: base });
  plugin.addCommand({ id: "pause", name: say("pauseBackground"), icon: "pause", callback: turn(true) });
  plugin.addCommand({ id: "resume", name: say("resumeBackground"), icon: "play", callback: turn(false) });
}

/** @param {CompanionPlugin} plugin */
export function addMenus(plugin) {
  const { workspace } = plugin.app;
  plugin.registerEvent(
    workspace.on("file-menu", (menu, file) => {
      if (file instanceof TFolder) addItems(plugin, menu, file, [FOLDER]);
      else if (isNote(file)) addItems(plugin, menu, file, [enrich, propose, undo, why]);
    }),
  );
  plugin.registerEvent(
    workspace.on("files-menu", (menu, files) => {
      const notes = files.filter(isNote);
      if (!notes.length) return;
      menu.addItem((item) => {
        item.setTitle(say("enrichNotes", { notes: countNotes(notes.length) }));
        item.setIcon("sparkles").setSection("callout-companion");
        item.onClick(() => void notifyOfErrors(plugin, () => enrichFiles(plugin, notes)));
      });
    }),
  );
  plugin.registerEvent(
    workspace.on("editor-menu", (menu, _editor, { file }) => {
      if (isNote(file)) addItems(plugin, menu, file, [enrich, section, answer]);
    }),
  );
}

/**
 * Add commands of Obsidian's own command line, as in `obsidian callout-companion:enrich path=Note.md`.
 *
 * @param {CompanionPlugin} plugin
 */
export function addCommandLine(plugin) {
  const name = plugin.manifest.id;
  plugin.registerCliHandler(name, "What Callout Companion does, or what it lacks", null, () => describe(plugin));
  plugin.registerCliHandler(`${name}:enrich`, "Fill a note", PATH, ({ path }) => enrichByPath(plugin, path));
  plugin.registerCliHandler(`${name}:inbox`, "Open the inbox", null, async () => {
    await openView(plugin);
    return "";
  });
}

/** @param {CompanionPlugin} plugin */
async function describe(plugin) {
  await plugin.daemon.check();
  const { status, words } = plugin.daemon;
  return status ? `${describeVault(status)}. ${describeModel(status)}.` : words;
}

/**
 * @param {CompanionPlugin} plugin
 * @param {string} [path]
 */
async function enrichByPath(plugin, path) {
  const { vault, workspace } = plugin.app;
  const file = path === undefined ? workspace.getActiveFile() : vault.getFileByPath(path);
  if (!file) return path === undefined ? say("openNoteFirst") : say("noSuchNote", { path });
  try {
    return await enrichNote(plugin, file);
  } catch (error) {
    return explain(plugin, error);
  }
}

/**
 * @param {unknown} file
 * @returns {file is TFile}
 */
export function isNote(file) {
  return file instanceof TFile && file.extension === "md";
}

/**
 * @template {TFile | TFolder} T
 * @param {CompanionPlugin} plugin
 * @param {Menu} menu
 * @param {T} file
 * @param {Pick<Action<T>, "name" | "icon" | "act" | "isPossible">[]} actions
 */
function addItems(plugin, menu, file, actions) {
  for (const { name, icon, act, isPossible } of actions) {
    if (isPossible?.(plugin, file) === false) continue;
    menu.addItem((item) => {
      item.setTitle(say(name)).setIcon(icon).setSection("callout-companion");
      item.onClick(() => void notifyOfErrors(plugin, () => act(plugin, file)));
    });
  }
}

/**
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
async function proposeAndShow(plugin, file) {
  await proposeNote(plugin, file);
  await openView(plugin);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
function hasSection({ app }, file) {
  const editor = findEditing(app, file)?.editor;
  return Boolean(editor && isInSection(editor.getValue(), editor.getCursor().line));
}

/**
 * Return whether there is a heading (`## Heading`, or an underlined one) at the line or above it, not
 * counting code and properties. Which section the line is in, the daemon says.
 *
 * @param {string} text
 * @param {number} line counted from 0
 */
function isInSection(text, line) {
  const lines = text.split("\n");
  let fence = "";
  for (let index = findBody(lines); index <= line; index++) {
    const here = lines[index] ?? "";
    const mark = FENCE.exec(here)?.[1] ?? "";
    if (fence) {
      if (mark.startsWith(fence) && here.trim() === mark) fence = "";
    } else if (mark) {
      fence = mark;
    } else if (HEADING.test(here) || (WORDS.test(here) && UNDERLINE.test(lines[index + 1] ?? ""))) {
      return true;
    }
  }
  return false;
}

/**
 * Return the number of the first line after the properties.
 *
 * @param {string[]} lines
 */
function findBody(lines) {
  if (lines[0]?.trimEnd() !== "---") return 0;
  return lines.findIndex((line, index) => index > 0 && line.trimEnd() === "---") + 1;
}
