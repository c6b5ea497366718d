/**
 * Open notes changed by this window instead of the daemon, while the user pauses: those that the
 * background would fill, and those that a run or an undo started elsewhere waits for.
 */

import { notifyOfOutcome } from "./enrich.js";
import { NoteUnavailable, Refused } from "./errors.js";
import { findViews } from "./note-text.js";
import { saveOpen } from "./open-notes.js";
import { askModel } from "./runs.js";
import { tellUndone } from "./undo.js";
import { say } from "./words.js";
import { applyOffer, confirmWritten, writeEnrichment } from "./writing.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Enrichment } from "./runs.js" */
/** @import { Asked } from "./shapes.js" */
/** @import { Pending } from "./work.js" */

export const LOOK = 1_000; // milliseconds between two checks whether the user pauses

const REST = 5_000; // milliseconds without typing before an open note is filled unasked
const LONGEST = 120; // checks until other notes get their turn
const RETRY = 60_000; // milliseconds until a note is tried again
const PAUSE = 1_000; // milliseconds without typing before a change that was asked for elsewhere
const LONGEST_ASKED = 30; // checks until who asked for a change here is told that it waits
const RETRY_ASKED = 5_000; // milliseconds until such a change is tried again
const ASK_AGAIN = 2_000; // milliseconds between two questions to the daemon while a run is in progress

/** Open notes that the background would fill, filled while the user pauses. */
export class TakeOver {
  /** The paths of these notes, as the daemon said last. */
  waiting = /** @type {string[]} */ ([]);
  /** When a note was tried last, in milliseconds since the epoch. */
  tried = /** @type {Map<string, number>} */ (new Map());
  #isBusy = false;
  #plugin;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /** Fill one of the notes if the user pauses and the settings allow it. Never rejects. */
  async fillOne() {
    const { app, activity, settings, work } = this.#plugin;
    if (this.#isBusy || !settings.takeOver || !activity.isIdle(REST)) return;
    const waiting = [...this.waiting, ...[...work.pending.keys()].map(({ path }) => path)];
    const file = app.vault.getFileByPath(waiting.find((path) => this.#isDue(path)) ?? "");
    if (!file) return;
    this.#isBusy = true;
    this.tried.set(file.path, Date.now());
    // nobody asked for it: where it fails it is tried again, and the daemon's status says what is wrong
    await this.#fill(file).catch(() => {});
    this.#isBusy = false;
  }

  /**
   * Return whether the note is open in a tab, not being worked on, and was not tried just before.
   *
   * @param {string} path
   */
  #isDue(path) {
    const { app, work } = this.#plugin;
    const isOpen = findViews(app).some((view) => view.file?.path === path);
    return isOpen && !work.doing.has(path) && Date.now() - (this.tried.get(path) ?? 0) >= RETRY;
  }

  /**
   * Ask a model about the note, and write the result once the user pauses. A result that cannot be
   * written now is kept for the next try.
   *
   * @param {TFile} file
   */
  async #fill(file) {
    const plugin = this.#plugin;
    const pending = plugin.work.pending.get(file) ?? this.#ask(file);
    try {
      const given = await pending.given;
      await this.#awaitTurn(pending, given);
      if (pending.isTaken) return;
      pending.writing = plugin.work.do(file.path, () => this.#write(given));
      await pending.writing;
    } catch (error) {
      pending.writing = null;
      if (!(error instanceof Refused)) throw error;
    }
    if (!pending.isTaken) plugin.work.pending.delete(file);
  }

  /**
   * Start asking a model about the note, and return its pending result.
   *
   * @param {TFile} file
   */
  #ask(file) {
    const plugin = this.#plugin;
    const given = askModel(plugin, file, { isQuiet: true }, false);
    const pending = plugin.work.keep(file, given);
    given.catch(() => !pending.isTaken && plugin.work.pending.delete(file));
    return pending;
  }

  /**
   * Resolve when the user pauses and the edits disturb nothing, or when the result was claimed.
   *
   * Throws NoteUnavailable when that takes too long.
   *
   * @param {Pending} pending
   * @param {Enrichment} given
   */
  async #awaitTurn(pending, { file, text, result }) {
    const plugin = this.#plugin;
    const edits = result.offer?.edits ?? [];
    const isTurn = () => plugin.activity.isIdle(REST) && !plugin.activity.findWaitReason(file, text ?? "", edits, false);
    for (let looks = 0; !pending.isTaken && !isTurn(); looks++) {
      if (looks === LONGEST) throw new NoteUnavailable("the user types all the time");
      await plugin.timers.pause(LOOK);
    }
  }

