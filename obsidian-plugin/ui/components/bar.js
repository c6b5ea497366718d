/** The decisions: always in the same place, always in sight. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { html, Icon, Key } from "../dom.js";
import { nameOf, titleOf } from "../inbox-store.js";
import { say } from "../words.js";

/** @import { Proposal } from "../../src/api-types.d.ts" */
/** @import { App } from "../app.js" */

const WISHES = /** @type {const} */ (["wishShorter", "wishPlainer", "wishOnlyMine"]);

/** @param {{ app: App, proposal: Proposal }} props */
export function Bar({ app, proposal }) {
  const mode = app.inbox.mode.value;
  const what = `${nameOf(proposal)}, ${titleOf(proposal)}`;
  if (mode === "edit") {
    return html`<div class="cc-actions cc-actions--edit" role="toolbar" aria-label=${say("decide")}>
      <button class="cc-btn cc-btn--main" aria-keyshortcuts="Control+Enter" onClick=${() => app.decide("accept")}><${Icon} name="check" />${say("acceptYours")}<${Key}>Ctrl ↵<//></button>
      <button class="cc-btn" aria-keyshortcuts="Escape" onClick=${() => app.leaveEditing()}>${say("leaveAsWas")}<${Key}>Esc<//></button></div>`;
  }
  const isDraft = app.inbox.draft(proposal.id).value !== null;
  return html`${mode === "again" && html`<${Again} app=${app} proposal=${proposal} />`}
    <div class="cc-actions" role="toolbar" aria-label=${say("decide")}>
      <button class="cc-btn cc-btn--main" aria-keyshortcuts="A" aria-description=${what} onClick=${() => app.decide("accept")}><${Icon} name="check" />${say("accept")}<${Key}>A<//></button>
      <button class="cc-btn" aria-keyshortcuts="E" onClick=${() => app.startEditing()}><${Icon} name="pencil" />${say("edit")}<${Key}>E<//></button>
      <button class="cc-btn" aria-keyshortcuts="R" onClick=${() => app.decide("refuse")}><${Icon} name="x" />${say("refuse")}<${Key}>R<//></button>
      <button class="cc-btn" aria-keyshortcuts="J" onClick=${() => app.inbox.step(1)}><${Icon} name="skip" />${say("skip")}<${Key}>J<//></button>
      ${isDraft && html`<button class="cc-btn cc-btn--plain" onClick=${() => (app.inbox.draft(proposal.id).value = null)}><${Icon} name="undo" />${say("leaveAsWas")}</button>`}
      ${!isDraft && html`<button class="cc-btn cc-btn--plain" aria-keyshortcuts="I" aria-expanded=${String(mode === "again")} onClick=${() => app.toggleAgain()}><${Icon} name="again" /><span>${say("again")}<span class="cc-wide">${say("againBut")}</span></span><${Key}>I<//></button>`}
    </div>`;
}

/** @param {{ app: App, proposal: Proposal }} props a sentence to the model */
function Again({ app, proposal }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [isAsking, setAsking] = useState(false);
  useLayoutEffect(() => field.current?.focus(), [proposal.id]);
  const ask = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const wish = field.current?.value.trim() ?? "";
    if (!wish || isAsking) return;
    setAsking(true);
    await app.askAgain(proposal, wish);
    setAsking(false);
  };
  return html`<form class="cc-again" onSubmit=${ask} onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && app.toggleAgain()}>
    <label class="cc-search"><span class="cc-nowrap">${say("againButLabel")}</span><input ref=${field} maxlength="500" placeholder=${say("againPlaceholder")} /></label>
    <button class="cc-btn cc-btn--main" disabled=${isAsking}>${isAsking ? say("asking") : say("askAgain")}<${Key}>↵<//></button>
    <div class="cc-chips" role="group" aria-label=${say("wishes")}>${WISHES.map((wish) => html`<button key=${wish} type="button" class="cc-chip" onClick=${() => field.current && ((field.current.value = say(wish)), field.current.focus())}>${say(wish)}</button>`)}</div></form>`;
}
