/** The daemon's events, as one answer that goes on (server-sent events, with a token, which EventSource cannot send). */

import { parseEvents } from "../api.js";
import { ask } from "./session.js";

/** @import { DaemonEvent } from "../api.js" */

/**
 * Read events until the answer ends, as it does when too many are read at a time, or the tab is hidden.
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
