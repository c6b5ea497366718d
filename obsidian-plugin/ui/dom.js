/** What components are made with: templates, icons, and what is shown in many places. */

import htm from "htm";
import { Calendar, CircleQuestionMark, Forward, Search, Shapes, Tag, TextAlignStart } from "lucide";
import { createContext, h } from "preact";
import { useContext, useLayoutEffect, useRef } from "preact/hooks";
import { showHidden } from "./words.js";

/** @import { IconNode } from "lucide" */
/** @import { Context, VNode } from "preact" */
/** @import { App } from "./app.js" */
/** @import { Parts } from "./places.js" */
/** @import { Act } from "./status-store.js" */

/** @type {(strings: TemplateStringsArray, ...values: unknown[]) => VNode} */
export const html = /** @type {any} */ (htm.bind(h));

/** What the components share. @type {Context<App>} */
export const AppContext = createContext(/** @type {any} */ (null));

export const useApp = () => useContext(AppContext);

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

/** @param {{ title?: string, words?: unknown, children?: unknown }} props what stands where there is nothing else */
export function EmptyState({ title, words, children }) {
  return html`<section class="cc-empty">
    ${title && html`<h1 dir="auto">${title}</h1>`}${words && html`<p>${words}</p>`}${children}
  </section>`;
}

export function Loading() {
  return html`<${EmptyState} words="One moment …" />`;
}

/** @param {{ children: unknown, more?: string, acts?: Act[], isMild?: boolean }} props why something is not as it should be, and the buttons that help */
export function Fault({ children, more, acts = [], isMild = false }) {
  const app = useApp();
  return html`<div class=${isMild ? "cc-fault cc-fault--mild" : "cc-fault"}>
    <${Icon} icon=${CircleQuestionMark} />
    <div>
      <p dir="auto">${children}</p>${more && html`<p class="cc-soft cc-small" dir="auto">${showHidden(more)}</p>`}
      ${acts.length > 0 && html`<div class="cc-buttons">
        ${acts.map(({ label, go }) => html`<${Button} key=${label} onClick=${() => void app.attempt(go)}>${label}<//>`)}
      </div>`}
    </div>
  </div>`;
}

/** Return what does something in place of what the browser would do. @type {(act: (event: any) => unknown) => (event: Event) => void} */
export const instead = (act) => (event) => {
  event.preventDefault();
  act(event);
};

/** @param {{ of: number, label?: string, text?: string }} props a share from 0 to 1; without a label it is read out elsewhere */
export function Meter({ of, label, text }) {
  const range = { "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(of * 100), "aria-valuetext": text };
  const named = label ? { role: "progressbar", "aria-label": label, ...range } : { "aria-hidden": "true" };
  return html`<div class="cc-meter" ...${named}><i style=${{ "--of": of }}></i></div>`;
}

/** @param {{ class: string, label: string, parts: Parts, isProposed?: boolean }} props a text, with what is added and taken out */
export function Diff({ class: name, label, parts, isProposed = false }) {
  return html`<pre class=${name} tabindex="0" aria-label=${label} dir="auto">
    ${parts.map(([mark, text], index) => {
      const words = showHidden(text);
      const own = { key: index, ...(isProposed && { "data-proposed": "" }) };
      if (mark === "+") return html`<ins ...${own}>${words}</ins>`;
      if (mark === "-") return html`<del ...${own}>${words}</del>`;
      return mark === "…" ? "…\n" : words;
    })}
  </pre>`;
}

/**
 * A field to search in, which `/` leads to.
 *
 * @param {{ label: string, value: string, onInput: (text: string) => void, onKeyDown?: (event: KeyboardEvent) => void }} props
 */
export function SearchField({ label, value, onInput, onKeyDown }) {
  const { searches } = useApp();
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const wishes = useRef(searches.peek());
  useLayoutEffect(() => {
    if (wishes.current !== searches.value) field.current?.focus();
    wishes.current = searches.value;
  }, [searches.value]);
  const input = (/** @type {any} */ { target }) => onInput(target.value);
  const own = { maxlength: "200", placeholder: "Search", "aria-label": label, value, onInput: input, onKeyDown };
  return html`<label class="cc-search"><${Icon} icon=${Search} /><input ref=${field} type="search" ...${own} /><${Key}>/<//></label>`;
}

/** @type {Record<string, IconNode>} */
const OF_KIND = { callout: SPARKLES, description: TextAlignStart, aliases: Forward, tags: Tag, created: Calendar, date: Calendar };

/** Return the icon of a property, or of a callout. @type {(kind: string, value?: string) => IconNode} */
export function iconOf(kind, value = "") {
  if (/^\d{4}-\d\d-\d\d/.test(value)) return Calendar;
  return OF_KIND[kind] ?? Shapes;
}
