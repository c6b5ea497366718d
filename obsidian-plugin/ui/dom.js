/** What components are made with: templates, icons, what is shown in many places, and what the API answers. */

import { useSignal } from "@preact/signals";
import htm from "htm";
import { Calendar, CircleQuestionMark, Forward, Shapes, Tag, TextAlignStart } from "lucide";
import { createContext, h } from "preact";
import { useContext, useEffect } from "preact/hooks";
import { say, showHidden } from "./words.js";

/** @import { IconNode } from "lucide" */
/** @import { Context, VNode } from "preact" */
/** @import { Change, Spending } from "../src/api-types.d.ts" */
/** @import { App } from "./app.js" */
/** @import { Parts } from "./inbox-store.js" */

/** @type {(strings: TemplateStringsArray, ...values: unknown[]) => VNode} */
export const html = /** @type {any} */ (htm.bind(h));

/** What the components share, from the shell that they are in. @type {Context<App>} */
export const AppContext = createContext(/** @type {any} */ (null));

export const useApp = () => useContext(AppContext);

/**
 * What the API answers, by path.
 *
 * @typedef {{
 *   "/spending": Spending, [path: `/changes/${number}`]: Change,
 * }} Answers
 */

/**
 * Return what the API answers, null until it does. It is read again when one of the causes has changed.
 *
 * @template {keyof Answers} Path
 * @param {Path} path
 * @param {unknown[]} causes
 * @param {Record<string, string | number>} [query]
 */
export function useAnswer(path, causes, query = {}) {
  const { api } = useApp();
  const answer = useSignal(/** @type {Answers[Path] | null} */ (null));
  useEffect(() => void api.get(path, query).then((got) => (answer.value = got), () => {}), causes);
  return answer;
}

const LARGE = "M10 5.5c.9 4.4 3.1 6.6 7.5 7.5-4.4.9-6.6 3.1-7.5 7.5-.9-4.4-3.1-6.6-7.5-7.5 4.4-.9 6.6-3.1 7.5-7.5z";
const SMALL = "M18.5 2.5c.4 2 1 2.6 3 3-2 .4-2.6 1-3 3-.4-2-1-2.6-3-3 2-.4 2.6-1 3-3z";

/** The mark of what Companion writes. @type {IconNode} */
export const SPARKLES = [["path", { d: LARGE + SMALL, fill: "currentColor", stroke: "none" }]];

/** @param {{ icon: IconNode, class?: string }} props one of Lucide's icons, or the mark */
export function Icon({ icon, class: name }) {
  return html`<svg class=${name ? `cc-icon ${name}` : "cc-icon"} viewBox="0 0 24 24" aria-hidden="true">
    ${icon.map(([tag, attributes]) => h(tag, attributes))}
  </svg>`;
}

/** @param {{ children: unknown }} props of a key cap */
export function Key({ children }) {
  return html`<kbd class="cc-kbd" aria-hidden="true">${children}</kbd>`;
}

/**
 * A button; with an address, a link that looks like one. kind: how it looks, as `main`, or several of these.
 * cap: the key that does the same. disabled: whether a click does nothing; it keeps the focus, which the browser
 * takes from an element that is `disabled`. Other props are the element's own.
 *
 * @param {{
 *   kind?: string, class?: string, icon?: IconNode, cap?: string, disabled?: boolean, children?: unknown,
 * } & Record<string, unknown>} props
 */
export function Button({ kind = "", class: name, icon, cap, disabled = false, children, ...own }) {
  if (disabled) Object.assign(own, { "aria-disabled": "true", onClick: instead(() => {}) });
  const names = ["cc-btn", ...(kind ? kind.split(" ").map((each) => `cc-btn--${each}`) : []), ...(name ? [name] : [])];
  return html`<${own.href ? "a" : "button"} class=${names.join(" ")} ...${own}>
    ${icon && html`<${Icon} icon=${icon} />`}${children}${cap && html`<${Key}>${cap}<//>`}
  <//>`;
}

