/** The list of the inbox: filters, counts, and the proposals by note; only the rows in sight are made. */

import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { html, Icon, iconOf, Key, Meter } from "../dom.js";
import { describeFlag, fateOf, nameOf, summaryOf } from "../proposal.js";
import { say, showHidden, splitPath } from "../words.js";

/** @import { App } from "../app.js" */
/** @import { Group } from "../inbox-store.js" */

/** @typedef {{ key: string, top: number, height: number, path: string, id: number | null }} Item a row, or the title of a note; a note with one row has both in one */

const TITLE = 34; // pixels
const GAP = 8; // above the title of a note, but the first
const BEYOND = 400; // pixels above and below what is in sight that have rows, too

/** @param {{ app: App, isBare?: boolean }} props isBare: without tabs and progress, which stand above it */
export function List({ app, isBare = false }) {
  const { inbox, decisions, tab } = app;
  const isDecided = tab.value === "decided";
  return html`<aside class=${isBare ? "cc-list cc-list--whole" : "cc-list"} aria-label=${say("proposals")}>
    <div class="cc-list__head">
      ${app.shell.isPage && html`<h1 class="cc-hidden">${say("inbox")}</h1>`}
      ${!isBare && html`<${Tabs} app=${app} />`}
      ${!isDecided && html`${!isBare && html`<${Progress} app=${app} />`}<${Search} app=${app} /><${Filters} app=${app} />`}
    </div>
    ${isDecided ? html`<${Decided} app=${app} />` : html`<${Fresh} app=${app} /><${Rows} app=${app} />`}
    ${!isDecided && inbox.unflagged.value.length > 0 && html`<div class="cc-list__foot"><${AcceptUnflagged} app=${app} /></div>`}
    ${isDecided && decisions.log.value.length > 0 && html`<div class="cc-list__foot"><button class="cc-btn" onClick=${() => void decisions.undoAll()}><${Icon} name="undo" />${say("undoMine", { n: decisions.written.value + decisions.refused.value })}</button></div>`}
  </aside>`;
}

/** @param {{ app: App }} props which are shown: those to review, or what became of the others */
export function Tabs({ app }) {
  const { inbox, tab } = app;
  const tabs = app.shell.isPage ? [] : [["note", say("thisNote"), inbox.order.value.filter((id) => inbox.get(id)?.path === app.openPath.value).length]];
  const open = inbox.counts.value.all;
  tabs.push(["review", app.shell.isPage ? say("toReview", { n: open }) : say("all"), app.shell.isPage ? "" : open]);
  tabs.push(["decided", app.shell.isPage ? say("decidedCount", { n: app.decided.total.value }) : say("decided"), ""]);
  return html`<div class="cc-seg" role="group" aria-label=${say("which")}>
    ${tabs.map(([name, words, number]) => html`<button key=${name} aria-pressed=${String(tab.value === name)} onClick=${() => app.showTab(String(name))}><span>${words} <span class="cc-num">${number}</span></span></button>`)}
  </div>`;
}

/** @param {{ app: App }} props how far somebody is */
export function Progress({ app }) {
  const { inbox, decisions } = app;
  const { all, flagged } = inbox.counts.value;
  const done = decisions.written.value + decisions.refused.value;
  const words = say("reviewed", { n: done, of: done + all });
  return html`<div class="cc-progress">
    <${Meter} of=${done + all ? done / (done + all) : 0} label=${say("reviewedLabel")} text=${words} />
    <p class="cc-tally"><span class="cc-num">${words}</span>${flagged > 0 && html`<span class="cc-closer"><i class="cc-dot"></i><span>${say("closerLook", { n: flagged })}</span></span>`}</p>
  </div>`;
}

/** @param {{ app: App }} props */
function Search({ app }) {
  const { inbox } = app;
  return html`<label class="cc-search"><${Icon} name="search" /><span class="cc-hidden">${say("searchLabel")}</span>
    <input type="search" maxlength="200" placeholder=${say("search")} value=${inbox.filters.value.search} onInput=${(/** @type {any} */ { target }) => inbox.filter({ search: target.value })} />
    <${Key}>/<//></label>`;
}

