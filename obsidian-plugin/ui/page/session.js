/** The page's session: a one-time code is traded for a token, which lives in the tab alone; requests and events by it. */

import { signal } from "@preact/signals";
import { ApiError, parseEvents, toQuery } from "../api.js";
import { say } from "../words.js";

/** @import { Signal } from "@preact/signals" */
/** @import { Api, DaemonEvent } from "../api.js" */

const SESSION = "companion-session"; // in the storage of this tab, and the channel of all
const PREFIX = "/api/v1";
/** Nobody answers. */
class Away extends Error {}

const PAUSE = 500; // milliseconds until what got no answer is asked again

/** How the session is: being opened, open, ended, or without a daemon that answers. @type {Signal<"opening" | "open" | "out" | "away">} */
export const session = signal("opening");
/** Why there is none. */
export const reason = signal("");
const others = new BroadcastChannel(SESSION);

/** Trade the code of the address for a token. The code is good once, and leaves the history. */
export async function openSession() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (code) {
    history.replaceState(null, "", location.pathname + location.search);
    try {
      const { token } = await send("POST", "/session", { code });
      keep(token);
      others.postMessage(token);
    } catch (error) {
      if (error instanceof Away) return; // it says so
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

// A tab whose session has ended goes on with the one that another tab opened.
others.addEventListener("message", ({ data }) => {
  if (session.peek() === "out") keep(String(data));
});

/** End the session, in all tabs that share its token. */
export function signOut() {
  const token = sessionStorage.getItem(SESSION);
  if (token) void ask("POST", `/tokens/${token.split(".")[0]}/revoke`, {}).catch(() => {});
  sessionStorage.removeItem(SESSION);
  reason.value = say("signedOut");
  session.value = "out";
}

/** @type {Api} */
export const api = {
  get: (path, query = {}) => send("GET", `${path}${toQuery(query)}`),
  post: (path, body = {}) => send("POST", path, body),
  decide: (decisions) => send("POST", "/proposals/decide", decisions),
};

/**
 * Ask, and return the answer. Where none comes, it is asked again: what only reads until one does, all else once, with
 * the same key, so that nothing is done twice.
 *
 * @type {(method: string, path: string, body?: object) => Promise<any>}
 */
async function send(method, path, body) {
  const isRead = method === "GET";
  const key = isRead || path === "/session" ? undefined : crypto.randomUUID();
  for (let tries = 1; ; tries++) {
    try {
      const { response, answer } = await askWhole(method, path, body, key);
      if (response.ok) return answer;
      const isUnderWay = key && tries === 1 && response.status === 409 && response.headers.has("Retry-After");
      if (!isUnderWay) throw new ApiError(answer.detail ?? response.statusText, response.status, answer.code);
    } catch (error) {
      const isOver = isRead ? session.peek() === "out" : !key || tries > 1;
      if (!(error instanceof Away) || isOver) throw error;
    }
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}

/** Ask, and read the whole answer: half of one is none. @type {(method: string, path: string, body?: object, key?: string) => Promise<{ response: Response, answer: any }>} */
async function askWhole(method, path, body, key) {
  const response = await ask(method, path, body, undefined, key);
  const answer = await response.json().catch(() => null);
  if (answer !== null || !response.ok) return { response, answer: answer ?? {} };
  session.value = "away";
  throw new Away(say("notAnswering"));
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @param {AbortSignal} [stop]
 * @param {string} [key] of a request that is not to be done twice
 */
async function ask(method, path, body, stop, key) {
  const token = sessionStorage.getItem(SESSION);
  /** @type {Record<string, string>} */
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  if (key) headers["Idempotency-Key"] = key;
  if (body) headers["Content-Type"] = "application/json";
  /** @type {Response} */
  let response;
  try {
    response = await fetch(`${PREFIX}${path}`, { method, headers, cache: "no-store", ...(body && { body: JSON.stringify(body) }), ...(stop && { signal: stop }) });
  } catch {
    if (!stop?.aborted && session.peek() !== "out") session.value = "away";
    throw new Away(say("notAnswering"));
  }
  if (response.status === 401) {
    reason.value ||= say("sessionOver");
    session.value = "out";
  } else if (session.peek() === "away") session.value = "open";
  return response;
}

/**
 * Read the daemon's events (server-sent events, with a token, which EventSource cannot send) until the answer ends, as it does when too many are read at a time, or the tab is hidden.
 *
 * @param {(event: DaemonEvent) => void} take
 */
export async function readEvents(take) {
  const stop = new AbortController();
  const hide = () => document.hidden && stop.abort();
  document.addEventListener("visibilitychange", hide);
  try {
    const { ok, body } = await ask("GET", "/events", undefined, stop.signal);
    if (ok && body) await readStream(body.pipeThrough(new TextDecoderStream()).getReader(), take);
  } catch {
    // it ended: whoever follows looks again
  } finally {
    stop.abort();
    document.removeEventListener("visibilitychange", hide);
  }
}

/** @type {(reader: ReadableStreamDefaultReader<string>, take: (event: DaemonEvent) => void) => Promise<void>} */
async function readStream(reader, take) {
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split(/\r?\n\r?\n/);
    rest = parts.pop() ?? "";
    for (const event of parseEvents(parts.join("\n\n"))) take(event);
  }
}
