/** Open notes: that the daemon knows them, edits that somebody else asked for, or nobody, and confirmations that are late. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { Host, settle } from "./host/obsidian.js";
import { FILLED, FakeDaemon, NOTE, answer, change, fill, offerFor } from "./host/daemon.js";

let host;
let view;

const RUN = { id: 3, path: "A.md", run: "run7", change: null };
const requests = (name) => host.daemon.asked(name).map(({ body }) => body);

async function begin(asked, data = { takeOver: false }, mode = "source") {
  host = new Host({ "A.md": NOTE, "B.md": NOTE });
  Object.assign(host.data, data);
  await host.load();
  view = await host.open("A.md", mode);
  host.daemon.askedFor = asked;
}

afterEach(() => host.unload());

describe("an open note that is asked for elsewhere", () => {
  test("is filled here, also where open notes are not taken over in the background", async () => {
    await begin([RUN]);
    await host.pass(2000);
    assert.equal(view.editor.getValue(), FILLED);
    assert.equal(view.editor.steps, 1);
    assert.deepEqual(requests("POST /outbox/3/edits"), [{ text: NOTE }]);
    assert.equal(requests("POST /outbox/3/applied").length, 1);
    assert.equal(host.daemon.asked("POST /runs").length, 0);
    assert.deepEqual(host.notices, ["Filled description and a callout in “A”.Undo"]);
  });

  test("is filled soon after another one", async () => {
    await begin([]);
    const other = await host.open("B.md");
    host.daemon.askedFor = [RUN, { ...RUN, id: 4, path: "B.md" }];
    await host.pass(4000);
    assert.deepEqual([view, other].map(({ editor }) => editor.getValue()), [FILLED, FILLED]);
  });

  test("waits for a short pause", async () => {
    await begin([RUN]);
    for (let times = 0; times < 8; times++) {
      view.editor.type(NOTE.length, "x");
      await host.pass(500);
    }
    assert.equal(view.editor.getValue(), `${NOTE}xxxxxxxx`);
    await host.pass(2000);
    assert.equal(view.editor.getValue(), fill(`${NOTE}xxxxxxxx`));
  });

  test("waits for a pause again when typing goes on while the edits are fetched", async () => {
    await begin([RUN]);
    host.daemon.answers.set("POST /outbox/*/edits", ({ text }) => {
      if (text === NOTE) view.editor.type(NOTE.length, "x");
      return { offer: offerFor(text) };
    });
    await host.pass(2000);
    host.daemon.answers.delete("POST /outbox/*/edits");
    for (let times = 0; times < 8; times++) {
      assert.equal(view.editor.getValue(), `${NOTE}${"x".repeat(times + 1)}`);
      view.editor.type(NOTE.length, "x");
      await host.pass(500);
    }
    await host.pass(7000);
    assert.equal(view.editor.getValue(), fill(`${NOTE}xxxxxxxxx`));
  });

  test("is filled with what is typed in its card on a canvas", async () => {
    await begin([]);
    await host.close(view);
    (await host.openCard("A.md")).content = `${NOTE}Typed.\n`;
    host.daemon.askedFor = [RUN];
    await host.pass(12_000);
    assert.equal(await host.read("A.md"), fill(`${NOTE}Typed.\n`));
  });

  test("is tried again when that did not work, and nobody is bothered", async () => {
    await begin([RUN]);
    host.daemon.answers.set("POST /outbox/*/edits", answer(409, "the place is gone"));
    await host.pass(4000);
    assert.equal(requests("POST /outbox/3/edits").length, 1);
    host.daemon.answers.delete("POST /outbox/*/edits");
    assert.deepEqual(host.notices, []);
    await host.pass(4000);
    assert.equal(view.editor.getValue(), FILLED);
  });

  test("is taken back here", async () => {
    await begin([{ id: 3, path: "A.md", run: null, change: 7 }]);
    host.daemon.answers.set("POST /outbox/*/edits", { offer: offerFor(NOTE), reason: "the rest was edited" });
    await host.pass(2000);
    assert.deepEqual(requests("POST /outbox/3/edits"), [{ text: NOTE }]);
    assert.equal(requests("POST /outbox/3/applied").length, 1);
    assert.equal(view.editor.getValue(), FILLED);
    assert.match(host.said, /“A.md”.*The rest was edited\./);
  });

  test("is changed for one after the other where two ask for it", async () => {
    await begin([RUN, { ...RUN, id: 4, run: "run8" }]);
    host.daemon.answers.set("POST /outbox/*/edits", () => new Promise(() => {}));
    await host.pass(3000);
    assert.deepEqual([3, 4].map((id) => requests(`POST /outbox/${id}/edits`).length), [1, 0]);
  });
});

