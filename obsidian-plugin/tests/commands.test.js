/** Every command, menu item and the ribbon: what they ask the daemon for, and what becomes of it. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Host, settle } from "./host/obsidian.js";
import { FILLED, NOTE, STATUS, answer, change, fill, gone, offerFor, progress, result } from "./host/daemon.js";

let host;
let view;

beforeEach(async () => {
  host = await new Host({ "A.md": NOTE, "Folder/B.md": NOTE, "Picture.png": "" }).load();
  view = await host.open("A.md");
});

afterEach(() => host.unload());

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
    assert.match(host.said, /^Filled description and a callout in “A”\.Undo$/);
    const [{ body }] = host.daemon.asked("POST /runs");
    assert.deepEqual(body, { paths: ["A.md"], priority: "interactive" });
    const { base_sha256, new_sha256 } = offerFor(NOTE);
    assert.deepEqual(host.daemon.asked("POST /outbox/100/applied")[0].body, { base_sha256, new_sha256 });
    await host.reply("Undo");
    assert.equal(view.editor.getValue(), NOTE);
    assert.equal(host.said, "Undone in “A.md”.");
    assert.equal(host.daemon.asked("POST /outbox/101/applied").length, 1);
  });

  test("says so where what the notice offers to take back is gone already", async () => {
    await host.command("enrich-note");
    view.editor.undo();
    await host.reply("Undo");
    assert.match(host.said, /is not in the note any more/);
  });

  test("saves the open views of the note first", async () => {
    host.daemon.answers.set("POST /runs", answer(422, "not now"));
    view.editor.content = `${NOTE}Typed.`;
    await host.command("enrich-note");
    assert.deepEqual([host.said, await host.read("A.md")], ["Not now.", `${NOTE}Typed.`]);
  });

  const OUTCOMES = [
    ["nothing to do", { status: "unchanged" }, {}, "“A” is left as it is. It needs nothing."],
    ["skipped", { status: "skipped", reason: "it is a drawing" }, {}, "“A” is left as it is. It is a drawing."],
    ["failed", { status: "failed", reason: "no value came" }, {}, "“A” could not be filled. No value came."],
    ["left", { status: "unchanged", left: ["tags: none fit"] }, {}, "“A” is left as it is. Tags: none fit."],
    ["the endpoint fails", null, { state: "failed", fault: "the endpoint is down" }, "The endpoint is down."],
    ["it is cancelled", null, { state: "cancelled" }, "The work on “A” was cancelled."],
  ];
  for (const [name, fields, run, words] of OUTCOMES) {
    test(`says what became of it: ${name}`, async () => {
      host.daemon.run = progress({ ...run, results: fields ? [result(fields)] : [] });
      await host.command("enrich-note");
      assert.equal(host.said, words);
      assert.equal(view.editor.getValue(), NOTE);
    });
  }

  test("shows progress, and works on a note once at a time", async () => {
    const ready = host.daemon.hold();
    host.daemon.run = progress({ state: "running", waits: "the endpoint is busy" });
    await host.command("enrich-note");
    assert.equal(host.status.textContent, "Companion: the endpoint is busy…");
    await host.command("enrich-note");
    assert.equal(host.said, "“A.md” is being worked on already.");
    host.daemon.run = null;
    ready();
    await settle();
    assert.equal(view.editor.getValue(), FILLED);
    assert.equal(host.status.textContent, "Companion: 3 today");
    assert.equal(host.daemon.asked("POST /runs").length, 1);
  });
});

describe("enrich section", () => {
  const TEXT = "---\n# no\n---\n# One\na\n```\n# no\n```\nb\n## Two #\nc\n";
  const CASES = [
    ["below a heading, past code", "b\n## Two", 9],
    ["on the heading itself", "Two", 10],
    ["below the last", "c\n", 11],
    ["below one of those that read alike", "second", 4, "## Log\nfirst\n## Log\nsecond\n"],
    ["in the properties", "no\n---", null],
    ["above the first heading", "\n# Two", null, "One\n\n# Two\n"],
    ["in a note that has none", "t.", null, "Text.\n"],
  ];
  for (const [name, at, line, text = TEXT] of CASES) {
    test(`${line ? "asks by its line for the section" : "is not to be had"} ${name}`, async () => {
      view.editor.content = text;
      view.editor.cursor = text.indexOf(at);
      assert.equal("Enrich section at the cursor" in host.menu("editor-menu", view.editor, view), line !== null);
      assert.equal(await host.command("enrich-section"), line !== null);
      assert.equal(host.daemon.asked("POST /runs")[0]?.body.section ?? null, line);
    });
  }

  test("asks by the line that the cursor has once what waits for the note is written", async () => {
    view.editor.content = `${NOTE}\n## Two\nc\n`;
    view.editor.cursor = view.editor.content.indexOf("c\n", NOTE.length);
    host.daemon.leave("A.md", "other", null);
    await host.command("enrich-section");
    assert.equal(view.editor.content, `${FILLED}\n## Two\nc\n`);
    assert.equal(host.daemon.asked("POST /runs")[0].body.section, FILLED.split("\n").length + 2);
  });

  test("is not to be had in reading view", async () => {
    await host.close(view);
    await host.open("A.md", "preview");
    assert.equal(await host.command("enrich-section"), false);
  });
});

const OF_NOTE = { paths: ["A.md"], priority: "interactive" };
const OF_MANY = { priority: "request", agreed: false };
const choose = (...paths) => paths.map((path) => host.app.vault.getAbstractFileByPath(path));
const ASKED = [
  ["the command for requests", () => host.command("answer-requests"), { ...OF_NOTE, mode: "requests" }],
  ["a property that is chosen", () => host.command("enrich-field").then(() => host.click("tags")), { ...OF_NOTE, field: "tags" }],
  ["the ribbon, which may be set to propose", () => ((host.plugin.settings.ribbon = "propose"), host.ribbon()), { ...OF_NOTE, propose: true }],
  ["the folder of the note, the whole vault", () => host.command("enrich-folder"), { ...OF_MANY, paths: [""] }],
  ["the menu of a folder", () => host.menu("file-menu", ...choose("Folder"))["Enrich folder"](), { ...OF_MANY, paths: ["Folder"] }],
  ["the menu of several files", () => host.menu("files-menu", choose("A.md", "Picture.png", "Folder/B.md"))["Enrich 2 notes"](), { ...OF_MANY, paths: ["A.md", "Folder/B.md"] }],
];
for (const [what, act, body] of ASKED) {
  test(`the daemon is asked for by ${what}, in one run`, async () => {
    host.daemon.status.modes = { description: "write", tags: "propose" };
    host.daemon.thinking = new Promise(() => {});
    await act();
    assert.deepEqual(host.daemon.asked("POST /runs").map((sent) => sent.body), [body]);
  });
}

describe("enrich folder", () => {
  test("counts, and takes all of it back", async () => {
    await host.open("Folder/B.md");
    host.daemon.run = progress({ state: "running", total: 3, counts: { enriched: 1 }, waits: "it is slow" });
    await host.command("enrich-folder");
    assert.equal(host.status.textContent, "Companion: 1 of 3 notes, it is slow…");
    host.daemon.run = progress({ state: "failed", fault: "no more today", total: 3, counts: { enriched: 2, failed: 1 } });
    await host.pass(400);
    assert.equal(host.said, "Filled 2 notes in Folder. 1 note could not be filled. No more today.Undo");
    host.daemon.run = null;
    host.daemon.changes = [change({ id: 8, path: "C.md" }), change({ id: 7, path: "D.md", state: "undone" })];
    await host.reply("Undo");
    assert.deepEqual(host.daemon.asked("POST /changes/undo-all")[0].query, { run: "run1" });
    assert.equal(host.said, "Undone in “C.md”.");
  });

  test("takes back what can be, and lists the rest with the reason", async () => {
    host.daemon.run = progress({ total: 3, counts: { enriched: 3 } });
    await host.command("enrich-folder");
    await host.pass(400);
    const undone = [
      { path: "C.md", reason: "it was edited since", code: "not-written", undone_by: null },
      { path: "Gone.md", reason: "it is not in the note any more", code: "change-gone", undone_by: null },
      { path: "Beside.md", reason: "open in Obsidian", waits: 7, undone_by: null },
      { path: "Moved.md", reason: null },
      { path: "E.md", reason: "the callout was edited since" },
    ];
    const results = undone.map((one) => result({ path: one.path, undone: { code: null, waits: null, undone_by: 9, ...one } }));
    host.daemon.run = progress({ total: 5, results, fault: "the disk is full" });
    await host.reply("Undo");
    assert.equal(host.said, "Undone in 2 notes. Not all of it could be undone.");
    const { lines } = host;
    assert.deepEqual(lines, ["C.md: it was edited since.", "Beside.md: open in Obsidian.", "E.md: the callout was edited since.", "The disk is full."]);
  });

  test("asks before it costs much", async () => {
    await host.open("Folder/B.md");
    const refusal = answer(409, "about 2,000 notes would be sent", "not-agreed");
    const usual = host.daemon["POST /runs"];
    host.daemon.answers.set("POST /runs", (order) => (order.agreed ? usual.call(host.daemon, order) : refusal));
    for (const choice of ["Cancel", "Send them"]) {
      await host.command("enrich-folder");
      assert.equal(host.modal.titleEl.textContent, "Enrich Folder?");
      assert.equal(host.modal.contentEl.textContent, "About 2,000 notes would be sent.");
      assert.deepEqual([host.status.textContent, host.said], ["Companion: 3 today", undefined]);
      await host.click(choice);
    }
    await host.pass(400);
    assert.deepEqual(host.daemon.asked("POST /runs").map(({ body }) => body.agreed), [false, false, true]);
    assert.equal(host.said, "Filled 1 note in Folder.Undo");
    host.daemon.answers.set("POST /runs", answer(422, "not now"));
    await host.command("enrich-folder");
    assert.deepEqual([host.said, host.modals], ["Not now.", []]);
  });
});

describe("undo the last change", () => {
  test("takes the newest one that is still in the note out of the editor", async () => {
    view.editor.content = FILLED;
    const undone = [change({ id: 9, undoes: 6 }), change({ id: 8, state: "undone" })];
    host.daemon.changes = [...undone, change({ id: 5 }), change({ id: 4 })];
    await host.command("undo-note");
    assert.equal(view.editor.getValue(), NOTE);
    assert.deepEqual(host.daemon.asked("POST /changes/undo").map(({ body }) => body.changes), [[5]]);
    assert.deepEqual(host.daemon.asked("POST /outbox/100/edits")[0].body, { text: FILLED });
    assert.equal(host.daemon.asked("POST /outbox/100/applied").length, 1);
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
      assert.equal(host.said, "The latest text was already gone, so the one before it was undone in “A.md”.");
    }
    assert.deepEqual(host.daemon.asked("POST /outbox/101/applied").length + host.daemon.asked("POST /outbox/104/applied").length, 2);
  });

  const NOTHING = [
    ["none of them is in the note any more", [change({ id: 8 }), change({ id: 5 })], "What was filled is not in it any more: there is nothing to undo in “A”."],
    ["there is none", [], "There is nothing to undo in “A”."],
    ["it is refused", [change()], "It was edited since.", { undone: [{ path: "A.md", undone_by: null, reason: "it was edited since", code: "not-written", waits: null }] }],
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
    host.daemon.run = progress({ total: 1, counts: { enriched: 1 } });
    await host.command("enrich-folder");
    await host.pass(400);
    host.daemon.run = progress({ state: "running" });
    await host.reply("Undo");
    await host.pass(5_000); // the edits wait for whoever follows the run
    host.daemon.run = null;
    await host.pass(1_000);
    assert.equal(view.editor.getValue(), NOTE);
    assert.deepEqual(host.notices.slice(1), ["Undone in “Caf\u00e9.md”."]);
  });

  test("shows what would make a name read as another one", async () => {
    await host.unload();
    host = await new Host({ "a\u202egnp.md.md": NOTE }).load();
    await host.open("a\u202egnp.md.md");
    await host.command("undo-note");
    assert.equal(host.said, "There is nothing to undo in “a<U+202E>gnp.md”.");
  });
});

const WHY = [
  ["has needs", undefined, ["Description: empty description.", "Callout under “Why”: your question: Why?", "“## Done” has its callout."]],
  ["is skipped", { needs: [], left: [], skipped: "it is in the ignored folder" }, ["It is in the ignored folder."]],
  ["is complete", { needs: [], left: [], skipped: null }, ["Nothing: it has all it needs."]],
];
for (const [name, note, lines] of WHY) {
  test(`why a note is picked that ${name}`, async () => {
    if (note) host.daemon.answers.set("GET /note", note);
    await host.command("why-note");
    assert.deepEqual(host.lines, lines);
    assert.deepEqual(host.daemon.asked("GET /note")[0].query, { path: "A.md" });
  });
}

describe("pause and cancel", () => {
  test("pausing is told the daemon, and shown; the same command ends it", async () => {
    await host.command("pause");
    assert.equal(host.said, "Background work is paused.");
    assert.equal(host.status.textContent, "Companion: paused, 3 today");
    await host.command("pause");
    assert.equal(host.said, "Background work is resumed.");
    assert.equal(host.status.textContent, "Companion: 3 today");
  });

  test("all that is being done is cancelled, where there is something, though one run is over already", async () => {
    assert.equal(await host.command("cancel"), false);
    host.daemon.status.runs = ["r1"];
    host.daemon.answers.set("POST /runs/*/cancel", (_, id) => (id === "r1" ? answer(404, "There is no run r1.") : progress({ id })));
    host.daemon.thinking = new Promise(() => {});
    await host.command("enrich-note");
    await host.pass(1000);
    await host.command("cancel");
    assert.deepEqual(["r1", "run1"].map((id) => host.daemon.asked(`POST /runs/${id}/cancel`).length), [1, 1]);
    assert.equal(host.said, "There is no run r1.");
  });
});

