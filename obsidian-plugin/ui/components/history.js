/** History as a timeline: what was written and when, what it did, and the way back; and what was refused or replaced. */

import { useSignal } from "@preact/signals";
import { ChevronRight, RotateCw, Undo2 } from "lucide";
import { useEffect } from "preact/hooks";
import { Button, Chip, Diff, EmptyState, html, Icon, Loading, SearchField, useApp } from "../dom.js";
import { canBeUndone, isTakenBack } from "../history-store.js";
import { linesOf, nameOf, titleOf } from "../proposal.js";
import { explain } from "../status-store.js";
import { count, formatDay, formatTime, joinNames, showHidden, splitPath } from "../words.js";

/** @import { IconNode } from "lucide" */
/** @import { Change, Proposal } from "../../src/api-types.d.ts" */
/** @import { App } from "../app.js" */
/** @import { Entry, Filter } from "../history-store.js" */

const SHOWN = 5; // changes of a run before "Show more"
/** @type {[Filter, string, string][]} a filter, its name, and what is said where nothing fits */
const FILTERS = [
  ["written", "Written", "Nothing has been written yet. What you accept in the inbox will be listed here."],
  ["undone", "Undone", "None of this has been undone."],
  ["refused", "Refused", "Nothing has been refused."],
  ["superseded", "Replaced", "Nothing has been replaced by a newer answer."],
];

