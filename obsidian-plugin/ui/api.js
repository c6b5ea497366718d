/** The HTTP API, by the page's session: a one-time code is traded for a token, which lives in the tab alone. */

import { signal } from "@preact/signals";

/** @import { Signal } from "@preact/signals" */
/** @import { News, Problem, Session } from "../src/api-types.d.ts" */

/** What reaches the daemon. Rejects with ApiError, or NoAnswer. @typedef {typeof api} Api */

const SESSION = "companion-session"; // in the storage of this tab, and the channel of all
const WAIT = 25; // seconds that the feed may take to tell something
const PAUSE = 1000; // milliseconds until the feed is asked again where it did not answer

/** How the session is: being opened, open, ended, or without a daemon that answers. @type {Signal<"opening" | "open" | "out" | "away">} */
export const session = signal("opening");
/** Why there is none; empty: there never was. */
export const reason = signal("");
const others = new BroadcastChannel(SESSION);

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

/** Nobody answers, or what came is none of a daemon's. */
export class NoAnswer extends Error {}

export const api = {
  /** @type {(path: string, query?: Record<string, string | number>, stop?: AbortSignal) => Promise<any>} */
  get: (path, query = {}, stop) => ask(`${path}${toQuery(query)}`, { ...(stop && { signal: stop }) }),
  /** @type {(path: string, body?: object) => Promise<any>} */
  post: (path, body = {}) => ask(path, { method: "POST", body: JSON.stringify(body) }),
};

/** Return what follows the path of an address, empty without a query. @param {Record<string, string | number>} query */
export function toQuery(query) {
  const words = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();
  return words && `?${words}`;
}

/** @type {(path: string, request: RequestInit) => Promise<any>} */
async function ask(path, request) {
  const token = sessionStorage.getItem(SESSION);
  const headers = { ...(token && { Authorization: `Bearer ${token}` }), ...(request.body && { "Content-Type": "application/json" }) };
  try {
    const response = await fetch(`/api/v1${path}`, { ...request, headers, cache: "no-store" });
    const answer = await response.json(); // what is none is of another program
    if (response.ok) return answer;
    /** @type {Problem} */
    const { detail, status, code } = answer;
    if (status === 401) {
      if (session.peek() !== "out") reason.value = "The session has ended.";
      session.value = "out";
    }
    throw new ApiError(detail, status, code);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    if (!request.signal?.aborted && session.peek() !== "out") session.value = "away";
    throw new NoAnswer("Companion isn’t answering. Nothing was lost: try again once it runs.");
  }
}

/** Trade the code of the address for a token. The code is good once, and leaves the history. */
export async function openSession() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (code) {
    history.replaceState(null, "", location.pathname + location.search);
    try {
      /** @type {Session} */
      const { token } = await api.post("/session", { code });
      keep(token);
      others.postMessage(token);
    } catch (error) {
      reason.value = /** @type {Error} */ (error).message;
    }
  }
  if (sessionStorage.getItem(SESSION)) session.value = "open";
  else if (session.peek() !== "away") session.value = "out";
}

/** @param {string} token */
function keep(token) {
  sessionStorage.setItem(SESSION, token);
  reason.value = "";
  session.value = "open";
}

// A tab whose session has ended goes on with the one that another tab opened: what was typed is still there.
others.addEventListener("message", ({ data }) => {
  if (session.peek() === "out") keep(String(data));
});

/**
 * Follow the feed while the page is in sight.
 *
 * @param {(news: News, isBack: boolean) => void} take is told the news; isBack: after nobody answered, so that anything may have changed
 * @returns {Promise<never>}
 */
export async function followNews(take) {
  let number = 0;
  for (;;) {
    const isMeant = !document.hidden && (session.peek() === "open" || session.peek() === "away");
    const stop = new AbortController();
    const hide = () => document.hidden && stop.abort();
    document.addEventListener("visibilitychange", hide);
    try {
      if (!isMeant) throw new NoAnswer("");
      const isBack = session.peek() === "away";
      /** @type {News} */
      const news = await api.get("/feed", { after: number, wait: number && WAIT }, stop.signal);
      session.value = "open";
      ({ number } = news);
      take(news, isBack);
    } catch {
      await new Promise((done) => setTimeout(done, PAUSE));
    } finally {
      document.removeEventListener("visibilitychange", hide);
    }
  }
}
