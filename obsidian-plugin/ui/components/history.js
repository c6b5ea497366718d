/** History as a timeline: what was written and when, what it did, and the way back. */

import { useEffect, useMemo } from "preact/hooks";
import { html, Icon, useAnswer } from "../dom.js";
import { canBeUndone, HistoryStore, isTakenBack } from "../history-store.js";
import { useSignal } from "@preact/signals";
import { formatDay, formatTime, joinNames, say, showHidden, splitPath } from "../words.js";

/** @import { Signal } from "@preact/signals" */
/** @import { Change } from "../../src/api-types.d.ts" */
/** @import { App } from "../app.js" */
/** @import { Entry } from "../history-store.js" */

const SHOWN = 5; // changes of a run before "Show more"

/** @param {{ app: App }} props */
export function History({ app }) {
  const history = useMemo(() => new HistoryStore(app.api, app.status), []);
  const newest = app.status.status.value?.newest_change ?? 0;
  useEffect(() => void history.load().catch(() => {}), [newest]);
  const entries = history.entries.value;
  if (!history.isLoaded.value) return html`<div class="cc-empty"><p>${say("oneMoment")}</p></div>`;
  return html`<div class="cc-column">
    <div class="cc-head"><div><h1>${say("history")}</h1><p>${say("historyMore")}</p></div>
      ${entries.length > 0 && html`<button class="cc-btn" onClick=${() => void undoSince(app, history)}><${Icon} name="undo" />${say("undoSinceYesterday")}</button>`}</div>
    ${(entries.length > 0 || history.isUndone.value || history.path.value) && html`<${Filters} history=${history} />`}
    ${entries.length ? html`<ol class="cc-timeline">${entries.map((entry) => html`<${Moment} key=${`${entry.run} ${entry.day}`} app=${app} history=${history} entry=${entry} />`)}</ol>` : html`<section class="cc-empty"><p>${say(history.isUndone.value ? "nothingUndone" : "nothingWritten")}</p></section>`}
    ${history.next.value !== null && html`<p class="cc-more"><button class="cc-btn" onClick=${() => void history.loadMore()}>${say("older")}</button></p>`}
  </div>`;
}

/** @param {{ history: HistoryStore }} props */
function Filters({ history }) {
  const { isUndone, path } = history;
  const chip = (/** @type {boolean} */ isOn, /** @type {unknown} */ words, /** @type {() => void} */ act) => html`<button class="cc-chip" aria-pressed=${String(isOn)} onClick=${act}>${words}</button>`;
  const folders = new Set(history.changes.value.map((each) => splitPath(each.path).folder).filter(Boolean));
  return html`<div class="cc-chips cc-chips--apart" role="group" aria-label=${say("showOnly")}>
    ${chip(!isUndone.value && !path.value, say("all"), () => ((isUndone.value = false), void history.show("")))}
    ${chip(isUndone.value, say("undone"), () => (isUndone.value = !isUndone.value))}
    ${(path.value ? [path.value] : [...folders].sort().slice(0, 8)).map((folder) => chip(path.value === folder, html`<bdi>${showHidden(folder)}</bdi>`, () => void history.show(path.value === folder ? "" : folder)))}
  </div>`;
}

/** @param {{ app: App, history: HistoryStore, entry: Entry }} props */
function Moment({ app, history, entry }) {
  const isWhole = useSignal(false);
  const { changes, at, run } = entry;
  const notes = new Set(changes.map(({ path }) => path)).size;
  const undoable = changes.filter(canBeUndone).length;
  const shown = isWhole.value || changes.length <= SHOWN + 1 ? changes : changes.slice(0, SHOWN);
  const by = changes[0]?.model ?? "";
  const who = [...new Set(changes.map(({ decided_by: name }) => nameDecider(name)))];
  return html`<li class=${undoable ? "" : "is-undone"}><div class="cc-when"><h2>${formatDay(at)} ${formatTime(at)}</h2><span class="cc-soft">${[say("notesCount", { n: notes }), joinNames(who.filter(Boolean)), by && showHidden(by)].filter(Boolean).join(" · ")}</span>
    ${undoable > 1 && html`<button class="cc-btn cc-btn--quiet" onClick=${() => void ask(app, history, { run })}><${Icon} name="undo" />${say("undoCount", { n: undoable })}</button>`}</div>
    <ul class="cc-card cc-changes">${shown.map((change) => html`<${Row} key=${change.id} app=${app} history=${history} change=${change} />`)}
      ${shown.length < changes.length && html`<li class="cc-more"><button class="cc-btn cc-btn--plain" onClick=${() => (isWhole.value = true)}>${say("showMore", { n: changes.length - shown.length })}</button></li>`}</ul></li>`;
}

