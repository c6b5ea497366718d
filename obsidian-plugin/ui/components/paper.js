/** A note as Obsidian shows it, with a proposal in its place; what stands around it is dimmed. */

import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { Fault, html, Icon, iconOf, instead, SPARKLES, useApp } from "../dom.js";
import { describeFlag, linesOf } from "../proposal.js";
import { parseBlocks, parseInline, parseRead, toLines } from "../markdown.js";
import { formatMoment, say, showHidden } from "../words.js";

/** @import { Proposal } from "../../src/api-types.d.ts" */
/** @import { Placed } from "../inbox-store.js" */
/** @import { Block, Piece, Property } from "../markdown.js" */

/** @typedef {Block | { type: "proposed", title: string }} Shown */

const CHECKBOX = /^(?:true|false)$/;
const DATE = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?))?$/;
const LINK = /^\[\[(?:[^[\]|]*\|)?([^[\]|]*)\]\]$/;

/** @param {{ proposal: Proposal, placed: Placed | null, isEdited?: boolean }} props */
export function Paper({ proposal, placed, isEdited = false }) {
  const paper = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => keepNotesIn(paper.current));
  const blocks = findBlocks(proposal, placed);
  const isProposed = (/** @type {Shown} */ block) =>
    block.type === "proposed" || (block.type === "properties" && block.properties.some(({ name }) => name === proposal.kind));
  const at = blocks.findIndex(isProposed);
  return html`<article class="cc-card cc-paper" ref=${paper} aria-label=${say("whereItGoes")}>
    ${placed?.why && html`<${Fault} key="why">${say("cannotBeWritten", { why: placed.why })}<//>`}
    ${blocks.map((block, index) => html`<${BlockView} key=${index - at} proposal=${proposal} block=${block} isEdited=${isEdited} />`)}
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

/** @param {{ proposal: Proposal, block: Shown, isEdited: boolean }} props */
function BlockView({ proposal, block, isEdited }) {
  if (block.type === "proposed") return html`<${Callout} proposal=${proposal} title=${block.title} isEdited=${isEdited} />`;
  if (block.type !== "properties") return showBlock(block);
  return html`<dl class="cc-props">
    ${block.properties.map((each) => each.name === proposal.kind && proposal.kind !== "callout"
      ? html`<${NewProperty} key=${each.name} proposal=${proposal} isEdited=${isEdited} />`
      : html`<${OldProperty} key=${each.name} property=${each} />`)}
  </dl>`;
}

/**
 * How blocks are shown; the title of the note stands elsewhere.
 *
 * @type {{ [Type in Exclude<Block["type"], "properties">]: (block: Extract<Block, { type: Type }>) => unknown }}
 */
const BLOCKS = {
  heading: ({ level, text }) => level > 1 && html`<h3 dir="auto">${showInline(text)}</h3>`,
  paragraph: ({ text }) => parseRead(text).length > 0 && html`<p dir="auto">${showInline(text)}</p>`,
  list: ({ items, isOrdered }) => html`<${isOrdered ? "ol" : "ul"} class="cc-md">
    ${items.map((item) => html`<li dir="auto">${showInline(item)}</li>`)}
  <//>`,
  code: ({ text }) => html`<pre class="cc-code" tabindex="0" aria-label=${say("code")}>${showHidden(text)}</pre>`,
  callout: ({ kind, title, lines }) => html`<div class=${kind ? "cc-callout cc-callout--around" : "cc-quote"}>
    ${kind && html`<p class="cc-callout__title"><${Icon} icon=${SPARKLES} />${showHidden(title || kind)}</p>`}
    ${parseBlocks(lines).map(showBlock)}
  </div>`,
  rule: () => html`<hr class="cc-hr" />`,
  gap: () => html`<p class="cc-gap" aria-label=${say("leftOut")}>…</p>`,
};

/** @type {(block: Block) => unknown} */
function showBlock(block) {
  return /** @type {any} */ (BLOCKS)[block.type](block);
}

/** @param {{ property: Property }} props */
function OldProperty({ property: { name, values } }) {
  const isTags = name === "tags";
  const all = isTags ? values.flatMap((each) => each.split(/,\s*/)) : values;
  return html`<${PropertyRow} name=${name} value=${values[0]}><${Values} values=${all} isList=${isTags || values.length > 1} /><//>`;
}

/** @param {{ name: string, value: string | undefined, isNew?: boolean, children: unknown }} props */
function PropertyRow({ name, value, isNew = false, children }) {
  return html`<div class=${isNew ? "cc-prop cc-prop--new" : "cc-prop"}>
    <${Icon} icon=${iconOf(name, value)} /><dt><bdi>${showHidden(name)}</bdi></dt><dd dir="auto">${children}</dd>
  </div>`;
}

