/** The regular exchange with the daemon: it is told which notes are open, and answers with its status. */

import { announceBacklog } from "./background.js";
import { useCode } from "./connection.js";
import { explain, nameState } from "./errors.js";
import { findOpen } from "./open-notes.js";
import { updateStatusBar } from "./status-bar.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { Status } from "./shapes.js" */

const OFTEN = 10_000; // milliseconds between two checks
const SELDOM = 60_000; // the same while the daemon is away
const LAST_WORD = 1_000; // milliseconds that Obsidian is kept from quitting at most

/** The exchange with the daemon, and what is known of it from that. */
export class Heartbeat {
  /** Null while it cannot be read; then `state` says why in a word or two, and `words` what to do. */
  status = /** @type {Status | null} */ (null);
  state = "";
  words = "";
  /** What was thrown by the last check. */
  error = /** @type {unknown} */ (null);
  /** Where the daemon answered last, empty if nowhere. */
  address = "";
  /** The open notes that the daemon was told of last, a line each, and whether it still knows them. */
  reportedOpen = "";
  #isTold = false;
  #delay = OFTEN;
  #timer = 0;
  #checking = /** @type {Promise<void> | null} */ (null);
  #next = /** @type {Promise<void> | null} */ (null);
  #plugin;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /**
   * Check the daemon now and regularly from now on. Never rejects; resolves when a check is done that began
   * after the call, since the one under way may have read a token or an address that was changed since.
   */
  check() {
    if (!this.#next && !this.#checking) return this.#begin();
    this.#next ??= Promise.resolve(this.#checking).then(() => this.#begin());
    return this.#next;
  }

  #begin() {
    this.#next = null;
    if (this.#plugin.timers.isStopped) return Promise.resolve();
    this.#checking = this.#checkOnce().finally(() => {
      this.#checking = null;
    });
    return this.#checking;
  }

  async #checkOnce() {
    const plugin = this.#plugin;
    plugin.timers.cancel(this.#timer);
    const wasThere = this.#isTold || !this.state;
    let isTold = false;
    try {
      await useCode(plugin);
      const [told, status] = await Promise.allSettled([this.reportOpen(), plugin.api.readStatus()]);
      isTold = told.status === "fulfilled"; // even if the status cannot be read
      for (const one of [told, status]) if (one.status === "rejected") throw one.reason;
      this.status = status.status === "fulfilled" ? status.value : null;
      this.error = null;
    } catch (error) {
      this.status = null;
      this.error = error;
      this.state = nameState(error);
      this.words = explain(plugin, error);
    }
    if (plugin.timers.isStopped) return;
    this.#isTold = isTold;
    this.#delay = isTold || wasThere ? OFTEN : Math.min(this.#delay * 2, SELDOM);
    this.#timer = plugin.timers.after(this.#delay, () => void this.check());
    updateStatusBar(plugin);
    announceBacklog(plugin);
    for (const watch of plugin.watchers) watch();
  }

  /** Tell the daemon which notes are open, and keep what it says is to be changed in them. */
  async reportOpen() {
    const { app, api, client, takeOver, asked: changes } = this.#plugin;
    const open = findOpen(app);
    this.reportedOpen = open.join("\n");
    const { to_do, asked } = await api.reportPresence(client, open);
    takeOver.waiting = to_do;
    changes.waiting = asked;
  }

  /** Tell the daemon which notes are open if that changed since it was told last. Never rejects. */
  async reportOpenIfChanged() {
    if (!this.#isTold || findOpen(this.#plugin.app).join("\n") === this.reportedOpen) return;
    await this.reportOpen().catch(() => this.check());
  }

  /**
   * Tell the daemon that no note is open any more; without a report it forgets them after a while. Never
   * rejects, and resolves soon, since Obsidian waits for it when it quits.
   */
  async reportNoneOpen() {
    if (!this.reportedOpen) return;
    const { api, client, timers } = this.#plugin;
    const told = api.reportPresence(client, []);
    await Promise.race([told, timers.pause(LAST_WORD)]).catch(() => {});
  }
}