test("a note that is open to read is filled in its file, also with what was typed in its card meanwhile, and taken back there", async () => {
  await begin([], {}, "preview");
  const card = await host.openCard("A.md");
  host.active = view;
  const answerNow = host.daemon.hold();
  await host.command("enrich-note");
  card.content = `${NOTE}Typed.\n`;
  answerNow();
  await host.pass(1000);
  assert.equal(await host.read("A.md"), fill(`${NOTE}Typed.\n`));
  host.daemon.changes = [change({ id: 9 })];
  card.content = await host.read("A.md");
  await host.command("undo-note");
  assert.equal(await host.read("A.md"), `${NOTE}Typed.\n`);
});

test("a note that is opened while the run that was started for it here goes on is filled here, as nothing else is being done with it", async () => {
  await begin([]);
  await host.close(view);
  const answerNow = host.daemon.hold();
  await host.menu("file-menu", view.file)["Enrich note"]();
  view = await host.open("A.md");
  host.daemon.askedFor = [{ ...RUN, id: 4, run: "run2" }];
  await host.pass(3000);
  assert.equal(requests("POST /outbox/4/edits").length, 0, "another run's edits wait");
  answerNow();
  await host.pass(1000);
  assert.equal(view.editor.getValue(), FILLED);
  assert.match(host.said, /^Filled /);
});

test("what was written while the daemon was away is confirmed once it is back", async () => {
  await begin([]);
  host.daemon.answers.set("POST /outbox/*/applied", () => {
    throw new Error("net::ERR_CONNECTION_RESET");
  });
  await host.command("enrich-note");
  await host.pass(40_000);
  assert.equal(view.editor.getValue(), FILLED);
  assert.equal(host.said, undefined);
  host.daemon.answers.clear();
  await host.pass(5_000);
  assert.match(host.said, /^Filled /);
  assert.deepEqual([host.daemon.askedFor.length, host.plugin.work.doing.size], [0, 0]);
});

