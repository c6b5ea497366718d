/**
 * The edits of each kind of property and block, made on CodeMirror itself around a cursor in front of, in and
 * behind them: ten keystrokes later no letter is misplaced, and the properties are what they should be.
 */

import assert from "node:assert/strict";
import { StateEffect } from "@codemirror/state";
import { getCM, Vim, vim } from "@replit/codemirror-vim";
import { readFile } from "node:fs/promises";
import { after, before, beforeEach, describe, test } from "node:test";
import { isMap, parseDocument } from "yaml";
import { makeOffer } from "./host/daemon.js";
import { Host } from "./host/obsidian.js";
import { randomNumbers } from "../e2e-tests/host/typist.js";

/** What the planner of today makes of a note of each kind; tests/enrich/test_plan.py writes it. */
const KINDS = Object.entries(JSON.parse(await readFile(new URL("host/edits.json", import.meta.url), "utf8")));
const FILLS = KINDS.filter(([name]) => !name.endsWith("taken back"));
const UNDOS = KINDS.filter(([name]) => name.endsWith("taken back"));
const KEYS = [" mine word", "\n  - minex"];
const SEED = Number(process.env.E2E_SEED ?? Math.floor(performance.timeOrigin) % 1_000_000); // the clock of these tests stands
const IS_RELEASE = Boolean(process.env.COMPANION_RELEASE_TESTS);

let host;
let view;
let cases = 0;

before(async () => {
  host = new Host({ "A.md": "", "B.md": "---\nx: y\n---\n\nAnother note.\n" });
  await host.load();
});

after((context) => {
  context.diagnostic(`${cases} cases`);
  return host.unload();
});

beforeEach(async () => {
  host.daemon.askedFor = [];
  host.plugin.outbox.rows = [];
  host.plugin.feed.runs.clear(); // none of the test before is waited for
  if (view) await host.close(view); // jsdom's MutationObserver gets slower with each use
  document.querySelector(".notice-container").empty();
  view = await host.open("A.md");
});

/** Show a note of the kind, with the cursor at an offset, and have the daemon offer its edits. */
function show({ before: text, edits }, offset, editor = view.editor) {
  cases += 1;
  editor.content = text;
  editor.cursor = offset;
  editor.focus();
  const offer = (now) => (now === text ? makeOffer(now, edits) : { ...makeOffer(now, []), new_sha256: "" });
  host.daemon.isFilled = () => false;
  host.daemon.answers.set("POST /outbox/*/edits", ({ text: now }) => ({ offer: offer(now), reason: null }));
  host.daemon.changes = [{ id: 9, path: "A.md", state: "done", undoes: null }];
}

const fillByClick = () => host.command("enrich-note");
const fillByMenu = () => host.menu("file-menu", host.app.vault.getFileByPath("A.md"))["Enrich note"]();
const undoByClick = () => host.command("undo-note");

/** Somebody elsewhere wants the note filled. */
async function fillUnrequested() {
  host.daemon.askedFor = [{ id: 1_000_000 + cases, path: "A.md", run: `elsewhere${cases}`, change: null }];
  await host.pass(3_000);
}

/** Cancel what waits, by the button of its notice. */
async function cancel() {
  await host.reply("Cancel");
  await host.pass(400);
}

/**
 * In front of, in and behind what the edits are for: ends and starts of lines, and the middle of words.
 * All of them before a release, otherwise every third one, a kind's first and last among them.
 */
function placesAround({ before: text, edits }) {
  const places = new Set([0, text.length]);
  for (const { start, end, place } of edits) {
    for (const at of [start, end, place?.start ?? start, place?.end ?? end]) {
      const line = text.lastIndexOf("\n", at - 1) + 1;
      const lineEnd = (text + "\n").indexOf("\n", at);
      for (const one of [at, line, line - 1, lineEnd, lineEnd + 1, line + 2]) {
        if (one >= 0 && one <= text.length) places.add(one);
      }
    }
  }
  const sorted = [...places].sort((a, b) => a - b);
  return IS_RELEASE ? sorted : sorted.filter((_, n) => n % 3 === 0 || n === sorted.length - 1);
}

