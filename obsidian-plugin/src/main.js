/** Callout Companion in Obsidian. The daemon decides what to do; the plugin shows it, and writes open notes. */

import { Plugin } from "obsidian";
import { addCommands, addMenus } from "./commands.js";
import { Connection } from "./connection.js";
import { Stopped } from "./errors.js";
import { Feed } from "./feed.js";
import { findMissing } from "./internals.js";
import { LOOK, Outbox } from "./outbox.js";
import { previewField } from "./preview.js";
import { Review } from "./review.js";
import { begin } from "./set-up.js";
import { CompanionSettingTab, readSettings } from "./settings.js";
import { addStatusBar } from "./status-bar.js";
import { UserActivity } from "./user-activity.js";

/** @import { Modal } from "obsidian" */

export default class CompanionPlugin extends Plugin {
  settings = readSettings(null);
  timers = new Timers();
  connection = new Connection(this);
  feed = new Feed(this);
  activity = new UserActivity(this);
  outbox = new Outbox(this);
  review = new Review(this);
  /** The id of this window for the daemon. */
  client = crypto.randomUUID();
  /** The size of the backlog that the user was notified of. */
  announcedBacklog = 0;
  /** @type {string[]} what Obsidian does not have of that which it does not document */
  missing = [];
  /** @type {Set<Modal>} the windows that are open, except those of Obsidian's */
  modals = new Set();
  /** @type {ReturnType<typeof addStatusBar> | null} */
  statusBar = null;
  /** @type {CompanionSettingTab | null} */
  tab = null;

  async onload() {
    this.settings = readSettings(await this.loadData());
    if (this.timers.isStopped) return; // switched off meanwhile: nothing would ever be taken away again
    this.statusBar = addStatusBar(this);
    this.registerEditorExtension(previewField);
    this.tab = new CompanionSettingTab(this);
    this.addSettingTab(this.tab);
    addCommands(this);
    addMenus(this);
    this.app.workspace.onLayoutReady(() => this.#follow());
  }

  onunload() {
    void this.feed.reportNoneOpen();
    for (const id of this.feed.ownRuns) this.connection.post(`/runs/${id}/cancel`).catch(() => {});
    this.timers.stopAll(); // from now on nothing is sent
    this.review.end();
    for (const modal of this.modals) modal.close();
  }

  async onExternalSettingsChange() {
    this.settings = readSettings(await this.loadData());
    await this.feed.check();
  }

  /** Follow the daemon, and what is open here. */
  #follow() {
    if (this.timers.isStopped) return;
    const { vault, workspace } = this.app;
    const look = () => void this.feed.reportOpenIfChanged().then(() => this.review.look());
    this.registerEvent(workspace.on("file-open", look));
    this.registerEvent(workspace.on("layout-change", look));
    this.registerEvent(vault.on("rename", look));
    this.registerEvent(workspace.on("quit", (tasks) => tasks.add(() => this.feed.reportNoneOpen())));
    this.activity.watch();
    this.missing = findMissing(this.app);
    this.registerInterval(window.setInterval(() => {
      this.outbox.look();
      void this.review.look();
    }, LOOK));
    void begin(this).catch(() => {});
  }
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
