/** A note's text as properties, callouts, tables, and plain text with links, for showing where something goes. Nothing here makes HTML. */

/**
 * A line with what is added. marks: of its parts in the word diff, `…` where lines are left out.
 *
 * @typedef {{ text: string, marks: string }} Line
 */

/** @typedef {{ name: string, values: string[] }} Property */

/**
 * @typedef {{ type: "properties", properties: Property[] }
 *   | { type: "callout", kind: string, title: string, lines: Line[], isNew: boolean }
 *   | { type: "heading", level: number, text: string }
 *   | { type: "table", rows: string[][] }
 *   | { type: "text", text: string } | { type: "gap" }} Block
 */

/** @typedef {{ text: string, target?: string }} Piece target: of a link to a note */

const CALLOUT = /^>\s*(?:\[!([^\]]+)\][+-]?\s*(.*))?/;
const HEADING = /^(#{1,6})\s+(.*)$/;
const TABLE = /^\s*\|?(\s*:?-+:?\s*\|)+\s*(:?-+:?\s*)?$/; // the line below its head

/** Return the lines of a word diff, as they are with what is added. @type {(parts: readonly (readonly [string, string])[]) => Line[]} */
export function toLines(parts) {
  let line = { text: "", marks: "" };
  const lines = [line];
  const begin = (marks = "") => void lines.push((line = { text: "", marks }));
  for (const [mark, text] of parts) {
    if (mark === "…") {
      begin(mark);
      begin();
      continue;
    }
    const pieces = text.split(/\r\n|\n|\r/);
    for (const [index, piece] of pieces.entries()) {
      if (index) begin();
      if (piece || (mark === "+" && index < pieces.length - 1)) line.marks += mark;
      if (mark !== "-") line.text += piece;
    }
  }
  return lines.filter(({ marks }) => !/^-+$/.test(marks));
}

/** Return the blocks of a note, or of a callout's body, which has no properties. @type {(lines: Line[], isNote?: boolean) => Block[]} */
export function parseBlocks(lines, isNote = false) {
  /** @type {Block[]} */
  const blocks = [];
  let at = 0;
  const end = isNote && lines[0]?.text === "---" ? lines.findIndex(({ text }, index) => index > 0 && text.trim() === "---") : 0;
  if (end > 0) {
    blocks.push({ type: "properties", properties: parseProperties(lines.slice(1, end)) });
    at = end + 1;
  }
  while (at < lines.length) {
    const [block, next] = readBlock(lines, at);
    if (block) blocks.push(block);
    at = next;
  }
  return blocks;
}

/** Return the block that begins at a line, and where the next one does. @type {(lines: Line[], at: number) => [Block | null, number]} */
function readBlock(lines, at) {
  const { text = "", marks = "" } = lines[at] ?? {};
  const endOf = (/** @type {(line: Line) => boolean} */ goesOn) => {
    const end = lines.findIndex((line, index) => index > at && (line.marks === "…" || !goesOn(line)));
    return end < 0 ? lines.length : end;
  };
  if (marks === "…") return [{ type: "gap" }, at + 1];
  if (!text.trim()) return [null, at + 1];
  const [, signs, title = ""] = HEADING.exec(text) ?? [];
  if (signs) return [{ type: "heading", level: signs.length, text: title.trim() }, at + 1];
  if (text.startsWith(">")) {
    const end = endOf((line) => line.text.startsWith(">"));
    const [, kind = "", name = ""] = CALLOUT.exec(text) ?? [];
    const isNew = lines.slice(at, end).some((line) => line.marks.includes("+"));
    const body = lines.slice(kind ? at + 1 : at, end).map((line) => ({ ...line, text: line.text.replace(/^>\s?/, "") }));
    return [{ type: "callout", kind, title: name, lines: body, isNew }, end];
  }
  if (text.includes("|") && TABLE.test(lines[at + 1]?.text ?? "")) {
    const end = endOf((line) => line.text.includes("|"));
    const rows = lines.slice(at, end).filter((_, index) => index !== 1);
    return [{ type: "table", rows: rows.map((row) => splitRow(row.text)) }, end];
  }
  const end = endOf((line) => Boolean(line.text.trim()) && !line.text.startsWith(">") && !HEADING.test(line.text));
  return [{ type: "text", text: lines.slice(at, end).map((line) => line.text).join("\n") }, end];
}

/** Return the cells of a table's row; `\|` is no border. @param {string} row */
function splitRow(row) {
  const inner = row.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** @type {(lines: Line[]) => Property[]} for showing only: what is not written simply is shown as it is written */
function parseProperties(lines) {
  /** @type {Property[]} */
  const properties = [];
  for (const { text } of lines) {
    const [, name, written = ""] = /^([^\s#:-][^:]*|"[^"]*"):(?:\s+(.*))?$/.exec(text) ?? [];
    const value = name === undefined ? text : written.replace(/(?<=\s|^)#.*$/, "");
    const values = value.trim().replace(/^-\s*|^\[|\]$/g, "").split(value.trim().startsWith("[") ? "," : "\n");
    const read = values.map((each) => each.trim().replace(/^(["'])(.*)\1$/, "$2")).filter((each) => each && !/^(null|~|[|>][+-]?)$/.test(each));
    if (name !== undefined) properties.push({ name, values: read });
    else properties.at(-1)?.values.push(...read);
  }
  return properties;
}

/** It does not go on where another link begins: a line of a million brackets takes no longer than any other. */
const LINK = /!?\[\[([^[\]|\n]*)(?:\|([^[\]\n]*))?\]\]/gu;

/** Return the pieces of a text: links by their names, and what is between them. @type {(text: string) => Piece[]} */
export function parseLinks(text) {
  /** @type {Piece[]} */
  const pieces = [];
  let at = 0;
  for (const { index, 0: whole, 1: target = "", 2: alias } of text.matchAll(LINK)) {
    if (index > at) pieces.push({ text: text.slice(at, index) });
    pieces.push({ text: alias ?? target.replace(/#/g, " > "), target });
    at = index + whole.length;
  }
  if (at < text.length) pieces.push({ text: text.slice(at) });
  return pieces;
}
