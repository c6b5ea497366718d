/** The list of the inbox: search, filters, counts, and the proposals by note. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { Flag } from "lucide";
import { Button, Chip, html, Icon, iconOf, instead, Meter, SearchField, useApp } from "../dom.js";
import { describeFlag, nameOf, summaryOf } from "../proposal.js";
import { count, formatNumber, showHidden, splitPath } from "../words.js";

/** @import { App } from "../app.js" */

const LONGEST = 160; // characters of a value in a row
const MORE = 200; // rows

export function List() {
  const app = useApp();
  const { inbox } = app;
  const ids = inbox.unflagged.value;
  const isBusy = inbox.isBusy.value || app.status.deciding.value !== null;
  const ask = () => (app.dialog.value = { name: "bulk", ids });
  return html`<aside class="cc-list" aria-label="Proposals">
    <div class="cc-list__head">
      <h1 class="cc-hidden">Inbox</h1><${Progress} /><${Search} /><${Filters} />
    </div>
    <${Rows} />
    ${ids.length > 0 && html`<div class="cc-list__foot">
      <${Button} disabled=${isBusy} onClick=${ask}>Accept ${formatNumber(ids.length)} unflagged …<//>
    </div>`}
  </aside>`;
}

/** Return how far somebody is, as a share and in words. @param {App} app */
export function findProgress({ inbox, decisions }) {
  const done = decisions.written.value + decisions.refused.value;
  const all = inbox.counts.value.all;
  const words = done ? `${formatNumber(done)} of ${formatNumber(done + all)} this time` : `${formatNumber(all)} to review`;
  return { share: done + all ? done / (done + all) : 0, words };
}

function Progress() {
  const app = useApp();
  const { flagged } = app.inbox.counts.value;
  const { share, words } = findProgress(app);
  return html`<div class="cc-progress">
    ${share > 0 && html`<${Meter} of=${share} label="Reviewed" text=${words} />`}
    <p class="cc-tally">
      <span class="cc-num">${words}</span>
      ${flagged > 0 && html`<span class="cc-closer"><i class="cc-dot"></i><span>${count(flagged, "needs", "need")} a closer look</span></span>`}
    </p>
  </div>`;
}

function Search() {
  const app = useApp();
  const press = (/** @type {KeyboardEvent & { currentTarget: HTMLInputElement }} */ event) => {
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    if (event.key === "Escape" && event.currentTarget.value) return; // which clears the field
    event.currentTarget.blur();
    app.isListShown.value = false;
    app.settle();
  };
  const search = (/** @type {string} */ text) => app.inbox.filter({ search: text });
  const { value } = app.inbox.filters;
  return html`<${SearchField} label="Search notes and proposals" value=${value.search} onInput=${search} onKeyDown=${press} />`;
}

function Filters() {
  const { inbox } = useApp();
  const { kinds, flagged } = inbox.counts.value;
  const { flagged: isFlagged, kind } = inbox.filters.value;
  return html`<div class="cc-chips" role="group" aria-label="Show only">
    ${(flagged > 0 || isFlagged) && html`<${Chip} isOn=${isFlagged} onClick=${() => inbox.filter({ flagged: !isFlagged })}>
      <${Icon} icon=${Flag} />Flagged <b>${formatNumber(flagged)}</b>
    <//>`}
    ${Object.keys({ ...kinds, ...(kind && { [kind]: 0 }) }).sort().map((each) => html`<${Chip} key=${each} isOn=${kind === each} onClick=${() => inbox.filter({ kind: kind === each ? "" : each })}>
      ${nameOf({ kind: each, heading: null })} <b>${formatNumber(kinds[each] ?? 0)}</b>
    <//>`)}
  </div>`;
}

/** The proposals by note; a note with one has both in one row. */
function Rows() {
  const { inbox } = useApp();
  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const current = inbox.currentId.value;
  useLayoutEffect(() => {
    scroller.current?.querySelector("[aria-current=true]")?.scrollIntoView({ block: "nearest" });
  }, [current]);
  const rest = inbox.shown.value.length - inbox.limit.value;
  const row = (/** @type {number} */ id, title = "") => html`<li key=${id}><${Row} id=${id} title=${title} isCurrent=${id === current} /></li>`;
  return html`<div class="cc-groups" ref=${scroller} role="region" aria-label="By note" tabindex="-1">
    <ul aria-label=${count(inbox.shown.value.length, "proposal")}>
      ${inbox.groups.value.map(({ path, ids }) => {
        const [id] = ids;
        if (ids.length === 1 && id !== undefined) return row(id, path);
        const { name, folder } = splitPath(path);
        return html`<li key=${`note ${path}`} class="cc-group">
          <h2 class="cc-group__title"><bdi>${name}</bdi> ${folder && html`<small><bdi>${folder}</bdi></small>`}</h2>
          <ul>${ids.map((each) => row(each))}</ul>
        </li>`;
      })}
    </ul>
    ${rest > 0 && html`<${Button} kind="plain" onClick=${() => (inbox.limit.value += MORE)}>Show ${formatNumber(Math.min(MORE, rest))} more<//>`}
  </div>`;
}

/** @param {{ id: number, title: string, isCurrent: boolean }} props title: the path of the note, where it has no other row */
function Row({ id, title, isCurrent }) {
  const app = useApp();
  const proposal = app.inbox.get(id);
  if (!proposal) return null;
  const draft = app.inbox.drafts.value.get(id);
  const flags = proposal.flags.map((flag) => describeFlag(flag).name).join(", ");
  const words = showHidden(draft ?? summaryOf(proposal)).slice(0, LONGEST);
  const own = { "data-id": id, tabindex: isCurrent ? 0 : -1, "aria-current": isCurrent ? "true" : undefined };
  return html`<a class="cc-row" href=${`/inbox?id=${id}`} onClick=${instead(() => app.open(id))} ...${own}>
    <${Icon} icon=${iconOf(proposal.kind)} />
    ${title && html`<b dir="auto">${splitPath(title).name}</b>`}
    <span class="cc-row__value"><span class="cc-hidden">${nameOf(proposal)}: </span><bdi>${words}</bdi></span>
    ${draft !== undefined && html`<small>Edited</small>`}
    ${flags && html`<i class="cc-dot" title=${flags}></i><span class="cc-hidden">${flags}</span>`}
  </a>`;
}