describe("an open note that waits for edits", () => {
  let view;
  const begin = async (data) => {
    host = new Host({ "A.md": NOTE, "B.md": NOTE });
    Object.assign(host.data, { takeOver: true, ...data });
    await host.load();
    (await host.open("B.md")).editor.type(0, "x");
    host.daemon.toDo = ["A.md"];
    view = await host.open("A.md");
    view.editor.type(NOTE.length, "x");
  };
  const text = `${NOTE}x`;
  const runs = () => host.daemon.asked("POST /runs").map(({ body }) => body);
  /** A model thinks about the note, which is typed in, and answers. */
  const answerLate = async () => {
    await begin({});
    const answerNow = host.daemon.hold();
    await host.pass(6000);
    view.editor.type(NOTE.length, "y");
    answerNow();
    await host.pass(500);
  };
  const TYPED = `${NOTE}yx`;

  test("is filled while the user rests, which is said", async () => {
    await begin({});
    await host.pass(4900);
    assert.deepEqual(runs(), []);
    await host.pass(1100);
    assert.equal(view.editor.getValue(), fill(text));
    assert.deepEqual(runs(), [{ paths: ["A.md"], priority: "background" }]);
    assert.match(host.said, /^Filled description and a callout in “A”\. The plugin’s settings say that/);
    await host.reply("Undo");
    assert.equal(view.editor.getValue(), text);
  });

  test("is not written while the user types again, nor asked about twice", async () => {
    await answerLate();
    for (let times = 0; times < 40; times++) {
      view.editor.type(NOTE.length, "z");
      await host.pass(3000); // a pause, and no rest
    }
    assert.equal(view.editor.getValue(), `${NOTE}${"z".repeat(40)}yx`);
    assert.deepEqual([host.notices, host.plugin.work.doing.size], [[], 0]);
    host.daemon.toDo = [];
    await host.pass(10_000);
    assert.equal(view.editor.getValue(), fill(`${NOTE}${"z".repeat(40)}yx`));
    assert.equal(runs().length, 1);
  });

  test("gives way to what the user asks for: the answer that waits is written at once", async () => {
    await answerLate();
    assert.equal(view.editor.getValue(), TYPED);
    await host.ribbon();
    assert.equal(view.editor.getValue(), fill(TYPED));
    assert.match(host.said, /^Filled description and a callout in “A”\.Undo$/);
    assert.deepEqual(runs().map(({ priority }) => priority), ["background", "interactive"], "only what is left is asked for");
    assert.equal(host.notices.length, 1);
  });

  test("is not written where a proposal is asked for", async () => {
    await answerLate();
    await host.menu("file-menu", view.file)["Propose for this note"]();
    assert.equal(view.editor.getValue(), TYPED);
    assert.equal(runs().at(-1).propose, true);
  });

  test("gives way also where the answer waits until the cursor has left a property", async () => {
    await begin({});
    view.editor.cursor = NOTE.indexOf("description:") + 3;
    await host.pass(20_000);
    await host.ribbon();
    assert.equal(host.said, "“A” waits until the cursor has left its property “description”.Cancel");
    view.editor.cursor = NOTE.length;
    await host.pass(400);
    assert.equal(view.editor.getValue(), fill(text));
  });

  test("has an undo done at once, and the answer is written later", async () => {
    await answerLate();
    host.daemon.changes = [change({ id: 5 })];
    host.daemon.answers.set("POST /changes/undo", { undone: [{ path: "A.md", undone_by: 9, reason: null, code: null, waits: null }] });
    await host.command("undo-note");
    assert.equal(host.said, "Undone in “A.md”.");
    await host.pass(10_000);
    assert.equal(view.editor.getValue(), fill(TYPED));
    assert.equal(runs().length, 1);
  });

  test("is tried once a minute when it does not work, and nobody is bothered", async () => {
    await begin({});
    host.daemon.answers.set("POST /runs", answer(422, "no background work is done: paused"));
    await host.pass(64_000);
    assert.equal(runs().length, 1);
    await host.pass(5000);
    assert.equal(runs().length, 2);
    assert.deepEqual(host.notices, []);
  });

  const LEFT = [
    ["left alone unless that is switched on", { takeOver: undefined }, () => {}],
    ["left to the daemon once it is closed", {}, () => ((host.daemon.isAway = true), host.close(view))],
  ];
  for (const [name, data, act] of LEFT) {
    test(`is ${name}`, async () => {
      await begin(data);
      await act();
      await host.pass(20_000);
      assert.deepEqual(runs(), []);
    });
  }
});