test("a link into Obsidian asks before it enriches a note, as anybody can make one", async () => {
  const follow = async (path) => {
    host.plugin.obsidianProtocolHandlers__.get("callout-companion")({ action: "enrich", path });
    await settle();
  };
  await follow("A.md");
  assert.equal(host.modal.titleEl.textContent, "Enrich A?");
  assert.equal(host.daemon.asked("POST /runs").length, 0);
  await host.click("Enrich note");
  assert.equal(view.editor.getValue(), FILLED);
  await follow("None.md");
  assert.equal(host.said, "There is no note None.md in this vault.");
});

test("the status says what became of settings that were changed", async () => {
  const WORDS = [/take effect at the next start: server\.port\./, /until this is fixed: config\.toml \(at line 3\)/];
  const tell = async () => {
    await host.openStatus();
    const { textContent } = host.modal.contentEl;
    host.modal.close();
    return WORDS.map((words) => words.test(textContent));
  };
  assert.deepEqual(await tell(), [false, false]);
  Object.assign(host.daemon.status, { settings_to_restart_for: ["server.port"], settings_fault: "config.toml (at line 3)" });
  assert.deepEqual(await tell(), [true, true]);
});

describe("notes that were here before", () => {
  const COST = "3 notes would be sent to m at https://example.com (not on this machine): about $0.02.";

  /** @param {number} notes */
  function wait(notes) {
    const background = { ...STATUS.background, backlog: { notes, cost: COST } };
    host.daemon.status = { ...STATUS, background };
    return host.pass(60_000);
  }

  test("are announced once, and not again for fewer; where there are none, there is no command", async () => {
    await wait(0);
    assert.equal(await host.command("backlog"), false);
    await wait(3);
    await wait(2);
    assert.deepEqual(host.notices, ["3 notes were here before Companion, or arrived all at once. They stay as they are until you say so.Decide"]);
    await wait(60);
    assert.match(host.said, /^60 notes/);
  });

  const ANSWERS = [
    ["Yes, enrich them", true, "They will be filled in the background."],
    ["No, leave them alone", false, "They are left alone."],
    ["Yes, enrich them", true, "The backlog has grown.", answer(409, "the backlog has grown")],
  ];
  for (const [button, isFilled, said, answered = STATUS] of ANSWERS) {
    test(`are asked about with their number, the endpoint and the cost: ${button}, ${said}`, async () => {
      await wait(3);
      host.daemon.answers.set("POST /backlog", answered);
      await host.reply("Decide");
      const { textContent } = host.modal.contentEl;
      assert.ok(textContent.includes(`3 notes were here before. ${COST} In the background at most 100 a day.`), textContent);
      await host.click(button);
      assert.deepEqual(host.daemon.asked("POST /backlog").map(({ body }) => body), [{ fill: isFilled, notes: 3 }]);
      assert.equal(host.said, said);
      assert.equal(host.modals.length, 0);
    });
  }
});