/** The properties by name with where their lines are, by another parser than the daemon's; null if they are invalid. */
function readProperties(text) {
  if (!text.startsWith("---\n")) return {};
  const [, opening, yaml] = /^(---\n)((?:[^]*?\n)?)---(?:\n|$)/.exec(text) ?? [];
  if (yaml === undefined) return null;
  const document = parseDocument(yaml);
  if (document.errors.length || (document.contents && !isMap(document.contents))) return null;
  const items = document.contents?.items ?? [];
  const starts = [...items.map(({ key }) => opening.length + key.range[0]), opening.length + yaml.length];
  return Object.fromEntries(items.map(({ key }, n) => {
    return [key.value, { value: document.toJS()[key.value], from: starts[n], to: starts[n + 1] }];
  }));
}

/** The names of the properties that the edits change. */
function findFilled({ before: text, after: filled }) {
  const [old, now] = [readProperties(text), readProperties(filled)];
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  return names.filter((name) => JSON.stringify(now[name]?.value) !== JSON.stringify(old[name]?.value));
}

/** Type the keys, and compare with the text that they make without the edits. */
function typeAndCompare(kind, offset, keys, editor = view.editor) {
  const isMade = editor.content === kind.after;
  assert.ok(isMade || editor.content === kind.before, `neither before nor after: ${editor.content}`);
  for (const key of keys) editor.typeOn(key);
  const typed = editor.content;
  const mine = `${kind.before.slice(0, offset)}${keys}${kind.before.slice(offset)}`;
  if (!isMade) return assert.equal(typed, mine, "nothing else is typed where it waits");
  const at = editor.cursor - keys.length;
  assert.equal(typed.slice(at, editor.cursor), keys);
  assert.equal(typed.slice(0, at) + typed.slice(editor.cursor), kind.after, "no letter of the edits is parted from them");
  compareLine(kind, offset, keys, typed, at);
  compareProperties(kind, offset, keys, typed, mine);
}

/** The letters are in the line of the words that they were typed beside; if it is gone, in no other's. */
function compareLine({ before: text, edits }, offset, keys, typed, at) {
  const from = text.lastIndexOf("\n", offset - 1) + 1;
  const to = (text + "\n").indexOf("\n", offset);
  const isIn = ({ start, end }) => start < to && end > from;
  const isInLine = (edit) => isIn(edit) || (edit.start > from && edit.start <= to) || (edit.start === from && !edit.text.endsWith("\n"));
  const [left, right] = [text.slice(from, offset), text.slice(offset, to)];
  const changed = edits.filter(isInLine);
  if (!changed.length) return assert.ok(`\n${typed}\n`.includes(`\n${left}${keys}${right}\n`), `not in its line: ${typed}`);
  const isBelow = ({ start }) => start > 0 && !text.endsWith("---\n", start); // a line that can be typed on
  const isGone = changed.some((edit) => isBelow(edit) && edit.start <= from && edit.end > to);
  if (isGone) assert.match(typed.slice(at + keys.length), /^(?:\n|$)/, `joined to the line below: ${typed}`);
  else {
    const isBeside = typed.slice(0, at).endsWith(left) || typed.slice(at + keys.length).startsWith(right);
    assert.ok(isBeside || changed.some(({ start }) => start < offset), `not beside its words: ${typed}`);
  }
}

/** What the edits fill has its value, and everything else the value that typing gave it. */
function compareProperties(kind, offset, keys, typed, mine) {
  const [got, alone, filled] = [typed, mine, kind.after].map(readProperties);
  const isInBrackets = keys.includes("\n") && /\[.*\|.*\]/.test(`${kind.before.slice(0, offset)}|${kind.before.slice(offset)}`);
  if (!alone || isInBrackets) return; // the keys themselves make it invalid
  assert.ok(got, `invalid YAML: ${typed}`);
  if (isInFilled(kind, offset)) return; // what was filled is taken back there
  const names = findFilled(kind);
  for (const name of new Set([...Object.keys(got), ...Object.keys(alone)])) {
    const expected = names.includes(name) ? filled[name] : alone[name];
    assert.deepEqual(got[name]?.value, expected?.value, `the value of ${name} in ${typed}`);
  }
}