export function History() {
  const app = useApp();
  const { history } = app;
  const newest = app.status.status.value?.newest_change ?? 0;
  const search = history.search.value;
  useEffect(() => void app.attempt(() => history.load()), [newest, history.filter.value, search]);
  if (!history.isLoaded.value) return html`<${Loading} />`;
  const nothing = FILTERS.find(([name]) => name === history.filter.value)?.[2];
  const isEmpty = !(history.isOfProposals.value ? history.shownProposals.value : history.entries.value).length;
  return html`<div class="cc-column">
    <div class="cc-head">
      <div><h1>History</h1><p>Everything Companion has written, and the way back.</p></div>
      ${history.changes.value.length > 0 && html`<${Button} icon=${Undo2} onClick=${() => ask(app, "Undo everything since yesterday?", { since: yesterday() })}>Undo everything since yesterday …<//>`}
    </div>
    <div class="cc-filters">
      <div class="cc-chips" role="group" aria-label="Show only">
        ${FILTERS.map(([name, words]) => html`<${Chip} key=${name} isOn=${history.filter.value === name} onClick=${() => (history.filter.value = name)}>${words}<//>`)}
      </div>
      <${SearchField} label="Search the history" value=${search} onInput=${(/** @type {string} */ text) => (history.search.value = text)} />
    </div>
    ${isEmpty ? html`<${EmptyState} words=${search ? `Nothing matches “${search}”.` : nothing} />` : html`<${Found} />`}
    ${history.next.value !== null && html`<p class="cc-more"><${Button} onClick=${() => void app.attempt(() => history.load(history.next.value))}>Show older ones<//></p>`}
  </div>`;
}

function Found() {
  const { history } = useApp();
  if (history.isOfProposals.value) {
    return html`<ul class="cc-card cc-changes">${history.shownProposals.value.map((each) => html`<${Decided} key=${each.id} proposal=${each} />`)}</ul>`;
  }
  return html`<ol class="cc-timeline">
    ${history.entries.value.map((entry) => html`<${Moment} key=${`${entry.run} ${entry.day}`} entry=${entry} />`)}
  </ol>`;
}

/** @param {{ entry: Entry }} props */
function Moment({ entry: { changes, at, run } }) {
  const app = useApp();
  const isWhole = useSignal(false);
  const notes = new Set(changes.map(({ path }) => path)).size;
  const undoable = changes.filter(canBeUndone).length;
  const shown = isWhole.value || changes.length <= SHOWN + 1 ? changes : changes.slice(0, SHOWN);
  const who = new Set(changes.map(({ decided_by: name }) => nameDecider(name)).filter(Boolean));
  const counts = [count(notes, "note"), changes.length > notes && count(changes.length, "change")];
  const about = [...counts, joinNames([...who]), showHidden(changes[0]?.model ?? "")].filter(Boolean).join(" · ");
  return html`<li class=${undoable ? "" : "is-undone"}>
    <div class="cc-when">
      <h2>${formatDay(at)} ${formatTime(at)}</h2><span class="cc-soft">${about}</span>
      ${undoable > 1 && html`<${Button} kind="quiet" icon=${Undo2} onClick=${() => ask(app, `Undo all of ${formatDay(at)} ${formatTime(at)}?`, { run })}>Undo all<//>`}
    </div>
    <ul class="cc-card cc-changes">
      ${shown.map((change) => html`<${Row} key=${change.id} change=${change} />`)}
      ${shown.length < changes.length && html`<li class="cc-more">
        <${Button} kind="plain" onClick=${() => (isWhole.value = true)}>Show ${changes.length - shown.length} more<//>
      </li>`}
    </ul>
  </li>`;
}

/** @param {{ change: Change }} props */
function Row({ change }) {
  const app = useApp();
  const { history } = app;
  const { id, path, needs, made_at: at, left, note, undone_by: undoneBy } = change;
  const isUndone = isTakenBack(change);
  const what = joinNames([...new Set(needs.map(nameNeed))]) || change.kind;
  const { name } = splitPath(path);
  const isOpen = useSignal(false);
  const open = (/** @type {any} */ { currentTarget }) => (isOpen.value ||= currentTarget.open);
  const undo = (/** @type {number} */ which) => app.attempt(async () => {
    const reason = await history.undo(which);
    if (reason) app.decisions.announce(explain(`${name}: ${reason}`, path), { isFault: true });
    else app.decisions.announce(which === id ? `Undone in ${name}.` : `Written again into ${name}.`);
  });
  /** @type {(which: number, icon: IconNode, label: string) => object} */
  const act = (which, icon, label) => ({ kind: "quiet", icon, "aria-label": `${label}: ${name}`, onClick: () => void undo(which) });
  return html`<li>
    <details class=${isUndone ? "cc-change is-undone" : "cc-change"} onToggle=${open}>
      <summary>
        <${Icon} icon=${ChevronRight} class="cc-icon--right" />
        <span><b dir="auto">${name}</b> ${isUndone ? html`<s>${what}</s>` : what}</span><span class="cc-num">${formatTime(at)}</span>
      </summary>
      ${note && html`<p class="cc-soft">${showHidden(note)}</p>`}
      ${left.length > 0 && html`<p class="cc-soft">Undone except ${showHidden(joinNames(left))}, which was edited since.</p>`}
      ${isOpen.value && html`<${ChangeDiff} id=${id} name=${name} />`}
    </details>
    ${isUndone && undoneBy !== null && html`<${Button} ...${act(undoneBy, RotateCw, "Do again")}>Do again<//>`}
    ${canBeUndone(change) && html`<${Button} ...${act(id, Undo2, "Undo")}>Undo<//>`}
  </li>`;
}

/** @param {{ proposal: Proposal }} props that was refused or replaced */
function Decided({ proposal }) {
  const app = useApp();
  const name = titleOf(proposal);
  const restore = () => void app.restore(proposal);
  return html`<li>
    <details class="cc-change">
      <summary>
        <${Icon} icon=${ChevronRight} class="cc-icon--right" />
        <span><b dir="auto">${name}</b> ${nameOf(proposal)}</span><span class="cc-num">${formatDay(proposal.decided_at ?? proposal.made_at)}</span>
      </summary>
      <p class="cc-soft cc-value" dir="auto">${showHidden(linesOf(proposal)) || "Its text was kept for 30 days only."}</p>
    </details>
    <${Button} kind="quiet" icon=${Undo2} aria-label=${`Restore: ${name}`} onClick=${restore}>Restore<//>
  </li>`;
}

/** @param {string} who decided on a change, as the API says it */
function nameDecider(who) {
  if (who.startsWith("agent:")) return `by the agent ${showHidden(who.slice("agent:".length))}`;
  return who === "user" ? "accepted by you" : who === "setting" ? "written without asking" : showHidden(who);
}

/** @param {string} need as `callout:section:Title` */
function nameNeed(need) {
  const [kind = "", where = "", ...title] = need.split(":");
  return kind === "callout" && where === "section" ? `${kind} “${showHidden(title.join(":"))}”` : showHidden(kind);
}

/** @param {{ id: number, name: string }} props what a change did */
function ChangeDiff({ id, name }) {
  const { api } = useApp();
  const change = useSignal(/** @type {Change | null} */ (null));
  useEffect(() => void api.get(`/changes/${id}`).then((got) => (change.value = got), () => {}), []);
  if (!change.value) return html`<p class="cc-diff">…</p>`;
  const { diff } = change.value;
  if (diff === null) return html`<p class="cc-soft">Its text was kept for 30 days only.</p>`;
  const lines = diff.replace(/\n$/, "").split("\n").filter((line) => !/^(---|\+\+\+|@@)/.test(line));
  const isBare = (/** @type {string} */ line) => /^ (---)?\s*$/.test(line); // says nothing at an end
  const shown = lines.slice(lines.findIndex((line) => !isBare(line)), lines.findLastIndex((line) => !isBare(line)) + 1);
  const parts = shown.map((line) => [line.charAt(0), `${line.replace(/\r$/, "").replace(/^([+-])/, "$1 ").replace(/^ /, "  ")}\n`]);
  return html`<${Diff} class="cc-diff" label=${`What changed in ${name}`} parts=${parts} />`;
}

/** Undo all that a filter means, once somebody agrees to that. @type {(app: App, title: string, filter: Record<string, string | number>) => void} */
function ask({ history, decisions, dialog }, title, filter) {
  const act = async () => {
    const { undone = 0, ...others } = await history.undoAll(filter);
    const rest = Object.values(others).reduce((sum, each) => sum + each, 0);
    decisions.announce(`${count(undone, "change")} undone${rest ? `, ${rest} not` : ""}.`, { isFault: rest > 0 });
  };
  dialog.value = { name: "confirm", title, words: "What you edited since stays as it is.", yes: "Undo all", act };
}

/** Return the moment at which yesterday began. */
function yesterday() {
  const day = new Date();
  day.setHours(-24, 0, 0, 0);
  return day.toISOString();
}