test("where there is no note, no command for one is to be had, and the ribbon says so", async () => {
  for (const active of [null, { file: host.app.vault.getFileByPath("Picture.png") }]) {
    host.active = active;
    for (const id of ["enrich-note", "enrich-section", "answer-requests", "enrich-folder", "propose-note", "undo-note", "why-note"]) {
      assert.equal(await host.command(id), false, id);
    }
    await host.ribbon();
    assert.equal(host.said, "Open a note first.");
  }
});

test("menus of a note, the editor, other files and folders have what can be done with them", () => {
  const [note, picture, folder] = choose("A.md", "Picture.png", "Folder");
  view.editor.cursor = NOTE.length;
  const MENUS = [
    [host.menu("file-menu", note), "Enrich note", "Propose for this note", "Undo the last change of this note", "Why is this note picked, or not?"],
    [host.menu("editor-menu", view.editor, view), "Enrich note", "Enrich section at the cursor", "Answer the questions in this note"],
    [host.menu("file-menu", picture)],
    [host.menu("file-menu", folder), "Enrich folder"],
    [host.menu("files-menu", [picture])],
  ];
  for (const [items, ...names] of MENUS) assert.deepEqual(Object.keys(items), names);
});

test("the menu of several files with one note among them enriches it as it is in its editor", async () => {
  view.editor.type(NOTE.length, "Typed.");
  await host.menu("files-menu", choose("A.md", "Picture.png"))["Enrich 1 note"]();
  assert.equal(await host.read("A.md"), fill(`${NOTE}Typed.`));
});

