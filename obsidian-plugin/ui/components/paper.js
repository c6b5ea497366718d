/** A note as Obsidian shows it, with a proposal in its place; what stands around it is dimmed. */

import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { html, Icon, iconOf } from "../dom.js";
import { describeFlag, linesOf } from "../proposal.js";
import { cutAt, findSentence, parseBlocks, parseInline, plainText, toLines } from "../markdown.js";
import { formatMoment, say, showHidden, splitPath } from "../words.js";

/** @import { Evidence, Proposal } from "../../src/api-types.d.ts" */
/** @import { App } from "../app.js" */
/** @import { Parts, Placed } from "../inbox-store.js" */
/** @import { Block, Piece, Property } from "../markdown.js" */

/** @typedef {{ start: number, end: number, number: number }} Doubt where a doubtful sentence stands, and its number */
/** @typedef {Block | { type: "proposed", title: string }} Shown */

const OWN_SENTENCE = "extractive";
const CHECKBOX = /^(?:true|false)$/;
const DATE = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?))?$/;
const LINK = /^\[\[(?:[^[\]|]*\|)?([^[\]|]*)\]\]$/;

/** @param {{ app: App, proposal: Proposal, placed: Placed | null, isEdited?: boolean }} props */
export function Paper({ app, proposal, placed, isEdited = false }) {
  const blocks = findBlocks(proposal, placed);
  const paper = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => keepNotesIn(paper.current));
  const at = blocks.findIndex((block) => block.type === "proposed" || (block.type === "properties" && block.properties.some((each) => each.name === proposal.kind)));
  return html`<article class="cc-card cc-paper cc-rendered" ref=${paper} aria-label=${say("whereItGoes")}>
    ${placed?.why && html`<p key="why" class="cc-fault"><${Icon} name="unknown" /><span>${say("cannotBeWritten", { why: placed.why })}</span></p>`}
    ${blocks.map((block, index) => html`<${BlockView} key=${index - at} app=${app} proposal=${proposal} block=${block} isEdited=${isEdited} around=${index < at} />`)}
  </article>`;
}

/**
 * Keep the paper as long as the notes in its margin, which stand outside the flow.
 *
 * @param {HTMLElement | null} paper
 */
function keepNotesIn(paper) {
  if (!paper) return undefined;
  const observer = new ResizeObserver(() => {
    const ends = [...paper.querySelectorAll("aside")].map((note) => note.offsetTop + note.offsetHeight);
    paper.style.setProperty("--cc-notes-end", `${Math.max(0, ...ends)}px`);
  });
  observer.observe(paper);
  return () => observer.disconnect();
}

/**
 * Return the note's blocks, one of which is the proposal's; only that while nobody has said where it goes.
 *
 * @type {(proposal: Proposal, placed: Placed | null) => Shown[]}
 */
function findBlocks({ kind }, placed) {
  const isCallout = kind === "callout";
  const parts = placed?.parts;
  if (parts) {
    const lines = toLines(parts);
    /** @type {Shown[]} */
    const blocks = parseBlocks(lines, true);
    const at = blocks.findIndex((block) => block.type === "callout" && block.isNew);
    const found = blocks[at];
    if (isCallout && found?.type === "callout") return blocks.with(at, { type: "proposed", title: found.title || "AI" });
    const properties = blocks.find((block) => block.type === "properties");
    if (!isCallout && properties?.properties.some(({ name }) => name === kind)) return blocks;
  }
  return [isCallout ? { type: "proposed", title: "AI" } : { type: "properties", properties: [{ name: kind, values: [] }] }];
}

/** @param {{ app: App, proposal: Proposal, block: Shown, isEdited: boolean, around: boolean }} props */
function BlockView({ app, proposal, block, isEdited, around }) {
  if (block.type === "proposed") return html`<${Callout} app=${app} proposal=${proposal} title=${block.title} isEdited=${isEdited} />`;
  if (block.type !== "properties") return html`<${Plain} app=${app} block=${block} />`;
  return html`<dl class=${`cc-props${around ? " cc-props--around" : ""}`}>
    ${block.properties.map((each) => (each.name === proposal.kind && proposal.kind !== "callout" ? html`<${NewProperty} key=${each.name} app=${app} proposal=${proposal} isEdited=${isEdited} />` : html`<${OldProperty} key=${each.name} property=${each} />`))}
  </dl>`;
}