/** @param {{ values: string[], isList: boolean }} props */
function Values({ values, isList }) {
  if (!values.length) return say("empty");
  const name = (/** @type {string} */ value) => showHidden(value.replace(LINK, "$1"));
  if (isList) return values.map((each, index) => html`<span key=${index} class="cc-pill-tag"><bdi>${name(each)}</bdi></span> `);
  const [value = ""] = values;
  if (CHECKBOX.test(value)) return html`<input type="checkbox" checked=${value === "true"} disabled aria-label=${value} />`;
  const [, day, time] = value.match(DATE) ?? [];
  const moment = new Date(`${day}T${time ?? "12:00"}`);
  if (Number.isNaN(moment.getTime())) return name(value);
  return formatMoment(moment, { day: "numeric", month: "long", year: "numeric", ...(time && { hour: "2-digit", minute: "2-digit" }) });
}

/** @param {{ proposal: Proposal, isEdited: boolean }} props the property that is filled */
function NewProperty({ proposal, isEdited }) {
  const app = useApp();
  const { kind, text } = proposal;
  const draft = app.inbox.draft(proposal.id).value;
  const value = draft ?? linesOf(proposal);
  const isList = Array.isArray(text);
  const isText = !isList && ![CHECKBOX, DATE, LINK].some((form) => form.test(value));
  let shown = html`<${Text} text=${value} />`;
  if (isEdited) shown = html`<${Editor} proposal=${proposal} />`;
  else if (!isText) {
    const values = isList ? value.split("\n").filter(Boolean) : [value];
    shown = html`<${Values} values=${values} isList=${isList} />`;
  }
  return html`<${PropertyRow} name=${kind} value=${value} isNew>
    ${shown}${!isEdited && draft === null && html`<${Reasons} proposal=${proposal} />`}
  <//>`;
}

/** @param {{ proposal: Proposal, title: string, isEdited: boolean }} props the callout that is written */
function Callout({ proposal, title, isEdited }) {
  const app = useApp();
  const draft = app.inbox.draft(proposal.id).value;
  const head = html`<p class="cc-callout__title"><${Icon} icon=${SPARKLES} class="cc-icon--l" />${showHidden(title)}</p>`;
  const hint = html`<p class="cc-hint">${say("nothingChecks")}</p>`;
  if (isEdited) return html`<div class="cc-callout cc-callout--new cc-edit" key="callout">
    ${head}<${Editor} proposal=${proposal} />${hint}
  </div>`;
  const blocks = parseBlocks(toLines([["=", draft ?? linesOf(proposal)]]));
  return html`<div class="cc-callout cc-callout--new" key="callout">${head}
      ${blocks.map((block, index) => block.type === "paragraph"
        ? html`<${Text} key=${index} text=${block.text} isParagraph />`
        : showBlock(block))}
    </div>
    ${draft === null
      ? html`<${Reasons} proposal=${proposal} />`
      : hint}`;
}

/** @param {{ text: string, isParagraph?: boolean }} props */
function Text({ text, isParagraph = false }) {
  const pieces = parseInline(text).map(showPiece);
  return isParagraph ? html`<p dir="auto">${pieces}</p>` : html`${pieces}`;
}

/** @param {{ proposal: Proposal }} props why to look closer */
function Reasons({ proposal }) {
  if (!proposal.flags.length) return null;
  const style = { anchorName: "--cc-why-0", insetBlockStart: "anchor(--cc-block top)" };
  return html`<aside role="note" class="cc-evidence" style=${style} aria-label=${say("whyLook")}>
    ${proposal.flags.map(describeFlag).map(({ name, why, icon }) => html`
      <div key=${name}><h3><${Icon} icon=${icon} />${name}</h3><p>${why}</p></div>`)}
  </aside>`;
}

/** @param {{ proposal: Proposal }} props the field to edit in; what is typed is never touched from outside */
function Editor({ proposal }) {
  const app = useApp();
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
  const type = () => {
    draft.value = area.current?.value ?? "";
    fit();
  };
  return html`<textarea ref=${area} dir="auto" rows="1" aria-label=${say("yourWords")} onInput=${type} onKeyDown=${press}></textarea>`;
}

/** @param {string} text of a block around the proposal */
function showInline(text) {
  return parseRead(text).map(showPiece);
}

/** @param {Piece} piece @returns {unknown} */
function showPiece({ type, text, target = "", styles: [style, ...styles] = [] }) {
  if (style) return html`<${style}>${showPiece({ type, text, target, styles })}<//>`;
  const words = showHidden(text);
  if (type === "link") return html`<${NoteLink} target=${target}>${words}<//>`;
  if (type === "tag") return html`<span class="cc-pill-tag">${words}</span>`;
  if (type === "comment") return html`<span class="cc-soft">%%${words}%%</span>`;
  if (type === "code") return html`<code>${words}</code>`;
  if (type === "url" && /^https?:\/\//i.test(target)) return html`<a href=${target} target="_blank" rel="noopener noreferrer">${words}</a>`;
  return words;
}

/** @param {{ target: string, children: unknown }} props opens a note in Obsidian */
export function NoteLink({ target, children }) {
  const { shell } = useApp();
  const open = shell.openNote && instead((event) => shell.openNote?.(target, event));
  return html`<a class="cc-note" href=${shell.noteHref(target)} onClick=${open}>${children}</a>`;
}
