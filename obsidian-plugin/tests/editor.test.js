/** What a fill leaves alone in an open editor: cursor, selections, undo, properties, composition. */

import assert from "node:assert/strict";
import { StateEffect } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { afterEach, beforeEach, describe, test } from "node:test";
import { NOTE, makeOffer } from "./host/daemon.js";
import { TextEditor } from "../e2e-tests/host/text-editor.js";
import { Host, clock } from "./host/obsidian.js";

const TOP = "> [!ai] AI\n> It.\n\n";
const END = "\n\n> [!ai] AI\n> It.";

let host;
let view;
/** Where the edits go, for a text; all of them only put something in. */
let place;

beforeEach(async () => {
  host = await new Host({ "A.md": NOTE, "B.md": NOTE }).load();
  view = await host.open("A.md");
  host.daemon.isFilled = () => false; // whatever the note says
  host.daemon.answers.set("POST /outbox/*/edits", ({ text }) => ({ offer: makeOffer(text, place(text)), reason: null }));
});

afterEach(() => host.unload());

const put = (at, text) => [{ start: at, end: at, text }];

/** Texts with `|` for a cursor, `<` and `>` for anchor and head, `^` where the edit goes. */
const CURSORS = [
  ["on a stub's blank line", "# T\n\n|^", "> [!ai] AI\n> It.\n", "# T\n\n> [!ai] AI\n> It.\n|"],
  ["on a blank line above the callout", "# T\n|\n^Text\n", TOP, `# T\n|\n${TOP}Text\n`],
  ["at the start of the first paragraph", "# T\n\n|^Text\n", TOP, `# T\n\n${TOP}|Text\n`],
  ["there, right below the title", "# T\n|^Text\n", `\n${TOP}`, `# T\n\n${TOP}|Text\n`],
  ["in the first paragraph", "# T\n\n^Te|xt\n", TOP, `# T\n\n${TOP}Te|xt\n`],
  ["at the end of a note without a final newline", "# T|^", END, `# T|${END}`],
  ["at the end of a question there", "[!ai] Why?|^", "\n> So.", "[!ai] Why?|\n> So."],
  ["at the end of a note with one", "T\n|^", "> [!ai] AI\n> It.\n", "T\n> [!ai] AI\n> It.\n|"],
  ["before the place", "# |T\n\n^", "> [!ai] AI\n> It.\n", "# |T\n\n> [!ai] AI\n> It.\n"],
  ["a selection that begins there", "# T\n\n^{Text}\n", TOP, `# T\n\n${TOP}{Text}\n`],
  ["a selection that ends there", "{# T\n\n}^Text\n", TOP, `{# T\n\n}${TOP}Text\n`],
  ["one made backwards", "# T\n\n^}Text{\n", TOP, `# T\n\n${TOP}}Text{\n`],
  ["one that ends at the end of the note", "{# T}^", END, `{# T}${END}`],
];

describe("the cursor", () => {
  for (const [name, before, text, after] of CURSORS) {
    test(`stays with its words: ${name}`, async () => {
      const from = read(before);
      const to = read(after);
      view.editor.content = from.text;
      view.editor.select(from.range);
      place = () => put(from.place, text);
      await host.command("enrich-note");
      assert.equal(view.editor.content, to.text);
      const [{ anchor, head }] = view.editor.ranges;
      assert.deepEqual([anchor, head], to.range);
      if (to.range[0] !== to.range[1]) return;
      view.editor.typeOn("Hello");
      assert.equal(view.editor.content, after.replace("|", "Hello"));
    });
  }

  test("is kept where there are several", async () => {
    view.editor.content = "# T\n\nOne\nTwo\n";
    view.editor.select([5, 5], [9, 12]);
    place = () => put(5, TOP);
    await host.command("enrich-note");
    const at = [5, 9, 12].map((offset) => offset + TOP.length);
    assert.deepEqual(view.editor.ranges.map(({ from, to }) => [from, to]), [[at[0], at[0]], [at[1], at[2]]]);
  });

  test("stays where it is in the window: nothing is scrolled, and no more is changed than the place", async () => {
    const { cm } = view.editor;
    let made = [];
    const follow = EditorView.updateListener.of(({ transactions }) => made.push(...transactions));
    cm.dispatch({ effects: StateEffect.appendConfig.of(follow) });
    made = [];
    cm.scrollDOM.scrollTop = 9;
    place = () => put(4, "It.");
    await host.command("enrich-note");
    assert.deepEqual(made.map(({ changes }) => changes.toJSON()), [[4, [0, "It."], NOTE.length - 4]]);
    assert.deepEqual(made.flatMap(({ effects }) => effects), []);
    assert.deepEqual([made[0].scrollIntoView, cm.scrollDOM.scrollTop], [false, 9]);
  });
});

describe("undo", () => {
  const SEQUENCES = process.env.COMPANION_RELEASE_TESTS ? 300 : 60;
  test(`is exactly one step in ${SEQUENCES} random sequences, and no letter is misplaced`, async () => {
    for (let seed = 1; seed <= SEQUENCES; seed++) await playSequence(seed);
  });
});