/** @param {{ app: App, block: Block }} props */
function Plain({ app, block }) {
  switch (block.type) {
    case "heading":
      return block.level === 1 ? null : html`<h3 dir="auto"><${Inline} app=${app} text=${block.text} /></h3>`;
    case "list":
      return html`<${block.isOrdered ? "ol" : "ul"} class="cc-md">${block.items.map((item, index) => html`<li key=${index} dir="auto"><${Inline} app=${app} text=${item} /></li>`)}<//>`;
    case "code":
      return html`<pre class="cc-code" tabindex="0" aria-label=${say("code")}>${showHidden(block.text)}</pre>`;
    case "callout":
      return html`<div class=${block.kind ? "cc-callout cc-callout--around" : "cc-quote"}>
        ${block.kind && html`<p class="cc-callout__title"><${Icon} name="sparkles" />${showHidden(block.title || block.kind)}</p>`}
        ${parseBlocks(block.lines).map((inner, index) => html`<${Plain} key=${index} app=${app} block=${inner} />`)}</div>`;
    case "rule":
      return html`<hr class="cc-hr" />`;
    case "gap":
      return html`<p class="cc-gap" aria-label=${say("leftOut")}>…</p>`;
    case "paragraph":
      return html`<p dir="auto"><${Inline} app=${app} text=${block.text} /></p>`;
    default:
      return null;
  }
}

/** @param {{ property: Property }} props */
function OldProperty({ property: { name, values } }) {
  return html`<div class="cc-prop"><${Icon} name=${iconOf(name, values[0])} /><dt><bdi>${showHidden(name)}</bdi></dt><dd dir="auto"><${Values} name=${name} values=${name === "tags" ? values.flatMap((each) => each.split(/,\s*/)) : values} /></dd></div>`;
}

/** @param {{ name: string, values: string[], doubtful?: Set<string> }} props doubtful: those that nothing supports */
function Values({ name, values, doubtful = new Set() }) {
  if (!values.length) return say("empty");
  if (values.length > 1 || name === "tags") return values.map((each, index) => html`<span key=${index} class=${`cc-pill-tag${doubtful.has(each) ? " cc-doubt" : ""}`}><bdi>${showHidden(each.replace(LINK, "$1"))}</bdi></span> `);
  const [value = ""] = values;
  if (CHECKBOX.test(value)) return html`<input type="checkbox" checked=${value === "true"} disabled aria-label=${value} />`;
  const [, day, time] = value.match(DATE) ?? [];
  const moment = new Date(`${day}T${time ?? "12:00"}`);
  if (Number.isNaN(moment.getTime())) return showHidden(value.replace(LINK, "$1"));
  return formatMoment(moment, { day: "numeric", month: "long", year: "numeric", ...(time && { hour: "2-digit", minute: "2-digit" }) });
}

/** @param {{ app: App, proposal: Proposal, isEdited: boolean }} props the property that is filled */
function NewProperty({ app, proposal, isEdited }) {
  const { kind, text, flags } = proposal;
  const draft = app.inbox.draft(proposal.id).value;
  const value = draft ?? linesOf(proposal);
  const isDoubtful = draft === null && flags.includes(OWN_SENTENCE);
  const values = Array.isArray(text) ? value.split("\n").filter(Boolean) : [value];
  const doubtful = new Set(draft === null ? (proposal.evidence ?? []).filter((each) => !each.supported).map((each) => each.sentence) : []);
  const isText = !Array.isArray(text) && ![CHECKBOX, DATE, LINK].some((form) => form.test(value));
  const underlined = isText ? findDoubts(proposal, draft, value).length : 0;
  return html`<div class="cc-prop cc-prop--new"><${Icon} name=${iconOf(kind, value)} /><dt><bdi>${showHidden(kind)}</bdi></dt>
    <dd dir="auto">${isEdited ? html`<${Editor} app=${app} proposal=${proposal} />` : isText ? html`<${Text} app=${app} proposal=${proposal} text=${value} first=${0} isDoubtful=${isDoubtful} />` : html`<${Values} name=${Array.isArray(text) ? "tags" : kind} values=${values} doubtful=${doubtful} />`}${!isEdited && draft === null && html`<${Reasons} app=${app} proposal=${proposal} underlined=${underlined} />`}</dd></div>`;
}

