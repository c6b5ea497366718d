/** What the daemon tells, followed by one request that stays open; and which notes are open, which it is told. */

import { notify, notifyOfErrors, notifyWithButtons } from "./dialogs.js";
import { explain, NoAnswer } from "./errors.js";
import { undo } from "./enrich.js";
import { findFile, findOpen } from "./open-notes.js";
import { changeSettings } from "./settings.js";
import { announceBacklog, updateStatusBar } from "./status-bar.js";
import { nameNote } from "./words.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { Choice } from "./dialogs.js" */
/** @import { News, Notice, RunShape, Status } from "./api-types.d.ts" */

const WAIT = 25; // seconds that the daemon may take to tell something
const FIRST = 1_000; // milliseconds until the first check after one that failed; each later one waits twice as long
const SELDOM = 30_000; // milliseconds between two checks at most
const LAST_WORD = 1_000; // milliseconds that Obsidian is kept from quitting at most
const OVER = new Set(["done", "cancelled", "failed"]);

/**
 * A run that was begun here. path: of its note; empty: it is about many. repeat: starts it again if the note was renamed, and returns
 * whether it was.
 *
 * @typedef {{ path: string, repeat: () => Promise<boolean> }} Own
 */

export class Feed {
  /** What the daemon is doing; null while it cannot be asked: then `error` says why. */
  status = /** @type {Status | null} */ (null);
  error = /** @type {unknown} */ (null);
  /** The runs that the daemon tells of, by id. */
  runs = /** @type {Map<string, RunShape>} */ (new Map());
  /** The open notes that the daemon was told of last, a line each. */
  reportedOpen = "";
  /** The runs that were begun here, by id. */
  #own = /** @type {Map<string, Own>} */ (new Map());
  #delay = FIRST / 2;
  /** How many checks were made. */
  #turn = 0;
  #checks = new Turns(() => this.#check());
  #reports = new Turns(() => this.#report());
  /** Of the news that were read last, and of the last notice. */
  #number = 0;
  #lastNotice = 0;
  #plugin;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /** The state in a few words, for the status bar. */
  get line() {
    if (this.status) return this.status.line;
    if (!this.error) return "";
    return this.error instanceof NoAnswer ? this.error.state : "trouble";
  }

  /** What is to be done before it works, in a sentence; empty if nothing is. */
  get missing() {
    return this.status ? (this.status.missing ?? "") : this.error ? explain(this.error) : "";
  }

  /** The runs that are not over. */
  get active() {
    return [...this.runs.values()].filter(({ state }) => !OVER.has(state));
  }

  /** Whether a note is being worked on, as this window asked. @param {string} path */
  isBusy(path) {
    return [...this.#own].some(([id, own]) => own.path === path && this.isActive(id));
  }

  /** Whether a run is there, and not over. @param {string} id */
  isActive(id) {
    return !OVER.has(this.runs.get(id)?.state ?? "done");
  }

  /** The runs that were begun here and are not over. */
  get ownRuns() {
    return [...this.#own.keys()].filter((id) => this.isActive(id));
  }

  /** Remember a run that was begun here. @type {(run: RunShape, path: string, repeat?: Own["repeat"]) => void} */
  own(run, path, repeat = () => Promise.resolve(false)) {
    this.#own.set(run.id, { path, repeat });
    if (!this.runs.has(run.id)) this.runs.set(run.id, run);
    updateStatusBar(this.#plugin);
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
      this.#take(await this.#read(0));
      this.error = null;
    } catch (error) {
      this.status = null;
      this.error = error;
    }
    if (timers.isStopped) return;
    void this.reportOpenIfChanged(); // a note may have been opened or renamed since
    this.#delay = Math.min(delay, SELDOM);
    void this.#follow(++this.#turn).catch(() => {});
    updateStatusBar(this.#plugin);
  }

  /** Follow the feed until it does not answer, and check again; unless that was done meanwhile. @param {number} turn */
  async #follow(turn) {
    const { timers } = this.#plugin;
    let delay = this.#delay;
    try {
      while (this.status) {
        const news = await this.#read(this.#number);
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

  /**
   * Return what changed after a number, as soon as something does.
   *
   * @param {number} after of the news that were read last; 0: how things are now
   * @returns {Promise<News>}
   */
  #read(after) {
    const { client, connection } = this.#plugin;
    return connection.get("/feed", { after, wait: after && WAIT, client });
  }

  /** @param {News} news */
  #take(news) {
    if (this.#plugin.timers.isStopped || (!news.is_whole && news.number < this.#number)) return; // newer ones were read meanwhile
    if (news.number < this.#number) this.#lastNotice = 0; // it was started again
    this.#number = news.number;
    if (news.status) this.status = news.status;
    this.#takeRuns(news);
    this.#plugin.outbox.take(news.edits);
    if (news.open) this.#plugin.review.take(news.open);
    for (const notice of news.notices) {
      if (notice.id <= this.#lastNotice) continue;
      this.#lastNotice = notice.id;
      void this.#tell(notice);
    }
    updateStatusBar(this.#plugin);
    announceBacklog(this.#plugin);
  }

  /** @param {News} news */
  #takeRuns({ is_whole: isWhole, runs }) {
    const active = this.ownRuns;
    if (isWhole) this.runs.clear();
    for (const run of runs) this.runs.set(run.id, run);
    for (const [id, { path }] of this.#own) {
      if (this.runs.has(id)) continue;
      this.#own.delete(id);
      if (active.includes(id)) notify(`Callout Companion was restarted, which stopped the work on ${path ? `“${nameNote(path)}”` : "your notes"}.`);
    }
  }

  /** Show what the daemon tells; not that a note is gone which was only renamed: then it is asked about again. @param {Notice} notice */
  async #tell(notice) {
    const { app } = this.#plugin;
    const own = [...this.#own.values()].find(({ path }) => path !== "" && path === notice.path);
    const isGone = notice.path !== null && notice.change === null && !findFile(app, notice.path);
    if (isGone && own && (await own.repeat().catch(() => false))) return;
    tell(this.#plugin, notice);
  }

  /** Tell the daemon which notes are open, after what it is being told. */
  reportOpen() {
    return this.#reports.take();
  }

  async #report() {
    const { app, client, connection } = this.#plugin;
    const open = findOpen(app);
    this.reportedOpen = open.join("\n");
    await connection.post("/presence", { client, open });
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
    const { client, connection, timers } = this.#plugin;
    const told = connection.post("/presence", { client, open: [] });
    await Promise.race([told, timers.pause(LAST_WORD)]).catch(() => {});
  }
}

/** Show what the daemon tells, with what can be done about it. @type {(plugin: CompanionPlugin, notice: Notice) => void} */
function tell(plugin, { text, path, run, change, waits, button }) {
  /** @type {Choice[]} */
  const choices = [];
  if (change !== null || run !== null) choices.push(["Undo", () => undo(plugin, { change, run })]);
  if (waits) choices.push(["Review", () => plugin.review.openNext(path)]);
  if (button) choices.push([button.label, () => changeSettings(plugin, button.change)]);
  void notifyOfErrors(plugin, () => notifyWithButtons(plugin, text, ...choices));
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
