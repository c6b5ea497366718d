/** What this window is working on, one thing at a time per note, and the results that wait to be written. */

import { NoteUnavailable } from "./errors.js";
import { updateStatusBar } from "./status-bar.js";
import { say } from "./words.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Enrichment } from "./runs.js" */

/**
 * A result of a model that was asked in the background, kept so that nothing is paid twice.
 *
 * given: the result. writing: the attempt to write it that is in progress. isTaken: whether it was
 * claimed because the user asked for the same.
 *
 * @typedef {{ given: Promise<Enrichment>, writing: Promise<void> | null, isTaken: boolean }} Pending
 */

/**
 * A wait until the user is done with something. words: for what, in a sentence.
 *
 * @typedef {{ words: string, isCancelled: boolean }} Wait
 */

export class Work {
  /** What is being done, in words, by the path of the note or folder. */
  doing = /** @type {Map<string, string>} */ (new Map());
  /** Results of models that were asked in the background, by the note. */
  pending = /** @type {Map<TFile, Pending>} */ (new Map());
  /** The waits of edits until the user is done with something. */
  waits = /** @type {Set<Wait>} */ (new Set());
  #plugin;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /**
   * Call act while the path is marked as being worked on, even if the note is renamed meanwhile. A
   * background write of the note is waited for.
   *
   * Throws NoteUnavailable if the path is marked already.
   *
   * @param {string} path of the note or folder
   * @param {() => Promise<void>} act
   */
  async do(path, act) {
    await this.#awaitWrite(path);
    const { doing } = this;
    if (doing.has(path)) throw new NoteUnavailable(say("busy", { path }));
    const { vault } = this.#plugin.app;
    const renamed = vault.on("rename", (file, before) => {
      if (before !== path) return;
      doing.set(file.path, doing.get(path) ?? "");
      doing.delete(path);
      path = file.path;
    });
    this.show(path, say("asking"));
    try {
      await act();
    } finally {
      vault.offref(renamed);
      doing.delete(path);
      updateStatusBar(this.#plugin);
      void this.#plugin.daemon.check();
    }
  }

  /**
   * Show in the status bar what is being done with the note or folder.
   *
   * @param {string} path
   * @param {string} words
   */
  show(path, words) {
    this.doing.set(path, words);
    updateStatusBar(this.#plugin);
  }

  /** Cancel what waits for the user: these, or all. */
  cancelWaits(waits = [...this.waits]) {
    for (const wait of waits) wait.isCancelled = true;
    return Promise.resolve();
  }

  /**
   * Claim the pending result for the whole note: nobody else will write it. Null if there is none, or
   * asking for it failed.
   *
   * @param {TFile} file
   */
  async claim(file) {
    const found = this.pending.get(file);
    if (!found) return null;
    this.pending.delete(file);
    found.isTaken = true;
    return found.given.catch(() => null);
  }

  /**
   * Keep a result, to be written another time. Return it as it is pending.
   *
   * @param {TFile} file
   * @param {Promise<Enrichment>} given
   */
  keep(file, given) {
    /** @type {Pending} */
    const pending = { given, writing: null, isTaken: false };
    this.pending.set(file, pending);
    return pending;
  }

  /**
   * Resolve when no pending result is being written into the note. That is soon: waiting for the user
   * to pause is done before writing begins.
   *
   * @param {string} path
   */
  async #awaitWrite(path) {
    const found = [...this.pending].find(([file]) => file.path === path);
    await found?.[1].writing?.catch(() => {});
  }
}