/** @param {{ app: App, proposal: Proposal, title: string, isEdited: boolean }} props the callout that is written */
function Callout({ app, proposal, title, isEdited }) {
  const draft = app.inbox.draft(proposal.id).value;
  const body = draft ?? linesOf(proposal);
  const head = html`<p class="cc-callout__title"><${Icon} name="sparkles" large />${showHidden(title)}</p>`;
  if (isEdited) return html`<div class="cc-callout cc-edit" key="callout">${head}<${Editor} app=${app} proposal=${proposal} /><p class="cc-hint">${say("nothingChecks")}</p></div>`;
  let first = 0;
  const blocks = parseBlocks(toLines([["=", body]]));
  return html`<div class="cc-callout" key="callout">${head}
    ${blocks.map((block, index) => {
      if (block.type !== "paragraph") return html`<${Plain} key=${index} app=${app} block=${block} />`;
      const view = html`<${Text} key=${index} app=${app} proposal=${proposal} text=${block.text} first=${first} isParagraph />`;
      first += findDoubts(proposal, draft, block.text).length;
      return view;
    })}</div>
    ${draft === null && html`<${Supported} evidence=${proposal.evidence ?? []} /><${Reasons} app=${app} proposal=${proposal} underlined=${first} />`}
    ${draft !== null && html`<p class="cc-hint">${say("nothingChecks")}</p>`}`;
}

/**
 * @param {Proposal} proposal
 * @param {string | null} draft
 * @param {string} text
 * @returns {(Doubt & { evidence: Evidence })[]} the sentences of the text that nothing supports
 */
function findDoubts({ evidence }, draft, text) {
  if (draft !== null) return [];
  const plain = plainText(text);
  const doubts = (evidence ?? []).filter((each) => !each.supported).map((each) => ({ evidence: each, range: findSentence(plain, each.sentence) }));
  return doubts
    .filter((each) => each.range !== null)
    .map(({ evidence: one, range }, number) => ({ .../** @type {{ start: number, end: number }} */ (range), number, evidence: one }))
    .sort((a, b) => a.start - b.start);
}

/** @param {{ app: App, proposal: Proposal, text: string, first: number, isParagraph?: boolean, isDoubtful?: boolean }} props a text, with what is doubtful in it */
function Text({ app, proposal, text, first, isParagraph = false, isDoubtful = false }) {
  const draft = app.inbox.draft(proposal.id).value;
  const doubts = findDoubts(proposal, draft, text);
  const ranges = isDoubtful && !doubts.length ? [{ start: 0, end: plainText(text).length }] : doubts;
  const groups = cutAt(parseInline(text), ranges);
  const pieces = groups.map(({ range, pieces: all }, index) =>
    range < 0
      ? html`<${Pieces} key=${index} app=${app} pieces=${all} />`
      : html`<span key=${index} class="cc-doubt" style=${{ anchorName: `--cc-doubt-${first + range}` }} aria-describedby=${`why-${proposal.id}-${first + range}`}><${Pieces} app=${app} pieces=${all} /></span>`,
  );
  const beside = doubts.map(({ evidence }, index) => html`<${Why} key=${`why${index}`} app=${app} proposal=${proposal} evidence=${evidence} number=${first + index} />`);
  return isParagraph ? html`<p dir="auto">${pieces}</p>${beside}` : html`${pieces}${beside}`;
}

