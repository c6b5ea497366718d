/**
 * Edits that the daemon leaves to the editor of an open note: rows of its outbox. They are made at once where the user
 * of this window asked for them, else while they pause.
 */

import { ApiError } from "../ui/api.js";
import { findFile, findNoteViews } from "./open-notes.js";
import { tellFilled, tellUndone } from "./undo.js";
import { say } from "./words.js";
import { makeEdits } from "./writing.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { News, OutboxEntry, RunShape, WaitingEdits } from "./api-types.d.ts" */

/**
 * What was made of a row. change: its id in the journal. reason: why it is not the whole.
 *
 * @typedef {{ row: WaitingEdits, change: number, reason: string | null }} Made
 */

export const LOOK = 1_000; // milliseconds between two looks whether the user pauses

const PAUSE = 1_000; // milliseconds without typing before edits that were asked for elsewhere
const REST = 5_000; // the same before edits that nobody asked for
const RETRY = 5_000; // milliseconds until edits are tried again
const RETRY_NOTE = 60_000; // milliseconds until an open note is asked about again

export class Outbox {
  /** The rows of open notes, as the daemon said last. */
  rows = /** @type {WaitingEdits[]} */ ([]);
  /** Who waits here for the edits of a run of one note. */
  #expected = /** @type {Map<string, (making: Promise<Made>) => void>} */ (new Map());
  /** The runs of one note that were begun here. */
  #ofNotes = /** @type {Set<string>} */ (new Set());
  /** Open notes that the background would fill. */
  #toDo = /** @type {string[]} */ ([]);
  /** When a row or a note was tried last, in milliseconds since the epoch. */
  #tried = /** @type {Map<number | string, number>} */ (new Map());
  /** Runs that were begun here, and that nobody asked for. */
  #quiet = /** @type {Set<string>} */ (new Set());
  /** How many calls are about to make what waits. */
  #holds = 0;
  /** What is being made, by the id of the row. */
  #making = /** @type {Map<number, { file: TFile, made: Promise<Made> }>} */ (new Map());
  #plugin;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /** @param {Pick<News, "edits" | "to_do">} news what the daemon says of the open notes */
  take({ to_do: toDo, edits }) {
    this.#toDo = toDo;
    this.rows = edits;
    this.look();
  }

