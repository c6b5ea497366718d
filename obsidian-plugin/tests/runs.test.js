/** Runs that are followed, also where the daemon goes away or is started again. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { Host } from "./host/obsidian.js";
import { NOTE, change, fill, progress, result } from "./host/daemon.js";

let host;

afterEach(() => host.unload());

describe("a run that is followed", () => {
  const begin = async (there) => {
    host = there ?? (await new Host({ "F/A.md": NOTE, "F/B.md": NOTE, "F/C.md": NOTE }).load());
    host.daemon.run = progress({ state: "running", total: 3, counts: { enriched: 1 }, results: [result({ change: 8 })] });
    await host.open("F/A.md", "preview");
    await host.command("enrich-folder");
    assert.equal(host.status.textContent, "Companion: 1 of 3 notes…");
  };
  const finish = () => {
    host.daemon.run = progress({ total: 3, counts: { enriched: 3 } });
  };

  const GONE = [
    ["away", { isAway: true }, /companion serve$/],
    ["unpaired", { token: "another" }, /companion token/],
  ];
  for (const [name, end, words] of GONE) {
    test(`goes on though the daemon is ${name} for a long time, which the status bar says`, async () => {
      await begin();
      const usual = { isAway: false, token: host.daemon.token };
      Object.assign(host.daemon, end);
      await host.pass(20 * 60_000);
      assert.equal(host.status.textContent, "Companion: 1 of 3 notes, waiting until Callout Companion answers…");
      assert.match(host.status.ariaLabel, words);
      assert.deepEqual(host.notices, []);
      Object.assign(host.daemon, usual);
      finish();
      await host.pass(30_000);
      assert.deepEqual(host.notices, ["Filled 3 notes in F.Undo"]);
      assert.equal(host.plugin.work.runs.size, 0);
    });
  }

  for (const [name, end, words] of GONE) {
    test(`is given up once it is cancelled while the daemon is ${name}, which is told once`, async () => {
      await begin();
      Object.assign(host.daemon, end);
      await host.pass(60_000);
      await host.command("cancel");
      await host.pass(5_000);
      assert.deepEqual([host.notices.length, host.plugin.work.runs.size, host.plugin.work.doing.size], [1, 0, 0]);
      assert.match(host.said, words);
    });
  }

  test("is not over where a list of runs from before comes late", async () => {
    host = await new Host({ "F/A.md": NOTE }).load();
    let answerLate = () => {};
    host.daemon.answers.set("GET /runs", () => new Promise((done) => (answerLate = () => done({ runs: [] }))));
    void host.plugin.daemon.check();
    await begin(host);
    answerLate();
    await host.pass(2_000);
    assert.deepEqual(host.notices, []);
    finish();
    await host.pass(1_000);
    assert.equal(host.said, "Filled 3 notes in F.Undo");
  });

  test("that a daemon lost by a restart is told of, with what it did and its undo", async () => {
    await begin();
    host.daemon.isAway = true;
    await host.pass(1_000);
    host.daemon.isAway = false;
    host.daemon.run = "lost";
    host.daemon.changes = [change({ id: 8, path: "F/A.md" }), change({ id: 9, path: "F/B.md" }), change({ id: 7, path: "F/C.md", state: "failed" })];
    await host.pass(15_000);
    assert.equal(host.said, "Filled 2 notes in F. Callout Companion restarted, which stopped this. Ask again for the rest.Undo");
    assert.equal(host.status.textContent, "Companion: 3 today");
    await host.reply("Undo");
    assert.equal(host.daemon.asked("POST /changes/undo-all")[0].query.run, "run1");
    await host.pass(1_000);
    assert.equal(host.said, "Callout Companion restarted, which stopped this. Ask again for the rest.", "also of the undo");
  });

  test("of one note that was written before the restart is told of with its undo", async () => {
    host = await new Host().load();
    host.daemon.run = "lost";
    host.daemon.changes = [change({ id: 8, needs: ["description", "callout:section:Why"] })];
    await host.open("A.md", "preview");
    await host.command("enrich-note");
    await host.pass(1_000);
    assert.equal(host.said, "Filled description and a callout in “A”.Undo");
    host.daemon.changes = [];
    await host.command("enrich-note");
    await host.pass(1_000);
    assert.match(host.said, /^Callout Companion restarted, which stopped this/);
  });

  test("of one note that is given up, and filled all the same, is told of as what nobody asked for", async () => {
    host = await new Host().load();
    const { editor } = await host.open("A.md");
    const answerNow = host.daemon.hold();
    await host.command("enrich-note");
    host.daemon.isAway = true;
    await host.pass(2_000);
    await host.command("cancel");
    await host.pass(5_000);
    assert.match(host.said, /companion serve$/);
    host.daemon.isAway = false;
    answerNow();
    await host.pass(30_000);
    assert.deepEqual([editor.getValue(), host.said], [fill(NOTE), "Filled description and a callout in “A”.Undo"]);
  });

  test("of one note whose edits wait for the cursor at the restart is told of once they are made", async () => {
    host = await new Host().load();
    const { editor } = await host.open("A.md");
    editor.cursor = NOTE.indexOf("description:") + 3;
    await host.command("enrich-note");
    host.daemon.run = "lost";
    await host.pass(1_000);
    editor.cursor = NOTE.length;
    await host.pass(1_000);
    assert.equal(editor.getValue(), fill(NOTE));
    assert.equal(host.said, "Filled description and a callout in “A”.Undo");
  });
});
