/** What the user can do with a note, a folder or the daemon: commands, items of menus, and a command line. */

import { TFile, TFolder } from "obsidian";
import { askAboutBacklog, findBacklog, setPaused } from "./background.js";
import { showWhy } from "./details.js";
import { confirmFirst, notify, notifyOfErrors, showLists } from "./dialogs.js";
import { makeBase } from "./base-file.js";
import { enrichFiles, enrichFolder, enrichNote, proposeNote } from "./enrich.js";
import { explain } from "./errors.js";
import { findEditing } from "./note-text.js";
import { undoLast } from "./undo.js";
import { openView } from "./view.js";
import { countNotes, describeModel, describeVault, say, showHidden } from "./words.js";

/** @import { CliFlags, Menu } from "obsidian" */
/** @import { Status } from "./api-types.d.ts" */
/** @import { Choice } from "./dialogs.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Key } from "./words.js" */

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
  field: { id: "enrich-field", name: "enrichField", icon: "text-cursor-input", act: enrichField },
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
  const open = (/** @type {boolean} */ inTab) => () => void openView(plugin, inTab);
  plugin.addCommand({ id: "open", name: say("openView"), icon: "sparkles", callback: open(false) });
  plugin.addCommand({ id: "open-tab", name: say("openInTab"), icon: "sparkles", callback: open(true) });
  const base = () => void notifyOfErrors(plugin, () => makeBase(plugin));
  plugin.addCommand({ id: "base", name: say("makeBase"), icon: "table", callback: base });
  const toggle = () => void notifyOfErrors(plugin, () => setPaused(plugin, !plugin.daemon.status?.paused));
  plugin.addCommand({ id: "pause", name: say("toggleBackground"), icon: "pause", callback: toggle });
  const cancel = (/** @type {boolean} */ isChecking) => {
    const isBusy = plugin.runs.size > 0 || plugin.work.waits.size > 0 || Boolean(plugin.daemon.status?.runs.length);
    if (isBusy && !isChecking) void notifyOfErrors(plugin, () => cancelWork(plugin));
    return isBusy;
  };
  plugin.addCommand({ id: "cancel", name: say("cancelWork"), icon: "circle-stop", checkCallback: cancel });
  plugin.registerObsidianProtocolHandler(plugin.manifest.id, (link) => void notifyOfErrors(plugin, () => followLink(plugin, link)));
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
 * Return whether there is a heading at the cursor's line or above it. Which section the line is in, the daemon says.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
function hasSection({ app }, file) {
  const line = findEditing(app, file)?.editor.getCursor().line ?? -1;
  return Boolean(app.metadataCache.getFileCache(file)?.headings?.some(({ position }) => position.start.line <= line));
}

/**
 * Have the user choose a property, or the callout, that is filled if it is empty.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
async function enrichField(plugin, file) {
  /** @type {Status} */
  const { modes } = await plugin.api.get("/status");
  /** @type {Choice[]} */
  const choices = Object.keys(modes).map((field) => [field, async () => void (await enrichNote(plugin, file, { field }))]);
  showLists(plugin, `${say("enrichField")} ${showHidden(file.basename)}`, [], choices);
}

/** Cancel what is being done for anybody, and what waits for the user. @param {CompanionPlugin} plugin */
async function cancelWork(plugin) {
  await plugin.work.cancelWaits();
  await plugin.api.cancelRuns(new Set([...plugin.runs.keys(), ...(plugin.daemon.status?.runs ?? [])]));
}

/**
 * Follow a link as `obsidian://callout-companion?action=enrich`. Anybody can make one, so that the user is asked.
 *
 * @param {CompanionPlugin} plugin
 * @param {Record<string, string>} link
 */
async function followLink(plugin, { action, path }) {
  const { vault, workspace } = plugin.app;
  if (action !== "enrich") return openView(plugin);
  const file = path === undefined ? workspace.getActiveFile() : vault.getFileByPath(path);
  if (!isNote(file)) return notify(path === undefined ? say("openNoteFirst") : say("noSuchNote", { path }));
  const endpoint = plugin.daemon.status?.endpoint;
  const words = endpoint ? say("privacyRemote", { endpoint }) : say("privacyHere");
  const act = async () => void (await enrichNote(plugin, file));
  confirmFirst(plugin, say("enrichAsk", { name: showHidden(file.basename) }), words, [say("enrichNote"), act]);
}