const SAID = [
  ["a note that is not there", ":enrich", { path: "None.md" }, /^There is no note None\.md in this vault\.$/],
  ["how things stand", "", {}, /^Notes: 40 notes, 5 to do\. qwen3-4b on this computer\.$/],
  ["what was filled", ":enrich", { path: "A.md" }, /^Filled description and a callout in “A”\.$/],
  ["why it cannot", ":enrich", { path: "A.md" }, /^Nothing answers at /, { isAway: true }],
];
for (const [name, command, words, expected, fault] of SAID) {
  test(`Obsidian's command line tells of ${name}`, async () => {
    Object.assign(host.daemon, fault);
    const said = host.plugin.cliHandlers__.get(`callout-companion${command}`)(words);
    await settle();
    assert.match(await said, expected);
    assert.equal(view.editor.getValue(), name === "what was filled" ? FILLED : NOTE);
  });
}

test("a note that is renamed while a proposal is asked for is asked about once", async () => {
  const answerNow = host.daemon.hold();
  await host.menu("file-menu", view.file)["Propose for this note"]();
  await host.app.vault.rename(view.file, "C.md");
  answerNow();
  await host.pass(1000);
  assert.equal(host.daemon.asked("POST /runs").length, 1);
  assert.equal(host.status.textContent, "Companion: 3 today");
});