/** Type, undo and redo beside a fill, and the same in an editor without one: all letters agree. */
async function playSequence(seed) {
  const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
  const isOpen = random(2) === 0;
  const text = isOpen ? "# T\n\nText" : "# T\n\nText\n";
  const editors = [view.editor, new TextEditor(document.body, text)];
  const [editor, alone] = editors;
  editor.content = text;
  for (const one of editors) one.cursor = 5;
  const ours = () => place(alone.content)[0];
  place = (now) => {
    if (!isOpen) return put(5, TOP);
    return put(now.length, now.endsWith("\n") ? END.slice(2) + "\n" : END);
  };
  let filled = "";
  const without = () => editor.content.replace(filled, "");
  const where = (at) => {
    const from = filled ? editor.content.indexOf(filled) : Infinity;
    return at < from || (at === from && filled === END) ? at : at + filled.length;
  };
  const type = (at, letter) => {
    editor.type(where(at), letter);
    alone.type(at, letter);
  };
  const act = () => {
    const least = 5;
    const kind = random(6);
    const letter = "abc \n"[random(5)];
    if (kind === 0) type(least, letter);
    else if (kind === 1) type(alone.content.length, letter);
    else if (kind === 2) type(least + random(alone.content.length - least + 1), letter);
    else if (kind === 3 && !filled) for (const one of editors) one.undo();
    else if (kind === 4 && !filled) for (const one of editors) one.redo();
    else for (const one of editors) one.typeOn(letter);
  };
  const answerNow = host.daemon.hold();
  const rounds = async (count) => {
    for (let done = 0; done < count; done++) {
      act();
      if (random(3) === 0) clock.now += random(700);
      assert.equal(without(), alone.content);
      if (filled) assert.match(editor.content, /^> \[!ai\] AI\n> It\.$/m, "nothing is typed into its lines");
    }
  };
  await rounds(random(4));
  await host.command("enrich-note");
  await rounds(random(4));
  answerNow();
  await host.pass(400);
  const before = alone.content;
  filled = ours().text;
  assert.equal(without(), before);
  const whole = editor.content;
  const steps = editor.steps;
  await rounds(1 + random(6));
  const end = editor.content;
  let back = 0;
  for (; editor.steps > steps; back++) editor.undo();
  assert.equal(editor.content, whole, "what was typed after it is undone before it");
  assert.ok(back > 0);
  editor.undo();
  assert.equal(editor.content, before, "and the fill in one step");
  editor.redo();
  assert.equal(editor.content, whole);
  while (editor.redo());
  assert.equal(editor.content, end);
  alone.view.destroy();
}

describe("a property", () => {
  const MIXED = "---\ntags:\n  - a\n\ndescription:\nmood: ok\n---\n\n# T\n";
  const at = (words) => MIXED.indexOf(words) + words.length;
  test("of a list waits while a selection reaches into one of its lines", async () => {
    view.editor.content = MIXED;
    view.editor.select([0, at("  - ")]);
    place = (text) => put(text.indexOf("tags:") + 5, " x");
    await host.command("enrich-note");
    assert.equal(view.editor.content, MIXED);
    await host.close(view);
    await host.pass(400);
    assert.match(await host.read("A.md"), /tags: x/);
  });

  test("gets the answer though it was typed in meanwhile", async () => {
    view.editor.content = MIXED;
    view.editor.cursor = at("description:");
    place = (text) => put(text.indexOf("\nmood"), " It.");
    await host.command("enrich-note");
    for (const letter of " # to be done") {
      view.editor.typeOn(letter);
      await host.pass(1000);
    }
    view.editor.cursor = 0;
    await host.pass(800);
    assert.equal(view.editor.content, MIXED.replace("description:", "description: # to be done It."));
  });
});

describe("what the user is in the middle of", () => {
  const focusIn = (doc, parent, kind) => {
    const field = parent.appendChild(doc.createElement("div"));
    field.className = kind;
    const input = field.appendChild(doc.createElement("input"));
    input.focus();
    assert.equal(doc.activeElement, input);
    return input;
  };
  const FIELDS = ["metadata-container", "inline-title", "view-header-title", "is-being-renamed"];

  beforeEach(() => {
    view.editor.content = NOTE;
    view.editor.cursor = NOTE.length;
    document.body.append(view.containerEl);
    place = (text) => put(text.length, "It.\n");
  });

  for (const kind of FIELDS) {
    test(`is not disturbed: ${kind}`, async () => {
      const input = focusIn(document, view.containerEl, kind);
      await host.command("enrich-note");
      await host.pass(60_000);
      assert.equal(view.editor.content, NOTE);
      assert.equal(host.said, "“A” waits until you have left its properties and its title.Cancel");
      input.blur();
      await host.pass(400);
      assert.equal(view.editor.content, `${NOTE}It.\n`);
    });
  }

  test("concerns its own note alone", async () => {
    const other = await host.open("B.md");
    document.body.append(other.containerEl);
    const input = focusIn(document, other.containerEl, "metadata-container");
    host.active = view;
    await host.command("enrich-note");
    assert.equal(view.editor.content, `${NOTE}It.\n`);
    input.remove();
  });
});

/** The parts of a marked text; `{` is an anchor and `}` a head. */
function read(marked) {
  const text = marked.replace(/[|^{}]/g, "");
  const find = (mark) => (marked.includes(mark) ? marked.slice(0, marked.indexOf(mark)).replace(/[|^{}]/g, "").length : -1);
  const [cursor, anchor, head] = ["|", "{", "}"].map(find);
  return { text, place: find("^"), range: cursor < 0 ? [anchor, head] : [cursor, cursor] };
}
