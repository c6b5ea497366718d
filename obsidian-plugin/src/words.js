/** Sentences for the user. */

import {
  AnotherVault,
  DaemonAway,
  Garbled,
  NotInstalled,
  NotPaired,
  NoteInTheWay,
  Refused,
  Stranger,
  TooOld,
} from "./errors.js";

/** @import { Filled, Status } from "./shapes.js" */

/**
 * What happened and what to do.
 *
 * @param {unknown} error
 * @param {string} address of the daemon
 */
export function explain(error, address) {
  if (error instanceof DaemonAway) return explainAway(error, error.address || address);
  if (error instanceof AnotherVault) {
    return `The Callout Companion at ${error.address || address} is another vault's, or does not know this plugin any more. Start one for this vault in a terminal: companion serve --port 0. This plugin finds it. If it runs already: companion pair. Then type its code in this plugin's settings.`;
  }
  if (error instanceof NotPaired) {
    return "Not paired. Run in a terminal: companion pair. Then type its code in this plugin's settings.";
  }
  if (error instanceof Garbled) {
    return `What answers at ${address} is no Callout Companion of this version. Update both.`;
  }
  if (error instanceof TooOld) return error.message;
  if (error instanceof Refused || error instanceof NoteInTheWay) return sentence(error.message);
  return `This did not work: ${error instanceof Error ? error.message : String(error)}`;
}

/**
 * @param {DaemonAway} error
 * @param {string} address
 */
function explainAway(error, address) {
  if (error instanceof NotInstalled) {
    return "Callout Companion is not installed on this computer, or never ran for this vault. Install it as its README says. Then run in a terminal: companion init";
  }
  if (error instanceof Stranger) {
    return `Another program answers at ${address}. Start Callout Companion in a terminal: companion serve --port 0. This plugin finds it.`;
  }
  return `Nobody answers at ${address}. Start Callout Companion in a terminal: companion serve`;
}

/**
 * The state of a connection that cannot be had, in a word or two.
 *
 * @param {unknown} error
 */
export function nameState(error) {
  if (error instanceof NotInstalled) return "not installed";
  if (error instanceof DaemonAway) return "not running";
  if (error instanceof NotPaired) return "not paired";
  if (error instanceof AnotherVault) return "another vault's";
  return error instanceof TooOld ? "too old" : "trouble";
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
 * The vault and its notes.
 *
 * @param {Pick<Status, "vault" | "notes" | "to_do">} status
 */
export function describeVault(status) {
  return `${status.vault}: ${count(status.notes, "note")}, ${status.to_do} to do`;
}

/**
 * `1 note`, `2 notes`.
 *
 * @param {number} number
 * @param {string} noun
 */
export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
