/** History as a timeline: what was written and when, what it did, and the way back. */

import { useSignal } from "@preact/signals";
import { ChevronRight, RotateCw, Undo2 } from "lucide";
import { useEffect, useMemo } from "preact/hooks";
import { Button, Chip, Column, Diff, EmptyState, Fault, html, Icon, Loading, useAnswer, useApp } from "../dom.js";
import { canBeUndone, HistoryStore, isTakenBack } from "../history-store.js";
import { formatDay, formatTime, joinNames, say, showHidden, splitPath } from "../words.js";

/** @import { IconNode } from "lucide" */
/** @import { Change } from "../../src/api-types.d.ts" */
/** @import { App } from "../app.js" */
/** @import { Entry } from "../history-store.js" */
/** @import { Key } from "../words.js" */

const SHOWN = 5; // changes of a run before "Show more"

export function History() {
  const app = useApp();
  const history = useMemo(() => new HistoryStore(app.api, app.status), []);
  const newest = app.status.status.value?.newest_change ?? 0;
  useEffect(() => void history.load().catch(() => {}), [newest, history.path.value, history.isUndone.value]);
  const entries = history.entries.value;
  const { isLoaded, isUndone, next, path } = history;
  if (!isLoaded.value) return html`<${Loading} />`;
  const undo = html`<${Button} icon=${Undo2} onClick=${() => void undoSince(app, history)}>${say("undoSinceYesterday")}<//>`;
  return html`<${Column} title=${say("history")} words=${say("historyMore")} action=${entries.length > 0 && undo}>
    ${(entries.length > 0 || isUndone.value || path.value) && html`<${Filters} history=${history} />`}
    ${entries.length > 0
      ? html`<ol class="cc-timeline">
          ${entries.map((entry) => html`<${Moment} key=${`${entry.run} ${entry.day}`} history=${history} entry=${entry} />`)}
        </ol>`
      : html`<${EmptyState} words=${say(isUndone.value ? "nothingUndone" : "nothingWritten")} />`}
    ${next.value !== null && html`<p class="cc-more"><${Button} onClick=${() => void history.loadMore()}>${say("older")}<//></p>`}
  <//>`;
}

