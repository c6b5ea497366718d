/** The HTTP API: one client for the page and the plugin, each of which has its own way to send a request. */

/** @import { Acceptance, DecisionsMade, Problem } from "../src/api-types.d.ts" */

/**
 * What reaches the daemon. get, post: rejects with ApiError, or with another error whose message is for the user. decide: decides on
 * proposals, where that is not the daemon's to do alone.
 *
 * @typedef {{
 *   get: (path: string, query?: Record<string, string | number>) => Promise<any>,
 *   post: (path: string, body?: object) => Promise<any>,
 *   decide: (decisions: Decisions) => Promise<DecisionsMade>,
 * }} Api
 */

/** @typedef {{ accept?: Acceptance[], refuse?: number[], undo?: number[], run?: string }} Decisions */

/**
 * A request, and its answer. path: below `/api/v1`, with its query.
 *
 * @typedef {{ method: string, path: string, body?: object }} Question
 * @typedef {{ status: number, text: string }} Answer
 */

/**
 * How requests get to the daemon. send: sends one with the token; rejects with NoAnswer where none comes. wait: resolves when a request
 * that failed is to be sent again; rejects with why it is not. tries: how often it was sent.
 *
 * @typedef {{ send: (question: Question) => Promise<Answer>, wait: (error: unknown, tries: number) => Promise<void> }} Transport
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

/** There is no answer of this vault's daemon. */
export class NoAnswer extends Error {}

/** What came is half an answer, or none that a daemon of this version gives. */
export class UnexpectedAnswer extends NoAnswer {}

/** The client. What only reads is asked for until it is answered; all else once, unless it `insists`, as it may be done twice. */
export class Client {
  #transport;

  /** @param {Transport} transport */
  constructor(transport) {
    this.#transport = transport;
  }

  /** @template T @param {string} path @param {Record<string, string | number>} [query] @returns {Promise<T>} */
  get(path, query = {}) {
    return this.#ask({ method: "GET", path: `${path}${toQuery(query)}` });
  }

  /** @template T @param {string} path @param {object} [body] @param {boolean} [insists] @returns {Promise<T>} */
  post(path, body = {}, insists = false) {
    return this.#ask({ method: "POST", path, body }, insists);
  }

  /** @param {Decisions} decisions @returns {Promise<DecisionsMade>} */
  decide(decisions) {
    return this.post("/proposals/decide", decisions);
  }

  /** @template T @param {Question} question @returns {Promise<T>} */
  async #ask(question, insists = true) {
    for (let tries = 1; ; tries++) {
      try {
        return readAnswer(await this.#transport.send(question));
      } catch (error) {
        if (!insists || !(error instanceof NoAnswer)) throw error;
        await this.#transport.wait(error, tries);
      }
    }
  }
}

/** Return what an answer says. Throws as readText does, or UnexpectedAnswer. @template T @param {Answer} answer @returns {T} */
export function readAnswer(answer) {
  return parse(readText(answer));
}

/** Return the text of an answer. Throws ApiError, by its status and problem (RFC 9457). @param {Answer} answer */
export function readText({ status, text }) {
  if (status >= 200 && status <= 299) return text;
  /** @type {Partial<Problem>} */
  const { code, detail = "Refused." } = parse(text) ?? {};
  throw new ApiError(detail, status, code);
}

/** Parse JSON. Throws UnexpectedAnswer. @template T @param {string} text @returns {T} */
export function parse(text) {
  try {
    /** @type {unknown} */
    const value = JSON.parse(text);
    return /** @type {T} */ (value);
  } catch {
    throw new UnexpectedAnswer("No JSON.");
  }
}

/** Return what follows the path of an address, empty without a query. @param {Record<string, string | number | boolean>} query */
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
