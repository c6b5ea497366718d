/** What stands in the inbox when there is nothing to decide: nothing yet, nothing that fits, or all done. */

import { useEffect, useRef } from "preact/hooks";
import { Check, Undo2 } from "lucide";
import { Button, EmptyState, Fault, html, Icon, SPARKLES, useApp } from "../dom.js";
import { describeRun } from "../status-store.js";
import { count, formatNumber, showHidden } from "../words.js";
import { Fresh } from "./list.js";

/** Nothing to decide on: all done here, or nothing yet. */
export function Empty() {
  const { decisions } = useApp();
  return decisions.log.value.length ? html`<${End} />` : html`<${Nothing} />`;
}

function Nothing() {
  const app = useApp();
  const now = app.status.status.value;
  const run = app.status.active.value;
  const todo = now?.to_do ?? 0;
  let words = "Every note has what it needs.";
  if (run) words = `${describeRun(run)}. What needs you will turn up here.`;
  else if (todo) words = `${count(todo, "note still needs", "notes still need")} something.`;
  else if (now && !now.ready) words = "Companion is looking over the vault.";
  else if (now && !now.notes) words = "This vault has no notes yet.";
  return html`<section class="cc-empty">
    <div class="cc-end__tick"><${Icon} icon=${SPARKLES} /></div>
    <h1>Nothing is waiting for you</h1>
    <p>${words}</p>
    ${!run && todo > 0 && html`<${Button} kind="big main" onClick=${() => void app.askForMore()}>Ask the model for ${todo === 1 ? "it" : "them"}<//>`}
    ${app.status.faults.value.map(({ words: why, ...own }) => html`<${Fault} key=${why} ...${own}>${showHidden(why)}<//>`)}
    <${Button} kind="plain" onClick=${() => app.go("/history")}>See what was written<//>
  </section>`;
}

export function NothingFits() {
  const app = useApp();
  const { search } = app.inbox.filters.value;
  const words = `${count(app.inbox.counts.value.all, "other is", "others are")} waiting.`;
  return html`<${EmptyState} title=${search ? `No proposals match “${search}”` : "No proposals fit"} words=${words}>
    <${Button} kind="big" onClick=${() => app.clearFilters()}>Clear filters<//>
  <//>`;
}

function End() {
  const app = useApp();
  const { decisions, status } = app;
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => heading.current?.focus(), []);
  const words = `${formatNumber(decisions.written.value)} written, ${formatNumber(decisions.refused.value)} refused.`;
  const isFilling = status.active.value?.kind === "fill";
  return html`<section class="cc-end">
    <div class="cc-end__tick"><${Icon} icon=${Check} /></div>
    <h1 tabindex="-1" ref=${heading}>Inbox clear</h1>
    <p class="cc-soft">${words}</p>
    <div class="cc-buttons cc-buttons--center">
      <${Button} kind="big" onClick=${() => app.go("/history")}>See what was written<//>
      <${Button} kind="big plain" icon=${Undo2} onClick=${() => void decisions.undoAll()}>Undo all<//>
    </div>
    <${Fresh} />
    <p class="cc-soft cc-small">${isFilling ? "Notes are still being filled. What needs you will turn up here." : "What needs you next will turn up here."}</p>
  </section>`;
}