  /** @param {Enrichment} given */
  async #write(given) {
    const { result } = given;
    const all = [...result.changes.keys()];
    if (result.offer) {
      result.change = await writeEnrichment(this.#plugin, given, all, () => requireIdle(this.#plugin, REST));
    }
    if (result.change !== null) notifyOfOutcome(this.#plugin, given, all, say("filledWhileResting"));
  }
}

/** Changes of open notes that were asked for elsewhere. */
export class AskedChanges {
  /** These changes, as the daemon said last. */
  waiting = /** @type {Asked[]} */ ([]);
  /** When each was tried last, and when the daemon was asked last, in milliseconds since the epoch. */
  #tried = /** @type {Map<number, number>} */ (new Map());
  #reportedAt = 0;
  #isBusy = false;
  #plugin;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /**
   * Make the changes, as soon as nothing is being typed and nothing else is being done with the note. A
   * change that would disturb the user is tried again later. Never rejects: whoever asked learns from
   * the daemon what became of it.
   */
  async make() {
    const plugin = this.#plugin;
    if (this.#isBusy) return;
    this.#isBusy = true;
    const isRunning = plugin.runs.size || plugin.daemon.status?.runs.length;
    if (isRunning && plugin.daemon.reportedOpen && Date.now() - this.#reportedAt >= ASK_AGAIN) {
      this.#reportedAt = Date.now();
      await plugin.daemon.reportOpen().catch(() => {});
    }
    for (const one of this.waiting) {
      if (plugin.activity.isIdle(PAUSE)) await this.#makeOne(one).catch(() => {});
    }
    this.#isBusy = false;
  }

  /**
   * Make the edits of one row, if it was not tried just before, and nothing else is being done with its note.
   *
   * @param {Asked} one
   */
  async #makeOne(one) {
    const plugin = this.#plugin;
    const { id, path, run } = one;
    const file = plugin.app.vault.getFileByPath(path);
    if (!file || Date.now() - (this.#tried.get(id) ?? 0) < RETRY_ASKED) return;
    const isFollowed = run !== null && plugin.runs.get(run) === file; // the note was opened after the run began
    if (plugin.work.doing.has(path) && !isFollowed) return;
    this.#tried.set(id, Date.now());
    if (isFollowed) await this.#makeRow(file, one);
    else await plugin.work.do(path, () => this.#makeRow(file, one));
    this.waiting = this.waiting.filter((other) => other !== one);
  }

  /**
   * Make the edits of a row of the outbox, and confirm them.
   *
   * @param {TFile} file
   * @param {Asked} row
   */
  async #makeRow(file, { id, path, change }) {
    const plugin = this.#plugin;
    let reason = /** @type {string | null} */ (null);
    const readOffer = async (/** @type {string} */ now) => {
      const given = await plugin.api.readRowEdits(id, now);
      reason = given.reason;
      return given.offer;
    };
    await saveOpen(plugin, path);
    const beforeWrite = () => requireIdle(plugin, PAUSE);
    const made = await applyOffer(plugin, { file, path, readOffer, beforeWrite, fills: change === null });
    await confirmWritten(plugin, file, () => plugin.api.confirmRow(id, path, made, file.path));
    if (change !== null) tellUndone({ path: file.path, reason });
  }

  /**
   * Make what waits in a note, as soon as its user pauses. Return whether it was made in half a minute.
   *
   * @param {string} path
   */
  async makeIn(path) {
    const { daemon, timers } = this.#plugin;
    const waits = () => this.waiting.some((one) => one.path === path);
    await daemon.reportOpen();
    for (let looks = 0; waits() && looks < LONGEST_ASKED; looks++) {
      await this.make();
      if (waits()) await timers.pause(LOOK);
    }
    return !waits();
  }
}

/**
 * Resolve if the user is idle, reject with NoteUnavailable if not.
 *
 * @param {CompanionPlugin} plugin
 * @param {number} ms
 */
function requireIdle({ activity }, ms) {
  return activity.isIdle(ms) ? Promise.resolve() : Promise.reject(new NoteUnavailable("the user types"));
}
