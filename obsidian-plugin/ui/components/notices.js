/** What is said: a toast with the way back, and the same for those who listen. */

import { html, Icon, Key } from "../dom.js";
import { say } from "../words.js";

/** @import { App } from "../app.js" */

/** @param {{ app: App }} props */
export function Toast({ app }) {
  const { decisions } = app;
  const toast = decisions.toast.value;
  if (!toast) return null;
  const hold = () => decisions.keepToast(true);
  const release = () => decisions.keepToast(false);
  return html`<div class="cc-toast" role="region" aria-label=${say("lastDecision")} onMouseEnter=${hold} onMouseLeave=${release} onFocusIn=${hold} onFocusOut=${release}>
    <${Icon} name=${toast.isGood ? "check" : "unknown"} /><span>${toast.words}</span>
    ${toast.id !== undefined && html`<button class="cc-btn" onClick=${() => app.look(toast.id)}>${say("lookAtIt")}</button>`}
    ${toast.canUndo && html`<button class="cc-btn" onClick=${() => void decisions.undo()}>${say("undo")} <${Key}>U<//></button>`}</div>`;
}

/** @param {{ app: App }} props one region for what happens, and one for what went wrong */
export function Said({ app }) {
  const { words, isFault, turn } = app.decisions.said.value;
  const shown = html`<span key=${turn}>${words}</span>`; // another element each time: the same words are read out again
  return html`<div class="cc-hidden" role="status" aria-live="polite">${isFault ? null : shown}</div>
    <div class="cc-hidden" role="alert">${isFault ? shown : null}</div>`;
}
