/** What components are made with: templates, icons, names, and what the API answers. */

import { useSignal } from "@preact/signals";
import htm from "htm";
import { h } from "preact";
import { useEffect } from "preact/hooks";

/** @import { VNode } from "preact" */
/** @import { Api } from "./api.js" */

/** @type {(strings: TemplateStringsArray, ...values: unknown[]) => VNode} */
export const html = /** @type {any} */ (htm.bind(h));

/**
 * Return what the API answers, null until it does. It is read again when one of the causes has changed.
 *
 * @template T
 * @param {Pick<Api, "get">} api
 * @param {string} path
 * @param {unknown[]} causes
 * @param {Record<string, string | number>} [query]
 */
export function useAnswer(api, path, causes, query = {}) {
  const answer = useSignal(/** @type {T | null} */ (null));
  useEffect(() => void api.get(path, query).then((/** @type {T} */ got) => (answer.value = got), () => {}), causes);
  return answer;
}

/** @type {(x: number, y: number, r: number) => string} */
const circle = (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
/** @type {(x: number, y: number, w: number, h: number, r: number) => string} */
const box = (x, y, w, h_, r) =>
  `M${x + r} ${y}h${w - 2 * r}a${r} ${r} 0 0 1 ${r} ${r}v${h_ - 2 * r}a${r} ${r} 0 0 1 ${-r} ${r}h${2 * r - w}a${r} ${r} 0 0 1 ${-r} ${-r}v${2 * r - h_}a${r} ${r} 0 0 1 ${r} ${-r}z`;

const SPARK =
  "M10 5.5c.9 4.4 3.1 6.6 7.5 7.5-4.4.9-6.6 3.1-7.5 7.5-.9-4.4-3.1-6.6-7.5-7.5 4.4-.9 6.6-3.1 7.5-7.5zM18.5 2.5c.4 2 1 2.6 3 3-2 .4-2.6 1-3 3-.4-2-1-2.6-3-3 2-.4 2.6-1 3-3z";

/** Drawn on a square of 24, with strokes; `sparkles` is filled. */
const ICONS = {
  again: "M19.5 12a7.5 7.5 0 1 1-2.3-5.4L20 9.3M20 4.3v5h-5",
  alias: "M14.5 9.5 20 12l-5.5 2.5M20 12H9a5 5 0 0 1-5-5",
  check: "m5 12.5 4.5 4.5L19.5 7",
  copied:
    "M10 7.5H5.5a1 1 0 0 0-1 1V13h4.5v1c0 1.8-1 2.7-3 3M20 7.5h-4.5a1 1 0 0 0-1 1V13H19v1c0 1.8-1 2.7-3 3",
  date: `${box(4, 5, 16, 15.5, 2)}M4 10h16M8.5 2.8v4M15.5 2.8v4`,
  down: "m6.5 9.5 5.5 5.5 5.5-5.5",
  flag: "M5.5 21V4.5M5.5 5c4-2 8.5 2 13 0v9c-4.5 2-9-2-13 0",
  folder: "M3.5 18V6.5a1.5 1.5 0 0 1 1.5-1.5h4.2l2.3 2.5H19a1.5 1.5 0 0 1 1.5 1.5v9a1.5 1.5 0 0 1-1.5 1.5H5A1.5 1.5 0 0 1 3.5 18z",
  help: `${box(2.5, 6, 19, 12.5, 2.5)}M6.5 10h.1M10.2 10h.1M13.8 10h.1M17.5 10h.1M8 14.5h8`,
  left: "m14.5 6.5-5.5 5.5 5.5 5.5",
  lines: "M4 7h16M4 12h16M4 17h9",
  note: "M6 3.5h8l4.5 4.5v11a1.5 1.5 0 0 1-1.5 1.5H6A1.5 1.5 0 0 1 4.5 19V5A1.5 1.5 0 0 1 6 3.5zM14 3.5V8h4.5",
  open: "M9 5H6a1.5 1.5 0 0 0-1.5 1.5V18A1.5 1.5 0 0 0 6 19.5h11.5A1.5 1.5 0 0 0 19 18v-3M13 4.5h6.5V11M19.5 4.5 11.5 12.5",
  pause: "M8.5 6v12M15.5 6v12",
  pencil: "m14.5 5.5 4 4L8.5 19.5l-5 1 1-5z",
  play: "M8 5.5v13l10.5-6.5z",
  right: "m9.5 6.5 5.5 5.5-5.5 5.5",
  search: `${circle(10.8, 10.8, 6.3)}M20 20l-4.7-4.7`,
  skip: "M5 12h13M13 6.5l5.5 5.5-5.5 5.5",
  small: `${box(6.5, 6.5, 11, 11, 2)}M10 3.5v3M14 3.5v3M10 17.5v3M14 17.5v3M3.5 10h3M3.5 14h3M17.5 10h3M17.5 14h3`,
  sparkles: SPARK,
  tag: `M3.5 4.5v6.3a2 2 0 0 0 .6 1.4l7.8 7.8a1.6 1.6 0 0 0 2.3 0l5.8-5.8a1.6 1.6 0 0 0 0-2.3l-7.8-7.8a2 2 0 0 0-1.4-.6H4.5a1 1 0 0 0-1 1z${circle(8.3, 8.3, 1.1)}`,
  type: `${box(3.5, 13, 7.5, 7.5, 1.5)}${circle(17, 16.8, 3.8)}M12 3.5l4 6.5H8z`,
  undo: "M8.5 5 4 9.5 8.5 14M4 9.5h10a5.5 5.5 0 0 1 0 11H9",
  unknown: `${circle(12, 12, 8.5)}M9.7 9.6a2.4 2.4 0 1 1 3.5 2.2c-.8.4-1.2.9-1.2 1.7M12 16.5v.1`,
  x: "M6.5 6.5l11 11M17.5 6.5l-11 11",
};

/** @typedef {keyof typeof ICONS} IconName */

/** @param {{ name: IconName, large?: boolean }} props */
export function Icon({ name, large }) {
  return html`<svg class=${`cc-icon cc-icon--${name}${large ? " cc-icon--l" : ""}`} viewBox="0 0 24 24" aria-hidden="true"><path d=${ICONS[name]} /></svg>`;
}

/** @param {{ children: unknown }} props of a key cap */
export function Key({ children }) {
  return html`<kbd class="cc-kbd" aria-hidden="true">${children}</kbd>`;
}

/** Return a message with what stands between backticks as code. @param {string} words */
export function withCode(words) {
  return words.split("`").map((part, index) => (index % 2 ? html`<code key=${index}>${part}</code>` : part));
}

/** @param {{ of: number, label?: string, text?: string }} props a share from 0 to 1 */
export function Meter({ of, label, text }) {
  const named = label
    ? { role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(of * 100), "aria-valuetext": text }
    : { "aria-hidden": "true" };
  return html`<div class="cc-meter" ...${named}><i style=${{ "--of": of }}></i></div>`;
}

/** @type {Record<string, IconName>} */
const OF_KIND = { callout: "sparkles", description: "lines", aliases: "alias", tags: "tag", created: "date", date: "date" };

/** Return the icon of a property, or of a callout. @type {(kind: string, value?: string) => IconName} */
export function iconOf(kind, value = "") {
  if (/^\d{4}-\d\d-\d\d/.test(value)) return "date";
  return OF_KIND[kind] ?? "type";
}
