/**
 * Edits that the daemon leaves to the editor of an open note: rows of its outbox. They are made at once where the user
 * of this window asked for them, else while they pause.
 */

import { notifyOfErrors } from "./dialogs.js";
import { ApiError, NoAnswer } from "./errors.js";
import { findFile } from "./open-notes.js";
import { updateStatusBar } from "./status-bar.js";
import { makeEdits } from "./writing.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { WaitingEdits } from "./api-types.d.ts" */

/**
 * Edits that wait until the user is done with something. what: until what happens, in words.
 *
 * @typedef {{ name: string, what: string, isCancelled: boolean }} Wait
 */

export const LOOK = 1_000; // milliseconds between two looks whether the user pauses

const PAUSE = 1_000; // milliseconds without typing before edits that were asked for elsewhere
const UNDO = 10_000; // milliseconds in which the edits come that undo a run, as the user asked
const RETRY = 5_000; // milliseconds until edits are tried again

export class Outbox {
  /** The rows of open notes, as the daemon said last. */
  rows = /** @type {WaitingEdits[]} */ ([]);
  waits = /** @type {Set<Wait>} */ (new Set());
  /** The runs of one note, and the decisions, that were begun here: their edits are made at once, one time. */
  #expected = /** @type {Set<string>} */ (new Set());
  /** Until when edits that undo something are made at once, in milliseconds since the epoch. */
  #undoUntil = 0;
  /** When a row was tried last, in milliseconds since the epoch. */
  #tried = /** @type {Map<number, number>} */ (new Map());
  /** What is being made, by the id of the row. */
  #making = /** @type {Map<number, { file: TFile, made: Promise<boolean> }>} */ (new Map());
  #plugin;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /** @param {WaitingEdits[]} rows what the daemon says of the open notes */
  take(rows) {
    this.rows = rows;
    this.look();
  }

  /** Make the edits of a run at once when they come. @param {string} run */
  expect(run) {
    this.#expected.add(run);
  }

  /** Make the edits that undo something at once when they come, in the next moment. */
  expectUndos() {
    this.#undoUntil = Date.now() + UNDO;
  }

  /** Begin what can be made now. */
  look() {
    const { activity, app, timers } = this.#plugin;
    if (timers.isStopped) return;
    let isBegun = false; // one at a time: for the next ones, what it edits looks like typing
    for (const row of this.rows) {
      const file = findFile(app, row.path);
      if (!file || this.#making.has(row.id)) continue;
      const isOld = Date.now() - (this.#tried.get(row.id) ?? 0) >= RETRY;
      const isUndo = row.change !== null && Date.now() < this.#undoUntil && !this.#tried.has(row.id);
      if (this.#expected.delete(row.run ?? "") || isUndo) void notifyOfErrors(this.#plugin, () => this.#begin(file, row, null));
      else if (isOld && !isBegun && activity.isIdle(PAUSE)) {
        isBegun = true;
        void this.#begin(file, row, PAUSE).catch(() => {}); // nobody is told: it is tried again
      }
    }
  }

  /**
   * Make the edits of a row that the user wants now, and return whether they had a place in the note.
   *
   * Throws NoteUnavailable if they cannot be made, or the user cancels them.
   *
   * @type {(file: TFile, row: WaitingEdits) => Promise<boolean>}
   */
  async makeNow(file, row) {
    const earlier = await this.#making.get(row.id)?.made.catch(() => null); // the user typed
    return earlier ?? this.#begin(file, row, null);
  }

  /** Begin what waits for a note, which the user wants now. @param {TFile} file */
  makeAll(file) {
    const rows = this.rows.filter(({ path }) => findFile(this.#plugin.app, path) === file);
    for (const row of rows) void notifyOfErrors(this.#plugin, () => this.makeNow(file, row));
  }

  /** Cancel what waits for the user: these, or all. */
  cancelWaits(waits = [...this.waits]) {
    for (const wait of waits) wait.isCancelled = true;
  }

  /**
   * Make the edits of a row, after those of its note that were begun before.
   *
   * @param {TFile} file
   * @param {WaitingEdits} row
   * @param {number | null} rest as in makeEdits
   */
  #begin(file, row, rest) {
    this.#tried.set(row.id, Date.now());
    const before = [...this.#making.values()].filter((other) => other.file === file).map(({ made }) => made);
    const making = Promise.allSettled(before).then(() => this.#make(file, row, rest));
    const made = making.finally(() => {
      this.#making.delete(row.id);
      updateStatusBar(this.#plugin);
    });
    this.#making.set(row.id, { file, made });
    return made;
  }

  /** @type {(file: TFile, row: WaitingEdits, rest: number | null) => Promise<boolean>} */
  async #make(file, row, rest) {
    try {
      await makeEdits(this.#plugin, { file, row, rest });
    } catch (error) {
      if (error instanceof NoAnswer && error.fault === "away") return false; // the row waits for the daemon to come back
      if (!(error instanceof ApiError)) throw error;
      if (error.code === "change-gone") return false;
      if (row.change !== null) throw error;
      return true; // what became of a run, the daemon tells
    }
    this.rows = this.rows.filter(({ id }) => id !== row.id)
    return true;
  }
}
