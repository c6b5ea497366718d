/** A note's text as it is shown: what is a link or a heading, and texts that somebody made to be hard to read. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBlocks, parseInline, parseRead, plainText, toLines } from "../ui/markdown.js";

const INLINE = [
  ["See [a [b](https://b.example) there", [["b", "https://b.example"]]],
  ["[Bees](https://en.wikipedia.org/wiki/Bee_(insect)).", [["Bees", "https://en.wikipedia.org/wiki/Bee_(insect)"]]],
  ["[[[Hedges|a hedge]]", [["a hedge", "Hedges"]]],
  ["![[Hedges#Cut]]", [["Hedges > Cut", "Hedges#Cut"]]],
  ["![[Hedges.svg#icon|100]]", [["Hedges.svg", "Hedges.svg#icon"]]],
  ["**Press [[Settings]]** and ==*[[Help]]*==", [["Settings", "Settings"], ["Help", "Help"]]],
];
for (const [text, links] of INLINE) {
  test(`the links of ${text}`, () => {
    const pieces = parseInline(text).filter(({ target }) => target !== undefined);
    assert.deepEqual(pieces.map((piece) => [piece.text, piece.target]), links);
  });
}

const HEADINGS = [["## C#", "C#"], ["## Closed ##", "Closed"], ["## # ", ""], ["## A # b", "A # b"]];
for (const [line, title] of HEADINGS) {
  test(`the heading ${line}`, () => {
    const [heading] = parseBlocks(toLines([["=", line]]));
    assert.deepEqual([heading.type, heading.level, heading.text], ["heading", 2, title]);
  });
}

const READ = [
  ["Cut it. <!-- when? -->", ["Cut it. "]],
  ["<!-- one\n\n## two\n-->\nCut it. ^cut", ["", "Cut it. "]],
  ["Cut it.\n<!-- one\n\ntwo -->\nNow.", ["Cut it.", "", "Now."]],
  ["<!-- one\n\nCut it.", ["<!-- one", "Cut it."]],
  ["- Cut it. ^cut-1\n\n^list", ["Cut it. ", ""]],
  ["**See <!-- [[Hedges]] --> there**", ["See  there"]],
  ["`<!-- so -->` and x^2", ["<!-- so --> and x^2"]],
  ["\\<!-- so -->", ["\\<!-- so -->"]],
];
for (const [text, shown] of READ) {
  test(`what reading view shows of ${JSON.stringify(text)}`, () => {
    const blocks = parseBlocks(toLines([["=", text]])).flatMap((block) => block.items ?? block.text);
    assert.deepEqual(blocks.map((each) => parseRead(each).map((piece) => piece.text).join("")), shown);
    assert.equal(plainText(text).includes("<!--"), text.includes("<!--"), "in a proposal it is seen");
  });
}

const AROUND = [
  ["never closed", [["=", "<!-- one\n\n"], ["+", "> [!ai]\n> Cut it.\n"]], ["<!-- one", "NEW"]],
  ["closed by what is proposed", [["=", "<!-- one\n"], ["+", "> [!ai]\n> --> Cut it.\n"]], ["<!-- one", "NEW"]],
  ["closed after it", [["=", "<!-- one\n"], ["+", "> [!ai]\n> Cut it.\n"], ["=", "two -->\n"]], ["<!-- one", "NEW", "two -->"]],
  ["closed in the last line", [["=", "<!-- one\n\n-->"], ["+", "\n> [!ai]\n> Cut it.\n"]], ["", "NEW"]],
];
for (const [name, parts, shown] of AROUND) {
  test(`a comment before a proposal does not hide that: ${name}`, () => {
    const textOf = (block) => (block.isNew ? "NEW" : parseRead(block.text).map((piece) => piece.text).join(""));
    assert.deepEqual(parseBlocks(toLines(parts)).map(textOf), shown);
  });
}

const MANY = 300_000; // so many that it never ends where each is looked for up to the end
for (const unit of ["[", "[[a|", "[a](", "![", "# ", " ", "a: b ", "<!--", " ^a"]) {
  test(`a line of ${MANY} times “${unit}” is read like any other`, () => {
    const line = `# ${unit.repeat(MANY)}x`;
    assert.equal(plainText(line).length, line.length);
    const [properties, heading] = parseBlocks(toLines([["=", `---\n${unit.repeat(MANY)}x\n---\n${line}`]]), true);
    assert.deepEqual([properties.type, heading.type], ["properties", "heading"]);
  });
}
