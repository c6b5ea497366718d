/** Words for the user. */

/** @import { Proposal } from "./api-types.d.ts" */

/** Marks of direction, and what is not seen: a name with one reads as another name. The joiners stay, which scripts need. */
const HIDDEN = /[^\P{Cc}\t\n]|[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu;

/** Return the text with the signs that are not seen shown as `<U+202E>`. @param {string} text */
export function showHidden(text) {
  return text.replace(HIDDEN, (sign) => `<U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}>`);
}

/** Return the words with a capital letter and a full stop. @param {string} words */
export function sentence(words) {
  const trimmed = words.trim();
  const ended = /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
  return ended.charAt(0).toUpperCase() + ended.slice(1);
}

/** Return the number with its noun, as `1 note` or `2 notes`. @type {(number: number, noun: string) => string} */
export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Return the name of a note, safe to show. @param {string} path */
export function nameNote(path) {
  return showHidden(path.slice(path.lastIndexOf("/") + 1).replace(/\.md$/i, ""));
}

/** Return what a proposal is for, safe to show. @param {Pick<Proposal, "kind" | "heading">} proposal */
export function nameProposal({ kind, heading }) {
  if (kind === "callout") return heading ? `Callout under “${showHidden(heading)}”` : "Callout";
  return showHidden(kind.charAt(0).toUpperCase() + kind.slice(1).replace(/[-_]/g, " "));
}
