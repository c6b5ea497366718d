/** What stands in the inbox when there is nothing to decide: nothing yet, nothing that fits, or all done. */

import { useEffect, useRef } from "preact/hooks";
import { html, Icon } from "../dom.js";
import { say } from "../words.js";

/** @import { App } from "../app.js" */

const BEADS = 200; // decisions that are drawn one by one

/** @param {{ app: App }} props nothing to decide on: all done here, or nothing yet */
export function Empty({ app }) {
  return app.decisions.log.value.length ? html`<${End} app=${app} />` : html`<${Nothing} app=${app} />`;
}

/** @param {{ app: App }} props */
function Nothing({ app }) {
  const status = app.status.status.value;
  const todo = status?.to_do ?? 0;
  return html`<section class="cc-empty"><div class="cc-end__tick"><${Icon} name="sparkles" /></div>
    <h1>${say("nothingWaits")}</h1>
    <p>${todo > 0 ? say("idleMore", { n: todo }) : say("nothingToDo")}</p>
    ${todo > 0 && app.shell.isPage && html`<a class="cc-btn cc-btn--big" href="/vault" onClick=${app.shell.follow}>${say("seeVault")}</a>`}
    ${app.shell.propose && html`<button class="cc-btn cc-btn--big cc-btn--main" onClick=${app.shell.propose}>${say("proposeHere")}</button>`}
    <p class="cc-hint">${say("howToAsk")} <code>companion enrich --propose</code></p>
    ${app.decided.total.value > 0 && html`<button class="cc-btn cc-btn--plain" onClick=${() => app.showTab("decided")}>${say("seeDecided", { n: app.decided.total.value })}</button>`}
  </section>`;
}

/** @param {{ app: App }} props */
export function NothingFits({ app }) {
  const { inbox, tab } = app;
  const { search, kind, flagged, folder, path } = inbox.filters.value;
  const what = search ? say("noneMatch", { search }) : say("noneFit");
  if (tab.value === "note" && !search && !kind && !flagged && !folder) {
    return html`<section class="cc-empty"><p>${say("noneInNote")}</p>${app.shell.propose && html`<button class="cc-btn cc-btn--big" onClick=${app.shell.propose}>${say("proposeHere")}</button>`}<p class="cc-hint">${say("othersWait", { n: inbox.counts.value.all })}</p></section>`;
  }
  return html`<section class="cc-empty" aria-label=${say("noMatches")}><h1 dir="auto">${what}</h1>
    <p>${inbox.isWhole.value ? say("othersWait", { n: inbox.counts.value.all }) : say("oneMoment")}</p>
    ${(search || kind || flagged || folder || path) && html`<button class="cc-btn cc-btn--big" onClick=${() => app.clearFilters()}>${say("clearFilters")}</button>`}</section>`;
}

/** @param {{ app: App }} props */
function End({ app }) {
  const { decisions, status } = app;
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => heading.current?.focus(), []);
  const written = decisions.written.value;
  const refused = decisions.refused.value;
  const run = status.active.value;
  const beads = decisions.log.value.flatMap(({ what, ids }) => ids.map(() => what === "refuse")).slice(0, BEADS);
  return html`<section class="cc-end"><div class="cc-end__tick"><${Icon} name="check" /></div>
    <h1 tabindex="-1" ref=${heading}>${say("inboxClear")}</h1><p class="cc-soft">${say("writtenRefused", { written, refused })}</p>
    <div class="cc-beads" role="img" aria-label=${say("writtenRefused", { written, refused })}>${beads.map((isRefused, index) => html`<i key=${index} class=${isRefused ? "is-refused" : ""}></i>`)}</div>
    <div class="cc-buttons cc-buttons--center">${app.shell.isPage && html`<a class="cc-btn cc-btn--big" href="/history" onClick=${app.shell.follow}>${say("seeWritten")}</a>`}
      <button class="cc-btn cc-btn--big cc-btn--plain" onClick=${() => void decisions.undoAll()}><${Icon} name="undo" />${say("undoAll")}</button></div>
    ${app.inbox.fresh.value.length > 0 && html`<button class="cc-btn cc-btn--big cc-btn--main cc-after" onClick=${() => app.inbox.takeFresh()}>${say("fresh", { n: app.inbox.fresh.value.length })}</button>`}
    <p class="cc-soft cc-small cc-after">${run ? say("stillFilled") : say("turnsUpHere")}</p></section>`;
}