/** @param {{ history: HistoryStore }} props */
function Filters({ history }) {
  const { isUndone, path } = history;
  const folders = new Set(history.changes.value.map((each) => splitPath(each.path).folder).filter(Boolean));
  const shown = path.value ? [path.value] : [...folders].sort().slice(0, 8);
  const showAll = () => {
    isUndone.value = false;
    path.value = "";
  };
  return html`<div class="cc-chips cc-chips--apart" role="group" aria-label=${say("showOnly")}>
    <${Chip} isOn=${!isUndone.value && !path.value} onClick=${showAll}>${say("all")}<//>
    <${Chip} isOn=${isUndone.value} onClick=${() => (isUndone.value = !isUndone.value)}>${say("undone")}<//>
    ${shown.map((folder) => html`<${Chip} isOn=${Boolean(path.value)} onClick=${() => (path.value = path.value ? "" : folder)}>
      <bdi>${showHidden(folder)}</bdi>
    <//>`)}
  </div>`;
}

/** @param {{ history: HistoryStore, entry: Entry }} props */
function Moment({ history, entry }) {
  const app = useApp();
  const isWhole = useSignal(false);
  const { changes, at, run } = entry;
  const notes = new Set(changes.map(({ path }) => path)).size;
  const undoable = changes.filter(canBeUndone).length;
  const shown = isWhole.value || changes.length <= SHOWN + 1 ? changes : changes.slice(0, SHOWN);
  const who = new Set(changes.map(({ decided_by: name }) => nameDecider(name)).filter(Boolean));
  const counts = [say("notesCount", { n: notes }), changes.length > notes && say("changesCount", { n: changes.length })];
  const about = [...counts, joinNames([...who]), showHidden(changes[0]?.model ?? "")].filter(Boolean).join(" · ");
  return html`<li class=${undoable ? "" : "is-undone"}>
    <div class="cc-when">
      <h2>${formatDay(at)} ${formatTime(at)}</h2><span class="cc-soft">${about}</span>
      ${undoable > 1 && html`<${Button} kind="quiet" icon=${Undo2} onClick=${() => void ask(app, history, { run })}>
        ${say("undoAll")}
      <//>`}
    </div>
    <ul class="cc-card cc-changes">
      ${shown.map((change) => html`<${Row} key=${change.id} history=${history} change=${change} />`)}
      ${shown.length < changes.length && html`<li class="cc-more">
        <${Button} kind="plain" onClick=${() => (isWhole.value = true)}>${say("showMore", { n: changes.length - shown.length })}<//>
      </li>`}
    </ul>
  </li>`;
}

/** @param {{ history: HistoryStore, change: Change }} props */
function Row({ history, change }) {
  const app = useApp();
  const { id, path, needs, made_at: at, left, note, undone_by: undoneBy } = change;
  const isUndone = isTakenBack(change);
  const what = joinNames([...new Set(needs.map(nameNeed))]) || change.kind;
  const { name } = splitPath(path);
  const why = history.stays.value.get(id);
  const isOpen = useSignal(false);
  const open = (/** @type {any} */ { currentTarget }) => (isOpen.value ||= currentTarget.open);
  const undo = async (/** @type {number} */ which) => {
    await app.attempt(async () => {
      const undone = await history.undo(which);
      if (undone?.undone_by == null) app.decisions.announce(say("notDone", { name, why: undone?.reason ?? "" }), true);
      else app.decisions.announce(say(which === id ? "undoneIn" : "doneAgainIn", { name }), false);
    });
  };
  /** @type {(which: number, icon: IconNode, label: Key) => object} */
  const act = (which, icon, label) => ({ kind: "quiet", icon, "aria-label": say(label, { name }), onClick: () => void undo(which) });
  return html`<li>
    <details class=${isUndone ? "cc-change is-undone" : "cc-change"} onToggle=${open}>
      <summary>
        <${Icon} icon=${ChevronRight} class="cc-icon--right" />
        <span><b dir="auto">${name}</b> ${isUndone ? html`<s>${what}</s>` : what}</span><span class="cc-num">${formatTime(at)}</span>
      </summary>
      ${note && html`<p class="cc-change__note">${showHidden(note)}</p>`}
      ${left.length > 0 && html`<p class="cc-change__note">${say("staysPart", { what: joinNames(left) })}</p>`}
      ${why && html`<${Fault}>${showHidden(why)}<//>`}
      ${isOpen.value && html`<${ChangeDiff} id=${id} name=${name} />`}
    </details>
    ${isUndone && undoneBy !== null && html`<${Button} ...${act(undoneBy, RotateCw, "doAgainName")}>${say("doAgain")}<//>`}
    ${canBeUndone(change) && html`<${Button} ...${act(id, Undo2, "undoName")}>${say("undo")}<//>`}
  </li>`;
}

/** @param {string} who decided on a change, as the API says it */
function nameDecider(who) {
  if (who.startsWith("agent:")) return say("byAgent", { name: who.slice("agent:".length) });
  return who === "user" ? say("byYou") : who === "setting" ? say("atOnce") : showHidden(who);
}

/** @param {string} need as `callout:section:Title` */
function nameNeed(need) {
  const [kind = "", where = "", ...title] = need.split(":");
  return kind === "callout" && where === "section" ? `${kind} “${showHidden(title.join(":"))}”` : showHidden(kind);
}

/** @param {{ id: number, name: string }} props what a change did */
function ChangeDiff({ id, name }) {
  const change = useAnswer(`/changes/${id}`, []);
  if (!change.value) return html`<p class="cc-diff">…</p>`;
  const { diff } = change.value;
  if (diff === null) return html`<p class="cc-change__note">${say("diffGone")}</p>`;
  const lines = diff.replace(/\n$/, "").split("\n").filter((line) => !/^(---|\+\+\+|@@)/.test(line));
  const isBare = (/** @type {string} */ line) => /^ (---)?\s*$/.test(line); // says nothing at an end
  const shown = lines.slice(lines.findIndex((line) => !isBare(line)), lines.findLastIndex((line) => !isBare(line)) + 1);
  const parts = shown.map((line) => [line.charAt(0), `${line.replace(/\r$/, "").replace(/^([+-])/, "$1 ").replace(/^ /, "  ")}\n`]);
  return html`<${Diff} class="cc-diff" label=${say("whatChanged", { name })} parts=${parts} />`;
}

/** @param {App} app @param {HistoryStore} history */
function undoSince(app, history) {
  const day = new Date();
  day.setHours(0, 0, 0, 0);
  day.setDate(day.getDate() - 1);
  return ask(app, history, { since: day.toISOString() });
}

/**
 * Undo changes, once somebody agrees to that; what is made after the question is not meant.
 *
 * @type {(app: App, history: HistoryStore, filter: Record<string, string | number>) => Promise<void>}
 */
async function ask(app, history, filter) {
  const changes = await history.findUndoable(filter);
  if (!changes[0]) return app.decisions.announce(say("nothingSinceYesterday"), false);
  const only = { ...filter, before: changes[0].id + 1 };
  const notes = new Set(changes.map(({ path }) => path)).size;
  const act = async () => {
    const { done, isCut } = await history.undoAll(only, changes.length);
    const stays = changes.length - done;
    const words = stays && !isCut ? say("undonePart", { n: done, stays }) : say("undoneCount", { n: done });
    app.decisions.announce(stays && isCut ? `${words} ${say("startedAnew")}` : words, stays > 0);
  };
  const { length: n } = changes;
  app.dialog.value = { name: "confirm", title: say("undoAsk", { n, notes }), words: say("undoAskMore"), yes: say("undoCount", { n }), act };
}
