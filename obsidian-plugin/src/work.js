/** What this window is working on, one thing at a time per note. */

import { NoteUnavailable } from "./errors.js";
import { updateStatusBar } from "./status-bar.js";
import { say } from "./words.js";

/** @import CompanionPlugin from "./main.js" */

/**
 * A wait until the user is done with something. words: for what, in a sentence.
 *
 * @typedef {{ words: string, isCancelled: boolean }} Wait
 */

export class Work {
  /** What is being done, in words, by the path of the note or folder. */
  doing = /** @type {Map<string, string>} */ (new Map());
  /** The waits of edits until the user is done with something. */
  waits = /** @type {Set<Wait>} */ (new Set());
  #plugin;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /**
   * Call act while the path is marked as being worked on, even if the note is renamed meanwhile.
   *
   * Throws NoteUnavailable if the path is marked already.
   *
   * @param {string} path of the note or folder
   * @param {() => Promise<void>} act
   */
  async do(path, act) {
    const { doing } = this;
    if (doing.has(path)) throw new NoteUnavailable(say("busy", { path }));
    const { vault } = this.#plugin.app;
    const renamed = vault.on("rename", (file, before) => {
      if (before !== path) return;
      doing.set(file.path, doing.get(path) ?? "");
      doing.delete(path);
      path = file.path;
    });
    this.show(path, say("askingModel"));
    try {
      await act();
    } finally {
      vault.offref(renamed);
      doing.delete(path);
      updateStatusBar(this.#plugin);
    }
  }

  /**
   * Call act as a part of what is being done with the note, or as `do` does.
   *
   * @type {(path: string, act: () => Promise<void>) => Promise<void>}
   */
  join(path, act) {
    return this.doing.has(path) ? act() : this.do(path, act);
  }

  /** Show in the status bar what is being done with the note or folder. @type {(path: string, words: string) => void} */
  show(path, words) {
    this.doing.set(path, words);
    updateStatusBar(this.#plugin);
  }

  /** Cancel what waits for the user: these, or all. */
  cancelWaits(waits = [...this.waits]) {
    for (const wait of waits) wait.isCancelled = true;
    return Promise.resolve();
  }
}
