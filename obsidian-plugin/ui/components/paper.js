/** A note as Obsidian shows it, with a proposal in its place; what stands around it is dimmed. */

import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { Check, ChevronRight, CircleQuestionMark, File } from "lucide";
import { Fault, html, Icon, iconOf, instead, SPARKLES, useApp } from "../dom.js";
import { describeFlag, linesOf } from "../proposal.js";
import { cutAt, findSentence, parseBlocks, parseInline, parseRead, plainText, toLines } from "../markdown.js";
import { formatMoment, say, showHidden, splitPath } from "../words.js";

/** @import { Evidence, Proposal } from "../../src/api-types.d.ts" */
/** @import { App } from "../app.js" */
/** @import { Placed } from "../inbox-store.js" */
/** @import { Block, Piece, Property } from "../markdown.js" */

/**
 * What nothing supports: where it stands in a text, the sentence that it is, and its number among all of the proposal;
 * without evidence, the text as a whole is doubtful.
 *
 * @typedef {{ start: number, end: number, evidence: Evidence | null, number: number }} Doubt
 */
/** @typedef {Block | { type: "proposed", title: string }} Shown */

const OWN_SENTENCE = "extractive";
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

/** @param {{ values: string[], isList: boolean, doubtful?: Set<string> }} props doubtful: those that nothing supports */
function Values({ values, isList, doubtful }) {
  if (!values.length) return say("empty");
  const name = (/** @type {string} */ value) => showHidden(value.replace(LINK, "$1"));
  const pill = (/** @type {string} */ each) => (doubtful?.has(each) ? "cc-pill-tag cc-doubt" : "cc-pill-tag");
  if (isList) return values.map((each, index) => html`<span key=${index} class=${pill(each)}><bdi>${name(each)}</bdi></span> `);
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
  const { kind, text, flags } = proposal;
  const draft = app.inbox.draft(proposal.id).value;
  const value = draft ?? linesOf(proposal);
  const isList = Array.isArray(text);
  const doubtful = findUnsupported(proposal, draft);
  const isText = !isList && ![CHECKBOX, DATE, LINK].some((form) => form.test(value));
  const [doubts = []] = isText ? findDoubts(doubtful, [value]) : [];
  const isCopied = !doubts.length && draft === null && flags.includes(OWN_SENTENCE);
  const marks = isCopied ? [{ start: 0, end: value.length, evidence: null, number: 0 }] : doubts;
  let shown = html`<${Text} proposal=${proposal} text=${value} doubts=${marks} />`;
  if (isEdited) shown = html`<${Editor} proposal=${proposal} />`;
  else if (!isText) {
    const values = isList ? value.split("\n").filter(Boolean) : [value];
    shown = html`<${Values} values=${values} isList=${isList} doubtful=${new Set(doubtful.map(({ sentence }) => sentence))} />`;
  }
  return html`<${PropertyRow} name=${kind} value=${value} isNew>
    ${shown}${!isEdited && draft === null && html`<${Reasons} proposal=${proposal} underlined=${doubts.length} />`}
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
  const paragraphs = blocks.map((block) => (block.type === "paragraph" ? block.text : ""));
  const doubts = findDoubts(findUnsupported(proposal, draft), paragraphs);
  return html`<div class="cc-callout cc-callout--new" key="callout">${head}
      ${blocks.map((block, index) => block.type === "paragraph"
        ? html`<${Text} key=${index} proposal=${proposal} text=${block.text} doubts=${doubts[index]} isParagraph />`
        : showBlock(block))}
    </div>
    ${draft === null
      ? html`<${Supported} evidence=${proposal.evidence ?? []} />
          <${Reasons} proposal=${proposal} underlined=${doubts.flat().length} />`
      : hint}`;
}

/**
 * Return the sentences that nothing supports, none once somebody has changed the text.
 *
 * @type {(proposal: Proposal, draft: string | null) => Evidence[]}
 */
function findUnsupported({ evidence }, draft) {
  return draft === null ? (evidence ?? []).filter((each) => !each.supported) : [];
}

/**
 * Return what is doubtful in each of the texts, in the order in which it stands there.
 *
 * @param {Evidence[]} sentences that nothing supports
 * @param {string[]} texts
 * @returns {Doubt[][]}
 */
function findDoubts(sentences, texts) {
  let number = 0;
  return texts.map((text) => {
    const plain = plainText(text);
    const doubts = sentences.flatMap((evidence) => {
      const range = findSentence(plain, evidence.sentence);
      return range ? [{ ...range, evidence }] : [];
    });
    return doubts.sort((a, b) => a.start - b.start).map((doubt) => ({ ...doubt, number: number++ }));
  });
}

/** @param {{ proposal: Proposal, text: string, doubts: Doubt[], isParagraph?: boolean }} props a text, with what is doubtful in it */
function Text({ proposal, text, doubts, isParagraph = false }) {
  const pieces = cutAt(parseInline(text), doubts).map(({ range, pieces: all }, index) => {
    const words = all.map(showPiece);
    const doubt = doubts[range];
    if (!doubt) return words;
    const why = doubt.evidence ? `why-${proposal.id}-${doubt.number}` : undefined;
    const style = { anchorName: `--cc-doubt-${doubt.number}` };
    return html`<span key=${index} class="cc-doubt" style=${style} aria-describedby=${why}>${words}</span>`;
  });
  const beside = doubts.map((doubt) => doubt.evidence && html`<${Why} key=${`why${doubt.number}`} proposal=${proposal} ...${doubt} />`);
  return isParagraph ? html`<p dir="auto">${pieces}</p>${beside}` : html`${pieces}${beside}`;
}

/** @param {{ proposal: Proposal, evidence: Evidence, number: number }} props what comes closest to a doubtful sentence */
function Why({ proposal, evidence, number }) {
  const app = useApp();
  const { path, sentence, shown } = evidence;
  const id = `why-${proposal.id}-${number}`;
  return html`<aside role="note" class="cc-evidence" id=${id} style=${beside(number)} aria-label=${say("aboutSentence")}>
    <h3><${Icon} icon=${CircleQuestionMark} />${say("flagUnsupported")}</h3>
    <p>${say(shown ? "closest" : "nothingClose")}</p>
    ${shown && html`<blockquote dir="auto">“${showHidden(plainText(shown))}”</blockquote>`}
    ${path && html`<p><${NoteLink} target=${path}><${Icon} icon=${File} />${splitPath(path).name}<//></p>`}
    ${proposal.kind === "callout" && html`<p>
      <button class="cc-link" onClick=${() => leaveOut(app, proposal, sentence)}>${say("leaveOut")}</button>
    </p>`}
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

/** @param {{ proposal: Proposal, underlined: number }} props why to look closer; underlined: the sentences that say so themselves */
function Reasons({ proposal, underlined }) {
  const app = useApp();
  const others = proposal.flags.filter((flag) => flag !== "unsupported" || !underlined);
  if (!others.length) return null;
  return html`<aside role="note" class="cc-evidence" style=${beside(underlined, underlined === 0)} aria-label=${say("whyLook")}>
    ${others.map(describeFlag).map(({ name, why, icon }) => html`
      <div key=${name}><h3><${Icon} icon=${icon} />${name}</h3><p>${why}</p></div>`)}
    ${proposal.flags.includes(OWN_SENTENCE) && html`<p>
      <button class="cc-link" onClick=${() => (app.inbox.mode.value = "again")}>${say("askAnother")}</button>
    </p>`}
  </aside>`;
}

/** @param {{ evidence: Evidence[] }} props */
function Supported({ evidence }) {
  const good = evidence.filter((each) => each.supported);
  if (!good.length) return null;
  const words = good.length === evidence.length ? say("allSupported") : say("someSupported", { n: good.length, of: evidence.length });
  return html`<details class="cc-fold">
    <summary><${Icon} icon=${Check} />${words}<${Icon} icon=${ChevronRight} class="cc-icon--right" /></summary>
    <ol>${good.map(({ sentence, shown }, index) => html`<li key=${index} dir="auto">
      ${showHidden(plainText(sentence))} <q>${showHidden(plainText(shown))}</q>
    </li>`)}</ol>
  </details>`;
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
