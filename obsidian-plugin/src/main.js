/** Callout Companion in Obsidian. What to do is the daemon's business; this shows it and writes. */

import { Plugin } from "obsidian";
import { ACTIONS } from "./actions.js";
import { newAsked, takeAsked } from "./asked.js";
import { addCommands } from "./commands.js";
import { cancelRuns } from "./daemon.js";
import { watchHands } from "./hands.js";
import { addMenus, isNote } from "./menus.js";
import { say, tellFaults } from "./notices.js";
import { leave, reportChange } from "./presence.js";
import { readSettings } from "./settings.js";
import { CompanionSettingTab } from "./settings-tab.js";
import { addStatusBar } from "./status-bar.js";
import { LOOK, newRest, takeOver } from "./take-over.js";
import { newTimers } from "./timers.js";
import { look, newWatch } from "./watch.js";

/** @import { TFile } from "obsidian" */
/** @import { Quiet } from "./quiet.js" */

/**
 * client: what the daemon knows this window by. told: the open notes it was told of. doing: what
 * is being done, by the note's or folder's path. quiet: what a model gave unasked, by the note.
 * runs: ids of those that are followed. announced: of how many notes the user was told that they
 * wait for an answer.
 */
export default class CompanionPlugin extends Plugin {
  settings = readSettings(null);
  timers = newTimers();
  watch = newWatch();
  rest = newRest();
  asked = newAsked();
  client = crypto.randomUUID();
  told = "";
  announced = 0;
  /** @type {Map<string, string>} */
  doing = new Map();
  /** @type {Map<TFile, Quiet>} */
  quiet = new Map();
  /** @type {Set<string>} */
  runs = new Set();
  /** @type {HTMLElement | null} */
  statusBar = null;

  async onload() {
    this.settings = readSettings(await this.loadData());
    this.statusBar = addStatusBar(this);
    this.addRibbonIcon("sparkles", "Fill this note", () => useRibbon(this));
    this.addSettingTab(new CompanionSettingTab(this));
    addCommands(this);
    addMenus(this);
    this.app.workspace.onLayoutReady(() => begin(this));
  }

  onunload() {
    this.timers.stopAll();
    void leave(this);
    cancelRuns(this, [...this.runs]).catch(() => {});
  }

  async onExternalSettingsChange() {
    this.settings = readSettings(await this.loadData());
    this.watch.address = "";
    await look(this);
  }
}

/** @param {CompanionPlugin} plugin */
function begin(plugin) {
  const { workspace } = plugin.app;
  const tell = () => void reportChange(plugin);
  plugin.registerEvent(workspace.on("file-open", tell));
  plugin.registerEvent(workspace.on("layout-change", tell));
  watchHands(plugin);
  plugin.registerEvent(workspace.on("quit", (tasks) => tasks.add(() => leave(plugin))));
  plugin.registerInterval(window.setInterval(() => void takeOver(plugin), LOOK));
  plugin.registerInterval(window.setInterval(() => void takeAsked(plugin), LOOK));
  void look(plugin);
}

/** @param {CompanionPlugin} plugin */
function useRibbon(plugin) {
  const file = plugin.app.workspace.getActiveFile();
  if (!isNote(file)) return say("Open a note first.");
  void tellFaults(plugin, () => ACTIONS[plugin.settings.ribbon].act(plugin, file));
}
