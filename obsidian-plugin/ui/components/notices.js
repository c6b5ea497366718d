/** What is said: a toast with the way back, and the same for those who listen. */

import { Check, CircleQuestionMark } from "lucide";
import { Button, html, Icon, Meter, useApp } from "../dom.js";
import { nameRun, sum } from "../status-store.js";
import { say } from "../words.js";

/** @import { RunShape } from "../../src/api-types.d.ts" */

export function Toast() {
  const app = useApp();
  const { decisions, status } = app;
  const run = status.deciding.value;
  if (run) return html`<${Progress} run=${run} onStop=${() => void status.cancel(run.id).catch(() => {})} />`;
  const toast = decisions.toast.value;
  if (!toast) return null;
  const hold = () => decisions.keepToast(true);
  const release = () => decisions.keepToast(false);
  const held = { onMouseEnter: hold, onMouseLeave: release, onFocusIn: hold, onFocusOut: release };
  return html`<div class="cc-toast" role="region" aria-label=${say("lastDecision")} ...${held}>
    <${Icon} icon=${toast.isGood ? Check : CircleQuestionMark} /><span>${toast.words}</span>
    ${toast.id !== undefined && html`<${Button} onClick=${() => app.look(toast.id)}>${say("lookAtIt")}<//>`}
    ${toast.canUndo && html`<${Button} cap="U" onClick=${() => void decisions.undo()}>${say("undo")}<//>`}
  </div>`;
}

/** @param {{ run: RunShape, onStop: () => void }} props how far a run is that decides on many, begun in any window */
function Progress({ run, onStop }) {
  const [done, title] = [sum(run.counts), nameRun(run)];
  const words = say("doneOf", { n: done, of: run.total });
  return html`<div class="cc-toast" role="region" aria-label=${title}>
    <span>${title} <span class="cc-num">${words}</span></span>
    <${Meter} of=${run.total ? done / run.total : 0} label=${title} text=${words} />
    <${Button} onClick=${onStop}>${say("stopHere")}<//>
  </div>`;
}

/** One region for what happens, and one for what went wrong. */
export function Said() {
  const { words, isFault, turn } = useApp().decisions.said.value;
  const shown = html`<span key=${turn}>${words}</span>`; // another element each time: the same words are read out again
  return html`<div class="cc-hidden" role="status" aria-live="polite">${isFault ? null : shown}</div>
    <div class="cc-hidden" role="alert">${isFault ? shown : null}</div>`;
}
