/** The page's session: a one-time code is traded for a token, which lives in the tab alone; requests by it. */

import { signal } from "@preact/signals";
import { Client, NoAnswer, readAnswer, toQuery } from "../api.js";
import { say } from "../words.js";

/** @import { Signal } from "@preact/signals" */
/** @import { Answer, Question } from "../api.js" */
/** @import { News, Session } from "../../src/api-types.d.ts" */

const SESSION = "companion-session"; // in the storage of this tab, and the channel of all
const WAIT = 25; // seconds that the feed may take to tell something
const PAUSE = 500; // milliseconds until what got no answer is asked again

/** How the session is: being opened, open, ended, or without a daemon that answers. @type {Signal<"opening" | "open" | "out" | "away">} */
export const session = signal("opening");
/** Why there is none. */
export const reason = signal("");
const others = new BroadcastChannel(SESSION);
/** Of the last news: what comes after them is told next. */
let number = 0;

/** Trade the code of the address for a token. The code is good once, and leaves the history. */
export async function openSession() {
  const code = new URLSearchParams(location.hash.slice(1)).get("code");
  if (code) {
    history.replaceState(null, "", location.pathname + location.search);
    try {
      /** @type {Session} */
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

/** End the session in this tab. */
export function signOut() {
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

/** @type {(question: Question, stop?: AbortSignal) => Promise<Answer>} */
async function send(question, stop) {
  const response = await ask(question, stop);
  const text = await response.text().catch(() => lose());
  return { status: response.status, text };
}

/** @type {(question: Question, stop?: AbortSignal) => Promise<Response>} */
async function ask({ method, path, body }, stop) {
  const token = sessionStorage.getItem(SESSION);
  /** @type {RequestInit} */
  const request = {
    method,
    headers: { ...(token && { Authorization: `Bearer ${token}` }), ...(body && { "Content-Type": "application/json" }) },
    cache: "no-store",
    ...(body && { body: JSON.stringify(body) }),
    ...(stop && { signal: stop }),
  };
  const response = await fetch(`/api/v1${path}`, request).catch(() => lose(stop?.aborted));
  if (!/json/.test(response.headers.get("Content-Type") ?? "")) lose(); // another program has the port
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
 * Follow the feed until it does not answer, or the tab is hidden.
 *
 * @param {(news: News) => void} take
 */
export async function followNews(take) {
  const stop = new AbortController();
  const hide = () => document.hidden && stop.abort();
  document.addEventListener("visibilitychange", hide);
  try {
    while (!stop.signal.aborted && session.peek() !== "out") {
      const path = `/feed${toQuery({ after: number, wait: WAIT })}`;
      /** @type {News} */
      const news = readAnswer(await send({ method: "GET", path }, stop.signal));
      number = news.number;
      take(news);
    }
  } catch {
    // whoever follows looks again
  } finally {
    document.removeEventListener("visibilitychange", hide);
  }
}
