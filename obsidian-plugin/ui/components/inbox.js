/** The inbox: the list, and beside it the proposal in its note, with the bar to decide in sight. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { html, Icon, iconOf, Key, Meter } from "../dom.js";
import { describeFlag, fateOf, nameOf, titleOf } from "../proposal.js";
import { formatMoment, formatTime, say, showHidden, splitPath } from "../words.js";
import { Empty, NothingFits } from "./ends.js";
import { List } from "./list.js";
import { Paper, Source } from "./paper.js";

/** @import { Proposal } from "../../src/api-types.d.ts" */
/** @import { App } from "../app.js" */

const EMPTY = /^(?:[\s~"'[\]-]|null)*$/i; // what an empty property may hold
const WISHES = /** @type {const} */ (["wishShorter", "wishPlainer", "wishOnlyMine"]);

/** @param {{ app: App }} props */
export function Inbox({ app }) {
  const { inbox, tab, isListShown } = app;
  if (!inbox.isLoaded.value) return html`<div class="cc-empty"><p>${say("oneMoment")}</p></div>`;
  if (!inbox.order.value.length && tab.value !== "decided") return html`<${Empty} app=${app} />`;
  return html`<div class="cc-inbox" data-shown=${isListShown.value ? "list" : "read"}>
    <${List} app=${app} />
    ${tab.value === "decided" ? html`<${DecidedOne} app=${app} />` : html`<${Reading} app=${app} />`}
  </div>`;
}

/** @param {{ app: App }} props the current proposal */
export function Reading({ app }) {
  const { inbox, mode } = { inbox: app.inbox, mode: app.inbox.mode };
  const proposal = inbox.current.value;
  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  const id = proposal?.id;
  useLayoutEffect(() => {
    if (scroller.current) scroller.current.scrollTop = 0;
    scroller.current?.closest(".cc-view")?.scrollTo?.(0, 0);
  }, [id]);
  if (!proposal) return html`<${NothingFits} app=${app} />`;
  const placed = inbox.place(proposal.id).value;
  const isEdited = mode.value === "edit";
  const isReplaced = placed?.parts?.some(([mark, text]) => mark === "-" && !EMPTY.test(text)) ?? false;
  const isSource = !isEdited && Boolean(placed?.parts) && (app.asSource.value ?? isReplaced);
  return html`<section class="cc-read" data-id=${proposal.id} aria-label=${say("proposal")}>
    <div class="cc-read__scroll" ref=${scroller} tabindex="0" role="region" aria-label=${say("theNote")}><div class="cc-read__inner">
      <${Place} app=${app} />
      <${Title} app=${app} proposal=${proposal} />
      <div class="cc-field"><h2><${Icon} name=${iconOf(proposal.kind)} /><bdi>${showHidden(nameOf(proposal))}</bdi></h2>
        ${!isEdited && html`<${Flags} app=${app} proposal=${proposal} />`}
        <${SourceSwitch} app=${app} isSource=${isSource} /></div>
      <${Fault} app=${app} id=${proposal.id} />
      ${isSource && placed?.parts ? html`<${Source} parts=${placed.parts} />` : html`<${Paper} key=${proposal.id} app=${app} proposal=${proposal} placed=${placed} isEdited=${isEdited} />`}
      <p class="cc-hint cc-made">${madeBy(proposal)}</p>
    </div></div>
    <${Bar} app=${app} proposal=${proposal} />
  </section>`;
}

/** @param {Proposal} proposal where it comes from */
function madeBy({ model, made_at: moment, why }) {
  const when = say("madeAt", { time: formatTime(moment), day: formatMoment(moment, { day: "numeric", month: "long" }) });
  return [why && `${why.charAt(0).toUpperCase()}${why.slice(1)}`, model && say("byModel", { model }), when].filter(Boolean).map(showHidden).join(" · ");
}

/** @param {{ app: App }} props on one pane: the way back to the list, and how far one is, which the view says above */
function Place({ app }) {
  if (app.tab.value === "note") return null;
  const { all } = app.inbox.counts.value;
  const done = app.decisions.written.value + app.decisions.refused.value;
  return html`<div class="cc-place"><button class="cc-btn cc-btn--quiet" onClick=${() => (app.isListShown.value = true)}><${Icon} name="left" />${say("allCount", { n: all })}</button>
    ${app.shell.isPage && html`<span class="cc-num">${say("reviewed", { n: done, of: done + all })}</span><${Meter} of=${done + all ? done / (done + all) : 0} />`}</div>`;
}

/** @param {{ app: App, proposal: Proposal }} props */
export function Title({ app, proposal }) {
  const { name, folder } = splitPath(proposal.path);
  const together = app.inbox.order.value.filter((id) => app.inbox.get(id)?.path === proposal.path);
  const flagged = together.filter((id) => app.inbox.get(id)?.flags.length).length;
  return html`<header class="cc-title"><div><p><bdi>${folder}</bdi></p><h1 dir="auto"><a class="cc-note" href=${app.shell.noteHref(proposal.path)} onClick=${app.shell.openNote && ((/** @type {MouseEvent} */ event) => (event.preventDefault(), app.shell.openNote?.(proposal.path, event)))}>${name}</a></h1></div>
    ${together.length > 1 && app.tab.value !== "decided" && html`<button class="cc-btn" aria-keyshortcuts="Shift+A" onClick=${() => app.acceptNote()}>${flagged > 0 && html`<i class="cc-dot"></i>`}<span>${acceptWords(together.length)}${flagged > 0 && html`<span class="cc-hidden">, ${say("someFlagged", { n: flagged })}</span>`}</span> <${Key}>⇧A<//></button>`}
  </header>`;
}

/** @param {number} number */
function acceptWords(number) {
  const names = say("numbers").split(" ");
  return number === 2 ? say("acceptBoth") : say("acceptAll", { number: names[number - 3] || String(number) });
}

/** @param {{ app: App, proposal: Proposal }} props */
export function Flags({ app, proposal }) {
  const isEdited = app.inbox.draft(proposal.id).value !== null;
  return html`<span class="cc-flags">
    ${isEdited && html`<span class="cc-flag cc-flag--plain"><${Icon} name="pencil" />${say("edited")}</span>`}
    ${proposal.decided_by && html`<span class="cc-flag cc-flag--plain"><${Icon} name="note" />${say("openHere")}</span>`}
    ${!isEdited && proposal.flags.map(describeFlag).map(({ name, icon }) => html`<span key=${name} class="cc-flag"><${Icon} name=${icon} />${name}</span>`)}</span>`;
}

/** @param {{ app: App, isSource: boolean }} props */
function SourceSwitch({ app, isSource }) {
  const options = /** @type {const} */ ([["note", false], ["source", true]]);
  return html`<div class="cc-seg" role="group" aria-label=${say("showAs")}>
    ${options.map(([name, value]) => html`<button key=${name} aria-pressed=${String(isSource === value)} onClick=${() => (app.asSource.value = value)}>${say(name)}</button>`)}</div>`;
}

/** @param {{ app: App, id: number }} props why the last decision was not made */
function Fault({ app, id }) {
  const why = app.inbox.faults.value.get(id);
  if (!why) return null;
  return html`<p class="cc-fault"><${Icon} name="unknown" /><span>${say("notDoneYet", { why })}</span></p>`;
}

/** @param {{ app: App, proposal: Proposal }} props */
function Bar({ app, proposal }) {
  const mode = app.inbox.mode.value;
  const what = `${nameOf(proposal)}, ${titleOf(proposal)}`;
  if (mode === "edit") {
    return html`<div class="cc-actions cc-actions--edit" role="toolbar" aria-label=${say("decide")}>
      <button class="cc-btn cc-btn--main" aria-keyshortcuts="Control+Enter" onClick=${() => app.decide("accept")}><${Icon} name="check" />${say("acceptYours")}<${Key}>Ctrl ↵<//></button>
      <button class="cc-btn" aria-keyshortcuts="Escape" onClick=${() => app.leaveEditing()}>${say("leaveAsWas")}<${Key}>Esc<//></button></div>`;
  }
  const isDraft = app.inbox.draft(proposal.id).value !== null;
  return html`${mode === "again" && html`<${Again} app=${app} proposal=${proposal} />`}
    <div class="cc-actions" role="toolbar" aria-label=${say("decide")}>
      <button class="cc-btn cc-btn--main" aria-keyshortcuts="A" aria-description=${what} onClick=${() => app.decide("accept")}><${Icon} name="check" />${say("accept")}<${Key}>A<//></button>
      <button class="cc-btn" aria-keyshortcuts="E" onClick=${() => app.startEditing()}><${Icon} name="pencil" />${say("edit")}<${Key}>E<//></button>
      <button class="cc-btn" aria-keyshortcuts="R" onClick=${() => app.decide("refuse")}><${Icon} name="x" />${say("refuse")}<${Key}>R<//></button>
      <button class="cc-btn" aria-keyshortcuts="J" onClick=${() => app.inbox.step(1)}><${Icon} name="skip" />${say("skip")}<${Key}>J<//></button>
      ${isDraft && html`<button class="cc-btn cc-btn--plain" onClick=${() => (app.inbox.draft(proposal.id).value = null)}><${Icon} name="undo" />${say("leaveAsWas")}</button>`}
      ${!isDraft && html`<button class="cc-btn cc-btn--plain" aria-keyshortcuts="I" aria-expanded=${String(mode === "again")} onClick=${() => app.toggleAgain()}><${Icon} name="again" /><span>${say("again")}<span class="cc-wide">${say("againBut")}</span></span><${Key}>I<//></button>`}
    </div>`;
}

/** @param {{ app: App, proposal: Proposal }} props a sentence to the model */
function Again({ app, proposal }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [isAsking, setAsking] = useState(false);
  useLayoutEffect(() => field.current?.focus(), [proposal.id]);
  const ask = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const wish = field.current?.value.trim() ?? "";
    if (!wish || isAsking) return;
    setAsking(true);
    await app.askAgain(proposal, wish);
    setAsking(false);
  };
  return html`<form class="cc-again" onSubmit=${ask} onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && app.toggleAgain()}>
    <label class="cc-search"><span class="cc-nowrap">${say("againButLabel")}</span><input ref=${field} maxlength="500" placeholder=${say("againPlaceholder")} /></label>
    <button class="cc-btn cc-btn--main" disabled=${isAsking}>${isAsking ? say("asking") : say("askAgain")}<${Key}>↵<//></button>
    <div class="cc-chips" role="group" aria-label=${say("wishes")}>${WISHES.map((wish) => html`<button key=${wish} type="button" class="cc-chip" onClick=${() => field.current && ((field.current.value = say(wish)), field.current.focus())}>${say(wish)}</button>`)}</div></form>`;
}

/** @param {{ app: App }} props what became of a proposal, and the way back */
export function DecidedOne({ app }) {
  const { decided } = app;
  const proposal = decided.current.value;
  if (!proposal) return html`<div class="cc-empty"><p>${say("chooseDecided")}</p></div>`;
  const isWritten = proposal.state === "accepted";
  return html`<section class="cc-read" aria-label=${say("decided")}>
    <div class="cc-read__scroll" tabindex="0" role="region" aria-label=${say("theNote")}><div class="cc-read__inner">
      <${Place} app=${app} /><${Title} app=${app} proposal=${proposal} />
      <div class="cc-field"><h2><${Icon} name=${iconOf(proposal.kind)} /><bdi>${showHidden(nameOf(proposal))}</bdi></h2>
        <span class=${`cc-flag${isWritten ? " cc-flag--good" : " cc-flag--plain"}`}><${Icon} name=${isWritten ? "check" : "x"} />${say(fateOf(proposal))}${proposal.reason && `: ${showHidden(proposal.reason)}`}</span></div>
      <${Paper} key=${proposal.id} app=${app} proposal=${{ ...proposal, evidence: null, flags: [] }} placed=${null} />
      <p class="cc-hint cc-made">${madeBy(proposal)}</p>
    </div></div>
    <div class="cc-actions" role="toolbar" aria-label=${say("changeMind")}>
      <button class="cc-btn" onClick=${() => void app.reopen(proposal)}><${Icon} name="undo" />${isWritten ? say("undo") : say("restore")}<${Key}>U<//></button>
    </div></section>`;
}
