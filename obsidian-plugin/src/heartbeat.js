/** The exchange with the daemon: it is told which notes are open, and tells what changes. */

import { StatusStore } from "../ui/status-store.js";
import { explain, nameState } from "./errors.js";
import { findOpen } from "./open-notes.js";
import { updateStatusBar } from "./status-bar.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { News } from "./api-types.d.ts" */

const FIRST = 1_000; // milliseconds until the first check after one that failed; each later one waits twice as long
const SELDOM = 30_000; // milliseconds between two checks at most
const LAST_WORD = 1_000; // milliseconds that Obsidian is kept from quitting at most

/** The exchange with the daemon, and what is known of it from that. */
export class Heartbeat {
  /** What the daemon is doing. Its status is null while it cannot be read; then `state` says why in a word or two, `words` in sentences. */
  store;
  state = "";
  words = "";
  /** What was thrown by the last check. */
  error = /** @type {unknown} */ (null);
  /** The open notes that the daemon was told of last, a line each. */
  reportedOpen = "";
  #delay = FIRST / 2;
  /** How many checks were made. */
  #turn = 0;
  #checks = new Turns(() => this.#check());
  #reports = new Turns(() => this.#report());
  /** Of the news that were read last. */
  #number = 0;
  #plugin;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
    this.store = new StatusStore(plugin.api);
  }

  get status() {
    return this.store.status.peek();
  }

  /**
   * Check the daemon now, and follow it from now on. Never rejects; resolves when a check is done that began
   * after the call, since the one under way may have read a token or an address that was changed since.
   */
  check() {
    return this.#checks.take();
  }

  async #check() {
    const { timers } = this.#plugin;
    if (timers.isStopped) return;
    const delay = this.status ? FIRST : this.#delay * 2;
    try {
      await this.reportOpen();
      await this.load();
      this.error = null;
    } catch (error) {
      this.store.status.value = null;
      this.error = error;
      this.state = nameState(error);
      this.words = explain(error);
    }
    if (timers.isStopped) return;
    void this.reportOpenIfChanged(); // a note may have been opened or renamed since
    this.#delay = Math.min(delay, SELDOM);
    void this.#follow(++this.#turn).catch(() => {});
    updateStatusBar(this.#plugin);
    for (const watch of this.#plugin.watchers) watch();
  }

  /** Read what the daemon is doing, and has for this window. */
  async load() {
    this.#take(await this.#plugin.connection.readNews(0));
  }

  /** @param {News} news */
  #take(news) {
    if (!news.is_whole && news.number < this.#number) return; // newer ones were read meanwhile
    this.#number = news.number;
    this.store.takeNews(news);
    this.#plugin.outbox.take(news);
    for (const watch of this.#plugin.watchers) watch(news);
  }

  /** Follow the feed until it does not answer, and check again; unless that was done meanwhile. @param {number} turn */
  async #follow(turn) {
    const { connection, timers } = this.#plugin;
    let delay = this.#delay;
    try {
      while (this.status) {
        const news = await connection.readNews(this.#number);
        if (turn !== this.#turn || timers.isStopped) return;
        if (news.is_whole) await this.reportOpen(); // the daemon was started again
        this.#take(news);
      }
    } catch {
      delay = FIRST;
    }
    await timers.pause(delay);
    if (turn === this.#turn) await this.check();
  }

  /** Tell the daemon which notes are open, after what it is being told. */
  reportOpen() {
    return this.#reports.take();
  }

  async #report() {
    const { app, api, client } = this.#plugin;
    const open = findOpen(app);
    this.reportedOpen = open.join("\n");
    await api.post("/presence", { client, open });
  }

  /** Tell the daemon which notes are open if that changed since it was told last, and resolve once it knows. Never rejects. */
  async reportOpenIfChanged() {
    if (!this.status) return;
    const isReported = findOpen(this.#plugin.app).join("\n") === this.reportedOpen;
    await (isReported ? this.#reports.current : this.reportOpen()).catch(() => this.check());
  }

  /**
   * Tell the daemon that no note is open any more; without a report it forgets them after a while. Never
   * rejects, and resolves soon, since Obsidian waits for it when it quits.
   */
  async reportNoneOpen() {
    if (!this.reportedOpen) return;
    const { api, client, timers } = this.#plugin;
    const told = api.post("/presence", { client, open: [] });
    await Promise.race([told, timers.pause(LAST_WORD)]).catch(() => {});
  }
}

/** Something that is done once at a time. */
class Turns {
  /** The one under way, or the last one. */
  current = Promise.resolve();
  #next = /** @type {Promise<void> | null} */ (null);
  #act;

  /** @param {() => Promise<void>} act */
  constructor(act) {
    this.#act = act;
  }

  /** Act after the one under way, once for all who ask until then. */
  take() {
    this.#next ??= this.current.catch(() => {}).then(() => {
      this.#next = null;
      return (this.current = this.#act());
    });
    return this.#next;
  }
}
