/** Flags of proposals, in words. */

import { say } from "./words.js";

/** @import { IconName } from "./dom.js" */
/** @import { Key } from "./words.js" */

/** @type {Record<string, [Key, Key, IconName]>} the name, why to look closer, and the icon */
const FLAGS = {
  unsupported: ["flagUnsupported", "whyUnsupported", "unknown"],
  unverified: ["flagUnverified", "whyUnverified", "unknown"],
  extractive: ["flagCopied", "whyCopied", "copied"],
  "new-value": ["flagNew", "whyNew", "tag"],
  "small-model": ["flagSmall", "whySmall", "small"],
  replaces: ["flagReplaces", "whyReplaces", "again"],
  program: ["flagProgram", "whyProgram", "open"],
  lost: ["flagLost", "whyLost", "unknown"],
  undone: ["flagUndone", "whyUndone", "undo"],
};

/** @type {(flag: string) => { name: string, why: string, icon: IconName }} */
export function describeFlag(flag) {
  const [name, why, icon] = FLAGS[flag] ?? [];
  return { name: name ? say(name) : flag, why: why ? say(why) : "", icon: icon ?? "flag" };
}
