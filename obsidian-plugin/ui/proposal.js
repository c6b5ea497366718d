/** A proposal in words: what it is about, its value in one line, and its flags. */

import { CircleQuestionMark, ExternalLink, Flag, RotateCw, Tag, Undo2 } from "lucide";
import { capitalize, showHidden, splitPath } from "./words.js";

/** @import { IconNode } from "lucide" */
/** @import { Proposal } from "../src/api-types.d.ts" */

/** Return a value as it is edited: items and lines on separate lines. @param {Pick<Proposal, "text">} proposal */
export function linesOf({ text }) {
  return Array.isArray(text) ? text.join("\n") : (text ?? "");
}

/** Return a value in one line, for a list. @param {Pick<Proposal, "text" | "kind">} proposal */
export function summaryOf({ text, kind }) {
  if (!Array.isArray(text)) return text ?? "";
  return kind === "callout" ? text.filter(Boolean).join(" ") : text.join(", ");
}

/** Return what a proposal is for, safe to show. @param {Pick<Proposal, "kind" | "heading">} proposal */
export function nameOf({ kind, heading }) {
  if (kind !== "callout") return showHidden(capitalize(kind.replace(/[-_]/g, " ")));
  return heading ? `Callout under “${showHidden(heading)}”` : "Callout";
}

/** Return the name of its note. @param {Pick<Proposal, "path">} proposal */
export function titleOf({ path }) {
  return splitPath(path).name;
}

/** @type {Record<string, [string, string, IconNode]>} the name, why to look closer, and the icon */
const FLAGS = {
  unsupported: ["Not in your notes", "Neither the note nor what links to it supports all of this.", CircleQuestionMark],
  "new-value": ["New value", "No other note uses this yet.", Tag],
  replaces: ["Replaces older text", "It replaces what Companion wrote before.", RotateCw],
  program: ["By an agent", "A script or an agent proposed this, not the model you chose.", ExternalLink],
  undone: ["Undone before", "It was in the note once, and was taken out again.", Undo2],
};

/** @type {(flag: string) => { name: string, why: string, icon: IconNode }} */
export function describeFlag(flag) {
  const [name = flag, why = "", icon = Flag] = FLAGS[flag] ?? [];
  return { name, why, icon };
}
