/** What is said: a toast with the way back, and the same for those who listen. */

import { html, Icon, Key, Meter } from "../dom.js";
import { nameRun, sum } from "../status-store.js";
import { say } from "../words.js";

/** @import { App } from "../app.js" */
/** @import { RunShape } from "../../src/api-types.d.ts" */

/** @param {{ app: App }} props */
export function Toast({ app }) {
  const { decisions, status } = app;
  const run = status.deciding.value;
  if (run) return html`<${Progress} run=${run} onStop=${() => void status.cancel(run.id).catch(() => {})} />`;
  const toast = decisions.toast.value;
  if (!toast) return null;
  const hold = () => decisions.keepToast(true);
  const release = () => decisions.keepToast(false);
  return html`<div class="cc-toast" role="region" aria-label=${say("lastDecision")} onMouseEnter=${hold} onMouseLeave=${release} onFocusIn=${hold} onFocusOut=${release}>
    <${Icon} name=${toast.isGood ? "check" : "unknown"} /><span>${toast.words}</span>
    ${toast.id !== undefined && html`<button class="cc-btn" onClick=${() => app.look(toast.id)}>${say("lookAtIt")}</button>`}
    ${toast.canUndo && html`<button class="cc-btn" onClick=${() => void decisions.undo()}>${say("undo")} <${Key}>U<//></button>`}</div>`;
}

/** @param {{ run: RunShape, onStop: () => void }} props how far a run is that decides on many, begun in any window */
function Progress({ run, onStop }) {
  const [done, title] = [sum(run.counts), nameRun(run)];
  const words = say("doneOf", { n: done, of: run.total });
  return html`<div class="cc-toast cc-toast--run" role="region" aria-label=${title}><span>${title} <span class="cc-num">${words}</span></span>
    <${Meter} of=${run.total ? done / run.total : 0} label=${title} text=${words} />
    <button class="cc-btn" onClick=${onStop}>${say("stopHere")}</button></div>`;
}

/** @param {{ app: App }} props one region for what happens, and one for what went wrong */
export function Said({ app }) {
  const { words, isFault, turn } = app.decisions.said.value;
  const shown = html`<span key=${turn}>${words}</span>`; // another element each time: the same words are read out again
  return html`<div class="cc-hidden" role="status" aria-live="polite">${isFault ? null : shown}</div>
    <div class="cc-hidden" role="alert">${isFault ? shown : null}</div>`;
}
