/** What is said: a line in the header with the way back, and the same for those who listen. */

import { Check, CircleQuestionMark } from "lucide";
import { Button, html, Icon, Meter, useApp } from "../dom.js";
import { countDone, describeRun, doneOf } from "../status-store.js";
import { showHidden } from "../words.js";

/** What was done last, or how far a run is that decides on many, begun in any window. It stands in the header, off what is read. */
export function Toast() {
  const { decisions, status } = useApp();
  const run = status.deciding.value;
  if (run) {
    const title = describeRun(run);
    return html`<div class="cc-toast" role="region" aria-label=${title}>
      <span>${title}</span><${Meter} of=${run.total ? doneOf(run) / run.total : 0} label=${title} text=${countDone(run)} />
      <${Button} onClick=${() => void status.cancel(run.id).catch(() => {})}>Stop here<//>
    </div>`;
  }
  const toast = decisions.toast.value;
  if (!toast) return null;
  const hold = () => decisions.keepToast(true);
  const release = () => decisions.keepToast(false);
  const held = { onMouseEnter: hold, onMouseLeave: release, onFocusIn: hold, onFocusOut: release };
  const words = showHidden(toast.words);
  return html`<div class="cc-toast" role="region" aria-label="What was done last" ...${held}>
    <${Icon} icon=${toast.isGood ? Check : CircleQuestionMark} /><span title=${words}>${words}</span>
    ${toast.canUndo && html`<${Button} cap="U" onClick=${() => void decisions.undo()}>Undo<//>`}
  </div>`;
}

/** One region for what happens, and one for what went wrong. */
export function Said() {
  const { words, isFault, turn } = useApp().decisions.said.value;
  const shown = html`<span key=${turn}>${showHidden(words)}</span>`; // another element each time: the same words are read out again
  return html`<div class="cc-hidden" role="status" aria-live="polite">${isFault ? null : shown}</div>
    <div class="cc-hidden" role="alert">${isFault ? shown : null}</div>`;
}
