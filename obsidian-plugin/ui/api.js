/** The HTTP API, as the page and the view use it. */

/** @import { Acceptance, DecisionsMade } from "../src/api-types.d.ts" */

/**
 * What reaches the daemon. get, post: rejects with ApiError, or with another error whose message is for the user. decide: decides on
 * proposals, where that is not the daemon's to do alone.
 *
 * @typedef {{
 *   get: (path: string, query?: Record<string, string | number>) => Promise<any>,
 *   post: (path: string, body?: object) => Promise<any>,
 *   decide: (decisions: { accept?: Acceptance[], refuse?: number[], undo?: number[], run?: string }) => Promise<DecisionsMade>,
 * }} Api
 */

/** The daemon refused something; `status` and `code` say what kind it is. */
export class ApiError extends Error {
  /**
   * @param {string} detail
   * @param {number} [status]
   * @param {string} [code]
   */
  constructor(detail, status = 409, code = "") {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** Return what follows the path of an address, empty where nothing is asked for. @param {Record<string, string | number | boolean>} query */
export function toQuery(query) {
  const words = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();
  return words && `?${words}`;
}

/**
 * Yield what a list of the API has, as `/changes`; each page is asked for when it is needed.
 *
 * @template Item
 * @param {Pick<Api, "get">} api
 * @param {string} path
 * @param {Record<string, string | number>} query
 * @returns {AsyncGenerator<Item, void>}
 */
export async function* readList(api, path, query) {
  let before = /** @type {number | null} */ (null);
  do {
    const page = await api.get(path, { ...query, ...(before !== null && { before }) });
    yield* page[path.slice(1)];
    before = page.next;
  } while (before !== null);
}

/** @typedef {{ id: string, name: string, data: unknown }} DaemonEvent */

/**
 * Return the events of a stream's text (server-sent events). Lines that begin with a colon only show that it goes on.
 *
 * @param {string} text whole events
 * @returns {DaemonEvent[]}
 */
export function parseEvents(text) {
  return text.split(/\r?\n\r?\n/).flatMap((event) => {
    const lines = event.split(/\r?\n/);
    const all = (/** @type {string} */ name) => lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).replace(/^ /, ""));
    const data = all("data").join("\n");
    return data ? [{ id: all("id")[0] ?? "", name: all("event")[0] ?? "message", data: JSON.parse(data) }] : [];
  });
}