const MANY = [
  ["a question before they take hours on this computer", 50, "", true],
  ["no question", 49, "", false],
  ["the question left to the daemon where a remote model is asked", 500, "http://model.example/v1", false],
];
for (const [name, total, endpoint, isAsked] of MANY) {
  test(`${total} notes at once: ${name}`, async () => {
    host.daemon.answers.set("GET /notes", { notes: [], after: null, total });
    host.daemon.status.endpoint = endpoint;
    await host.pass(10_000);
    await host.command("enrich-folder");
    assert.equal(host.daemon.asked("POST /runs").length, isAsked ? 0 : 1);
    if (!isAsked) return;
    assert.match(host.modal.contentEl.textContent, /^50 notes of the vault may need something; .* may take hours\./);
    await host.click("Enrich them");
    assert.equal(host.daemon.asked("POST /runs").length, 1);
  });
}

test("a base of the notes is made once, and opened", async () => {
  await host.command("base");
  assert.equal(host.said, "Made Callout Companion.base.");
  const text = await host.read("Callout Companion.base");
  for (const line of ["name: Stubs", 'file.hasProperty("description")', "name: Filled"]) assert.ok(text.includes(line));
  host.files.set("Callout Companion.base", "mine");
  await host.command("base");
  assert.equal(host.said, "Callout Companion.base is there already.");
  assert.equal(await host.read("Callout Companion.base"), "mine");
});
