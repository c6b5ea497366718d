/** The section that a line of a note stands in. */

const HEADING = /^ {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;

/**
 * The nearest heading (`## Heading`) at the line or above it; null when there is none. Headings
 * in code and in the properties are none.
 *
 * @param {string} text
 * @param {number} line counted from 0
 */
export function findSection(text, line) {
  const lines = text.split("\n");
  let heading = null;
  let fence = "";
  for (const here of lines.slice(findBody(lines), line + 1)) {
    const mark = FENCE.exec(here)?.[1] ?? "";
    if (fence) {
      if (mark.startsWith(fence) && here.trim() === mark) fence = "";
    } else if (mark) {
      fence = mark;
    } else {
      heading = HEADING.exec(here)?.[1] || heading;
    }
  }
  return heading;
}

/** @param {string[]} lines */
function findBody(lines) {
  if (lines[0]?.trimEnd() !== "---") return 0;
  return lines.findIndex((line, index) => index > 0 && line.trimEnd() === "---") + 1;
}
