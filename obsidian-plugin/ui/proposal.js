/** A proposal in words: what it is about, its value in one line, its flags, and what became of it. */

import { CircleQuestionMark, ExternalLink, Flag, RotateCw, Tag, Undo2 } from "lucide";
import { capitalize, say, showHidden, splitPath } from "./words.js";

/** @import { IconNode } from "lucide" */
/** @import { Proposal } from "../src/api-types.d.ts" */
/** @import { Key } from "./words.js" */

/** @param {Pick<Proposal, "text">} proposal */
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
  return heading ? say("calloutUnderHeading", { heading }) : say("callout");
}

/** What became of a proposal that is decided. @param {Proposal} proposal @returns {Key} */
export function fateOf({ state }) {
  if (state === "superseded") return "replaced";
  return state === "accepted" ? "written" : "refused";
}

/** @param {Pick<Proposal, "path">} proposal */
export function titleOf({ path }) {
  return splitPath(path).name;
}

/** @type {Record<string, [Key, Key, IconNode]>} the name, why to look closer, and the icon */
const FLAGS = {
  unsupported: ["flagUnsupported", "whyUnsupported", CircleQuestionMark],
  "new-value": ["flagNew", "whyNew", Tag],
  replaces: ["flagReplaces", "whyReplaces", RotateCw],
  program: ["flagProgram", "whyProgram", ExternalLink],
  undone: ["flagUndone", "whyUndone", Undo2],
};

/** @type {(flag: string) => { name: string, why: string, icon: IconNode }} */
export function describeFlag(flag) {
  const [name, why, icon] = FLAGS[flag] ?? [];
  return { name: name ? say(name) : flag, why: why ? say(why) : "", icon: icon ?? Flag };
}