/** @param {{ app: App, history: HistoryStore, change: Change }} props */
function Row({ app, history, change }) {
  const { id, path, needs, made_at: at, left, note } = change;
  const isUndone = isTakenBack(change);
  const kinds = [...new Set(needs.map(nameNeed))];
  const what = joinNames(kinds) || change.kind;
  const { name } = splitPath(path);
  const why = history.stays.value.get(id);
  const isOpen = useSignal(false);
  const undo = async (/** @type {number} */ which) => {
    await app.attempt(async () => {
      const undone = await history.undo(which);
      if (undone?.undone_by == null) app.decisions.announce(say("notDone", { name, why: undone?.reason ?? "" }), true);
      else app.decisions.announce(say(which === id ? "undoneIn" : "doneAgainIn", { name }), false);
    });
  };
  return html`<li><details class=${`cc-change${isUndone ? " is-undone" : ""}`} onToggle=${(/** @type {any} */ { currentTarget }) => (isOpen.value ||= currentTarget.open)}><summary><${Icon} name="right" /><span><b dir="auto">${name}</b> ${isUndone ? html`<s>${what}</s>` : what}</span><span class="cc-num">${formatTime(at)}</span></summary>
      ${note && html`<p class="cc-change__note">${showHidden(note)}</p>`}${left.length > 0 && html`<p class="cc-change__note">${say("staysPart", { what: joinNames(left) })}</p>`}
      ${why && html`<p class="cc-fault"><${Icon} name="unknown" /><span>${showHidden(why)}</span></p>`}
      ${isOpen.value && html`<${Diff} app=${app} id=${id} name=${name} />`}</details>
    ${isUndone && change.undone_by !== null ? html`<button class="cc-btn cc-btn--quiet" aria-label=${say("doAgainName", { name })} onClick=${() => void undo(change.undone_by ?? id)}><${Icon} name="again" />${say("doAgain")}</button>` : canBeUndone(change) && html`<button class="cc-btn cc-btn--quiet" aria-label=${say("undoName", { name })} onClick=${() => void undo(id)}><${Icon} name="undo" />${say("undo")}</button>`}
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

/** @param {{ app: App, id: number, name: string }} props what a change did */
function Diff({ app, id, name }) {
  const change = /** @type {Signal<Change | null>} */ (useAnswer(app.api, `/changes/${id}`, []));
  if (!change.value) return html`<p class="cc-diff">…</p>`;
  const { diff } = change.value;
  if (diff === null) return html`<p class="cc-change__note">${say("diffGone")}</p>`;
  const lines = diff.replace(/\n$/, "").split("\n").filter((line) => !/^(---|\+\+\+|@@)/.test(line));
  return html`<pre class="cc-diff" tabindex="0" aria-label=${say("whatChanged", { name })}>${lines.map((line, index) => {
    const words = `${showHidden(line.replace(/\r$/, "").replace(/^([+-])/, "$1 ").replace(/^ /, "  "))}\n`;
    if (line.startsWith("+")) return html`<ins key=${index}>${words}</ins>`;
    return line.startsWith("-") ? html`<del key=${index}>${words}</del>` : words;
  })}</pre>`;
}

/** @param {App} app @param {HistoryStore} history */
function undoSince(app, history) {
  const day = new Date();
  day.setHours(0, 0, 0, 0);
  day.setDate(day.getDate() - 1);
  return ask(app, history, { since: day.toISOString() });
}

/** @param {App} app @param {HistoryStore} history @param {Record<string, string | number>} filter of the changes to undo; what is made after the question is not meant */
async function ask(app, history, filter) {
  const changes = await history.findUndoable(filter);
  if (!changes[0]) return app.decisions.announce(say("nothingSinceYesterday"), false);
  const only = { ...filter, before: changes[0].id + 1 };
  const notes = new Set(changes.map(({ path }) => path)).size;
  const act = async () => {
    app.dialog.value = null; // it is shown how far it is
    const { done, isCut } = await history.undoAll(only, changes.length);
    const stays = changes.length - done;
    const words = stays && !isCut ? say("undonePart", { n: done, stays }) : say("undoneCount", { n: done });
    app.decisions.announce(stays && isCut ? `${words} ${say("startedAnew")}` : words, stays > 0);
  };
  app.dialog.value = { name: "confirm", title: say("undoAsk", { n: changes.length, notes }), words: say("undoAskMore"), yes: say("undoCount", { n: changes.length }), act };
}
