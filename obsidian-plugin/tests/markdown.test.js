/** What the page shows of a note's Markdown. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBlocks, parseLinks, toLines } from "../ui/markdown.js";

const blocksOf = (text, isNote = true) => parseBlocks(toLines([["=", text]]), isNote);

const BLOCKS = [
  ["---\ntags: [a, \"b c\"]\naliases:\n  - One\nempty:\nnothing: null # so\n---\nText.", ["properties", "text"]],
  ["# Title\nText\nof two lines\n## Next", ["heading", "text", "heading"]],
  ["| a | b |\n|---|:-:|\n| 1 | 2 \\| 3 |\n\nText.", ["table", "text"]],
  ["> [!ai]+ Why?\n> Because.\n\n> quoted", ["callout", "callout"]],
  ["- one\n- two\n```\n| no table\n```", ["text"]],
  ["---", ["text"]],
];
for (const [text, types] of BLOCKS) {
  test(`the blocks of ${JSON.stringify(text)}`, () => assert.deepEqual(blocksOf(text).map(({ type }) => type), types));
}

test("properties have their values, tables their cells, callouts their titles and lines", () => {
  const [{ properties }] = blocksOf(BLOCKS[0][0]);
  assert.deepEqual(properties.map(({ name, values }) => [name, values]), [["tags", ["a", "b c"]], ["aliases", ["One"]], ["empty", []], ["nothing", []]]);
  assert.deepEqual(blocksOf(BLOCKS[2][0])[0].rows, [["a", "b"], ["1", "2 | 3"]]);
  const [callout] = blocksOf(BLOCKS[3][0]);
  assert.deepEqual([callout.kind, callout.title, callout.isNew, callout.lines.map(({ text }) => text)], ["ai", "Why?", false, ["Because."]]);
});

test("what is added is marked, what is taken out is not there, and what is left out is a gap", () => {
  const lines = toLines([["=", "One\n"], ["+", "> [!ai]\n> New.\n"], ["-", "Old.\n"], ["…", ""], ["=", "End"]]);
  const blocks = parseBlocks(lines);
  assert.deepEqual(blocks.map(({ type }) => type), ["text", "callout", "gap", "text"]);
  assert.equal(blocks[1].isNew, true);
});

test("links are shown by their names, and all else as it is", () => {
  const text = "See [[Hedges|a hedge]] and ![[Hedges#Cut]]. **Bold** <b> [x](javascript:y)";
  const pieces = [["See ", undefined], ["a hedge", "Hedges"], [" and ", undefined], ["Hedges > Cut", "Hedges#Cut"], [". **Bold** <b> [x](javascript:y)", undefined]];
  assert.deepEqual(parseLinks(text).map((piece) => [piece.text, piece.target]), pieces);
});

const MANY = 300_000; // so many that it never ends where each is looked for up to the end
for (const unit of ["[", "[[a|", "# ", " ", "a: b ", "|"]) {
  test(`a line of ${MANY} times “${unit}” is read like any other`, () => {
    const line = `# ${unit.repeat(MANY)}x`;
    assert.ok(parseLinks(line).length > 0);
    const [properties, heading] = blocksOf(`---\n${unit.repeat(MANY)}x\n---\n${line}`);
    assert.deepEqual([properties.type, heading.type], ["properties", "heading"]);
  });
}
