/** Which notes are open here: background work of the daemon leaves them alone. */

import { reportPresence } from "./daemon.js";
import { findViews } from "./note-text.js";

/** @import CompanionPlugin from "./main.js" */

export class Presence {
  #client = crypto.randomUUID();
  #told = "";

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.plugin = plugin;
  }

  /** Tell the daemon; what waits for edits in them is taken over. */
  async report() {
    const open = findOpen(this.plugin);
    this.#told = open.join("\n");
    this.plugin.takeOver.waiting = await reportPresence(this.plugin, this.#client, open);
  }

  /** Tell the daemon at once when other notes are open than it was told. Never rejects. */
  async reportChange() {
    if (!this.plugin.watch.status || findOpen(this.plugin).join("\n") === this.#told) return;
    await this.report().catch(() => this.plugin.watch.look());
  }

  /** Say that nothing is open any more. Never rejects: what was reported ends by itself. */
  async leave() {
    await reportPresence(this.plugin, this.#client, []).catch(() => {});
  }
}

/** @param {CompanionPlugin} plugin */
function findOpen({ app }) {
  const paths = findViews(app).map((view) => view.file?.path ?? "");
  return [...new Set(paths)].filter(Boolean).sort();
}
