/** A note as Obsidian shows it, with a proposal in its place; what stands around it is dimmed. */

import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { html, Icon, iconOf, SPARKLES, useApp } from "../dom.js";
import { describeFlag, linesOf } from "../proposal.js";
import { parseBlocks, parseLinks, toLines } from "../markdown.js";
import { showHidden } from "../words.js";

/** @import { Proposal } from "../../src/api-types.d.ts" */
/** @import { Placed } from "../places.js" */
/** @import { Block } from "../markdown.js" */

/** @typedef {Block | { type: "proposed", title: string }} Shown */

/** @param {{ proposal: Proposal, placed: Placed | null, isEdited?: boolean }} props */
export function Paper({ proposal, placed, isEdited = false }) {
  const blocks = findBlocks(proposal, placed);
  return html`<article class="cc-card cc-paper" aria-label="Where it goes in the note">
    ${blocks.map((block) => {
      if (block.type === "proposed") return html`<${Callout} key="proposed" proposal=${proposal} title=${block.title} isEdited=${isEdited} />`;
      if (block.type !== "properties") return showBlock(block);
      return html`<div class="cc-props" key="properties">
        ${block.properties.map((each) => each.name === proposal.kind && proposal.kind !== "callout"
          ? html`<${NewProperty} key=${each.name} proposal=${proposal} isEdited=${isEdited} />`
          : html`<${PropertyRow} key=${each.name} ...${each} />`)}
      </div>`;
    })}
  </article>`;
}

/**
 * Return the note's blocks, one of which is the proposal's; only that while nobody has said where it goes.
 *
 * @type {(proposal: Proposal, placed: Placed | null) => Shown[]}
 */
function findBlocks({ kind }, placed) {
  const isCallout = kind === "callout";
  if (placed?.parts) {
    /** @type {Shown[]} */
    const blocks = parseBlocks(toLines(placed.parts), true);
    const at = blocks.findIndex((block) => block.type === "callout" && block.isNew);
    const found = blocks[at];
    if (isCallout && found?.type === "callout") return blocks.with(at, { type: "proposed", title: found.title || "AI" });
    const properties = blocks.find((block) => block.type === "properties");
    if (!isCallout && properties?.properties.some(({ name }) => name === kind)) return blocks;
  }
  return [isCallout ? { type: "proposed", title: "AI" } : { type: "properties", properties: [{ name: kind, values: [] }] }];
}

/** Show a block of the note; its title stands elsewhere. @param {Block} block @returns {unknown} */
function showBlock(block) {
  switch (block.type) {
    case "heading":
      return block.level > 1 && html`<h3 dir="auto">${showText(block.text)}</h3>`;
    case "table":
      return html`<div class="cc-scroll" tabindex="0" role="group" aria-label="Table"><table class="cc-table">
        ${block.rows.map((row, index) => html`<tr>${row.map((cell) => html`<${index ? "td" : "th"} dir="auto">${showText(cell)}<//>`)}</tr>`)}
      </table></div>`;
    case "callout":
      return html`<div class="cc-callout cc-callout--around">
        ${block.kind && html`<p class="cc-callout__title"><${Icon} icon=${SPARKLES} />${showHidden(block.title || block.kind)}</p>`}
        ${parseBlocks(block.lines).map(showBlock)}
      </div>`;
    case "gap":
      return html`<p class="cc-gap" aria-label="Lines are left out here">…</p>`;
    case "text":
      return html`<p dir="auto">${showText(block.text)}</p>`;
    default:
      return null;
  }
}

/** @param {{ name: string, values: string[], isNew?: boolean, children?: unknown }} props children: in place of the values */
function PropertyRow({ name, values, isNew = false, children }) {
  const isList = values.length > 1 || name === "tags";
  const pills = values.map((each, index) => html`<span key=${index} class="cc-pill-tag"><bdi>${showText(each)}</bdi></span> `);
  return html`<div class=${isNew ? "cc-prop cc-prop--new" : "cc-prop"} data-proposed=${isNew ? "" : undefined}>
    <${Icon} icon=${iconOf(name, values[0])} /><bdi>${showHidden(name)}</bdi>
    <div class="cc-prop__value" dir="auto">${children || (isList ? pills : showText(values[0] ?? "Empty"))}</div>
  </div>`;
}

