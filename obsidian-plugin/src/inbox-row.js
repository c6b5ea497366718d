/** A proposal as a row of the inbox: what it would fill and with what, why to look at it, and its buttons. */

import { nameChange, say, sentence, showHidden, textOf } from "./words.js";

/** @import { UserEvent } from "obsidian" */
/** @import { Decision } from "./decisions.js" */
/** @import { Proposal } from "./shapes.js" */
/** @import { Key } from "./words.js" */

/**
 * What a row does: it is chosen, decided on, edited, or its note is opened.
 *
 * @typedef {{
 *   choose: (row: HTMLElement) => void, decide: (row: HTMLElement, decision: Decision) => void,
 *   edit: (row: HTMLElement) => void, open: (row: HTMLElement, event: UserEvent) => void,
 * }} Acts
 */

/** @type {Record<string, Key>} */
const FLAGS = {
  unsupported: "flag-unsupported",
  extractive: "flag-extractive",
  "new-value": "flag-new-value",
  "small-model": "flag-small-model",
  replaces: "flag-replaces",
  lost: "flag-lost",
  undone: "flag-undone",
};

/**
 * Add a row for the proposal, and return it.
 *
 * @param {HTMLElement} list
 * @param {Proposal} proposal
 * @param {Acts} acts
 */
export function showProposal(list, proposal, acts) {
  const name = nameChange(proposal);
  const path = showHidden(proposal.path);
  const label = `${name}, ${path}`;
  const attr = { tabindex: -1, "aria-label": label, "data-id": proposal.id };
  const row = list.createEl("li", { cls: "callout-companion-change callout-companion-proposal", attr });
  const head = row.createDiv({ cls: "callout-companion-head" });
  head.createEl("input", { type: "checkbox", attr: { "aria-label": `${say("choose")}: ${label}` } });
  const link = head.createEl("button", { text: path, cls: "callout-companion-link" });
  row.createEl("p", { text: `${name}. ${sentence(proposal.why)}`, cls: "callout-companion-quiet" });
  for (const flag of proposal.flags) {
    const key = FLAGS[flag];
    const line = row.createDiv({ text: key ? say(key) : flag, cls: "callout-companion-flag" });
    const doubtful = (proposal.evidence ?? []).filter(({ supported }) => flag === "unsupported" && !supported);
    for (const one of doubtful) line.createDiv({ text: `“${one.sentence}”`, cls: "callout-companion-quiet" });
  }
  row.createEl("ins", { text: textOf(proposal), cls: "callout-companion-text" });
  row.createEl("p", { cls: "callout-companion-why" });
  addButtons(row, label, acts);
  link.addEventListener("click", (event) => acts.open(row, event));
  row.addEventListener("focusin", () => acts.choose(row));
  row.addEventListener("click", () => acts.choose(row));
  return row;
}

/**
 * Let the user edit the row's text where it stands. Escape leaves it as it was. Return the field, null if
 * there is one already.
 *
 * @param {HTMLElement} row
 * @param {Map<number, string>} drafts what was typed so far, by the proposal's id
 * @param {(value: string) => void} accept
 */
export function editProposal(row, drafts, accept) {
  const shown = row.querySelector(".callout-companion-text");
  if (!shown || row.querySelector("textarea")) return null;
  const id = Number(row.getAttr("data-id"));
  const text = drafts.get(id) ?? shown.textContent ?? "";
  const box = createDiv();
  const label = row.getAttr("aria-label") ?? "";
  const area = box.createEl("textarea", { text, attr: { rows: text.split("\n").length + 1, "aria-label": label } });
  const button = box.createEl("button", { text: say("acceptEdited") });
  const save = () => accept(area.value);
  button.addEventListener("click", save);
  area.addEventListener("input", () => drafts.set(id, area.value));
  area.addEventListener("keydown", (event) => {
    if (event.isComposing) return; // the key is for an input method
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
    if (event.key !== "Escape") return;
    event.stopPropagation();
    drafts.delete(id);
    box.remove();
    row.focus();
  });
  shown.after(box);
  return area;
}

/**
 * @param {HTMLElement} row
 * @param {string} label
 * @param {Acts} acts
 */
function addButtons(row, label, acts) {
  const buttons = row.createDiv({ cls: "callout-companion-buttons" });
  /** @type {[Key, () => void][]} */
  const actions = [
    ["accept", () => acts.decide(row, { what: "accept" })],
    ["edit", () => acts.edit(row)],
    ["refuse", () => acts.decide(row, { what: "refuse" })],
  ];
  for (const [key, act] of actions) {
    const button = buttons.createEl("button", { text: say(key), attr: { "aria-label": `${say(key)}, ${label}` } });
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      act();
    });
  }
}