describe("presence", () => {
  const told = () => host.daemon.asked("POST /presence").map(({ body }) => body.open);

  test("is reported at once, and ended", async () => {
    host = await new Host({ "A.md": NOTE, "B.md": NOTE }).load();
    assert.deepEqual(told(), [[]]);
    const view = await host.open("B.md");
    await host.open("A.md", "preview");
    await host.open("A.md");
    assert.deepEqual(told().slice(1), [["B.md"], ["A.md", "B.md"]]);
    await host.close(view);
    assert.deepEqual(told().at(-1), ["A.md"]);
    await host.app.vault.rename(host.active.file, "Folder/C.md");
    await settle();
    assert.deepEqual(told().at(-1), ["Folder/C.md"]);
    host.plugin.unload();
    await settle();
    assert.deepEqual(told().at(-1), []);
    const clients = host.daemon.asked("POST /presence").map(({ body }) => body.client);
    assert.equal(new Set(clients).size, 1);
  });

  for (const held of ["POST /presence", "GET /feed"]) {
    test(`is right once a note was renamed before ${held} was answered, whichever answer comes first`, async () => {
      host = await new Host().load();
      await host.open("A.md");
      const answers = [];
      const usual = FakeDaemon.prototype[held];
      host.daemon.answers.set(held, (...about) => new Promise((done) => answers.push(() => done(usual.apply(host.daemon, about)))));
      void host.plugin.daemon.check();
      await settle();
      await host.app.vault.rename(host.active.file, "B.md");
      for (await settle(); answers.length; await settle()) answers.pop()();
      assert.deepEqual(host.daemon.open, ["B.md"]);
    });
  }

  test("keeps nothing of windows that were closed", async () => {
    host = await new Host().load();
    const counts = new Map();
    for (const doc of ["closed", "open"].map((title) => document.implementation.createHTMLDocument(title))) {
      const [add, remove] = [doc.addEventListener.bind(doc), doc.removeEventListener.bind(doc)];
      const count = (by) => counts.set(doc.title, (counts.get(doc.title) ?? 0) + by);
      doc.addEventListener = (...about) => (count(1), add(...about));
      doc.removeEventListener = (...about) => (count(-1), remove(...about));
      host.workspace.trigger("window-open", { doc }, {});
      if (doc.title === "closed") host.workspace.trigger("window-close", { doc }, {});
    }
    assert.equal(counts.get("closed"), 0);
    assert.ok(counts.get("open") > 0);
    host.plugin.unload();
    assert.equal(counts.get("open"), 0);
  });

  test("names notes in a window of their own, on a canvas, and embedded in one of these", async () => {
    const embeds = "![[B#Heading|alias]]\n";
    host = await new Host({ "A.md": embeds, "B.md": "![[A]] ![[D]] ![[Picture.png]]\n", "C.md": NOTE, "D.md": NOTE, "Picture.png": "" }).load();
    const { metadataCache, vault } = host.app;
    const cached = { "A.md": [{ link: "B#Heading" }], "B.md": [{ link: "A" }, { link: "D" }, { link: "Picture.png" }] };
    metadataCache.getFileCache = (file) => ({ embeds: cached[file.path] });
    metadataCache.getFirstLinkpathDest = (path) => vault.getFileByPath(path.includes(".") ? path : `${path}.md`);
    await host.openCanvas("C.md", "Picture.png", "Gone.md");
    assert.deepEqual(told().at(-1), ["C.md"]);
    await host.open("A.md");
    assert.deepEqual(told().at(-1), ["A.md", "B.md", "C.md", "D.md"]);
  });

  for (const name of ["", "POST /presence"]) {
    test(`ends when Obsidian is closed, which it keeps open for a second at most${name && ` where ${name} is never answered`}`, async () => {
      host = await new Host().load();
      await host.open("A.md");
      if (name) host.daemon.answers.set(name, () => new Promise(() => {}));
      let isDone = false;
      host.workspace.trigger("quit", { add: (task) => void task().then(() => (isDone = true)) });
      await host.pass(name ? 1_000 : 0);
      assert.ok(isDone);
      if (!name) assert.deepEqual(told().at(-1), []);
    });
  }

  test("that cannot be reported shows that the daemon is away", async () => {
    host = await new Host().load();
    host.daemon.isAway = true;
    await host.open("A.md");
    assert.equal(host.status.textContent, "Companion: not running");
  });
});

const CARDS = [
  ["is saved before a model is asked", `${NOTE}Typed.`, "", {}, `${NOTE}Typed.`, /^Not now\.$/],
  ["is known to be saved where its card shows a part of the note", undefined, "Text", {}, NOTE, /^Not now\.$/],
  ["keeps the note from being filled where it cannot be saved", `${NOTE}Typed.`, "", { requestSave: null }, NOTE, /^“A” is being edited on a canvas or in a popover, and is not saved yet\./],
];
for (const [name, typed, part, fields, saved, words] of CARDS) {
  test(`text that was typed on a canvas ${name}`, async () => {
    host = await new Host().load();
    const card = await host.openCard("A.md", part, fields);
    if (typed) card.content = typed;
    host.daemon.answers.set("POST /runs", answer(422, "not now"));
    host.menu("file-menu", host.app.vault.getFileByPath("A.md"))["Enrich note"]();
    await host.pass(5000);
    assert.equal(await host.read("A.md"), saved);
    assert.match(host.said, words);
  });
}
