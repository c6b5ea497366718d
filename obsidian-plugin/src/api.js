/** The daemon's API: any path of it, and the calls that are more than one request. */

import { parseEvents, toQuery } from "../ui/api.js";
import { ask } from "./connection.js";
import { parse } from "./http.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { DaemonEvent } from "../ui/api.js" */

/** The API. Paths are below `/api/v1`. Each call rejects as locate() does, or with NotPaired, ApiError or UnexpectedAnswer. */
export class Api {
  #plugin;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /**
   * Return what the daemon answers to GET.
   *
   * @template T
   * @param {string} path
   * @param {Record<string, string | number | boolean>} [query]
   * @returns {Promise<T>}
   */
  async get(path, query = {}) {
    return parse(await ask(this.#plugin, "GET", `${path}${toQuery(query)}`, null));
  }

  /**
   * Return what the daemon answers to POST.
   *
   * @template T
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<T>}
   */
  async post(path, body = {}) {
    return parse(await ask(this.#plugin, "POST", path, body));
  }

  /**
   * Return what changed after an event, as soon as something does; nothing after 25 seconds.
   *
   * @param {string} after the id of that event; empty: how things are now
   * @returns {Promise<DaemonEvent[]>}
   */
  async readEvents(after) {
    const query = toQuery({ once: true, ...(after && { after }) });
    return parseEvents(await ask(this.#plugin, "GET", `/events${query}`, null));
  }

  /** Cancel runs, each even if another one is over already. Rejects if one could not be cancelled. @param {Iterable<string>} runs */
  async cancelRuns(runs) {
    const made = await Promise.allSettled(Array.from(runs, (run) => this.post(`/runs/${run}/cancel`)));
    for (const one of made) if (one.status === "rejected") throw one.reason;
  }
}
