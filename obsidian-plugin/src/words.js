/** Wording for the user, in Obsidian's language where there is a file of it, else in English. */

import { getLanguage } from "obsidian";
import languages from "languages";
import { capitalize, formatNumber, joinNames, setLanguage, showHidden, tell } from "../ui/words.js";
import { plugin, view } from "../ui/languages/en.json";

export { joinNames, showHidden };

/** @import { Status } from "./api-types.d.ts" */
/** @import { English, Values } from "../ui/words.js" */

/** @typedef {keyof English["plugin"] | keyof English["view"]} Key the name of a message */

/**
 * Speak Obsidian's language from now on. Call it before anything is said.
 *
 * @param {string} [named] as Obsidian names languages: `de`, `pt-BR`, `zh-TW`
 */
export function chooseLanguage(named = getLanguage()) {
  const language = named.split("-")[0] ?? "";
  const messages = languages[language];
  setLanguage(messages ? language : "en", { ...view, ...plugin, ...messages });
}

/** Return a message, with its placeholders filled in. @type {(key: Key, values?: Values) => string} */
export const say = tell;

/** Return the words with a capital letter and a full stop, where its writing has them. @param {string} words */
export function sentence(words) {
  const trimmed = words.trim();
  const ended = /[.!?…。！？]$/.test(trimmed) ? trimmed : `${trimmed}.`;
  return capitalize(ended);
}

/**
 * Return what was filled, as `description, tags and 2 callouts`.
 *
 * @param {string[]} needs as a change names them: a property, or `callout` and where it is
 */
export function nameFilled(needs) {
  const kinds = needs.map((need) => need.replace(/[:#].*/s, ""));
  const names = [...new Set(kinds.filter((kind) => kind !== "callout"))];
  const callouts = kinds.filter((kind) => kind === "callout").length;
  if (callouts) names.push(say("callouts", { n: callouts }));
  return names.length ? joinNames(names) : say("nothing");
}

/** Return a number of bytes as `1.1 GB`. @param {number} bytes */
export function formatBytes(bytes) {
  const [unit, size] = bytes < 1e9 ? ["megabyte", 1e6] : ["gigabyte", 1e9];
  return formatNumber(bytes / size, { style: "unit", unit, maximumFractionDigits: unit === "gigabyte" ? 1 : 0 });
}

/** Return the name of the vault and the numbers of its notes. @param {Pick<Status, "vault" | "notes" | "to_do">} status */
export function describeVault(status) {
  return say("vaultSummary", { vault: status.vault, notes: countNotes(status.notes), todo: status.to_do });
}

/** Return the model's name, and where it is. @param {Pick<Status, "model" | "endpoint">} status */
export function describeModel({ model, endpoint }) {
  return endpoint ? say("modelAt", { model, place: endpoint }) : say("modelHere", { model });
}

/** Return the number with its noun, as `1 note` or `2 notes`. @param {number} number */
export function countNotes(number) {
  return say("notesCount", { n: number });
}