/** @param {{ proposal: Proposal, isEdited: boolean }} props the property that is filled */
function NewProperty({ proposal, isEdited }) {
  const { kind, text } = proposal;
  const draft = useApp().inbox.drafts.value.get(proposal.id);
  const value = draft ?? linesOf(proposal);
  const values = Array.isArray(text) ? value.split("\n").filter(Boolean) : [value];
  return html`<div class="cc-proposed">
    <${PropertyRow} name=${kind} values=${values} isNew>${isEdited && html`<${Editor} proposal=${proposal} />`}<//>
    ${!isEdited && draft === undefined && html`<${Reasons} proposal=${proposal} />`}
  </div>`;
}

/** @param {{ proposal: Proposal, title: string, isEdited: boolean }} props the callout that is written */
function Callout({ proposal, title, isEdited }) {
  const draft = useApp().inbox.drafts.value.get(proposal.id);
  const isOwn = isEdited || draft !== undefined;
  const blocks = parseBlocks(toLines([["=", draft ?? linesOf(proposal)]]));
  return html`<div class="cc-proposed">
    <div class=${isEdited ? "cc-callout cc-callout--new cc-edit" : "cc-callout cc-callout--new"} data-proposed="">
      <p class="cc-callout__title"><${Icon} icon=${SPARKLES} class="cc-icon--l" />${showHidden(title)}</p>
      ${isEdited ? html`<${Editor} proposal=${proposal} />` : blocks.map(showBlock)}
      ${isOwn && html`<p class="cc-hint">Nothing checks your own words.</p>`}
    </div>
    ${!isOwn && html`<${Reasons} proposal=${proposal} />`}
  </div>`;
}

/** @param {{ proposal: Proposal }} props why to look closer */
function Reasons({ proposal }) {
  if (!proposal.flags.length) return null;
  return html`<aside role="note" class="cc-evidence" aria-label="Why it needs a closer look">
    ${proposal.flags.map(describeFlag).map(({ name, why, icon }) => html`
      <div key=${name}><h3><${Icon} icon=${icon} />${name}</h3><p>${why}</p></div>`)}
  </aside>`;
}

/** @param {{ proposal: Proposal }} props the field to edit in; what is typed is never touched from outside */
function Editor({ proposal }) {
  const app = useApp();
  const { inbox } = app;
  const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const fit = () => {
    if (!area.current) return;
    area.current.style.height = "auto";
    area.current.style.height = `${area.current.scrollHeight}px`;
  };
  useLayoutEffect(() => {
    if (!area.current) return;
    area.current.value = inbox.drafts.peek().get(proposal.id) ?? linesOf(proposal);
    fit();
    area.current.focus({ preventScroll: true });
    area.current.setSelectionRange(area.current.value.length, area.current.value.length);
  }, [proposal.id]);
  useEffect(() => area.current?.scrollIntoView({ block: "nearest" }), [proposal.id]);
  const press = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") app.leaveEditing();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void app.decide("accept");
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const type = () => {
    inbox.type(proposal.id, area.current?.value ?? "");
    fit();
  };
  return html`<textarea ref=${area} dir="auto" rows="1" aria-label="Your words" onInput=${type} onKeyDown=${press}></textarea>`;
}

/** @param {string} text with links to notes */
function showText(text) {
  return parseLinks(text).map(({ text: words, target }) => target === undefined ? showHidden(words) : html`<${NoteLink} target=${target}>${showHidden(words)}<//>`);
}

/** @param {{ target: string, children: unknown }} props opens a note in Obsidian, by its path or a link's target */
export function NoteLink({ target, children }) {
  const vault = useApp().status.status.value?.vault ?? "";
  const address = `obsidian://open?vault=${encodeURIComponent(vault)}&file=${encodeURIComponent(target.replace(/\.md$/, ""))}`;
  return html`<a class="cc-note" href=${address}>${children}</a>`;
}
