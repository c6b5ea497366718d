/** Open notes that the background would fill: they are filled here while the user rests. */

import { enrichNote } from "./enrich.js";
import { NoteInTheWay } from "./errors.js";
import { findViews } from "./note-text.js";

/** @import CompanionPlugin from "./main.js" */

export const LOOK = 1_000; // milliseconds between two looks whether the user rests

const REST = 5_000; // milliseconds without typing
const LONGEST = 120; // looks until an answer is dropped
const AGAIN = 60_000; // milliseconds until the same note is tried again

export class TakeOver {
  /** @type {string[]} notes that wait for edits */
  waiting = [];
  typedAt = 0;
  /** @type {Map<string, number>} when a note was tried last */
  #tried = new Map();
  #isBusy = false;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.plugin = plugin;
  }

  /** Take one over, if there is one and the user rests. Never rejects. */
  async look() {
    const { app, settings } = this.plugin;
    if (this.#isBusy || !settings.takeOver || !this.#rests()) return;
    const file = app.vault.getFileByPath(this.waiting.find((path) => this.#mayTry(path)) ?? "");
    if (!file) return;
    this.#isBusy = true;
    this.#tried.set(file.path, Date.now());
    try {
      await enrichNote(this.plugin, file, { isQuiet: true, rest: () => this.#rest() });
    } catch {
      // nobody asked for it; the daemon tries again, and its status says what is wrong
    }
    this.#isBusy = false;
  }

  /** Resolves when the user rests. */
  async #rest() {
    for (let looks = 0; !this.#rests(); looks++) {
      if (looks === LONGEST) throw new NoteInTheWay("The user types all the time.");
      await this.plugin.timers.pause(LOOK);
    }
  }

  #rests() {
    return Date.now() - this.typedAt >= REST;
  }

  /** @param {string} path */
  #mayTry(path) {
    const isOpen = findViews(this.plugin.app).some((view) => view.file?.path === path);
    return isOpen && Date.now() - (this.#tried.get(path) ?? 0) >= AGAIN;
  }
}
