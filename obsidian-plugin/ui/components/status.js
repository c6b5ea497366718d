/** What is going on: a dot in the header, and behind it what is being done, what waits, and why. */

import { useId } from "preact/hooks";
import { html, Icon, Meter, withCode } from "../dom.js";
import { sum } from "../status-store.js";
import { say, showHidden, splitPath } from "../words.js";

/** @import { App } from "../app.js" */
/** @import { StatusStore } from "../status-store.js" */

/** @param {{ app: App }} props */
export function StatusButton({ app }) {
  const id = useId();
  const { status, shell } = app;
  const { dot, words, long } = status.summary.value;
  return html`<button class="cc-btn cc-btn--quiet cc-status" popovertarget=${id} aria-description=${say("goingOn")}><i class=${`cc-dot cc-dot--${dot}`}></i><span>${long && html`<span class="cc-wide">${long} </span>`}<span class="cc-num">${words}</span></span></button>
    <section class="cc-panel" id=${id} popover="auto" aria-label=${say("goingOn")}><${Panel} status=${status} attempt=${(/** @type {() => Promise<unknown>} */ act) => app.attempt(act)}>
      ${shell.signOut && html`<button class="cc-btn cc-btn--quiet cc-out" onClick=${shell.signOut}>${say("signOut")}</button>`}<//></section>`;
}

/**
 * What the daemon is doing. notes: what else there is to say. attempt: does something, and tells why it fails.
 *
 * @param {{ status: StatusStore, notes?: string[], attempt: (act: () => Promise<unknown>) => void, children?: unknown }} props children: more buttons
 */
export function Panel({ status, notes = [], attempt, children }) {
  const now = status.status.value;
  const run = status.active.value;
  const { title, words } = status.headline.value;
  if (!now) return html`<h2>${title}</h2><p class="cc-soft cc-small">${withCode(words)}</p>`;
  const { background } = now;
  const done = run ? sum(run.counts) : 0;
  return html`<h2>${title}</h2>${words && html`<p class="cc-soft cc-small">${words}</p>`}
    ${run && html`<div class="cc-panel__meter"><${Meter} of=${run.total ? done / run.total : 0} label=${say("notesDone")} text=${say("doneOf", { n: done, of: run.total })} /></div>`}
    ${[...notes, ...status.faults.value].map((fault) => html`<p key=${fault} class="cc-fault"><${Icon} name="unknown" /><span>${withCode(showHidden(fault))}</span></p>`)}
    <dl>
      ${now.in_hand.length > 0 && html`<div><dt>${say("rightNow")}</dt><dd dir="auto">${now.in_hand.slice(0, 3).map((path) => splitPath(path).name).join(", ")}</dd></div>`}
      ${sum(now.waiting) > 0 && html`<div><dt>${say("waitingNotes")}</dt><dd>${say("notesCount", { n: sum(now.waiting) })}</dd></div>`}
      <div><dt>${say("inBackground")}</dt><dd>${background.off ? say("off") : say("ofToday", { n: background.notes_today, of: background.notes_a_day })}</dd></div>
      <div><dt>${say("model")}</dt><dd><bdi>${showHidden(now.model)}</bdi>, ${say(now.is_embedded || !now.is_remote ? "onThisComputer" : "overNetwork")}</dd></div>
    </dl>
    ${background.off && !now.paused && html`<p class="cc-hint">${say("backgroundOff", { why: background.off })}</p>`}
    <div class="cc-buttons">
      ${now.paused || now.fault ? html`<button class="cc-btn" onClick=${() => attempt(() => status.resume())}><${Icon} name=${now.paused ? "play" : "again"} />${now.paused ? say("resume") : say("tryNow")}</button>` : !background.off && html`<button class="cc-btn" onClick=${() => attempt(() => status.pause())}><${Icon} name="pause" />${say("pause")}</button>`}
      ${run && html`<button class="cc-btn cc-btn--quiet" onClick=${() => attempt(() => status.cancel(run.id))}>${say("stopRun")}</button>`}
      ${children}
    </div>`;
}
