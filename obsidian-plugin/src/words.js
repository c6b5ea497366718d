/** Sentences for the user. */

import { DaemonAway, Garbled, NotPaired, NoteInTheWay, Refused } from "./errors.js";

/** @import { Filled } from "./shapes.js" */

/**
 * What happened and what to do.
 *
 * @param {unknown} error
 * @param {string} address of the daemon
 */
export function explain(error, address) {
  if (error instanceof DaemonAway) {
    return `Callout Companion does not answer at ${address}. Start it in a terminal: companion serve`;
  }
  if (error instanceof NotPaired) {
    return (
      "Obsidian is not paired with Callout Companion. Run in a terminal: companion pair. " +
      "Then type the code in the settings of this plugin."
    );
  }
  if (error instanceof Garbled) {
    return (
      `What answers at ${address} is no Callout Companion of this version. ` +
      "Update both, then run in a terminal: companion serve"
    );
  }
  if (error instanceof Refused || error instanceof NoteInTheWay) return sentence(error.message);
  return `This did not work: ${error instanceof Error ? error.message : String(error)}`;
}

/**
 * With a capital letter and a full stop.
 *
 * @param {string} words
 */
export function sentence(words) {
  const trimmed = words.trim();
  const ended = /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
  return ended.charAt(0).toUpperCase() + ended.slice(1);
}

/**
 * What was filled: `description, tags and 2 callouts`.
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
 * Where a change goes: `Property description`, `Callout under “Heading”`.
 *
 * @param {Pick<Filled, "kind" | "heading">} change
 */
export function nameChange({ kind, heading }) {
  if (kind !== "callout") return `Property ${kind}`;
  return heading === null ? "Callout at the top" : `Callout under “${heading}”`;
}

/**
 * `1 note`, `2 notes`.
 *
 * @param {number} count
 * @param {string} noun
 */
export function count(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