/** Whether the cursor is in the lines of a property that is there already, and is filled, or right below them. */
function isInFilled(kind, offset) {
  const properties = readProperties(kind.before);
  return findFilled(kind).some((name) => {
    const { from, to } = properties[name] ?? {};
    return from <= offset && offset <= to;
  });
}

describe("ten keystrokes after a fill by click", () => {
  for (const [name, kind] of FILLS) {
    test(`of ${name}: in place, unless it waited`, async () => {
      for (const [n, offset] of placesAround(kind).entries()) {
        show(kind, offset);
        await fillByClick();
        const waits = isInFilled(kind, offset);
        const where = `${kind.before.slice(0, offset)}|${kind.before.slice(offset)}`;
        assert.equal(view.editor.content, waits ? kind.before : kind.after, `${waits ? "waits" : "does not wait"}: ${where}`);
        typeAndCompare(kind, offset, KEYS[n % 2]);
        if (waits) await cancel();
      }
    });
  }
});

test(`ten keystrokes at places by chance, seed ${SEED}`, async () => {
  const random = randomNumbers(SEED);
  for (let times = 0; times < (IS_RELEASE ? 200 : 20); times++) {
    const [name, kind] = FILLS[Math.floor(random() * FILLS.length)];
    const offset = Math.floor(random() * (kind.before.length + 1));
    show(kind, offset);
    await fillByClick();
    const waits = isInFilled(kind, offset);
    assert.equal(view.editor.content, waits ? kind.before : kind.after, `${name} at ${offset}`);
    typeAndCompare(kind, offset, KEYS[times % 2]);
    if (waits) await cancel();
  }
});

describe("ten keystrokes after an undo by click", () => {
  for (const [name, kind] of UNDOS) {
    test(`of ${name}: in place`, async () => {
      for (const [n, offset] of placesAround(kind).entries()) {
        show(kind, offset);
        await undoByClick();
        assert.equal(view.editor.content, kind.after);
        typeAndCompare(kind, offset, KEYS[n % 2]);
      }
    });
  }
});

describe("edits that nobody asked for here", () => {
  for (const [name, kind] of FILLS) {
    test(`wait while the cursor is where they go: ${name}`, async () => {
      const isIn = (offset) => kind.edits.some(({ start, end, place }) => {
        const below = place?.kind === "property" ? 1 : 0;
        return (place?.start ?? start) <= offset && offset <= (place?.end ?? end) + below;
      });
      for (const offset of placesAround(kind)) {
        show(kind, offset);
        await fillUnrequested();
        assert.equal(view.editor.content, isIn(offset) ? kind.before : kind.after);
        typeAndCompare(kind, offset, KEYS[0]);
      }
    });
  }
});

/** Offsets that no edit of the kind is near. */
const farFrom = ({ before: text, edits }) => {
  const isFar = (at) => edits.every(({ start, end, place }) => at < (place?.start ?? start) || at > (place?.end ?? end));
  return [...text].findIndex((_, at) => isFar(at - 1) && isFar(at) && isFar(at + 1));
};
/** All kinds that have such a place before a release, otherwise every fourth one. */
const FAR = FILLS.filter(([, kind]) => farFrom(kind) >= 0).filter((_, n) => IS_RELEASE || n % 4 === 0);

describe("steps that can be made again", () => {
  for (const [name, kind] of FAR) {
    test(`are kept: ${name}`, async () => {
      show(kind, farFrom(kind));
      view.editor.typeOn("x");
      const typed = view.editor.content;
      view.editor.undo();
      await fillUnrequested();
      assert.equal(view.editor.content, kind.before);
      assert.equal(view.editor.redo(), true);
      assert.equal(view.editor.content, typed);
      view.editor.undo();
      await fillByClick();
      assert.equal(view.editor.content, kind.after, "a click is not held up");
    });
  }
});

