/** A note's text as blocks and inline pieces, for showing it as Obsidian does. Nothing here makes HTML. */

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
 *   | { type: "list", items: string[], isOrdered: boolean }
 *   | { type: "code", text: string } | { type: "rule" } | { type: "gap" }
 *   | { type: "paragraph", text: string }} Block
 */

/** @typedef {"strong" | "em" | "mark"} Style */
/** @typedef {"text" | "link" | "url" | "code" | "tag" | "comment" | "hidden"} PieceType hidden: an HTML comment, as it is written */
/** @typedef {{ type: PieceType, text: string, target?: string, styles?: Style[] }} Piece styles: the outermost first */

const CALLOUT = /^>\s*\[!([^\]]+)\][+-]?\s*(.*)$/;
const HEADING = /^(#{1,6})\s+(.*)$/;
const CLOSING = /(?<=^|\s)#+$/; // of a heading, as in `## Title ##`
const ITEM = /^\s*([-*+]|\d+[.)])\s+(.*)$/;
const RULE = /^\s*([-*_])(\s*\1){2,}\s*$/;
const COMMENT = /^ {0,3}<!--/;
const INTERRUPTION = /^(>|#{1,6}\s|\s*(`{3,}|~{3,})| {0,3}<!--)/; // of a paragraph
const BLOCK_ID = /(?<=^|\s)\^[a-z0-9-]+\s*$/i; // Obsidian's help, "Link to a block in a note"
const FENCE = /^\s*(`{3,}|~{3,})/;

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

/**
 * Return the blocks of a note, or of a callout's body.
 *
 * @param {Line[]} lines
 * @param {boolean} [isNote] whether properties may stand at the top
 * @returns {Block[]}
 */
export function parseBlocks(lines, isNote = false) {
  /** @type {Block[]} */
  const blocks = [];
  let at = 0;
  if (isNote && lines[0]?.text === "---") {
    const end = lines.findIndex((line, index) => index > 0 && line.text.trim() === "---");
    if (end > 0) {
      blocks.push({ type: "properties", properties: parseProperties(lines.slice(1, end)) });
      at = end + 1;
    }
  }
  while (at < lines.length) {
    const [block, next] = readBlock(lines, at);
    if (block) blocks.push(block);
    at = next;
  }
  return blocks;
}

/**
 * @param {Line[]} lines
 * @param {number} at
 * @returns {[Block | null, number]} the block that begins there, and where the next one does
 */
function readBlock(lines, at) {
  const line = /** @type {Line} */ (lines[at]);
  const { text } = line;
  if (line.marks === "…") return [{ type: "gap" }, at + 1];
  if (!text.trim()) return [null, at + 1];
  const [, signs, title = ""] = HEADING.exec(text) ?? [];
  if (signs) return [{ type: "heading", level: signs.length, text: title.trimEnd().replace(CLOSING, "").trimEnd() }, at + 1];
  if (FENCE.test(text)) return readCode(lines, at);
  if (RULE.test(text)) return [{ type: "rule" }, at + 1];
  if (text.startsWith(">")) return readQuote(lines, at);
  if (ITEM.test(text)) return readList(lines, at);
  const closed = COMMENT.test(text) ? endOfComment(lines, at) : at;
  const end = closed > at ? closed : endOf(lines, at, (each) => Boolean(each.trim()) && !INTERRUPTION.test(each) && !ITEM.test(each));
  return [{ type: "paragraph", text: textOf(lines, at, end) }, end];
}

/** @type {(lines: Line[], at: number) => [Block, number]} */
function readCode(lines, at) {
  const fence = FENCE.exec(lines[at]?.text ?? "")?.[1] ?? "";
  const end = endOf(lines, at, (each) => !each.trim().startsWith(fence));
  return [{ type: "code", text: textOf(lines, at + 1, end) }, end + 1];
}

/** @type {(lines: Line[], at: number) => [Block, number]} */
function readQuote(lines, at) {
  const end = endOf(lines, at, (each) => each.startsWith(">"));
  const [, kind, title = ""] = CALLOUT.exec(lines[at]?.text ?? "") ?? [];
  const all = lines.slice(kind === undefined ? at : at + 1, end);
  const inner = all.map((line) => ({ ...line, text: line.text.replace(/^>\s?/, "") }));
  const isNew = lines.slice(at, end).some(({ marks }) => marks.includes("+"));
  return [{ type: "callout", kind: kind ?? "", title, lines: inner, isNew }, end];
}

/** @type {(lines: Line[], at: number) => [Block, number]} */
function readList(lines, at) {
  const end = endOf(lines, at, (each) => ITEM.test(each) || /^\s+\S/.test(each));
  /** @type {string[]} */
  const items = [];
  for (const { text } of lines.slice(at, end)) {
    const item = ITEM.exec(text);
    if (item) items.push(item[2] ?? "");
    else items[items.length - 1] += `\n${text.trim()}`;
  }
  return [{ type: "list", items, isOrdered: /^\s*\d/.test(lines[at]?.text ?? "") }, end];
}

/**
 * @param {Line[]} lines
 * @param {number} at
 * @returns {number} where a comment that begins there ends, blank lines and all (CommonMark, section 4.6); at: nothing closes it
 *   before lines that are left out or added
 */
function endOfComment(lines, at) {
  const length = lines.slice(at).findIndex(({ text, marks }) => /[+…]/.test(marks) || text.includes("-->"));
  const last = lines[at + length];
  return length >= 0 && last?.text.includes("-->") && !/^[+…]/.test(last.marks) ? at + length + 1 : at;
}

/** @type {(lines: Line[], at: number, goesOn: (text: string) => boolean) => number} */
function endOf(lines, at, goesOn) {
  let end = at + 1;
  while (end < lines.length && lines[end]?.marks !== "…" && goesOn(lines[end]?.text ?? "")) end += 1;
  return end;
}

/** @type {(lines: Line[], at: number, end: number) => string} */
function textOf(lines, at, end) {
  return lines.slice(at, end).map((line) => line.text).join("\n");
}

/**
 * @param {Line[]} lines of the frontmatter
 * @returns {Property[]} for showing only: what is not written simply is shown as it is written
 */
function parseProperties(lines) {
  /** @type {Property[]} */
  const properties = [];
  for (const { text } of lines) {
    const named = /^([^\s#:-][^:]*|"[^"]*"):(?:\s+(.*))?$/.exec(text);
    const value = text.trim().replace(/^-\s*/, "");
    if (named) properties.push({ name: named[1] ?? "", values: readValues(named[2] ?? "") });
    else if (value) properties.at(-1)?.values.push(unquote(value));
  }
  return properties;
}

/** @param {string} text of a YAML value */
function readValues(text) {
  const value = text.replace(/(?<=\s)#.*$/, "").trim();
  const list = /^\[(.*)\]$/.exec(value);
  const all = list ? (list[1] ?? "").split(",") : [/^[|>][+-]?$/.test(value) ? "" : value];
  return all.map((each) => unquote(each.trim())).filter((each) => each && !/^(null|~)$/.test(each));
}

/** @param {string} text */
function unquote(text) {
  const quoted = /^(["'])(.*)\1$/s.exec(text);
  if (!quoted) return text;
  const [, mark, inner = ""] = quoted;
  return mark === "'" ? inner.replace(/''/g, "'") : inner.replace(/\\(["\\])/g, "$1");
}

/** No alternative goes on where another of its kind begins: a line of a million brackets takes no longer than any other. */
const INLINE = new RegExp(
  [
    /%%(?<comment>.*?)%%/,
    /(?<!\\)(?<hidden><!--(?:(?!<!--).)*?-->)/,
    /`(?<code>[^`\n]+)`/,
    /(?<embed>!?)\[\[(?<target>[^[\]|\n]*)(?:\|(?<alias>[^[\]\n]*))?\]\]/,
    /!?\[(?<label>[^[\]\n]*)\]\((?<url>[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)/,
    /\*\*(?<strong>[^*\n]+)\*\*/,
    /(?<![\w*])[*_](?<em>[^*_\n]+)[*_](?![\w*])/,
    /==(?<mark>[^=\n]+)==/,
    /(?<![\w#&/])#(?<tag>[\p{L}\p{N}_/-]*[\p{L}_/-][\p{L}\p{N}_/-]*)/u,
  ].map((each) => each.source).join("|"),
  "gsu",
);

const STYLES = /** @type {const} */ (["strong", "em", "mark"]);
const IMAGE = /^(.*\.(?:avif|bmp|gif|jpe?g|png|svg|webp))(?:#.*)?$/i;

/** Return the pieces of a text, without what marks them. @type {(text: string) => Piece[]} */
export function parseInline(text) {
  /** @type {Piece[]} */
  const pieces = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > at) pieces.push({ type: "text", text: text.slice(at, match.index) });
    pieces.push(...toPieces(match.groups ?? {}));
    at = match.index + match[0].length;
  }
  if (at < text.length) pieces.push({ type: "text", text: text.slice(at) });
  return pieces;
}

/** The same of what the user wrote, without what Obsidian's reading view hides. @param {string} block */
export function parseRead(block) {
  return parseInline(block.replace(BLOCK_ID, "")).filter(({ type }) => type !== "hidden");
}

/** @type {(groups: Record<string, string | undefined>) => Piece[]} */
function toPieces({ embed, target, alias, label, url, tag, code, comment, hidden, ...styled }) {
  const image = embed ? IMAGE.exec(target ?? "") : null; // whose alias is its width
  if (target !== undefined) return [{ type: "link", text: image?.[1] ?? alias ?? target.replace(/#/g, " > "), target }];
  if (url !== undefined) return [{ type: "url", text: label || url, target: url }];
  if (tag !== undefined) return [{ type: "tag", text: `#${tag}` }];
  if (code !== undefined) return [{ type: "code", text: code }];
  if (comment !== undefined) return [{ type: "comment", text: comment }];
  if (hidden !== undefined) return [{ type: "hidden", text: hidden }];
  const style = STYLES.find((each) => styled[each] !== undefined) ?? "strong";
  return parseInline(styled[style] ?? "").map((piece) => ({ ...piece, styles: [style, ...(piece.styles ?? [])] }));
}

/** @param {string} text its Markdown without marks */
export function plainText(text) {
  return parseInline(text).map((piece) => piece.text).join("");
}
