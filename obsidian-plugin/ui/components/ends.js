/** What stands in the inbox when there is nothing to decide: nothing yet, nothing that fits, or all done. */

import { useEffect, useRef } from "preact/hooks";
import { Check } from "lucide";
import { Button, EmptyState, Fault, html, Icon, SPARKLES, useApp } from "../dom.js";
import { NO_FILTERS } from "../inbox-store.js";
import { describeRun } from "../status-store.js";
import { count, formatNumber, showHidden } from "../words.js";

/** Nothing to decide on: all is done here, or there was nothing yet. */
export function Empty() {
  const app = useApp();
  const { written, refused, log } = app.decisions;
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  const isDone = log.value.length > 0;
  useEffect(() => void (isDone && heading.current?.focus()), []);
  const now = app.status.status.value;
  const run = app.status.active.value;
  const todo = now?.to_do ?? 0;
  let words = "Every note has what it needs.";
  if (run) words = `${describeRun(run)}. What needs you will turn up here.`;
  else if (todo) words = `${count(todo, "note still needs", "notes still need")} something.`;
  else if (now && !now.ready) words = "Companion is looking over the vault.";
  else if (now && !now.notes) words = "This vault has no notes yet.";
  return html`<section class="cc-empty">
    <div class="cc-empty__tick"><${Icon} icon=${isDone ? Check : SPARKLES} /></div>
    <h1 tabindex="-1" ref=${heading}>${isDone ? "Inbox clear" : "Nothing is waiting for you"}</h1>
    ${isDone && html`<p>${formatNumber(written.value)} written, ${formatNumber(refused.value)} refused.</p>`}
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
    <${Button} kind="big" onClick=${() => app.inbox.filter(NO_FILTERS)}>Clear filters<//>
  <//>`;
}
