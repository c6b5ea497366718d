/** Every command, menu item and the ribbon: what they ask the daemon for, and what is shown of what it tells. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Host, settle } from "./host/obsidian.js";
import { FILLED, NOTE, answer, change, gone, offerFor } from "./host/daemon.js";

let host;
let view;

beforeEach(async () => {
  host = await new Host({ "A.md": NOTE, "Folder/B.md": NOTE, "Picture.png": "" }).load();
  view = await host.open("A.md");
});

afterEach(() => host.unload());

const bodies = (name) => host.daemon.asked(name).map(({ body }) => body);

test("the page is shown in the Web viewer, or the user is told how it is opened", async () => {
  const address = "http://127.0.0.1:1/#code=ABCD";
  host.daemon.answers.set("POST /session/address", { address });
  await host.command("open-page");
  assert.match(host.said, /run “companion open” in a terminal/);
  Object.assign(host.app, { internalPlugins: { plugins: { webviewer: { enabled: true } } } });
  for (const type of ["markdown", "webviewer"]) {
    const shown = [];
    host.workspace.getLeaf = () => ({ view: { getViewType: () => type }, setViewState: async (state) => void shown.push(state), detach: () => void shown.pop() });
    await host.command("open-page");
    assert.deepEqual(shown, type === "webviewer" ? [{ type, active: true, state: { url: address, navigate: true } }] : []);
  }
});

describe("enrich note", () => {
  test("fills the open note as one step of undo, and offers to take it back", async () => {
    view.editor.cursor = NOTE.length;
    await host.command("enrich-note");
    assert.equal(view.editor.getValue(), FILLED);
    assert.equal(await host.read("A.md"), FILLED);
    assert.equal(view.editor.cursor, FILLED.length);
    assert.equal(view.editor.steps, 1);
    assert.equal(host.said, "A: description and callout filledUndo");
    const { client } = host.plugin;
    const { base_sha256, new_sha256 } = offerFor(NOTE);
    assert.deepEqual(bodies("POST /outbox/100/applied"), [{ base_sha256, new_sha256, client }]);
    await host.reply("Undo");
    assert.equal(view.editor.getValue(), NOTE);
    assert.equal(host.said, "A: undone");
    assert.deepEqual(bodies("POST /changes/undo"), [{ ids: [8], client }]);
  });

  test("saves the open views of the note first", async () => {
    host.daemon.answers.set("POST /runs", answer(422, "not now"));
    view.editor.content = `${NOTE}Typed.`;
    await host.command("enrich-note");
    await host.pass(200);
    assert.deepEqual([host.said, await host.read("A.md")], ["Not now.", `${NOTE}Typed.`]);
  });

  test("works on a note once at a time", async () => {
    const ready = host.daemon.hold();
    await host.command("enrich-note");
    await host.command("enrich-note");
    assert.equal(host.said, "“A” is being worked on already.");
    ready();
    await settle();
    assert.equal(view.editor.getValue(), FILLED);
    assert.equal(bodies("POST /runs").length, 1);
  });

  test("has nothing to be told twice", async () => {
    host.daemon.isFilled = () => true;
    await host.command("enrich-note");
    void host.plugin.feed.check();
    await host.pass(60_000);
    assert.deepEqual(host.notices, ["A.md was left as it is: it needs nothing"]);
  });
});

const OF_NOTE = { paths: ["A.md"], priority: "interactive" };
const OF_MANY = { priority: "request", agreed: false };
const choose = (...paths) => paths.map((path) => host.app.vault.getAbstractFileByPath(path));
const ASKED = [
  ["the questions in it", () => host.command("enrich-part").then(() => host.click("The questions in it")), { ...OF_NOTE, mode: "requests" }],
  ["a property that is chosen", () => host.command("enrich-part").then(() => host.click("tags")), { ...OF_NOTE, field: "tags" }],
  ["the section at the cursor, by its line", () => ((view.editor.cursor = NOTE.indexOf("Text")), host.command("enrich-part").then(() => host.click("The section at the cursor"))), { ...OF_NOTE, section: 9 }],
  ["proposals alone", () => host.command("enrich-part").then(() => host.click("Only propose")), { ...OF_NOTE, propose: true }],
  ["the ribbon", () => host.ribbon(), OF_NOTE],
  ["the folder of the note, the whole vault", () => host.command("enrich-folder"), { ...OF_MANY, paths: [""] }],
  ["the menu of a folder", () => host.menu("file-menu", ...choose("Folder"))["Enrich folder"](), { ...OF_MANY, paths: ["Folder"] }],
  ["the menu of several files", () => host.menu("files-menu", choose("A.md", "Picture.png", "Folder/B.md"))["Enrich 2 notes"](), { ...OF_MANY, paths: ["A.md", "Folder/B.md"] }],
];
for (const [what, act, body] of ASKED) {
  test(`the daemon is asked for by ${what}, in one run with an id of ours`, async () => {
    host.daemon.status.modes = { description: "write", tags: "propose" };
    host.daemon.thinking = new Promise(() => {});
    await host.pass(1_000);
    await act();
    const [{ id, client, ...sent }, ...more] = bodies("POST /runs");
    assert.deepEqual([sent, client, more], [body, host.plugin.client, []]);
    assert.match(id, /^[0-9a-z-]{36}$/);
  });
}

describe("enrich folder", () => {
  test("tells what the daemon tells, and takes all of it back", async () => {
    host.daemon.thinking = new Promise(() => {});
    await host.command("enrich-folder");
    const [{ id }] = bodies("POST /runs");
    host.daemon.tell("2 notes filled, 1 to review", { run: id, waits: 1 });
    await host.pass(400);
    assert.equal(host.said, "2 notes filled, 1 to reviewUndoReview");
    await host.reply("Undo");
    assert.deepEqual(host.daemon.asked("POST /changes/undo-all")[0].query, { run: id, client: host.plugin.client });
  });

  test("asks before it costs much", async () => {
    const refusal = answer(409, "about 2,000 notes would be sent", "not-agreed");
    const usual = host.daemon["POST /runs"];
    host.daemon.answers.set("POST /runs", (order) => (order.agreed ? usual.call(host.daemon, order) : refusal));
    for (const choice of ["Cancel", "Send them"]) {
      await host.menu("file-menu", ...choose("Folder"))["Enrich folder"]();
      assert.equal(host.modal.titleEl.textContent, "Enrich Folder?");
      assert.equal(host.modal.contentEl.textContent, "About 2,000 notes would be sent.");
      await host.click(choice);
    }
    assert.deepEqual(bodies("POST /runs").map(({ agreed }) => agreed), [false, false, true]);
    assert.deepEqual(host.modals, []);
  });

  test("is cancelled in the menu of the status bar", async () => {
    host.daemon.thinking = new Promise(() => {});
    await host.command("enrich-folder");
    await (await host.openStatus()).Cancel();
    const [{ id }] = bodies("POST /runs");
    assert.equal(bodies(`POST /runs/${id}/cancel`).length, 1);
  });
});

describe("undo the last change", () => {
  test("takes the newest one that is still in the note out of the editor", async () => {
    view.editor.content = FILLED;
    const undone = [change({ id: 9, undoes: 6 }), change({ id: 8, state: "undone" })];
    host.daemon.changes = [...undone, change({ id: 5 }), change({ id: 4 })];
    await host.command("undo-note");
    assert.equal(view.editor.getValue(), NOTE);
    assert.deepEqual(bodies("POST /changes/undo").map(({ ids }) => ids), [[5]]);
    assert.deepEqual(bodies("POST /outbox/100/edits"), [{ text: FILLED }]);
    assert.equal(bodies("POST /outbox/100/applied").length, 1);
  });

  test("goes on to the one before where the editor took the last one back, each time", async () => {
    const usual = host.daemon["POST /outbox/*/edits"];
    host.daemon.answers.set("POST /outbox/*/edits", (sent, id) => {
      const row = host.daemon.askedFor.find((one) => String(one.id) === id);
      return [8, 7].includes(row.change) ? gone() : usual.call(host.daemon, sent, id);
    });
    for (const ids of [[8, 5], [8, 7, 4]]) {
      view.editor.content = FILLED;
      host.daemon.changes = ids.map((id) => change({ id }));
      await host.command("undo-note");
      assert.equal(view.editor.getValue(), NOTE);
    }
    assert.deepEqual(bodies("POST /outbox/101/applied").length + bodies("POST /outbox/104/applied").length, 2);
  });

  const NOTHING = [
    ["there is none", [], "There is nothing to undo in “A”."],
    ["the change is gone from the journal", [change()], "There is no change 8.", answer(404, "there is no change 8")],
  ];
  for (const [name, changes, words, refusal] of NOTHING) {
    test(`says so when ${name}`, async () => {
      host.daemon.changes = changes;
      if (refusal) host.daemon.answers.set("POST /changes/undo", refusal);
      await host.command("undo-note");
      assert.equal(host.said, words);
    });
  }

  test("finds the open note by the name that the disk has", async () => {
    await host.unload();
    host = await new Host({ "Caf\u00e9.md": FILLED }).load();
    view = await host.open("Caf\u00e9.md");
    host.daemon.changes = [change({ id: 8, path: "Cafe\u0301.md" })];
    await host.command("undo-note");
    assert.equal(view.editor.getValue(), NOTE);
  });

  test("shows what would make a name read as another one", async () => {
    await host.unload();
    host = await new Host({ "a\u202egnp.md.md": NOTE }).load();
    await host.open("a\u202egnp.md.md");
    await host.command("undo-note");
    assert.equal(host.said, "There is nothing to undo in “a<U+202E>gnp.md”.");
  });
});

