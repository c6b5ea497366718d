/** Callout Companion in Obsidian. What to do is the daemon's business; this shows it and writes. */

import { Plugin } from "obsidian";
import { ACTIONS } from "./actions.js";
import { addCommands } from "./commands.js";
import { cancelRun, pauseBackground } from "./daemon.js";
import { addMenus } from "./menus.js";
import { say, tellFaults } from "./notices.js";
import { Presence } from "./presence.js";
import { readSettings } from "./settings.js";
import { CompanionSettingTab } from "./settings-tab.js";
import { StatusBar } from "./status-bar.js";
import { LOOK, TakeOver } from "./take-over.js";
import { Timers } from "./timers.js";
import { Watch } from "./watch.js";
import { count } from "./words.js";

export default class CompanionPlugin extends Plugin {
  settings = readSettings(null);
  timers = new Timers();
  presence = new Presence(this);
  takeOver = new TakeOver(this);
  watch = new Watch(this);
  /** @type {StatusBar | null} */
  statusBar = null;
  /** @type {Map<string, string>} what is being done, by the note's or folder's path */
  doing = new Map();
  /** @type {Set<string>} ids of the runs that are followed */
  runs = new Set();

  async onload() {
    this.settings = readSettings(await this.loadData());
    this.statusBar = new StatusBar(this, this.addStatusBarItem());
    this.addRibbonIcon("sparkles", "Enrich with Callout Companion", () => this.#useRibbon());
    this.addSettingTab(new CompanionSettingTab(this));
    addCommands(this);
    addMenus(this);
    this.app.workspace.onLayoutReady(() => this.#begin());
  }

  onunload() {
    this.timers.stop();
    void this.presence.leave();
    for (const run of this.runs) cancelRun(this, run).catch(() => {});
  }

  async onExternalSettingsChange() {
    this.settings = readSettings(await this.loadData());
    await this.watch.look();
  }

  /**
   * Change settings, and keep them.
   *
   * @param {Record<string, unknown>} changed
   */
  async change(changed) {
    this.settings = readSettings({ ...this.settings, ...changed });
    await this.saveData(this.settings);
    if ("address" in changed) void this.watch.look();
  }

  /** What a test of the connection says, in words. */
  async testConnection() {
    await this.watch.look();
    const { status, words } = this.watch;
    if (!status) return words;
    const notes = `${count(status.notes, "note")}, ${status.to_do} to do`;
    return `Connected to version ${status.version} for the vault ${status.vault}: ${notes}.`;
  }

  /** @param {boolean} isPaused */
  async setPaused(isPaused) {
    await pauseBackground(this, isPaused);
    say(isPaused ? "Background work is paused." : "Background work goes on.");
    await this.watch.look();
  }

  #begin() {
    const { workspace } = this.app;
    const tell = () => void this.presence.reportChange();
    this.registerEvent(workspace.on("file-open", tell));
    this.registerEvent(workspace.on("layout-change", tell));
    this.registerEvent(
      workspace.on("editor-change", () => {
        this.takeOver.typedAt = Date.now();
      }),
    );
    this.registerEvent(workspace.on("quit", (tasks) => tasks.add(() => this.presence.leave())));
    this.registerInterval(window.setInterval(() => void this.takeOver.look(), LOOK));
    void this.watch.look();
  }

  #useRibbon() {
    const file = this.app.workspace.getActiveFile();
    if (file?.extension !== "md") return say("Open a note first.");
    const { act } = ACTIONS[this.settings.ribbon];
    void tellFaults(this, () => act(this, file));
  }
}
