/** Open notes: that the daemon knows them, edits that somebody else asked for, or nobody, and confirmations that are late. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { Host, settle } from "./host/obsidian.js";
import { FILLED, FakeDaemon, NOTE, answer, change, fill, offerFor } from "./host/daemon.js";

let host;
let view;

const RUN = { id: 3, path: "A.md", run: "run7", change: null };
const requests = (name) => host.daemon.asked(name).map(({ body }) => body);

async function begin(asked, mode = "source") {
  host = await new Host({ "A.md": NOTE, "B.md": NOTE }).load();
  view = await host.open("A.md", mode);
  host.daemon.askedFor = asked;
}

afterEach(() => host.unload());

describe("an open note that is asked for elsewhere", () => {
  test("is filled here", async () => {
    await begin([RUN]);
    await host.pass(2000);
    assert.equal(view.editor.getValue(), FILLED);
    assert.equal(view.editor.steps, 1);
    assert.deepEqual(requests("POST /outbox/3/edits"), [{ text: NOTE }]);
    assert.equal(requests("POST /outbox/3/applied").length, 1);
    assert.equal(host.daemon.asked("POST /runs").length, 0);
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
    host.daemon.answers.set("POST /outbox/*/edits", { offer: offerFor(NOTE), reason: null });
    await host.pass(2000);
    assert.deepEqual(requests("POST /outbox/3/edits"), [{ text: NOTE }]);
    assert.equal(requests("POST /outbox/3/applied").length, 1);
    assert.equal(view.editor.getValue(), FILLED);
  });

  test("is changed for one after the other where two ask for it", async () => {
    await begin([RUN, { ...RUN, id: 4, run: "run8" }]);
    host.daemon.answers.set("POST /outbox/*/edits", () => new Promise(() => {}));
    await host.pass(3000);
    assert.deepEqual([3, 4].map((id) => requests(`POST /outbox/${id}/edits`).length), [1, 0]);
  });
});

test("a note that is open to read is filled in its file, and taken back there", async () => {
  await begin([], "preview");
  await host.command("enrich-note");
  await host.pass(1000);
  assert.equal(await host.read("A.md"), FILLED);
  host.daemon.changes = [change({ id: 9 })];
  await host.command("undo-note");
  assert.equal(await host.read("A.md"), NOTE);
});

test("a note that is opened while the run that was started for it here goes on is filled here", async () => {
  await begin([]);
  await host.close(view);
  const answerNow = host.daemon.hold();
  await host.menu("file-menu", view.file)["Enrich note"]();
  view = await host.open("A.md");
  answerNow();
  await host.pass(1000);
  assert.equal(view.editor.getValue(), FILLED);
  assert.match(host.said, / filledUndo$/);
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
  assert.match(host.said, / filledUndo$/);
  assert.deepEqual(host.daemon.askedFor, []);
});

test("what waits for a note is written at once where the user asks for it, unless they ask for proposals", async () => {
  await begin([RUN]);
  host.daemon.isFilled = (text) => text.includes("Because.");
  view.editor.type(NOTE.length, "x"); // so that it waits
  await host.pass(0);
  await host.command("enrich-part");
  await host.click("Only propose");
  assert.equal(view.editor.getValue(), `${NOTE}x`);
  view.editor.type(NOTE.length, "x");
  await host.command("enrich-note");
  await host.ribbon();
  assert.equal(view.editor.getValue(), fill(`${NOTE}xx`));
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
      void host.plugin.feed.check();
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
