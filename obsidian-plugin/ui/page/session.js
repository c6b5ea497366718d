/** The page's session: a one-time code is traded for a token, which lives in the tab alone; requests and events by it. */

import { signal } from "@preact/signals";
import { Client, NoAnswer, parseEvents, readAnswer } from "../api.js";
import { say } from "../words.js";

/** @import { Signal } from "@preact/signals" */
/** @import { DaemonEvent, Question } from "../api.js" */
/** @import { TokenSecret } from "../../src/api-types.d.ts" */

const SESSION = "companion-session"; // in the storage of this tab, and the channel of all
const PAUSE = 500; // milliseconds until what got no answer is asked again

/** How the session is: being opened, open, ended, or without a daemon that answers. @type {Signal<"opening" | "open" | "out" | "away">} */
export const session = signal("opening");
/** Why there is none. */
export const reason = signal("");
const others = new BroadcastChannel(SESSION);
/** The last event: what came after it is told once events are read again. */
let lastEvent = "";

/** Trade the code of the address for a token. The code is good once, and leaves the history. */
export async function openSession() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (code) {
    history.replaceState(null, "", location.pathname + location.search);
    try {
      /** @type {TokenSecret} */
      const { token } = readAnswer(await send({ method: "POST", path: "/session", body: { code } }));
      keep(token);
      others.postMessage(token);
    } catch (error) {
      if (error instanceof NoAnswer) return; // it says so
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
  if (token) void send({ method: "POST", path: `/tokens/${token.split(".")[0]}/revoke`, body: {} }).catch(() => {});
  sessionStorage.removeItem(SESSION);
  reason.value = say("signedOut");
  session.value = "out";
}

/** The API. What only reads is asked for until the session ends. */
export const api = new Client({
  send,
  async wait(error) {
    if (session.peek() === "out") throw error;
    await new Promise((done) => setTimeout(done, PAUSE));
  },
});

/** @param {Question} question */
async function send(question) {
  const response = await ask(question);
  const text = await response.text().catch(() => lose());
  return { status: response.status, text };
}

/** @type {(question: Question, stop?: AbortSignal) => Promise<Response>} */
async function ask({ method, path, body, headers }, stop) {
  const token = sessionStorage.getItem(SESSION);
  /** @type {RequestInit} */
  const request = {
    method,
    headers: { ...headers, ...(token && { Authorization: `Bearer ${token}` }), ...(body && { "Content-Type": "application/json" }) },
    cache: "no-store",
    ...(body && { body: JSON.stringify(body) }),
    ...(stop && { signal: stop }),
  };
  const response = await fetch(`/api/v1${path}`, request).catch(() => lose(stop?.aborted));
  if (!/json|event-stream/.test(response.headers.get("Content-Type") ?? "")) lose(); // another program has the port
  if (response.status === 401) {
    reason.value ||= say("sessionOver");
    session.value = "out";
  } else if (session.peek() === "away") session.value = "open";
  return response;
}

/** Show that nobody answers, unless it was not waited for. @returns {never} */
function lose(isAborted = false) {
  if (!isAborted && session.peek() !== "out") session.value = "away";
  throw new NoAnswer(say("notAnswering"));
}

/**
 * Read the daemon's events (server-sent events, with a token, which EventSource cannot send) until the answer ends, as it does when too
 * many are read at a time, or the tab is hidden.
 *
 * @param {(event: DaemonEvent) => void} take
 */
export async function readEvents(take) {
  const stop = new AbortController();
  const hide = () => document.hidden && stop.abort();
  document.addEventListener("visibilitychange", hide);
  try {
    const headers = { ...(lastEvent && { "Last-Event-ID": lastEvent }) };
    const { ok, body } = await ask({ method: "GET", path: "/events", headers }, stop.signal);
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
    for (const event of parseEvents(parts.join("\n\n"))) {
      lastEvent = event.id;
      if (session.peek() === "away") session.value = "open";
      take(event);
    }
  }
}
