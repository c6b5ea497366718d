/** Whether a line of a note stands in a section. Which one that is, the daemon says. */

const HEADING = /^ {0,3}#{1,6}[ \t]+[^ \t#]/;
const WORDS = /^ {0,3}[^ \t>#|`~+*-]/; // a line that an underline may make a heading
const UNDERLINE = /^ {0,3}(?:=+|-+)[ \t]*$/;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;

/**
 * Whether there is a heading (`## Heading`, or underlined) at the line or above it. Headings in
 * code and in the properties are none.
 *
 * @param {string} text
 * @param {number} line counted from 0
 */
export function isInSection(text, line) {
  const lines = text.split("\n");
  let fence = "";
  for (let index = findBody(lines); index <= line; index++) {
    const here = lines[index] ?? "";
    const mark = FENCE.exec(here)?.[1] ?? "";
    if (fence) {
      if (mark.startsWith(fence) && here.trim() === mark) fence = "";
    } else if (mark) {
      fence = mark;
    } else if (HEADING.test(here) || (WORDS.test(here) && UNDERLINE.test(lines[index + 1] ?? ""))) {
      return true;
    }
  }
  return false;
}

/** @param {string[]} lines */
function findBody(lines) {
  if (lines[0]?.trimEnd() !== "---") return 0;
  return lines.findIndex((line, index) => index > 0 && line.trimEnd() === "---") + 1;
}
