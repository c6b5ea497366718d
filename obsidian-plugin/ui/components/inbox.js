/** The inbox: the list, and beside it the proposal in its note, with the bar to decide in sight. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { ArrowRight, Check, ChevronLeft, File, Pencil, RotateCw, Undo2, X } from "lucide";
import { Button, Chip, Diff, EmptyState, Fault, html, Icon, iconOf, instead, Loading, Meter, Segments, useApp } from "../dom.js";
import { describeFlag, fateOf, nameOf, titleOf } from "../proposal.js";
import { capitalize, formatMoment, formatTime, say, showHidden, splitPath } from "../words.js";
import { Empty, NothingFits } from "./ends.js";
import { findProgress, List } from "./list.js";
import { NoteLink, Paper } from "./paper.js";

/** @import { IconNode } from "lucide" */
/** @import { Proposal } from "../../src/api-types.d.ts" */

const EMPTY = /^(?:[\s~"'[\]-]|null)*$/i; // what an empty property may hold
const WISHES = /** @type {const} */ (["wishShorter", "wishPlainer", "wishOnlyMine"]);

export function Inbox() {
  const { inbox, tab, isListShown } = useApp();
  if (!inbox.isLoaded.value) return html`<${Loading} />`;
  if (!inbox.order.value.length && tab.value !== "decided") return html`<${Empty} />`;
  return html`<div class="cc-inbox" data-shown=${isListShown.value ? "list" : "read"}>
    <${List} />
    ${tab.value === "decided" ? html`<${DecidedOne} />` : html`<${Reading} />`}
  </div>`;
}

/** The current proposal. */
export function Reading() {
  const app = useApp();
  const { inbox } = app;
  const proposal = inbox.current.value;
  if (!proposal) return inbox.isWhole.value ? html`<${NothingFits} />` : html`<${Loading} />`;
  const { id } = proposal;
  const placed = inbox.place(id).value;
  const isEdited = inbox.mode.value === "edit";
  const isReplaced = placed?.parts?.some(([mark, text]) => mark === "-" && !EMPTY.test(text)) ?? false;
  const source = !isEdited && (app.asSource.value ?? isReplaced) ? placed?.parts : null;
  const why = inbox.faults.value.get(id);
  const head = html`${!isEdited && html`<${Flags} proposal=${proposal} />`}<${SourceSwitch} isSource=${Boolean(source)} />`;
  const bar = html`<${Bar} proposal=${proposal} />`;
  return html`<${Sheet} proposal=${proposal} label=${say("proposal")} data-id=${id} head=${head} foot=${bar}>
    ${why && html`<${Fault}>${say("notDoneYet", { why })}<//>`}
    ${source
      ? html`<${Diff} class="cc-card cc-paper cc-source" label=${say("source")} parts=${source} />`
      : html`<${Paper} key=${id} proposal=${proposal} placed=${placed} isEdited=${isEdited} />`}
  <//>`;
}

/**
 * A proposal in its note. head: what stands beside its name; foot: what can be done with it.
 *
 * @param {{ proposal: Proposal, head: unknown, foot: unknown, label: string, children: unknown } & Record<string, unknown>} props
 */
function Sheet({ proposal, head, foot, label, children, ...own }) {
  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => {
    if (scroller.current) scroller.current.scrollTop = 0;
    scroller.current?.closest(".cc-view")?.scrollTo?.(0, 0);
  }, [proposal.id]);
  return html`<section class="cc-read" aria-label=${label} ...${own}>
    <div class="cc-read__scroll" ref=${scroller} tabindex="0" role="region" aria-label=${say("theNote")}><div class="cc-read__inner">
      <${Place} />
      <${Title} proposal=${proposal} />
      <div class="cc-field"><h2><${Icon} icon=${iconOf(proposal.kind)} /><bdi>${nameOf(proposal)}</bdi></h2>${head}</div>
      ${children}
      <p class="cc-hint cc-made">${madeBy(proposal)}</p>
    </div></div>
    <div class="cc-foot">${foot}</div>
  </section>`;
}

/** @param {Proposal} proposal where it comes from */
function madeBy({ model, made_at: moment, why }) {
  const when = say("madeAt", { time: formatTime(moment), day: formatMoment(moment, { day: "numeric", month: "long" }) });
  const reason = why && capitalize(why);
  return [reason, model && say("byModel", { model }), when].filter(Boolean).map(showHidden).join(" · ");
}

/** On one pane: the way back to the list, and how far one is, which the view says above. */
function Place() {
  const app = useApp();
  if (app.tab.value === "note") return null;
  const { share, words } = findProgress(app);
  const isDecided = app.tab.value === "decided";
  const list = isDecided ? say("decidedCount", { n: app.decided.total.value }) : say("proposalsCount", { n: app.inbox.counts.value.all });
  return html`<div class="cc-place">
    <${Button} kind="quiet" icon=${ChevronLeft} onClick=${() => (app.isListShown.value = true)}>${list}<//>
    ${app.shell.isPage && !isDecided && html`<span class="cc-num">${words}</span><${Meter} of=${share} />`}
  </div>`;
}

/** @param {{ proposal: Proposal }} props */
function Title({ proposal: { path } }) {
  const app = useApp();
  const { name, folder } = splitPath(path);
  const together = app.inbox.order.value.filter((id) => app.inbox.get(id)?.path === path);
  const flagged = together.filter((id) => app.inbox.get(id)?.flags.length).length;
  const all = html`<${Button} cap="⇧A" aria-keyshortcuts="Shift+A" onClick=${() => app.decide("accept", true)}>
    ${flagged > 0 && html`<i class="cc-dot"></i>`}
    <span>
      ${acceptWords(together.length)}${flagged > 0 && html`<span class="cc-hidden">, ${say("someFlagged", { n: flagged })}</span>`}
    </span>
  <//>`;
  return html`<header class="cc-title">
    <div><p><bdi>${folder}</bdi></p><h1 dir="auto"><${NoteLink} target=${path}>${name}<//></h1></div>
    ${together.length > 1 && app.tab.value !== "decided" && all}
  </header>`;
}

/** @param {number} number */
function acceptWords(number) {
  const names = say("numbers").split(" ");
  return number === 2 ? say("acceptBoth") : say("acceptAll", { number: names[number - 3] || String(number) });
}

/** @param {{ icon: IconNode, look?: "good" | "plain", children: unknown }} props */
function Flag({ icon, look, children }) {
  return html`<span class=${look ? `cc-flag cc-flag--${look}` : "cc-flag"}><${Icon} icon=${icon} />${children}</span>`;
}

/** @param {{ proposal: Proposal }} props */
function Flags({ proposal }) {
  const app = useApp();
  const isEdited = app.inbox.draft(proposal.id).value !== null;
  return html`<span class="cc-flags">
    ${isEdited && html`<${Flag} icon=${Pencil} look="plain">${say("edited")}<//>`}
    ${proposal.decided_by && html`<${Flag} icon=${File} look="plain">${say("openHere")}<//>`}
    ${!isEdited && proposal.flags.map(describeFlag).map(({ name, icon }) => html`<${Flag} key=${name} icon=${icon}>${name}<//>`)}
  </span>`;
}

/** @param {{ isSource: boolean }} props */
function SourceSwitch({ isSource }) {
  const app = useApp();
  const options = [[false, say("note")], [true, say("source")]];
  const choose = (/** @type {boolean} */ value) => (app.asSource.value = value);
  return html`<${Segments} label=${say("showAs")} options=${options} value=${isSource} onChoose=${choose} />`;
}

/** @param {{ proposal: Proposal }} props */
function Bar({ proposal }) {
  const app = useApp();
  const mode = app.inbox.mode.value;
  if (mode === "edit") {
    return html`<div class="cc-actions" role="toolbar" aria-label=${say("decide")}>
      <${Button} kind="main" icon=${Check} cap="Ctrl ↵" aria-keyshortcuts="Control+Enter" onClick=${() => app.decide("accept")}>
        ${say("acceptYours")}
      <//>
      <${Button} cap="Esc" aria-keyshortcuts="Escape" onClick=${() => app.leaveEditing()}>${say("leaveAsWas")}<//>
    </div>`;
  }
  const draft = app.inbox.draft(proposal.id);
  const accept = { "aria-description": `${nameOf(proposal)}, ${titleOf(proposal)}`, onClick: () => app.decide("accept") };
  const again = { "aria-expanded": String(mode === "again"), onClick: () => app.toggleAgain() };
  return html`${mode === "again" && html`<${Again} proposal=${proposal} />`}
    <div class="cc-actions" role="toolbar" aria-label=${say("decide")}>
      <${Button} kind="main" icon=${Check} cap="A" aria-keyshortcuts="A" ...${accept}>${say("accept")}<//>
      <${Button} icon=${Pencil} cap="E" aria-keyshortcuts="E" onClick=${() => app.startEditing()}>${say("edit")}<//>
      <${Button} icon=${X} cap="R" aria-keyshortcuts="R" onClick=${() => app.decide("refuse")}>${say("refuse")}<//>
      <${Button} icon=${ArrowRight} cap="J" aria-keyshortcuts="J" onClick=${() => app.inbox.step(1)}>${say("skip")}<//>
      ${draft.value === null
        ? html`<${Button} kind="plain" icon=${RotateCw} cap="I" aria-keyshortcuts="I" ...${again}>
            <span>${say("again")}<span class="cc-wide">${say("againBut")}</span></span>
          <//>`
        : html`<${Button} kind="plain" icon=${Undo2} onClick=${() => (draft.value = null)}>${say("leaveAsWas")}<//>`}
    </div>`;
}

/** @param {{ proposal: Proposal }} props a sentence to the model */
function Again({ proposal }) {
  const app = useApp();
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [isAsking, setAsking] = useState(false);
  useLayoutEffect(() => field.current?.focus(), [proposal.id]);
  const ask = async () => {
    const wish = field.current?.value.trim() ?? "";
    if (!wish || isAsking) return;
    setAsking(true);
    await app.askAgain(proposal, wish);
    setAsking(false);
  };
  const fill = (/** @type {string} */ words) => {
    if (!field.current) return;
    field.current.value = words;
    field.current.focus();
  };
  const press = (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && app.toggleAgain();
  return html`<form class="cc-again" onSubmit=${instead(ask)} onKeyDown=${press}>
    <label class="cc-search">
      <span>${say("againButLabel")}</span><input ref=${field} maxlength="500" placeholder=${say("againPlaceholder")} />
    </label>
    <${Button} kind="main" cap="↵" disabled=${isAsking}>${say(isAsking ? "asking" : "askAgain")}<//>
    <div class="cc-chips" role="group" aria-label=${say("wishes")}>
      ${WISHES.map((wish) => html`<${Chip} key=${wish} onClick=${() => fill(say(wish))}>${say(wish)}<//>`)}
    </div>
  </form>`;
}

/** What became of a proposal, and the way back. */
export function DecidedOne() {
  const app = useApp();
  const proposal = app.decided.current.value;
  if (!proposal) return html`<${EmptyState} words=${say(app.decided.list.value.length ? "chooseDecided" : "decidedNone")} />`;
  const isWritten = proposal.state === "accepted";
  const fate = html`<${Flag} icon=${isWritten ? Check : X} look=${isWritten ? "good" : "plain"}>
    ${say(fateOf(proposal))}${proposal.reason && `: ${showHidden(proposal.reason)}`}
  <//>`;
  const bar = html`<div class="cc-actions" role="toolbar" aria-label=${say("changeMind")}>
    <${Button} icon=${Undo2} cap="U" onClick=${() => void app.reopen(proposal)}>${say(isWritten ? "undo" : "restore")}<//>
  </div>`;
  return html`<${Sheet} proposal=${proposal} label=${say("proposal")} head=${fate} foot=${bar}>
    <${Paper} key=${proposal.id} proposal=${{ ...proposal, flags: [] }} placed=${null} />
  <//>`;
}
