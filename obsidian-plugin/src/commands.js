/** What the user can do with a note, a folder or the daemon: commands, items of menus, and a command line. */

import { TFolder } from "obsidian";
import base from "./notes.base";
import { countBacklog, openDetails, showWhy } from "./details.js";
import { confirmFirst, notify, notifyOfErrors, showLists } from "./dialogs.js";
import { enrichFiles, enrichFolder, enrichNote } from "./enrich.js";
import { explain } from "./errors.js";
import { showInWebViewer } from "./internals.js";
import { findEditing, isNote, requireNote } from "./open-notes.js";
import { openInBrowser, readAgreed } from "./program.js";
import { undoLast } from "./undo.js";
import { openView } from "./view.js";
import { countNotes, describeModel, describeVault, say, showHidden } from "./words.js";

/** @import { CliFlags, Menu, TFile } from "obsidian" */
/** @import { PageAddress, Status } from "./api-types.d.ts" */
/** @import { Choice } from "./dialogs.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Key } from "./words.js" */
/** @import { Values } from "../ui/words.js" */

const BASE = "Callout Companion.base";
/** @type {Key[]} */
const BASE_NAMES = ["baseStubs", "basePostponed", "filled"];

/** @type {CliFlags} */
const PATH = { path: { value: "<path>", description: "The note's path in the vault; else the active note" } };

/**
 * An action, for a note or a folder where it is about one. isPossible: whether it can be done now; always where it is
 * left out.
 *
 * @template T
 * @typedef {{
 *   id: string, name: Key, icon: string, act: (plugin: CompanionPlugin, about: T) => unknown,
 *   isPossible?: (plugin: CompanionPlugin, about: T) => boolean,
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
    act: (plugin, file) => {
      const options = {
        // read when the run is begun, since what waits for the note is written before, which moves the lines
        get section() {
          return findLine(plugin, file) + 1;
        },
      };
      return enrichNote(plugin, file, options);
    },
    isPossible: hasSection,
  },
  field: { id: "enrich-field", name: "enrichField", icon: "text-cursor-input", act: enrichField },
  answer: {
    id: "answer-requests",
    name: "answerRequests",
    icon: "message-square-reply",
    act: (plugin, file) => enrichNote(plugin, file, { mode: "requests" }),
  },
  folder: {
    id: "enrich-folder",
    name: "enrichFolderOf",
    icon: "folder-pen",
    act: async (plugin, { parent }) => parent && enrichFolder(plugin, parent),
  },
  propose: {
    id: "propose-note",
    name: "proposeHere",
    icon: "inbox",
    act: async (plugin, file) => {
      await enrichNote(plugin, file, { propose: true });
      await openView(plugin);
    },
  },
  undo: { id: "undo-note", name: "undoLast", icon: "undo-2", act: undoLast },
  why: { id: "why-note", name: "whyNote", icon: "circle-help", act: showWhy },
};

const { enrich, section, answer, propose, undo, why } = ACTIONS;
/** @type {Action<TFolder>} */
const FOLDER = { id: "", name: "enrichFolder", icon: "folder-pen", act: enrichFolder };
/** @type {Action<TFile[]>} */
const FILES = { id: "", name: "enrichNotes", icon: "sparkles", act: enrichFiles };

/** @type {Action<null>[]} */
const OTHERS = [
  { id: "backlog", name: "decideBacklog", icon: "list-todo", act: openDetails, isPossible: (plugin) => countBacklog(plugin) > 0 },
  { id: "open", name: "openView", icon: "sparkles", act: (plugin) => openView(plugin) },
  { id: "open-tab", name: "openInTab", icon: "sparkles", act: (plugin) => openView(plugin, true) },
  { id: "open-page", name: "openPage", icon: "globe", act: openPage },
  { id: "base", name: "makeBase", icon: "table", act: makeBase },
  { id: "pause", name: "toggleBackground", icon: "pause", act: togglePause },
  { id: "cancel", name: "cancelWork", icon: "circle-stop", act: ({ work }) => work.cancel(), isPossible: isBusy },
];

/**
 * Open the daemon's page: in Obsidian's Web viewer where that is on, else in the browser.
 *
 * @param {CompanionPlugin} plugin
 */
async function openPage(plugin) {
  /** @type {PageAddress} */
  const { address } = await plugin.api.post("/session/address");
  if (await showInWebViewer(plugin.app, address)) return;
  if (readAgreed(plugin.app)) await openInBrowser(plugin.app);
  else notify(say("openPageHow"));
}

/** @param {CompanionPlugin} plugin */
export function addCommands(plugin) {
  const findActive = () => {
    const file = plugin.app.workspace.getActiveFile();
    return isNote(file) ? file : undefined;
  };
  for (const action of Object.values(ACTIONS)) addCommand(plugin, action, findActive);
  for (const action of OTHERS) addCommand(plugin, action, () => null);
  plugin.registerObsidianProtocolHandler(plugin.manifest.id, (link) => void notifyOfErrors(plugin, () => followLink(plugin, link)));
}

