/** Flags of proposals, in words. */

import { say } from "./words.js";

/** @import { IconName } from "./dom.js" */
/** @import { Key } from "./words.js" */

/** @type {Record<string, { key: Key, why: Key, icon: IconName }>} */
const FLAGS = {
  unsupported: { key: "flagUnsupported", why: "whyUnsupported", icon: "unknown" },
  unverified: { key: "flagUnverified", why: "whyUnverified", icon: "unknown" },
  extractive: { key: "flagCopied", why: "whyCopied", icon: "copied" },
  "new-value": { key: "flagNew", why: "whyNew", icon: "tag" },
  "small-model": { key: "flagSmall", why: "whySmall", icon: "small" },
  replaces: { key: "flagReplaces", why: "whyReplaces", icon: "again" },
  program: { key: "flagProgram", why: "whyProgram", icon: "open" },
  lost: { key: "flagLost", why: "whyLost", icon: "unknown" },
  undone: { key: "flagUndone", why: "whyUndone", icon: "undo" },
};

/** @param {string} flag */
export function flagWords(flag) {
  const known = FLAGS[flag];
  return known ? say(known.key) : flag;
}

/** @param {string} flag */
export function flagReason(flag) {
  const known = FLAGS[flag];
  return known ? say(known.why) : "";
}

/** @type {(flag: string) => IconName} */
export function flagIcon(flag) {
  return FLAGS[flag]?.icon ?? "flag";
}