  /** Begin what can be made now. Nobody is told where that fails: it is tried again. */
  look() {
    if (this.#plugin.timers.isStopped) return;
    let isBegun = false; // one at a time: for the next ones, what it edits looks like typing
    for (const row of this.rows) {
      const file = findFile(this.#plugin.app, row.path);
      if (!file || this.#making.has(row.id)) continue;
      const expected = this.#expected.get(row.run ?? "");
      this.#expected.delete(row.run ?? "");
      const rest = this.#restBefore(row);
      const isDue = this.#plugin.activity.isIdle(rest) && !this.#plugin.work.doing.has(file) && this.#isOld(row.id, RETRY);
      if (expected) expected(this.#begin(file, row, null));
      else if (isDue && !this.#holds && !isBegun) {
        isBegun = true;
        void this.#begin(file, row, rest).then((made) => this.#tell(file, made), () => {});
      }
    }
    if (!this.#holds) void this.#fillOne().catch(() => {});
  }

  /**
   * Call act, and begin nothing meanwhile as if nobody wanted it.
   *
   * @template T
   * @param {() => Promise<T>} act
   */
  async hold(act) {
    this.#holds += 1;
    return act().finally(() => (this.#holds -= 1));
  }

  /** Resolve once the edits of a run were made here; rejects as makeNow does. @type {(run: string) => Promise<Made>} */
  expect(run) {
    this.#ofNotes.add(run);
    return new Promise((resolve) => {
      this.#expected.set(run, resolve);
      this.look();
    });
  }

  /** Wait no longer for the edits of a run; return whether they are still to be begun. @param {string} run */
  forget(run) {
    return this.#expected.delete(run);
  }

  /**
   * Make all that waits for a note, or a row of it, which the user wants now.
   *
   * Throws NoteUnavailable or ApiError if an edit cannot be made, or the user cancels it.
   *
   * @param {string} path
   * @param {number | null} [only] the id of the row; null: all
   */
  async makeNow(path, only = null) {
    const { app, daemon } = this.#plugin;
    await this.hold(() => daemon.reportOpen().then(() => daemon.load()));
    /** @type {Made[]} */
    const made = [];
    for (const row of this.rows) {
      const file = findFile(app, row.path);
      if (!file || (only === null ? file !== findFile(app, path) : row.id !== only)) continue;
      const earlier = this.#making.get(row.id)?.made.catch((/** @type {unknown} */ error) => {
        if (error instanceof ApiError) throw error;
        return null; // the user typed
      });
      made.push((await earlier) ?? (await this.#begin(file, row, null)));
    }
    return made;
  }

  /** @param {WaitingEdits} row */
  #restBefore({ run }) {
    return this.#quiet.has(run ?? "") ? REST : PAUSE;
  }

  /** @type {(key: number | string, ms: number) => boolean} */
  #isOld(key, ms) {
    return Date.now() - (this.#tried.get(key) ?? 0) >= ms;
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
    const made = making.finally(() => this.#making.delete(row.id));
    this.#making.set(row.id, { file, made });
    return made;
  }

  /** @type {(file: TFile, row: WaitingEdits, rest: number | null) => Promise<Made>} */
  async #make(file, row, rest) {
    const made = await makeEdits(this.#plugin, { file, row, rest }).catch(async (/** @type {unknown} */ error) => {
      const { change, reason } = error instanceof ApiError ? await this.#findMade(row) : { change: null, reason: null };
      if (change === null) throw error;
      return { change, reason };
    });
    this.rows = this.rows.filter(({ id }) => id !== row.id);
    this.#toDo = this.#toDo.filter((path) => path !== row.path);
    return { row, ...made };
  }

  /**
   * Return what the daemon itself made of a row, as its note was closed meanwhile.
   *
   * @type {(row: WaitingEdits) => Promise<Pick<OutboxEntry, "change" | "reason">>}
   */
  #findMade({ id }) {
    return this.#plugin.api.get(`/outbox/${id}`).catch(() => ({ change: null, reason: null }));
  }

  /** Tell what was made in an open note that nobody asked for here. @type {(file: TFile, made: Made) => Promise<void>} */
  async #tell(file, { row, change, reason }) {
    if (row.change !== null) return tellUndone(this.#plugin, { undone: [{ path: file.path, undone_by: change, reason, code: null }] });
    const run = row.run ?? "";
    if (this.#plugin.work.runs.has(run) && !this.#ofNotes.has(run)) return; // of a folder: it tells of all together
    const more = this.#quiet.has(run) ? say("filledWhileResting") : "";
    await tellFilled(this.#plugin, file, change, more);
  }

  /** Have a note that the background leaves alone, as it is open, filled here while the user rests. */
  async #fillOne() {
    const { activity, api, app, settings, work } = this.#plugin;
    if (!settings.takeOver || !activity.isIdle(REST)) return;
    const isTurn = (/** @type {TFile | null} */ file) => {
      const isOpen = findNoteViews(app).some(({ view, editor }) => editor && view?.file === file);
      if (!file || !isOpen || work.doing.has(file)) return false;
      return !this.rows.some(({ path }) => path === file.path) && this.#isOld(file.path, RETRY_NOTE);
    };
    const file = this.#toDo.map((path) => findFile(app, path)).find(isTurn);
    if (!file) return;
    this.#tried.set(file.path, Date.now());
    /** @type {RunShape} */
    const run = await api.post("/runs", { paths: [file.path], priority: "background" });
    this.#quiet.add(run.id);
  }
}
