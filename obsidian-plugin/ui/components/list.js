/** The list of the inbox: filters, counts, and the proposals by note; only the rows in sight are made. */

import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { ChevronDown, Flag, Search, Undo2, X } from "lucide";
import { Button, Chip, html, Icon, iconOf, instead, Key, Meter, Segments, useApp } from "../dom.js";
import { describeFlag, fateOf, nameOf, summaryOf } from "../proposal.js";
import { formatNumber, say, showHidden, splitPath } from "../words.js";

/** @import { Proposal } from "../../src/api-types.d.ts" */
/** @import { App } from "../app.js" */
/** @import { Group } from "../inbox-store.js" */

/**
 * A row, or the title of a note; a note with one row has both in one.
 *
 * @typedef {{ key: string, top: number, height: number, path: string, id: number | null }} Item
 */

const TITLE = 32; // pixels
const GAP = 8; // above the title of a note, but the first
const BEYOND = 400; // pixels above and below what is in sight that have rows, too

/** The list; in the view, tabs and progress stand above it. */
export function List() {
  const { inbox, decisions, shell, tab } = useApp();
  const isDecided = tab.value === "decided";
  const undo = html`<${Button} icon=${Undo2} onClick=${() => void decisions.undoAll()}>
    ${say("undoMine", { n: decisions.written.value + decisions.refused.value })}
  <//>`;
  const foot = isDecided ? decisions.log.value.length > 0 && undo : inbox.unflagged.value.length > 0 && html`<${AcceptUnflagged} />`;
  return html`<aside class="cc-list" aria-label=${say("proposals")}>
    <div class="cc-list__head">
      ${shell.isPage && html`<h1 class="cc-hidden">${say("inbox")}</h1><${Tabs} />`}
      ${!isDecided && html`${shell.isPage && html`<${Progress} />`}<${SearchField} /><${Filters} />`}
    </div>
    ${isDecided ? html`<${Decided} />` : html`<${Fresh} /><${Rows} />`}
    ${foot && html`<div class="cc-list__foot">${foot}</div>`}
  </aside>`;
}

/** Which are shown: those to review, or what became of the others. */
export function Tabs() {
  const app = useApp();
  const { inbox, decided, openPath, shell, tab } = app;
  const { all } = inbox.counts.value;
  const ofNote = inbox.order.value.filter((id) => inbox.get(id)?.path === openPath.value).length;
  /** @type {(words: string, number: number) => unknown} */
  const counted = (words, number) => html`<span>${words} <span class="cc-num">${formatNumber(number)}</span></span>`;
  const options = shell.isPage
    ? [["review", say("toReview", { n: all })], ["decided", say("decidedCount", { n: decided.total.value })]]
    : [["note", counted(say("thisNote"), ofNote)], ["review", counted(say("all"), all)], ["decided", say("decided")]];
  const choose = (/** @type {string} */ name) => app.showTab(name);
  return html`<${Segments} label=${say("which")} options=${options} value=${tab.value} onChoose=${choose} />`;
}

/** Return how far somebody is, as a share and in words. @param {App} app */
export function findProgress({ inbox, decisions }) {
  const done = decisions.written.value + decisions.refused.value;
  const of = done + inbox.counts.value.all;
  return { share: of ? done / of : 0, words: say("reviewed", { n: done, of }) };
}

export function Progress() {
  const app = useApp();
  const { flagged } = app.inbox.counts.value;
  const { share, words } = findProgress(app);
  return html`<div class="cc-progress">
    <${Meter} of=${share} label=${say("reviewedLabel")} text=${words} />
    <p class="cc-tally">
      <span class="cc-num">${words}</span>
      ${flagged > 0 && html`<span class="cc-closer"><i class="cc-dot"></i><span>${say("closerLook", { n: flagged })}</span></span>`}
    </p>
  </div>`;
}

function SearchField() {
  const { inbox } = useApp();
  const search = (/** @type {any} */ { target }) => inbox.filter({ search: target.value });
  return html`<label class="cc-search"><${Icon} icon=${Search} /><span class="cc-hidden">${say("searchLabel")}</span>
    <input type="search" maxlength="200" placeholder=${say("search")} value=${inbox.filters.value.search} onInput=${search} />
    <${Key}>/<//>
  </label>`;
}

