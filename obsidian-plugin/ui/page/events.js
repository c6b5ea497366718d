/** The daemon's events, as one answer that goes on (server-sent events, with a token, which EventSource cannot send). */

import { ask } from "./session.js";

/** @typedef {{ name: string, data: any }} Event */

/**
 * Read events until the answer ends, as it does when too many are read at a time, or the tab is hidden.
 *
 * @param {(event: Event) => void} take
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

/**
 * @param {ReadableStreamDefaultReader<string>} reader
 * @param {(event: Event) => void} take
 */
async function readStream(reader, take) {
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split(/\r?\n\r?\n/);
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const event = parse(part);
      if (event) take(event);
    }
  }
}

/**
 * @param {string} text of an event; a line that begins with a colon only shows that the answer goes on
 * @returns {Event | null}
 */
function parse(text) {
  const lines = text.split(/\r?\n/);
  const all = (/** @type {string} */ name) => lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).replace(/^ /, ""));
  const data = all("data").join("\n");
  return data ? { name: all("event")[0] ?? "message", data: JSON.parse(data) } : null;
}
