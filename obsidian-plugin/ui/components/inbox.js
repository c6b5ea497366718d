/** The inbox: the list, and beside it the proposal in its note, with the bar to decide in sight. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { ArrowDown, Check, ChevronLeft, LoaderCircle, Pencil, RotateCw, Undo2, X } from "lucide";
import { Button, Chip, Diff, Fault, html, Icon, iconOf, instead, Loading, Meter, useApp } from "../dom.js";
import { bringInSight, decideByButton } from "../keys.js";
import { describeFlag, nameOf, titleOf } from "../proposal.js";
import { explain } from "../status-store.js";
import { capitalize, count, formatMoment, formatTime, showHidden, splitPath } from "../words.js";
import { Empty, NothingFits } from "./ends.js";
import { findProgress, List } from "./list.js";
import { NoteLink, Paper } from "./paper.js";

/** @import { Proposal } from "../../src/api-types.d.ts" */
/** @import { Placed } from "../places.js" */

const EMPTY = /^(?:[\s~"'[\]-]|null)*$/i; // what an empty property may hold
const WISHES = ["shorter", "plainer", "only what my notes say"];

export function Inbox() {
  const { inbox, isListShown } = useApp();
  if (!inbox.isLoaded.value) return html`<${Loading} />`;
  if (!inbox.order.value.length) return html`<${Empty} />`;
  return html`<div class="cc-inbox" data-shown=${isListShown.value ? "list" : "read"}><${List} /><${Reading} /></div>`;
}

/** The current proposal. */
function Reading() {
  const app = useApp();
  const { inbox } = app;
  const proposal = inbox.current.value;
  if (!proposal) return html`<${NothingFits} />`;
  const placed = inbox.places.at(proposal.id).value;
  const isEdited = inbox.mode.value === "edit";
  const isReplaced = placed?.parts?.some(([mark, text]) => mark === "-" && !EMPTY.test(text)) ?? false;
  const source = !isEdited && (app.asSource.value ?? isReplaced) ? placed?.parts : null;
  return html`<section class="cc-read" aria-label="Proposal" data-id=${proposal.id}>
    <${Scroller} id=${proposal.id} isPlaced=${placed !== null} isListShown=${app.isListShown.value}>
      <${Place} />
      <${Title} proposal=${proposal} />
      <div class="cc-field">
        <h2><${Icon} icon=${iconOf(proposal.kind)} /><bdi>${nameOf(proposal)}</bdi></h2>
        <${Flags} proposal=${proposal} />
        <div class="cc-seg" role="group" aria-label="Show as">
          <button aria-pressed=${String(!source)} onClick=${() => (app.asSource.value = false)}>Note</button>
          <button aria-pressed=${String(Boolean(source))} onClick=${() => (app.asSource.value = true)}>Source</button>
        </div>
      </div>
      <${Trouble} proposal=${proposal} placed=${placed} />
      ${source
        ? html`<${Diff} class="cc-card cc-paper cc-source" label="Source" parts=${source} isProposed />`
        : html`<${Paper} key=${proposal.id} proposal=${proposal} placed=${placed} isEdited=${isEdited} />`}
      <p class="cc-hint cc-made" dir="auto">${madeBy(proposal)}</p>
    <//>
    <div class="cc-foot"><${Bar} proposal=${proposal} /></div>
  </section>`;
}

/** What scrolls; another proposal is shown from its note's top, and so that it is in sight. @param {any} props */
function Scroller({ id, isPlaced, isListShown, children }) {
  const scroller = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => {
    if (scroller.current) scroller.current.scrollTop = 0;
    scroller.current?.closest(".cc-view")?.scrollTo?.(0, 0);
    bringInSight();
  }, [id, isPlaced, isListShown]);
  return html`<div class="cc-read__scroll" ref=${scroller} tabindex="0" role="region" aria-label="The note">
    <div class="cc-read__inner">${children}</div>
  </div>`;
}

/** Why it is not decided on, in one sentence, with one button. @param {{ proposal: Proposal, placed: Placed | null }} props */
function Trouble({ proposal, placed }) {
  const app = useApp();
  const { id, path } = proposal;
  if (app.inbox.asked.value.has(id)) return html`<${Asking} />`;
  const fault = app.inbox.faults.value.get(id);
  const why = fault?.why ?? (placed?.why ? explain(placed.why, path) : "");
  if (!why) return null;
  const isTyped = app.inbox.drafts.value.has(id);
  /** @type {[string, () => unknown]} */
  let [label, go] = ["Ask again", () => app.askAgain(proposal, "")];
  if (fault?.isGone) [label, go] = [isTyped ? "Discard my words and go on" : "Go on", () => app.inbox.takeOut([id])];
  else if (isTyped) [label, go] = ["Edit", () => app.setMode("edit")];
  const isEdited = app.inbox.mode.value === "edit";
  return html`<${Fault} acts=${isEdited && !fault?.isGone ? [] : [{ label, go: async () => void (await go()) }]}>${showHidden(why)}<//>`;
}

/** That it is asked for again; or why that takes long. */
function Asking() {
  const { status } = useApp();
  const [fault] = status.modelFault.value ? status.faults.value : [];
  if (fault) return html`<${Fault} more=${fault.more} acts=${fault.acts}>Asking again. ${fault.words}<//>`;
  return html`<p class="cc-hint cc-asking"><${Icon} icon=${LoaderCircle} />Asking again … The answer takes its place here.</p>`;
}

/** @param {Proposal} proposal where it comes from */
function madeBy({ model, made_at: moment, why }) {
  const when = `${formatMoment(moment, { day: "numeric", month: "long" })}, ${formatTime(moment)}`;
  return [why && capitalize(why), model && `by ${model}`, when].filter(Boolean).map(showHidden).join(" · ");
}

/** On one pane: the way back to the list, and how far one is. */
function Place() {
  const app = useApp();
  const { share, words } = findProgress(app);
  return html`<div class="cc-place">
    <${Button} kind="quiet" icon=${ChevronLeft} onClick=${() => (app.isListShown.value = true)}>${count(app.inbox.counts.value.all, "proposal")}<//>
    ${share > 0 && html`<span class="cc-num">${words}</span><${Meter} of=${share} />`}
  </div>`;
}

/** @param {{ proposal: Proposal }} props */
function Title({ proposal: { path } }) {
  const app = useApp();
  const { name, folder } = splitPath(path);
  const together = app.inbox.order.value.filter((id) => app.inbox.get(id)?.path === path);
  const flagged = together.filter((id) => app.inbox.get(id)?.flags.length).length;
  const words = together.length === 2 ? "Accept both" : `Accept all ${together.length}`;
  return html`<header class="cc-title">
    <div><p><bdi>${folder}</bdi></p><h1 dir="auto"><${NoteLink} target=${path}>${name}<//></h1></div>
    ${together.length > 1 && html`<${Button} onClick=${() => app.decide("accept", together)}>
      ${flagged > 0 && html`<i class="cc-dot"></i>`}
      <span>${words}${flagged > 0 && html`<span class="cc-hidden">, ${count(flagged, "is", "are")} flagged</span>`}</span>
    <//>`}
  </header>`;
}

/** @param {{ proposal: Proposal }} props */
function Flags({ proposal }) {
  const app = useApp();
  if (app.inbox.drafts.value.has(proposal.id)) {
    return html`<span class="cc-flags"><span class="cc-flag cc-flag--plain"><${Icon} icon=${Pencil} />Edited</span></span>`;
  }
  return html`<span class="cc-flags">
    ${proposal.flags.map(describeFlag).map(({ name, icon }) => html`<span key=${name} class="cc-flag"><${Icon} icon=${icon} />${name}</span>`)}
  </span>`;
}

/** @param {{ proposal: Proposal }} props */
function Bar({ proposal }) {
  const app = useApp();
  const { inbox } = app;
  const mode = inbox.mode.value;
  const disabled = inbox.isBusy.value;
  if (mode === "edit") {
    return html`<div class="cc-actions" role="toolbar" aria-label="Decide">
      <${Button} kind="main" icon=${Check} cap="Ctrl ↵" disabled=${disabled} aria-keyshortcuts="Control+Enter" onClick=${() => app.decide("accept")}>Accept your words<//>
      <${Button} cap="Esc" aria-keyshortcuts="Escape" onClick=${() => app.leaveEditing()}>Leave as it was<//>
    </div>`;
  }
  const isAgain = mode === "again";
  const button = { disabled, cap: "A", "aria-keyshortcuts": "A" };
  const accept = { ...button, "aria-description": `${nameOf(proposal)}, ${titleOf(proposal)}`, onClick: () => decideByButton(app, "accept") };
  const again = { disabled, "aria-expanded": String(isAgain), onClick: () => app.setMode(isAgain ? "read" : "again") };
  return html`${isAgain && html`<${Again} proposal=${proposal} />`}
    <div class="cc-actions" role="toolbar" aria-label="Decide">
      <${Button} kind="main" icon=${Check} ...${accept}>Accept<//>
      <${Button} icon=${Pencil} ...${button} cap="E" aria-keyshortcuts="E" onClick=${() => app.setMode("edit")}>Edit<//>
      <${Button} icon=${X} ...${button} cap="R" aria-keyshortcuts="R" onClick=${() => decideByButton(app, "refuse")}>Refuse<//>
      <${Button} icon=${ArrowDown} ...${button} cap="↓" aria-keyshortcuts="ArrowDown" onClick=${() => inbox.step(1)}>Skip<//>
      ${inbox.drafts.value.has(proposal.id)
        ? html`<${Button} kind="plain" icon=${Undo2} onClick=${() => app.leaveEditing()}>Leave as it was<//>`
        : html`<${Button} kind="plain" icon=${RotateCw} ...${again}><span>Again<span class="cc-wide">, but …</span></span><//>`}
    </div>`;
}

/** @param {{ proposal: Proposal }} props a sentence to the model */
function Again({ proposal }) {
  const app = useApp();
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [isAsking, setAsking] = useState(false);
  useLayoutEffect(() => field.current?.focus(), [proposal.id]);
  const ask = async () => {
    if (isAsking) return;
    setAsking(true);
    await app.askAgain(proposal, field.current?.value.trim() ?? "");
    setAsking(false);
  };
  const fill = (/** @type {string} */ words) => {
    if (!field.current) return;
    field.current.value = words;
    field.current.focus();
  };
  const press = (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && app.setMode("read");
  return html`<form class="cc-again" onSubmit=${instead(ask)} onKeyDown=${press}>
    <label class="cc-search">
      <span>Again, but …</span><input ref=${field} maxlength="500" placeholder="say what to change" />
    </label>
    <${Button} kind="main" cap="↵" disabled=${isAsking}>${isAsking ? "Asking …" : "Ask again"}<//>
    <div class="cc-chips" role="group" aria-label="Wishes">
      ${WISHES.map((wish) => html`<${Chip} key=${wish} onClick=${() => fill(wish)}>${wish}<//>`)}
    </div>
  </form>`;
}