/** @param {{ app: App }} props */
function Filters({ app }) {
  const { inbox } = app;
  const { kinds, folders, flagged } = inbox.counts.value;
  const { flagged: isFlagged, kind, folder, path } = inbox.filters.value;
  const names = Object.entries(kinds).sort((a, b) => b[1] - a[1]);
  const first = flagged > 0 || isFlagged ? 2 : 3; // that fit into two lines
  const chip = (/** @type {string} */ key, /** @type {boolean} */ isOn, /** @type {unknown} */ words, /** @type {number} */ number, /** @type {object} */ change) =>
    html`<button key=${key} class="cc-chip" aria-pressed=${String(isOn)} onClick=${() => inbox.filter(change)}>${words} <b>${number}</b></button>`;
  return html`<div class="cc-chips" role="group" aria-label=${say("showOnly")}>
    ${(flagged > 0 || isFlagged) && chip("flagged", isFlagged, html`<${Icon} name="flag" />${say("flagged")}`, flagged, { flagged: !isFlagged })}
    ${names.slice(0, first).map(([name, number]) => chip(name, kind === name, nameOf({ kind: name, heading: null }), number, { kind: kind === name ? "" : name }))}
    <${Choice} label=${say("folder")} chosen=${folder} options=${Object.entries(folders).sort()} onChoose=${(/** @type {string} */ value) => inbox.filter({ folder: value })} />
    ${names.length > first && html`<${Choice} label=${say("more")} chosen=${names.slice(first).some(([name]) => name === kind) ? kind : ""} options=${names.slice(first)} onChoose=${(/** @type {string} */ value) => inbox.filter({ kind: value })} />`}
    ${path && html`<button class="cc-chip" aria-pressed="true" onClick=${() => inbox.filter({ path: "" })}>${splitPath(path).name} <${Icon} name="x" /></button>`}
  </div>`;
}

/** @param {{ label: string, chosen: string, options: [string, number][], onChoose: (value: string) => void }} props a chip that opens a list */
function Choice({ label, chosen, options, onChoose }) {
  if (!options.length && !chosen) return null;
  return html`<label class="cc-chip cc-choice" aria-pressed=${undefined} data-on=${chosen ? "" : undefined}>
    <span aria-hidden="true">${chosen ? showHidden(chosen) : label}</span><${Icon} name="down" />
    <select aria-label=${label} value=${chosen} onChange=${(/** @type {any} */ { target }) => onChoose(target.value)}>
      <option value="">${say("allOf", { what: label })}</option>
      ${options.map(([name, number]) => html`<option key=${name} value=${name}>${showHidden(name)} (${number})</option>`)}
    </select></label>`;
}

/** @param {{ app: App }} props what is new; a click takes it in */
export function Fresh({ app }) {
  const fresh = app.inbox.fresh.value.length;
  if (!fresh) return null;
  return html`<button class="cc-fresh" onClick=${() => app.inbox.takeFresh()}>${say("fresh", { n: fresh })}</button>`;
}

/** @param {{ app: App }} props */
function AcceptUnflagged({ app }) {
  const { inbox } = app;
  const ids = inbox.unflagged.value;
  const ask = () => (app.dialog.value = { name: "bulk", ids });
  return html`<button class="cc-btn" disabled=${!inbox.isWhole.value || app.status.deciding.value !== null} onClick=${ask}>${say("acceptUnflagged", { n: ids.length })}</button>`;
}

/**
 * @param {Group[]} groups
 * @param {number} row the height of a row
 */
function layOut(groups, row) {
  /** @type {Item[]} */
  const items = [];
  let top = 0;
  for (const [index, { path, ids }] of groups.entries()) {
    const isOne = ids.length === 1;
    if (index && !(isOne && groups[index - 1]?.ids.length === 1)) top += GAP;
    if (!isOne) {
      items.push({ key: `note ${path}`, top, height: TITLE, path, id: null });
      top += TITLE;
    }
    for (const id of ids) {
      items.push({ key: String(id), top, height: row, path: isOne ? path : "", id });
      top += row;
    }
  }
  return { items, height: top };
}