describe("Vim", () => {
  const press = (...keys) => keys.forEach((key) => Vim.handleKey(getCM(view.editor.cm), key));
  for (const [name, kind] of FAR) {
    test(`repeats what was typed, and no edit: ${name}`, async () => {
      show(kind, farFrom(kind));
      view.editor.cm.dispatch({ effects: StateEffect.appendConfig.of(vim()) });
      for (const mode of ["i", "v"]) {
        press(mode);
        await fillUnrequested();
        assert.equal(view.editor.content, kind.before, `waits in mode ${mode}`);
        press("<Esc>");
      }
      await host.pass(5_000);
      assert.equal(view.editor.content, kind.after, "filled in normal mode");
      press("i");
      view.editor.typeOn("mine word.");
      press("<Esc>", ".");
      assert.equal(view.editor.content.split("mine word").length, 3);
      assert.equal(view.editor.content.replace("mine wordmine word..", ""), kind.after);
    });
  }
});

describe("an input method", () => {
  for (const [name, kind] of FILLS) {
    test(`is waited for, and nothing else: ${name}`, async () => {
      for (const [n, offset] of placesAround(kind).entries()) {
        if (n % 3) continue;
        show(kind, offset);
        view.editor.compose("compositionstart");
        await fillUnrequested();
        assert.equal(view.editor.content, kind.before);
        view.editor.compose("compositionend");
        host.daemon.askedFor = [];
        host.plugin.outbox.rows = [];
        await fillByMenu();
        const waits = isInFilled(kind, offset);
        assert.equal(view.editor.content, waits ? kind.before : kind.after);
        typeAndCompare(kind, offset, KEYS[0]);
        if (waits) await cancel();
      }
    });
  }
});

describe("a cursor", () => {
  const [, LIST] = KINDS.find(([name]) => name === "a list");
  const IN_LIST = LIST.before.indexOf("tags:") + "tags:".length;

  test("holds nothing up in a pane without the focus, except where an input method shows candidates", async () => {
    const other = await host.open("B.md");
    show(LIST, IN_LIST);
    view.editor.compose("compositionstart");
    other.editor.focus();
    host.active = view;
    await fillByClick();
    assert.equal(view.editor.content, LIST.before);
    view.editor.compose("compositionend");
    await host.pass(400);
    assert.equal(view.editor.content, LIST.after);
    await host.close(other);
  });

  test("holds edits up under a dialog, which gives the focus back", async () => {
    show(LIST, IN_LIST);
    const dialog = document.body.appendChild(document.createElement("div"));
    dialog.className = "modal-container";
    dialog.appendChild(document.createElement("input")).focus();
    await fillByClick();
    assert.equal(view.editor.content, LIST.before);
    dialog.remove();
    await cancel();
  });

  test("that is waited for is shown in the status bar, where the wait is cancelled", async () => {
    show(LIST, IN_LIST);
    await fillByClick();
    assert.equal(host.status.textContent, "Companion: waiting until the cursor has left its property “tags”…");
    const menu = await host.openStatus();
    assert.equal(Object.keys(menu)[0], "“A” waits until the cursor has left its property “tags”");
    await menu.Cancel();
    await host.pass(400);
    view.editor.cursor = 0;
    await host.pass(10_000);
    assert.equal(view.editor.content, LIST.before);
    assert.ok(host.notices.includes("The work on “A” was cancelled. What was proposed for it goes on waiting for you."));
  });

  test("in a note with CRLF is where it is in the file", async () => {
    const file = view.file;
    await host.app.vault.modify(file, LIST.before.replaceAll("\n", "\r\n"));
    cases += 1;
    view.editor.focus();
    view.editor.cursor = IN_LIST;
    const edits = (text) => {
      const at = text.indexOf("kind");
      const start = text.indexOf("tags");
      return [{ start: at, end: at, text: "  - one\r\n", place: { kind: "property", name: "tags", start, end: at - 2 } }];
    };
    host.daemon.answers.set("POST /outbox/*/edits", ({ text }) => ({ offer: makeOffer(text, edits(text)) }));
    await fillUnrequested();
    assert.equal(view.editor.content, LIST.before);
    view.editor.cursor = 0;
    cases += 1;
    await fillUnrequested();
    assert.match(await host.read("A.md"), /tags:\r\n  - one\r\nkind/);
  });
});