/** @param {{ isOn?: boolean, onClick: () => void, children: unknown }} props isOn: whether it is pressed, for what can be */
export function Chip({ isOn, onClick, children }) {
  return html`<button type="button" class="cc-chip" aria-pressed=${isOn?.toString()} onClick=${onClick}>${children}</button>`;
}

/**
 * Buttons, one of which is pressed. options: values, each with its words.
 *
 * @param {{ options: [unknown, unknown][], value: unknown, label: string, onChoose: (value: any) => void }} props
 */
export function Segments({ options, value, label, onChoose }) {
  const button = (/** @type {[unknown, unknown]} */ [each, words]) =>
    html`<button key=${each} aria-pressed=${String(each === value)} onClick=${() => onChoose(each)}>${words}</button>`;
  return html`<div class="cc-seg" role="group" aria-label=${label}>${options.map(button)}</div>`;
}

/** @param {{ title?: string, words?: unknown, label?: string, children?: unknown }} props what stands where there is nothing else */
export function EmptyState({ title, words, label, children }) {
  return html`<section class="cc-empty" aria-label=${label}>
    ${title && html`<h1 dir="auto">${title}</h1>`}${words && html`<p>${words}</p>`}${children}
  </section>`;
}

export function Loading() {
  return html`<${EmptyState} words=${say("oneMoment")} />`;
}

/** @param {{ children: unknown }} props why something is not as it should be */
export function Fault({ children }) {
  return html`<p class="cc-fault"><${Icon} icon=${CircleQuestionMark} /><span>${children}</span></p>`;
}

/** @param {{ title: unknown, words: unknown, action?: unknown, children: unknown }} props a page with one column */
export function Column({ title, words, action, children }) {
  return html`<div class="cc-column">
    <div class="cc-head"><div><h1>${title}</h1><p>${words}</p></div>${action}</div>
    ${children}
  </div>`;
}

/** @param {{ id: string, title: unknown, words?: unknown, action?: unknown, children: unknown }} props a part of such a page */
export function Section({ id, title, words, action, children }) {
  const heading = html`<h2 id=${id}>${title}</h2>`;
  return html`<section class="cc-section" aria-labelledby=${id}>
    ${action ? html`<div class="cc-head">${heading}${action}</div>` : heading}
    ${words && html`<p class="cc-soft">${words}</p>`}
    ${children}
  </section>`;
}

/** Return what does something in place of what the browser would do. @type {(act: (event: any) => unknown) => (event: Event) => void} */
export const instead = (act) => (event) => {
  event.preventDefault();
  act(event);
};

/** Return a message with what stands between backticks as code. @param {string} words */
export function withCode(words) {
  return words.split("`").map((part, index) => (index % 2 ? html`<code key=${index}>${part}</code>` : part));
}

/** @param {{ of: number, label?: string, text?: string }} props a share from 0 to 1; without a label it is read out elsewhere */
export function Meter({ of, label, text }) {
  const range = { "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(of * 100), "aria-valuetext": text };
  const named = label ? { role: "progressbar", "aria-label": label, ...range } : { "aria-hidden": "true" };
  return html`<div class="cc-meter" ...${named}><i style=${{ "--of": of }}></i></div>`;
}

/** @param {{ class: string, label: string, parts: Parts }} props a text, with what is added and taken out */
export function Diff({ class: name, label, parts }) {
  return html`<pre class=${name} tabindex="0" aria-label=${label}>
    ${parts.map(([mark, text], index) => {
      const words = showHidden(text);
      if (mark === "+") return html`<ins key=${index}>${words}</ins>`;
      if (mark === "-") return html`<del key=${index}>${words}</del>`;
      return mark === "…" ? "…\n" : words;
    })}
  </pre>`;
}

/** @type {Record<string, IconNode>} */
const OF_KIND = { callout: SPARKLES, description: TextAlignStart, aliases: Forward, tags: Tag, created: Calendar, date: Calendar };

/** Return the icon of a property, or of a callout. @type {(kind: string, value?: string) => IconNode} */
export function iconOf(kind, value = "") {
  if (/^\d{4}-\d\d-\d\d/.test(value)) return Calendar;
  return OF_KIND[kind] ?? Shapes;
}