function Filters() {
  const { inbox } = useApp();
  const { kinds, folders, flagged } = inbox.counts.value;
  const { flagged: isFlagged, kind, folder, path } = inbox.filters.value;
  const isFlagShown = flagged > 0 || isFlagged;
  const names = Object.entries(kinds).sort((a, b) => b[1] - a[1]);
  const first = isFlagShown ? 2 : 3; // that fit into two lines
  const others = names.slice(first);
  const chooseFolder = (/** @type {string} */ value) => inbox.filter({ folder: value });
  const chooseKind = (/** @type {string} */ value) => inbox.filter({ kind: value });
  return html`<div class="cc-chips" role="group" aria-label=${say("showOnly")}>
    ${isFlagShown && html`<${Chip} isOn=${isFlagged} onClick=${() => inbox.filter({ flagged: !isFlagged })}>
      <${Icon} icon=${Flag} />${say("flagged")} <b>${formatNumber(flagged)}</b>
    <//>`}
    ${names.slice(0, first).map(([name, number]) => html`
      <${Chip} key=${name} isOn=${kind === name} onClick=${() => chooseKind(kind === name ? "" : name)}>
        ${nameOf({ kind: name, heading: null })} <b>${formatNumber(number)}</b>
      <//>`)}
    <${Choice} label=${say("folder")} value=${folder} options=${Object.entries(folders).sort()} onChoose=${chooseFolder} />
    <${Choice} label=${say("more")} value=${others.some(([name]) => name === kind) ? kind : ""} options=${others} onChoose=${chooseKind} />
    ${path && html`<${Chip} isOn onClick=${() => inbox.filter({ path: "" })}>${splitPath(path).name} <${Icon} icon=${X} /><//>`}
  </div>`;
}

/**
 * A chip that opens a list. options: what it has, and how many there are of each.
 *
 * @param {{ label: string, value: string, options: [string, number][], onChoose: (value: string) => void }} props
 */
function Choice({ label, value, options, onChoose }) {
  if (!options.length && !value) return null;
  return html`<label class="cc-chip cc-choice" data-on=${value ? "" : undefined}>
    <span aria-hidden="true">${value ? showHidden(value) : label}</span><${Icon} icon=${ChevronDown} />
    <select aria-label=${label} value=${value} onChange=${(/** @type {any} */ { target }) => onChoose(target.value)}>
      <option value="">${say("allOf", { what: label })}</option>
      ${options.map(([name, number]) => html`<option key=${name} value=${name}>${showHidden(name)} (${formatNumber(number)})</option>`)}
    </select>
  </label>`;
}

/** What is new; a click takes it in. */
export function Fresh() {
  const app = useApp();
  const fresh = app.inbox.fresh.value.length;
  if (!fresh) return null;
  return html`<button class="cc-fresh" onClick=${() => app.inbox.takeFresh()}>${say("fresh", { n: fresh })}</button>`;
}

function AcceptUnflagged() {
  const app = useApp();
  const { inbox } = app;
  const ids = inbox.unflagged.value;
  const ask = () => (app.dialog.value = { name: "bulk", ids });
  const isEarly = !inbox.isWhole.value || app.status.deciding.value !== null;
  return html`<${Button} disabled=${isEarly} onClick=${ask}>${say("acceptUnflagged", { n: ids.length })}<//>`;
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

/** The proposals by note. */
function Rows() {
  const { inbox } = useApp();
  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const seen = useSignal({ top: 0, height: 800, row: 32 });
  useEffect(() => {
    const element = scroller.current;
    if (!element) return undefined;
    const look = () => {
      const row = element.ownerDocument.defaultView?.matchMedia("(pointer: coarse)").matches ? 44 : 32;
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
  useLayoutEffect(() => {
    if (scroller.current && at) keepInSight(scroller.current, at);
  }, [current, at !== undefined]);
  const { top, height: window } = seen.value;
  const isNear = (/** @type {Item} */ item) => item.top + item.height > top - BEYOND && item.top < top + window + BEYOND;
  const total = inbox.shown.value.length;
  if (!total) return html`<div class="cc-groups" ref=${scroller}></div>`;
  return html`<div class="cc-groups" ref=${scroller} role="region" aria-label=${say("byNote")} tabindex="-1">
    <ul class="cc-rows" style=${{ height: `${height}px` }} aria-label=${say("proposalsCount", { n: total })}>
      ${items.filter((item) => item === at || isNear(item)).map(({ key, top: start, height: size, id, path }) => html`
        <li key=${key} style=${{ top: `${start}px`, height: `${size}px` }}>
          ${id === null ? html`<${Title} path=${path} />` : html`<${Row} id=${id} title=${path} isCurrent=${id === current} />`}
        </li>`)}
    </ul>
  </div>`;
}

/** @type {(scroller: HTMLElement, item: Item) => void} */
function keepInSight(scroller, item) {
  const room = 60;
  const { scrollTop, clientHeight } = scroller;
  const end = item.top + item.height;
  if (item.top < scrollTop + room) scroller.scrollTop = Math.max(0, item.top - TITLE - GAP);
  else if (end > scrollTop + clientHeight - room / 2) scroller.scrollTop = end + room - clientHeight;
}

/** @param {{ path: string }} props */
function Title({ path }) {
  const { name, folder } = splitPath(path);
  return html`<h2 class="cc-group__title" dir="auto"><bdi>${name}</bdi> ${folder && html`<small><bdi>${folder}</bdi></small>`}</h2>`;
}

/**
 * What leads to a proposal. title: the note, where it has no other row. words: its value, in one line.
 *
 * @param {{ proposal: Proposal, title: string, words: string, isCurrent: boolean, children: unknown } & Record<string, unknown>} props
 */
function RowLink({ proposal, title, words, isCurrent, children, ...own }) {
  const app = useApp();
  const { id, kind } = proposal;
  const current = isCurrent ? "true" : undefined;
  return html`<a class="cc-row" href=${app.shell.hrefOf(id)} aria-current=${current} onClick=${instead(() => app.open(id))} ...${own}>
    <${Icon} icon=${iconOf(kind)} />
    <span>
      ${title && html`<b dir="auto">${splitPath(title).name}</b> `}
      <span class="cc-hidden">${nameOf(proposal)}: </span><bdi>${showHidden(words).slice(0, 160)}</bdi>
    </span>
    ${children}
  </a>`;
}

/** @param {{ id: number, title: string, isCurrent: boolean }} props title: the note, where it has no other row */
export function Row({ id, title, isCurrent }) {
  const app = useApp();
  const proposal = app.inbox.get(id);
  if (!proposal) return null;
  const draft = app.inbox.draft(id).value;
  const flags = proposal.flags.map((flag) => describeFlag(flag).name).join(", ");
  const press = (/** @type {KeyboardEvent & { currentTarget: HTMLElement }} */ event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const list = event.currentTarget.closest("ul");
    app.inbox.step(by);
    requestAnimationFrame(() => {
      /** @type {HTMLElement | null} */ (list?.querySelector("[aria-current=true]"))?.focus({ preventScroll: true });
    });
  };
  const own = { "data-id": id, tabindex: isCurrent ? 0 : -1, onKeyDown: press };
  return html`<${RowLink} proposal=${proposal} title=${title} words=${draft ?? summaryOf(proposal)} isCurrent=${isCurrent} ...${own}>
    ${draft !== null && html`<small>${say("edited")}</small>`}
    ${flags && html`<i class="cc-dot" title=${flags}></i><span class="cc-hidden">${flags}</span>`}
  <//>`;
}

/** What became of proposals, newest first. */
export function Decided() {
  const app = useApp();
  const { currentId, isLoaded, list } = app.decided;
  if (!list.value.length) return html`<p class="cc-soft cc-pad">${say(isLoaded.value ? "decidedNone" : "oneMoment")}</p>`;
  return html`<div class="cc-groups" role="region" aria-label=${say("decided")} tabindex="-1"><ul>
    ${list.value.map((each) => html`<li key=${each.id}>
      <${RowLink} proposal=${each} title=${each.path} words=${summaryOf(each)} isCurrent=${currentId.value === each.id}>
        <small>${say(fateOf(each))}</small>
      <//>
    </li>`)}
  </ul></div>`;
}