/** @param {{ app: App, proposal: Proposal, evidence: Evidence, number: number }} props what comes closest to a doubtful sentence */
function Why({ app, proposal, evidence, number }) {
  const path = evidence.path ?? "";
  return html`<aside class="cc-evidence" id=${`why-${proposal.id}-${number}`} style=${beside(number)} aria-label=${say("aboutSentence")}>
    <h3><${Icon} name="unknown" />${say("flagUnsupported")}</h3>
    ${evidence.shown ? html`<p>${say("closest")}</p><blockquote dir="auto">“${showHidden(plainText(evidence.shown))}”</blockquote>` : html`<p>${say("nothingClose")}</p>`}
    ${path && html`<p><${NoteLink} app=${app} target=${path}><${Icon} name="note" />${splitPath(path).name}<//></p>`}
    ${proposal.kind === "callout" && html`<p><button class="cc-link" onClick=${() => leaveOut(app, proposal, evidence.sentence)}>${say("leaveOut")}</button></p>`}
  </aside>`;
}

/**
 * @param {number} number of a margin note: beside its sentence, below the one before
 * @param {boolean} [isAll] whether it is about all of the text
 */
function beside(number, isAll = false) {
  const own = isAll ? "anchor(--cc-block top)" : `anchor(--cc-doubt-${number} top, anchor(--cc-block top))`;
  const above = number ? `max(${own}, calc(anchor(--cc-why-${number - 1} bottom) + 14px))` : own;
  return { anchorName: `--cc-why-${number}`, insetBlockStart: above };
}

/** @type {(app: App, proposal: Proposal, sentence: string) => void} */
function leaveOut(app, proposal, sentence) {
  const draft = app.inbox.draft(proposal.id);
  const text = draft.peek() ?? linesOf(proposal);
  const range = findSentence(text, sentence);
  if (!range) return app.startEditing();
  const rest = `${text.slice(0, range.start).trimEnd()} ${text.slice(range.end).trimStart()}`;
  draft.value = rest.replace(/^ | $/g, "").replace(/ ?\n ?/g, "\n").replace(/\n{3,}/g, "\n\n");
  app.decisions.announce(say("leftSentenceOut"), false);
}

/** @param {{ app: App, proposal: Proposal, underlined: number }} props why to look closer; underlined: the sentences that say so themselves */
function Reasons({ app, proposal, underlined }) {
  const others = proposal.flags.filter((flag) => flag !== "unsupported" || !underlined);
  if (!others.length) return null;
  return html`<aside class="cc-evidence" style=${beside(underlined, underlined === 0)} aria-label=${say("whyLook")}>
    ${others.map(describeFlag).map(({ name, why, icon }) => html`<div key=${name}><h3><${Icon} name=${icon} />${name}</h3><p>${why}</p></div>`)}
    ${proposal.flags.includes(OWN_SENTENCE) && html`<p><button class="cc-link" onClick=${() => (app.inbox.mode.value = "again")}>${say("askAnother")}</button></p>`}
  </aside>`;
}

/** @param {{ evidence: Evidence[] }} props */
function Supported({ evidence }) {
  const good = evidence.filter((each) => each.supported);
  if (!evidence.length) return null;
  const words = good.length === evidence.length ? say("allSupported") : say("someSupported", { n: good.length, of: evidence.length });
  if (!good.length) return null;
  return html`<details class="cc-fold"><summary><${Icon} name="check" />${words}<${Icon} name="right" /></summary>
    <ol>${good.map((each, index) => html`<li key=${index} dir="auto">${showHidden(plainText(each.sentence))} <q>${showHidden(plainText(each.shown))}</q></li>`)}</ol></details>`;
}

/** @param {{ app: App, proposal: Proposal }} props the field to edit in; what is typed is never touched from outside */
function Editor({ app, proposal }) {
  const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const draft = app.inbox.draft(proposal.id);
  const fit = () => {
    if (!area.current) return;
    area.current.style.height = "auto";
    area.current.style.height = `${area.current.scrollHeight}px`;
  };
  useLayoutEffect(() => {
    if (!area.current) return;
    area.current.value = draft.peek() ?? linesOf(proposal);
    fit();
    area.current.focus({ preventScroll: true });
    area.current.setSelectionRange(area.current.value.length, area.current.value.length);
  }, [proposal.id]);
  useEffect(() => area.current?.scrollIntoView({ block: "nearest" }), [proposal.id]);
  const press = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") app.leaveEditing();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) app.decide("accept");
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<textarea ref=${area} dir="auto" rows="1" aria-label=${say("yourWords")} onInput=${() => ((draft.value = area.current?.value ?? ""), fit())} onKeyDown=${press}></textarea>`;
}

/** @param {{ app: App, text: string }} props */
function Inline({ app, text }) {
  return html`<${Pieces} app=${app} pieces=${parseInline(text)} />`;
}

/** @param {{ app: App, pieces: Piece[] }} props */
function Pieces({ app, pieces }) {
  return pieces.map(({ type, text, target = "" }, index) => {
    const words = showHidden(text);
    if (type === "link") return html`<${NoteLink} key=${index} app=${app} target=${target}>${words}<//>`;
    if (type === "url") return /^https?:\/\//i.test(target) ? html`<a key=${index} href=${target} target="_blank" rel="noopener noreferrer">${words}</a>` : words;
    if (type === "tag") return html`<span key=${index} class="cc-pill-tag">${words}</span>`;
    if (type === "comment") return html`<span key=${index} class="cc-soft">%%${words}%%</span>`;
    return type === "text" ? words : html`<${type} key=${index}>${words}<//>`;
  });
}

/** @param {{ app: App, target: string, children: unknown }} props opens a note in Obsidian */
function NoteLink({ app, target, children }) {
  const open = app.shell.openNote;
  return html`<a class="cc-note" href=${app.shell.noteHref(target)} onClick=${open ? (/** @type {MouseEvent} */ event) => (event.preventDefault(), open(target, event)) : undefined}>${children}</a>`;
}

/** @param {{ parts: Parts }} props the note's own text, with what is added and taken out */
export function Source({ parts }) {
  return html`<pre class="cc-card cc-paper cc-source" tabindex="0" aria-label=${say("source")}>${parts.map(([mark, text], index) => {
    const words = showHidden(text);
    if (mark === "+") return html`<ins key=${index}>${words}</ins>`;
    if (mark === "-") return html`<del key=${index}>${words}</del>`;
    return mark === "…" ? "…\n" : words;
  })}</pre>`;
}