/** @param {{ app: App }} props the proposals by note */
function Rows({ app }) {
  const { inbox } = app;
  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const seen = useSignal({ top: 0, height: 800, row: 36 });
  useEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    const look = () => {
      const row = element.ownerDocument.defaultView?.matchMedia("(pointer: coarse)").matches ? 44 : 36;
      seen.value = { top: element.scrollTop, height: element.clientHeight || 800, row };
    };
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => (observer.disconnect(), element.removeEventListener("scroll", look));
  }, []);
  const { items, height } = layOut(inbox.groups.value, seen.value.row);
  const current = inbox.currentId.value;
  const at = items.find((item) => item.id === current);
  useSignalEffect(() => {
    void inbox.currentId.value;
    keepInSight(scroller.current, inbox.currentId.peek(), seen.peek().row, inbox.groups.peek());
  });
  const { top, height: window } = seen.value;
  const inSight = items.filter((item) => item === at || (item.top + item.height > top - BEYOND && item.top < top + window + BEYOND));
  const total = inbox.shown.value.length;
  if (!total) return html`<div class="cc-groups" ref=${scroller}></div>`;
  return html`<div class="cc-groups" ref=${scroller} role="region" aria-label=${say("byNote")} tabindex="-1">
    <ul class="cc-rows" style=${{ height: `${height}px` }} aria-label=${say("proposalsCount", { n: total })}>
      ${inSight.map((item) => html`<li key=${item.key} style=${{ top: `${item.top}px`, height: `${item.height}px` }}>
        ${item.id === null ? html`<${Title} path=${item.path} />` : html`<${Row} app=${app} id=${item.id} title=${item.path} isCurrent=${item.id === current} />`}
      </li>`)}
    </ul></div>`;
}

/** @type {(scroller: HTMLElement | null, id: number | null, row: number, groups: Group[]) => void} */
function keepInSight(scroller, id, row, groups) {
  const item = layOut(groups, row).items.find((each) => each.id === id);
  if (!scroller || !item) return;
  const room = 60;
  if (item.top < scroller.scrollTop + room) scroller.scrollTop = Math.max(0, item.top - TITLE - GAP);
  else if (item.top + item.height > scroller.scrollTop + scroller.clientHeight - room / 2) scroller.scrollTop = item.top + item.height + room - scroller.clientHeight;
}

/** @param {{ path: string }} props */
function Title({ path }) {
  const { name, folder } = splitPath(path);
  return html`<h2 class="cc-group__title" dir="auto"><bdi>${name}</bdi> <small><bdi>${folder}</bdi></small></h2>`;
}

/** @param {{ app: App, id: number, title: string, isCurrent: boolean }} props title: the note, where it has no other row */
export function Row({ app, id, title, isCurrent }) {
  const proposal = app.inbox.proposals.get(id)?.value;
  const element = useRef(/** @type {HTMLElement | null} */ (null));
  if (!proposal) return null;
  const draft = app.inbox.draft(id).value;
  const flags = proposal.flags.map((flag) => describeFlag(flag).name).join(", ");
  const choose = (/** @type {Event} */ event) => {
    event.preventDefault();
    app.open(id);
  };
  const press = (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const list = element.current?.closest("ul");
    app.inbox.step(by);
    requestAnimationFrame(() => /** @type {HTMLElement | null} */ (list?.querySelector("[aria-current=true]"))?.focus({ preventScroll: true }));
  };
  return html`<a class="cc-row" ref=${element} href=${app.shell.hrefOf(id)} aria-current=${isCurrent ? "true" : undefined} tabindex=${isCurrent ? 0 : -1} data-id=${id} onClick=${choose} onKeyDown=${press}>
    <${Icon} name=${iconOf(proposal.kind)} /><span>${title && html`<b dir="auto">${splitPath(title).name}</b> `}<span class="cc-hidden">${nameOf(proposal)}: </span><bdi>${showHidden(draft ?? summaryOf(proposal)).slice(0, 160)}</bdi></span>
    ${draft !== null && html`<small>${say("edited")}</small>`}
    ${flags && html`<i class="cc-dot" title=${flags}></i><span class="cc-hidden">${flags}</span>`}
  </a>`;
}

/** @param {{ app: App }} props what became of proposals, newest first */
export function Decided({ app }) {
  const { decided } = app;
  const all = decided.list.value;
  if (!all.length) return html`<p class="cc-soft cc-pad">${decided.isLoaded.value ? say("decidedNone") : say("oneMoment")}</p>`;
  return html`<div class="cc-groups" role="region" aria-label=${say("decided")} tabindex="-1"><ul>
    ${all.map((each) => html`<li key=${each.id}><a class="cc-row" href=${app.shell.hrefOf(each.id)} aria-current=${decided.currentId.value === each.id ? "true" : undefined} onClick=${(/** @type {Event} */ event) => (event.preventDefault(), app.open(each.id))}>
      <${Icon} name=${iconOf(each.kind)} /><span><b dir="auto">${splitPath(each.path).name}</b> <bdi>${showHidden(summaryOf(each)).slice(0, 120)}</bdi></span><small>${say(fateOf(each))}</small></a></li>`)}
  </ul></div>`;
}
