/** Proposals shown in their notes: where they would go, what can be done with them, and the next one. */

import assert from "node:assert/strict";
import { StateEffect } from "@codemirror/state";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Host, find, settle } from "./host/obsidian.js";
import { NOTE, fill } from "./host/daemon.js";

let host;
let view;

const PROPOSAL = { id: 1, path: "A.md", kind: "description", heading: null, text: "A note.", flags: [], state: "open", why: "empty description" };
const CALLOUT = { ...PROPOSAL, id: 2, kind: "callout", heading: "Why", text: ["Because [[Garden|gardens]]."], flags: ["unsupported"] };
const OTHER = { ...PROPOSAL, id: 3, path: "Folder/B.md" };

beforeEach(async () => {
  host = new Host({ "A.md": NOTE, "Folder/B.md": NOTE });
  host.daemon.proposals = [PROPOSAL, CALLOUT, OTHER];
  await host.load();
});

afterEach(() => host.unload());

/** Open a note in an editor that shows what the plugin adds. */
async function open(path, mode) {
  view = await host.open(path, mode);
  view.editor.cm.scrollDOM.getBoundingClientRect = () => ({ top: 0, bottom: 100 }); // jsdom has no layout: all is at its top
  view.editor.cm.dispatch({ effects: StateEffect.appendConfig.of(host.plugin.editorExtensions__) });
  await host.pass(3_000);
}

const shown = () => view.editor.cm.dom.querySelector(".callout-companion-preview");
const name = () => shown()?.querySelector("strong").textContent ?? null;
const bodies = (path) => host.daemon.asked(path).map(({ body }) => body);
const click = async (label) => {
  find(shown(), "button", label).click();
  await settle();
};

describe("in a note that is edited", () => {
  beforeEach(() => open("A.md"));

  test("one is shown below the properties, with why it waits, and is accepted there", async () => {
    assert.equal(name(), "Description");
    assert.equal(shown().querySelector(".callout-companion-value").textContent, "A note.");
    assert.equal(shown().querySelector(".callout-companion-why").textContent, "Empty description. It waits for your decision.");
    assert.match(shown().previousElementSibling.className, /lp-edge/);
    await click("Accept");
    const [{ run, ...decisions }] = bodies("POST /proposals/decide");
    assert.deepEqual(decisions, { accept: [{ id: 1, text: null }], client: host.plugin.client });
    assert.match(run, /^[0-9a-z-]{36}$/);
    assert.equal(view.editor.getValue(), fill(NOTE), "made at once, as one step");
    assert.equal(view.editor.steps, 1);
  });

  test("a callout looks like one, and its links by their names", async () => {
    await click("1 of 2 ›; show the next");
    await host.pass(1_000);
    assert.equal(name(), "Callout under “Why”");
    assert.equal(shown().querySelector(".callout[data-callout=ai]").textContent, "AIBecause gardens.");
    assert.equal(shown().querySelector(".callout-companion-why").textContent, "Empty description. Something in it is not in your notes: look closer. It waits for your decision.");
    assert.equal(shown().previousElementSibling.textContent, "Why?");
  });

  test("those that are left for later come round again", async () => {
    for (const expected of ["Callout under “Why”", "Description", "Callout under “Why”"]) {
      find(shown().querySelector(".callout-companion-head"), "button", shown().querySelector("button").ariaLabel).click();
      await host.pass(1_000);
      assert.equal(name(), expected);
    }
  });

  test("it is edited in its place; what is being typed is kept, and sent", async () => {
    await click("Edit");
    const field = shown().querySelector("textarea");
    field.value = "My note.";
    field.dispatchEvent(new Event("input"));
    host.daemon.proposals = [CALLOUT, PROPOSAL];
    await host.pass(3_000);
    assert.equal(shown().querySelector("textarea"), field);
    await click("Accept");
    assert.deepEqual(bodies("POST /proposals/decide")[0].accept, [{ id: 1, text: "My note." }]);
  });

  test("it is refused, and the next is shown", async () => {
    await click("Refuse");
    assert.deepEqual(bodies("POST /proposals/decide")[0].refuse, [1]);
    await host.pass(1_000);
    assert.equal(name(), "Callout under “Why”");
  });

  test("it is asked for again, which takes its time", async () => {
    await click("Again, but …");
    const field = shown().querySelector("textarea");
    field.value = "Shorter";
    field.dispatchEvent(new Event("input"));
    await click("Ask again");
    assert.deepEqual(bodies("POST /proposals/1/again"), [{ wish: "Shorter", client: host.plugin.client }]);
    await host.pass(1_000);
    assert.match(shown().textContent, /Asking again …$/);
    host.daemon.proposals = [{ ...PROPOSAL, id: 4, text: "Short." }];
    await host.pass(3_000);
    assert.equal(shown().querySelector(".callout-companion-value").textContent, "Short.");
  });

  test("what is decided elsewhere goes, also what has no place any more; nothing comes up while the user types", async () => {
    host.daemon.proposals = [];
    await host.pass(3_000);
    assert.equal(name(), null);
    host.daemon.proposals = [PROPOSAL];
    for (let times = 0; times < 5; times++) {
      view.editor.type(view.editor.content.length, "x");
      await host.pass(500);
    }
    assert.equal(name(), null);
    await host.pass(4_000);
    assert.equal(name(), "Description");
  });

  test("keys decide only on what is in sight", async () => {
    shown().getBoundingClientRect = () => ({ top: 50, bottom: 130 });
    shown().scrollIntoView = () => {};
    await host.command("accept-proposal");
    assert.deepEqual(bodies("POST /proposals/decide"), []);
    shown().getBoundingClientRect = () => ({ top: 50, bottom: 100 });
    await host.command("refuse-proposal");
    assert.deepEqual(bodies("POST /proposals/decide").map(({ refuse }) => refuse), [[1]]);
  });

  test("names and values are text, with what is not seen in them", async () => {
    host.daemon.proposals = [{ ...PROPOSAL, id: 9, kind: "a\u202eb", text: "<img src=x>\u202e" }];
    await host.pass(3_000);
    assert.equal(name(), "A<U+202E>b");
    assert.equal(shown().querySelector(".callout-companion-value").textContent, "<img src=x><U+202E>");
  });

  test("review next goes through this note's, then to the next note", async () => {
    await host.command("review-next");
    await host.pass(1_000);
    assert.equal(name(), "Callout under “Why”");
    await host.command("review-next");
    assert.equal(host.workspace.getActiveFile().path, "Folder/B.md");
    host.daemon.proposals = [];
    await host.pass(3_000);
    await host.command("review-next");
    assert.equal(host.said, "Nothing waits for you.");
  });
});

test("above a note that is only read a line says what there is, and opens it", async () => {
  await open("A.md", "preview");
  const line = document.querySelector(".callout-companion-waiting");
  assert.match(line.textContent, /^2 proposals for this note: Description, Callout under “Why”/);
  find(line, "button", "Show").click();
  await host.pass(1_000);
  assert.equal(view.getMode(), "source");
  assert.equal(document.querySelector(".callout-companion-waiting"), null);
});

test("nothing can be decided where nothing is shown", async () => {
  assert.equal(await host.command("accept-proposal"), false);
});
