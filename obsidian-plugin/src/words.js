/** Wording for the user: what was filled, and where. */

/** @import { Filled, Status } from "./shapes.js" */

/**
 * Return the words with a capital letter and a full stop.
 *
 * @param {string} words
 */
export function sentence(words) {
  const trimmed = words.trim();
  const ended = /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
  return ended.charAt(0).toUpperCase() + ended.slice(1);
}

/**
 * Return what was filled, as `description, tags and 2 callouts`.
 *
 * @param {Pick<Filled, "kind">[]} changes
 */
export function nameFilled(changes) {
  const properties = changes.map((one) => one.kind).filter((kind) => kind !== "callout");
  const callouts = changes.length - properties.length;
  const names = [...new Set(properties)];
  if (callouts) names.push(callouts === 1 ? "a callout" : `${callouts} callouts`);
  const last = names.pop() ?? "nothing";
  return names.length ? `${names.join(", ")} and ${last}` : last;
}

/**
 * Return what a change fills, as `Property description` or `Callout under “Heading”`.
 *
 * @param {Pick<Filled, "kind" | "heading">} change
 */
export function nameChange({ kind, heading }) {
  if (kind !== "callout") return `Property ${kind}`;
  return heading === null ? "Callout at the top" : `Callout under “${heading}”`;
}

/**
 * Return the name of the vault and the numbers of its notes.
 *
 * @param {Pick<Status, "vault" | "notes" | "to_do">} status
 */
export function describeVault(status) {
  return `${status.vault}: ${count(status.notes, "note")}, ${status.to_do} to do`;
}

/**
 * Return the number with the noun, as `1 note` or `2 notes`.
 *
 * @param {number} number
 * @param {string} noun
 */
export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
