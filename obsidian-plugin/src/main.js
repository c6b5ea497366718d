/** Callout Companion in Obsidian. The daemon decides what to do; the plugin shows it, and writes open notes. */

import { Plugin } from "obsidian";
import { ACTIONS, addCommandLine, addCommands, addMenus } from "./commands.js";
import { Client } from "../ui/api.js";
import { Connection } from "./connection.js";
import { announceBacklog, openDetails } from "./details.js";
import { notifyOfErrors, notifyWithButton } from "./dialogs.js";
import { faultOf, Stopped } from "./errors.js";
import { Heartbeat } from "./heartbeat.js";
import { findMissing } from "./internals.js";
import { requireNote } from "./open-notes.js";
import { previewField } from "./place.js";
import { Work } from "./runs.js";
import { CompanionSettingTab, readSettings } from "./settings.js";
import { addStatusBar, updateStatusBar } from "./status-bar.js";
import { LOOK, Outbox } from "./outbox.js";
import { UserActivity } from "./user-activity.js";
import { CompanionView, openView, VIEW } from "./view.js";
import { chooseLanguage, say } from "./words.js";

/** @import { Modal } from "obsidian" */
/** @import { News } from "./api-types.d.ts" */
/** @import { ShownPreview } from "./place.js" */

export default class CompanionPlugin extends Plugin {
  settings = readSettings(null);
  timers = new Timers();
  connection = new Connection(this);
  api = new Client(this.connection);
  daemon = new Heartbeat(this);
  activity = new UserActivity(this);
  work = new Work(this);
  outbox = new Outbox(this);
  /** The id of this window for the daemon. */
  client = crypto.randomUUID();
  /** The size of the backlog that the user was notified of. */
  announcedBacklog = 0;
  /** @type {ShownPreview | null} the proposal that was shown in its note last, until it is decided on */
  preview = null;
  /** @type {string[]} what Obsidian does not have of that which it does not document */
  missing = [];
  /** @type {Set<Modal>} the windows that are open, except those of Obsidian's */
  modals = new Set();
  /** @type {Set<(news?: News) => void>} called after each check of the daemon, and with all it tells */
  watchers = new Set();
  /** @type {HTMLElement | null} */
  statusBar = null;

  async onload() {
    chooseLanguage();
    this.settings = readSettings(await this.loadData());
    if (this.timers.isStopped) return; // switched off meanwhile: nothing would ever be taken away again
    this.statusBar = addStatusBar(this, () => openDetails(this));
    const enrich = () => ACTIONS[this.settings.ribbon].act(this, requireNote(this.app));
    this.addRibbonIcon("sparkles", say("enrichNote"), () => void notifyOfErrors(this, enrich));
    this.registerEditorExtension(previewField);
    this.registerView(VIEW, (leaf) => new CompanionView(leaf, this));
    this.registerHoverLinkSource(VIEW, { display: this.manifest.name, defaultMod: true });
    this.addSettingTab(new CompanionSettingTab(this));
    addCommands(this);
    addMenus(this);
    addCommandLine(this);
    this.app.workspace.onLayoutReady(() => begin(this));
  }

  onunload() {
    void this.daemon.reportNoneOpen();
    for (const run of this.work.runs.keys()) this.api.post(`/runs/${run}/cancel`).catch(() => {});
    this.timers.stopAll(); // from now on nothing is sent
    for (const modal of this.modals) modal.close();
  }

  async onExternalSettingsChange() {
    this.settings = readSettings(await this.loadData());
    await this.daemon.check();
  }
}

/** @param {CompanionPlugin} plugin */
function begin(plugin) {
  if (plugin.timers.isStopped) return;
  const { workspace, vault } = plugin.app;
  const tell = () => void plugin.daemon.reportOpenIfChanged();
  plugin.registerEvent(workspace.on("file-open", tell));
  plugin.registerEvent(workspace.on("layout-change", tell));
  plugin.registerEvent(vault.on("rename", tell));
  plugin.activity.watch();
  plugin.register(plugin.daemon.store.status.subscribe(() => (updateStatusBar(plugin), announceBacklog(plugin))));
  plugin.register(plugin.daemon.store.runs.subscribe(() => updateStatusBar(plugin)));
  plugin.missing = findMissing(plugin.app);
  plugin.registerEvent(workspace.on("quit", (tasks) => tasks.add(() => plugin.daemon.reportNoneOpen())));
  plugin.registerInterval(window.setInterval(() => plugin.outbox.look(), LOOK));
  void plugin.daemon.check().then(() => {
    if (faultOf(plugin.daemon.error) === "notInstalled") notifyWithButton(plugin, say("setUpNotice"), say("setUp"), () => openView(plugin));
  });
}

/** Timers that all end when the plugin does. */
class Timers {
  isStopped = false;
  /** @type {Set<() => void>} */
  #stops = new Set();

  /** Resolve after so many milliseconds, or reject with Stopped if the plugin ends before. @type {(ms: number) => Promise<void>} */
  pause(ms) {
    return new Promise((resolve, reject) => {
      if (this.isStopped) return reject(new Stopped());
      const stop = () => (window.clearTimeout(timer), reject(new Stopped()));
      const timer = window.setTimeout(() => (this.#stops.delete(stop), resolve()), ms);
      this.#stops.add(stop);
    });
  }

  /** Stop all timers, and each that is started later at once. */
  stopAll() {
    this.isStopped = true;
    for (const stop of this.#stops) stop();
  }
}
