/** How the daemon stands, asked again and again: seldom while it is away. */

import { readStatus } from "./daemon.js";
import { DaemonAway, NotPaired } from "./errors.js";
import { useCode } from "./pairing.js";
import { explain } from "./words.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { Status } from "./shapes.js" */

const OFTEN = 10_000; // milliseconds
const SELDOM = 60_000;

export class Watch {
  /** @type {Status | null} null while it cannot be had */
  status = null;
  state = ""; // in a word, while there is no status
  words = ""; // what to do then
  #delay = OFTEN;
  #timer = 0;
  /** @type {Promise<void> | null} */
  #looking = null;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.plugin = plugin;
  }

  /** Look now, and from now on. Never rejects. */
  look() {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #look() {
    const { plugin } = this;
    plugin.timers.cancel(this.#timer);
    try {
      await useCode(plugin);
      this.status = await readStatus(plugin);
      await plugin.presence.report();
      this.#delay = OFTEN;
    } catch (error) {
      this.#lose(error);
    }
    this.#timer = plugin.timers.after(this.#delay, () => void this.look());
    plugin.statusBar?.show();
  }

  /** @param {unknown} error */
  #lose(error) {
    const wasThere = this.status || !this.state;
    this.#delay = wasThere ? OFTEN : Math.min(this.#delay * 2, SELDOM);
    this.status = null;
    this.state = nameState(error);
    this.words = explain(error, this.plugin.settings.address);
  }
}

/** @param {unknown} error */
function nameState(error) {
  if (error instanceof DaemonAway) return "away";
  return error instanceof NotPaired ? "not paired" : "trouble";
}