/**
 * @template T
 * @param {CompanionPlugin} plugin
 * @param {Action<T>} action
 * @param {() => T | undefined} find what it is about; undefined: there is none now
 */
function addCommand(plugin, { id, name, icon, act, isPossible }, find) {
  const checkCallback = (/** @type {boolean} */ isChecking) => {
    const about = find();
    if (about === undefined || isPossible?.(plugin, about) === false) return false;
    if (!isChecking) void notifyOfErrors(plugin, () => act(plugin, about));
    return true;
  };
  plugin.addCommand({ id, name: say(name), icon, checkCallback });
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
      if (notes.length) addItems(plugin, menu, notes, [FILES], { notes: countNotes(notes.length) });
    }),
  );
  plugin.registerEvent(
    workspace.on("editor-menu", (menu, _editor, { file }) => {
      if (isNote(file)) addItems(plugin, menu, file, [enrich, section, answer]);
    }),
  );
}

/** Add commands of Obsidian's own command line, as in `obsidian callout-companion:enrich path=Note.md`. @param {CompanionPlugin} plugin */
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

/** @type {(plugin: CompanionPlugin, path?: string) => Promise<string>} */
async function enrichByPath(plugin, path) {
  try {
    return await enrichNote(plugin, requireNote(plugin.app, path));
  } catch (error) {
    return explain(error);
  }
}

/**
 * @template T
 * @param {CompanionPlugin} plugin
 * @param {Menu} menu
 * @param {T} about
 * @param {Action<T>[]} actions
 * @param {Values} [values] of their names
 */
function addItems(plugin, menu, about, actions, values) {
  for (const { name, icon, act, isPossible } of actions) {
    if (isPossible?.(plugin, about) === false) continue;
    menu.addItem((item) => {
      item.setTitle(say(name, values)).setIcon(icon).setSection("callout-companion");
      item.onClick(() => void notifyOfErrors(plugin, () => act(plugin, about)));
    });
  }
}

/**
 * Return whether there is a heading at the cursor's line or above it. Which section the line is in, the daemon says.
 *
 * @type {(plugin: CompanionPlugin, file: TFile) => boolean}
 */
function hasSection(plugin, file) {
  const line = findLine(plugin, file);
  return Boolean(plugin.app.metadataCache.getFileCache(file)?.headings?.some(({ position }) => position.start.line <= line));
}

/**
 * Return the line of the cursor, counted from 0, -1 where the note is not edited.
 *
 * @type {(plugin: CompanionPlugin, file: TFile) => number}
 */
function findLine({ app }, file) {
  return findEditing(app, file)?.editor?.getCursor().line ?? -1;
}

/**
 * Have the user choose a property, or the callout, that is filled if it is empty.
 *
 * @type {(plugin: CompanionPlugin, file: TFile) => Promise<void>}
 */
async function enrichField(plugin, file) {
  /** @type {Status} */
  const { modes } = await plugin.connection.get("/status");
  /** @type {Choice[]} */
  const choices = Object.keys(modes).map((field) => [field, async () => void (await enrichNote(plugin, file, { field }))]);
  showLists(plugin, `${say("enrichField")} ${showHidden(file.basename)}`, [], choices);
}

/** Pause background work, or resume it, and notify the user. @param {CompanionPlugin} plugin */
async function togglePause({ daemon: { store } }) {
  const isPaused = store.status.peek()?.paused;
  await store.change(isPaused ? "resume" : "pause");
  notify(say(isPaused ? "backgroundResumed" : "backgroundPaused"));
}

/** @param {CompanionPlugin} plugin */
function isBusy({ work, daemon }) {
  return work.runs.size > 0 || work.waits.size > 0 || Boolean(daemon.status?.runs.length);
}

/**
 * Follow a link as `obsidian://callout-companion?action=enrich`. Anybody can make one, so that the user is asked.
 *
 * @type {(plugin: CompanionPlugin, link: Record<string, string>) => Promise<void>}
 */
async function followLink(plugin, { action, path }) {
  if (action !== "enrich") return openView(plugin);
  const file = requireNote(plugin.app, path);
  const endpoint = plugin.daemon.status?.endpoint;
  const words = endpoint ? say("privacyRemote", { endpoint }) : say("privacyHere");
  const act = async () => void (await enrichNote(plugin, file));
  confirmFirst(plugin, say("enrichAsk", { name: showHidden(file.basename) }), words, [say("enrichNote"), act]);
}

/** Create the base in the vault's folder unless it is there, and open it. @param {CompanionPlugin} plugin */
async function makeBase({ app }) {
  const { vault, workspace } = app;
  const known = vault.getFileByPath(BASE);
  const named = BASE_NAMES.reduce((text, key) => text.replace(`{${key}}`, say(key)), base);
  const file = known ?? (await vault.create(BASE, named));
  notify(say(known ? "baseThere" : "baseMade", { path: BASE }));
  await workspace.getLeaf("tab").openFile(file);
}
