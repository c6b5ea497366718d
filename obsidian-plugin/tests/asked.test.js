/** Open notes that a run or an undo of somebody else's waits for, and confirmations that are late. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { Host } from "./host/obsidian.js";
import { FILLED, NOTE, answer, change, fill, offerFor, progress } from "./host/daemon.js";

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

  test("is looked for often while a run is followed here", async () => {
    await begin([]);
    host.daemon.run = progress({ state: "running", total: 2 });
    await host.command("enrich-folder");
    await host.pass(1000);
    host.daemon.askedFor = [RUN];
    await host.pass(4000);
    assert.equal(view.editor.getValue(), FILLED);
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

const AWAY = [
  ["is confirmed once it is back", 5000, true],
  ["is told as what it is when it stays away", 40_000, false],
];
for (const [name, ms, isBack] of AWAY) {
  test(`what was written while the daemon went away ${name}`, async () => {
    await begin([]);
    host.daemon.answers.set("POST /outbox/*/applied", () => {
      throw new Error("net::ERR_CONNECTION_RESET");
    });
    await host.command("enrich-note");
    assert.equal(view.editor.getValue(), FILLED);
    assert.equal(host.said, undefined);
    if (isBack) host.daemon.answers.clear();
    await host.pass(ms);
    const words = isBack ? /^Filled / : /“A” was filled, but Callout Companion went away/;
    assert.ok(host.notices.some((text) => words.test(text)));
    assert.equal(host.daemon.askedFor.length, isBack ? 0 : 1);
    assert.equal(host.plugin.work.doing.size, 0);
  });
}
