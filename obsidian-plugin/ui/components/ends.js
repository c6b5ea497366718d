/** What stands in the inbox when there is nothing to decide: nothing yet, nothing that fits, or all done. */

import { useEffect, useRef } from "preact/hooks";
import { Check, Undo2 } from "lucide";
import { Button, EmptyState, html, Icon, SPARKLES, useApp } from "../dom.js";
import { nameRun, sum } from "../status-store.js";
import { say } from "../words.js";

const BEADS = 200; // decisions that are drawn one by one

/** Nothing to decide on: all done here, or nothing yet. */
export function Empty() {
  const app = useApp();
  return app.decisions.log.value.length ? html`<${End} />` : html`<${Nothing} />`;
}

function Nothing() {
  const app = useApp();
  const { isPage, propose } = app.shell;
  const { to_do: todo = 0 } = app.status.status.value ?? {};
  const decided = app.decided.total.value;
  return html`<section class="cc-empty">
    <div class="cc-end__tick"><${Icon} icon=${SPARKLES} /></div>
    <h1>${say("nothingWaits")}</h1>
    <p>${todo > 0 ? say("idleMore", { n: todo }) : say(app.status.hasNotes.value ? "nothingToDo" : "noNotes")}</p>
    ${propose && html`<${Button} kind="big" onClick=${propose}>${say("proposeHere")}<//>`}
    ${isPage && html`<p class="cc-hint">${say("howToAsk")} <code>companion enrich --propose</code></p>`}
    ${decided > 0 && html`<${Button} kind="plain" onClick=${() => app.showTab("decided")}>${say("seeDecided", { n: decided })}<//>`}
  </section>`;
}

export function NothingFits() {
  const app = useApp();
  const { inbox, shell, tab } = app;
  const { search, kind, flagged, folder, path } = inbox.filters.value;
  const isFiltered = search || kind || flagged || folder;
  const rest = say("othersWait", { n: inbox.counts.value.all });
  if (tab.value === "note" && !isFiltered) {
    return html`<${EmptyState} words=${say("noneInNote")}>
      ${shell.propose && html`<${Button} kind="big" onClick=${shell.propose}>${say("proposeHere")}<//>`}
      <p class="cc-hint">${rest}</p>
    <//>`;
  }
  const title = search ? say("noneMatch", { search }) : say(path && !isFiltered ? "noneInNote" : "noneFit");
  return html`<${EmptyState} label=${say("noMatches")} title=${title} words=${rest}>
    ${(isFiltered || path) && html`<${Button} kind="big" onClick=${() => app.clearFilters()}>${say("clearFilters")}<//>`}
  <//>`;
}

function End() {
  const { decisions, inbox, shell, status } = useApp();
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => heading.current?.focus(), []);
  const run = status.deciding.value;
  const [written, refused] = [decisions.written.value, decisions.refused.value];
  const isClear = !run && written + refused > 0;
  const words = run ? say("notesOf", { n: sum(run.counts), of: run.total }) : say("writtenRefused", { written, refused });
  const beads = decisions.log.value.flatMap(({ what, ids }) => ids.map(() => (what === "refuse" ? "is-refused" : ""))).slice(0, BEADS);
  const fresh = inbox.fresh.value.length;
  return html`<section class="cc-end">
    ${isClear && html`<div class="cc-end__tick"><${Icon} icon=${Check} /></div>`}
    <h1 tabindex="-1" ref=${heading}>${run ? nameRun(run) : say(isClear ? "inboxClear" : "oneMoment")}</h1>
    <p class="cc-soft">${words}</p>
    ${!run && html`<div class="cc-beads" role="img" aria-label=${words}>
      ${beads.map((name, index) => html`<i key=${index} class=${name}></i>`)}
    </div>`}
    <div class="cc-buttons cc-buttons--center">
      ${shell.isPage && html`<${Button} kind="big" href="/history" onClick=${shell.follow}>${say("seeWritten")}<//>`}
      <${Button} kind="big plain" icon=${Undo2} onClick=${() => void decisions.undoAll()}>${say("undoAll")}<//>
    </div>
    ${fresh > 0 && html`<${Button} kind="big main" class="cc-after" onClick=${() => inbox.takeFresh()}>${say("fresh", { n: fresh })}<//>`}
    <p class="cc-soft cc-small cc-after">${say(status.active.value?.kind === "fill" ? "stillFilled" : "turnsUpHere")}</p>
  </section>`;
}
