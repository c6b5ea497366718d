/** Every command, menu item and the ribbon: what they ask the daemon for, and what becomes of it. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Host, settle } from "./host/obsidian.js";
import { CHANGES, FILLED, NOTE, answer, change, fill, offerFor, progress, result } from "./host/daemon.js";

/** @type {Host} */
let host;
let view;

beforeEach(async () => {
  host = await new Host({ "A.md": NOTE, "Folder/B.md": NOTE, "Picture.png": "" }).load();
  view = await host.open("A.md");
});

afterEach(() => host.unload());

describe("enrich note", () => {
  test("fills the open note as one step of undo, and offers to take it back", async () => {
    view.editor.cursor = NOTE.length;
    await host.command("enrich-note");
    assert.equal(view.editor.getValue(), FILLED);
    assert.equal(await host.read("A.md"), FILLED);
    assert.equal(view.editor.cursor, FILLED.length);
    assert.deepEqual(view.editor.steps, [NOTE]);
    assert.match(host.said, /^Filled description and a callout in “A”\.Undo$/);
    const [{ body }] = host.daemon.asked("POST /runs");
    assert.deepEqual(body, { paths: ["A.md"], priority: "interactive", on_fault: "stop", apply: "client", text: NOTE });
    const { base_sha256, new_sha256 } = offerFor(NOTE);
    assert.deepEqual(host.daemon.asked("POST /runs/run1/applied")[0].body, { path: "A.md", base_sha256, new_sha256 });
    host.notices.at(-1).click("Undo");
    await settle();
    assert.equal(view.editor.getValue(), NOTE);
    assert.equal(host.said, "Undone in “A.md”.");
    assert.equal(host.daemon.asked("POST /changes/8/applied").length, 1);
  });

  test("saves the open views of the note first", async () => {
    let onDisk;
    host.daemon.answers.set("POST /runs", async () => {
      onDisk = await host.read("A.md");
      return answer(422, "not now");
    });
    view.editor.content = `${NOTE}Typed.`;
    await host.command("enrich-note");
    assert.equal(onDisk, `${NOTE}Typed.`);
    assert.equal(host.said, "Not now.");
  });

  test("lets the daemon write a note that is open to read only", async () => {
    await host.close(view);
    await host.open("A.md", "preview");
    await host.command("enrich-note");
    const [{ body }] = host.daemon.asked("POST /runs");
    assert.deepEqual(body, { paths: ["A.md"], priority: "interactive", on_fault: "stop", even_open: true });
    assert.equal(host.daemon.asked("POST /runs/run1/applied").length, 0);
    assert.match(host.said, /^Filled description and a callout in “A”/);
    host.notices.at(-1).click("Undo");
    await settle();
    assert.deepEqual(host.daemon.asked("POST /changes/8/undo").map(({ body }) => body), [{ even_open: true }]);
  });

  const OUTCOMES = [
    ["nothing to do", { status: "unchanged" }, "“A” is left as it is. It needs nothing."],
    ["skipped", { status: "skipped", reason: "it is a drawing" }, "“A” is left as it is. It is a drawing."],
    ["failed", { status: "failed", reason: "no value came" }, "“A” could not be filled. No value came."],
    ["left", { status: "unchanged", left: ["tags: none fit"] }, "“A” is left as it is. Tags: none fit."],
  ];
  for (const [name, fields, words] of OUTCOMES) {
    test(`says what became of it: ${name}`, async () => {
      host.daemon.answers.set("GET /runs/*", progress({ results: [result(fields)] }));
      await host.command("enrich-note");
      assert.equal(host.said, words);
      assert.equal(view.editor.getValue(), NOTE);
    });
  }

  const ENDS = [
    ["the endpoint fails", { state: "failed", fault: "the endpoint is down" }, "The endpoint is down."],
    ["it is cancelled", { state: "cancelled" }, "The work on “A” was cancelled."],
  ];
  for (const [name, fields, words] of ENDS) {
    test(`says why nothing comes: ${name}`, async () => {
      host.daemon.answers.set("GET /runs/*", progress(fields));
      await host.command("enrich-note");
      assert.equal(host.said, words);
    });
  }

  test("shows progress, and works on a note once at a time", async () => {
    let ready;
    host.daemon.thinking = new Promise((resolve) => (ready = resolve));
    const waits = progress({ state: "running", waits: "the endpoint is busy" });
    let polls = 0;
    const usual = host.daemon["GET /runs/*"];
    host.daemon.answers.set("GET /runs/*", (...sent) => (polls++ ? usual.call(host.daemon, ...sent) : waits));
    await host.command("enrich-note");
    assert.equal(host.status.textContent, "Companion: the endpoint is busy…");
    await host.command("enrich-note");
    assert.equal(host.said, "“A.md” is being worked on already.");
    await host.pass(400);
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
    ["below a heading, past code", "b\n## Two", "One"],
    ["on the heading itself", "Two", "Two"],
    ["below the last", "c\n", "Two"],
  ];
  for (const [name, at, heading] of CASES) {
    test(`asks for the section ${name}`, async () => {
      view.editor.content = TEXT;
      view.editor.cursor = TEXT.indexOf(at);
      await host.command("enrich-section");
      assert.equal(host.daemon.asked("POST /runs")[0].body.section, heading);
    });
  }

  test("says so where there is no heading above", async () => {
    view.editor.content = TEXT;
    view.editor.cursor = 5;
    await host.command("enrich-section");
    assert.equal(host.said, "Put the cursor below a heading first, in editing view.");
    assert.equal(host.daemon.asked("POST /runs").length, 0);
  });
});

describe("answer requests", () => {
  test("asks for them and nothing else, and writes them", async () => {
    const results = [result({ changes: [CHANGES[1]], offer: offerFor(NOTE, [1]) })];
    host.daemon.answers.set("GET /runs/*", progress({ results }));
    await host.command("answer-requests");
    assert.equal(host.daemon.asked("POST /runs")[0].body.requests, true);
    assert.equal(view.editor.getValue(), fill(NOTE, [1]));
    assert.match(host.said, /^Filled a callout in “A”/);
  });

  test("says so where nothing is asked", async () => {
    const results = [result({ status: "unchanged", reason: "nothing to fill", changes: [], change: null, offer: null })];
    host.daemon.answers.set("GET /runs/*", progress({ results }));
    await host.command("answer-requests");
    assert.equal(host.said, "“A” is left as it is. Nothing to fill.");
    assert.equal(view.editor.getValue(), NOTE);
  });
});

describe("enrich folder", () => {
  test("counts, and takes all of it back", async () => {
    await host.open("Folder/B.md");
    const steps = [
      progress({ state: "running", total: 3, counts: { enriched: 1 }, waits: "it is slow" }),
      progress({ total: 3, counts: { enriched: 2, failed: 1 } }),
    ];
    host.daemon.answers.set("GET /runs/*", () => steps.shift());
    await host.command("enrich-folder");
    assert.equal(host.status.textContent, "Companion: 1 of 3 notes, it is slow…");
    await host.pass(400);
    assert.deepEqual(host.daemon.asked("POST /runs")[0].body, { paths: ["Folder"], priority: "request", agreed: false });
    assert.match(host.said, /^Filled 2 notes in Folder\. 1 note could not be filled\./);
    host.daemon.changes = [change({ id: 8, path: "C.md" }), change({ id: 7, path: "D.md", state: "undone" })];
    host.notices.at(-1).click("Undo");
    await settle();
    assert.deepEqual(host.daemon.asked("GET /changes")[0].query, { run: "run1", limit: "1000" });
    assert.equal(host.daemon.asked("POST /changes/8/undo").length, 1);
    assert.equal(host.daemon.asked("POST /changes/7/undo").length, 0);
    assert.equal(host.said, "Undone in 1 note.");
  });

  test("names the whole vault by an empty path, and says why it ended", async () => {
    host.daemon.answers.set("GET /runs/*", progress({ state: "failed", fault: "no more today" }));
    await host.command("enrich-folder");
    assert.deepEqual(host.daemon.asked("POST /runs")[0].body.paths, [""]);
    assert.equal(host.said, "Nothing was filled. No more today.");
  });

  const CHOICES = [
    ["Send them", [false, true], /^Filled 1 note in Folder\.Undo$/],
    ["Cancel", [false], undefined],
  ];
  for (const [choice, sent, words] of CHOICES) {
    test(`asks before it costs much: ${choice}`, async () => {
      await host.open("Folder/B.md");
      const refusal = answer(409, "about 2,000 notes would be sent", "urn:callout-companion:problem:not-agreed");
      const usual = host.daemon["POST /runs"];
      host.daemon.answers.set("POST /runs", (order) => (order.agreed ? usual.call(host.daemon, order) : refusal));
      await host.command("enrich-folder");
      assert.equal(host.modal.titleEl.textContent, "Enrich Folder?");
      assert.equal(host.modal.contentEl.querySelector("li").textContent, "About 2,000 notes would be sent.");
      assert.equal(host.status.textContent, "Companion: 3 today");
      await host.click(choice);
      await host.pass(400);
      assert.equal(host.modals.length, 0);
      assert.deepEqual(host.daemon.asked("POST /runs").map(({ body }) => body.agreed), sent);
      if (words) assert.match(host.said, words);
      else assert.equal(host.said, words);
    });
  }

  test("does not ask where it is refused for another reason", async () => {
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
    assert.deepEqual(host.daemon.asked("POST /changes/5/undo")[0].body, { apply: "client", text: FILLED });
    assert.equal(host.daemon.asked("POST /changes/5/applied").length, 1);
  });

  test("says so when there is none", async () => {
    await host.command("undo-note");
    assert.equal(host.said, "There is nothing to undo in “A”.");
  });

  test("says why it cannot be undone", async () => {
    host.daemon.changes = [change()];
    host.daemon.answers.set("POST /changes/*/undo", answer(409, "it was edited since"));
    await host.command("undo-note");
    assert.equal(host.said, "It was edited since.");
  });
});

describe("why", () => {
  test("lists what would be filled and what stays", async () => {
    await host.command("why-note");
    const lines = [...host.modal.contentEl.querySelectorAll("li")].map((line) => line.textContent);
    assert.deepEqual(lines, [
      "Property description: empty description.",
      "Callout under “Why”: you ask: Why?",
      "“## Done” has its callout.",
    ]);
    assert.deepEqual(host.daemon.asked("GET /notes")[0].query, { path: "A.md" });
  });

  const CASES = [
    ["skipped", { needs: [], left: [], skipped: "it is in the ignored folder" }, "It is in the ignored folder."],
    ["complete", { needs: [], left: [], skipped: null }, "Nothing: it has all it needs."],
  ];
  for (const [name, note, words] of CASES) {
    test(`says of a note that is ${name}`, async () => {
      host.daemon.answers.set("GET /notes", note);
      await host.command("why-note");
      assert.equal(host.modal.contentEl.querySelector("li").textContent, words);
    });
  }
});

describe("pause and resume", () => {
  test("are told the daemon, and shown", async () => {
    await host.command("pause");
    assert.equal(host.said, "Background work is paused.");
    assert.equal(host.status.textContent, "Companion: paused, 3 today");
    await host.command("resume");
    assert.equal(host.said, "Background work goes on.");
    assert.equal(host.status.textContent, "Companion: 3 today");
  });
});

describe("where there is no note", () => {
  const IDS = ["enrich-note", "enrich-section", "answer-requests", "enrich-folder", "review-note", "undo-note", "why-note"];
  for (const id of IDS) {
    test(`${id} is not to be had`, async () => {
      host.active = null;
      assert.equal(await host.command(id), false);
      host.active = { file: host.app.vault.getFileByPath("Picture.png") };
      assert.equal(await host.command(id), false);
    });
  }

  test("the ribbon says so", async () => {
    host.active = null;
    await host.ribbon();
    assert.equal(host.said, "Open a note first.");
  });
});

describe("the ribbon", () => {
  test("enriches the active note", async () => {
    await host.ribbon();
    assert.equal(view.editor.getValue(), FILLED);
  });

  test("opens a review when that is set", async () => {
    host.plugin.settings.ribbon = "review";
    await host.ribbon();
    assert.equal(view.editor.getValue(), NOTE);
    assert.equal(host.modal.titleEl.textContent, "What would change in “A”");
  });
});

describe("menus", () => {
  const names = (items) => items.map((item) => item.title__);

  test("of a note, a folder, the editor and other files", () => {
    const { vault } = host.app;
    assert.deepEqual(names(host.menu("file-menu", vault.getFileByPath("A.md"))), [
      "Enrich note",
      "Review what would change",
      "Undo the last change of this note",
      "Why is this note (not) picked",
    ]);
    assert.deepEqual(names(host.menu("file-menu", vault.getFolderByPath("Folder"))), ["Enrich folder"]);
    assert.deepEqual(names(host.menu("editor-menu", view.editor, view)), [
      "Enrich note",
      "Enrich section at the cursor",
      "Answer requests in this note",
    ]);
    assert.deepEqual(host.menu("file-menu", vault.getFileByPath("Picture.png")), []);
  });

  test("an item works on the note it is about, closed as it may be", async () => {
    const [enrich] = host.menu("file-menu", host.app.vault.getFileByPath("Folder/B.md"));
    enrich.onClick__();
    await settle();
    assert.deepEqual(host.daemon.asked("POST /runs")[0].body.paths, ["Folder/B.md"]);
    assert.equal("text" in host.daemon.asked("POST /runs")[0].body, false);
  });

  test("a folder's item works on the folder", async () => {
    host.menu("file-menu", host.app.vault.getFolderByPath("Folder"))[0].onClick__();
    await settle();
    assert.deepEqual(host.daemon.asked("POST /runs")[0].body, { paths: ["Folder"], priority: "request", agreed: false });
  });
});