test("a button that the daemon offers changes its settings", async () => {
  host.daemon.tell("You refused 3 proposals for tags in Folder", { button: { label: "Stop proposing tags in Folder", change: { ignored: { fields: { tags: ["Folder"] } } } } });
  await host.pass(400);
  await host.reply("Stop proposing tags in Folder");
  assert.deepEqual(bodies("POST /settings"), [{ ignored: { fields: { tags: ["Folder"] } } }]);
});

describe("notes that were here before", () => {
  const BACKLOG = { notes: 40, cost: "They would be sent to api.example, for about $2." };

  test("are told of when there are more, and asked about with number and cost before their eyes", async () => {
    host.daemon.status.background.backlog = BACKLOG;
    await host.pass(26_000);
    host.daemon.status.line = "Idle";
    await host.pass(26_000);
    assert.equal(host.notices.length, 1);
    assert.match(host.said, /^40 notes here before Companion/);
    for (const fill of [true, false]) {
      host.daemon.answers.set("POST /backlog", () => host.daemon.status);
      await (await host.openStatus())["Decide about 40 older notes …"]();
      assert.match(host.modal.contentEl.textContent, /^They would be sent to api\.example, for about \$2\. In the background at most 100 a day\./);
      await host.click(fill ? "Yes, enrich them" : "No, leave them alone");
    }
    assert.deepEqual(bodies("POST /backlog"), [{ fill: true, notes: 40 }, { fill: false, notes: 40 }]);
  });
});
