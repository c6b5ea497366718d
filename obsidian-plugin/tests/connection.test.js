/** Finding the daemon, a daemon that goes away and comes back, and what the status bar says of it. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { Host, clock, enter, settle } from "./host/obsidian.js";
import { STATUS, change } from "./host/daemon.js";

const AWAY = "Callout Companion is not running for this vault.";

let host;

afterEach(() => host.unload());

describe("this vault's daemon", () => {
  test("is found by the files of its state folder, with the user's token", async () => {
    host = new Host();
    host.told.port = 4000;
    await host.load();
    assert.equal(host.status.textContent, "Companion: Ready");
    assert.deepEqual([...new Set(host.daemon.dialled.map(({ origin }) => origin))], ["http://127.0.0.1:4000"]);
    assert.deepEqual([...new Set(host.daemon.tokens)], ["Bearer t0ken"]);
  });

  test("is found again where it was started anew, on another port", async () => {
    host = await new Host().load();
    host.daemon.isAway = true;
    await host.pass(2_000);
    host.daemon.isAway = false;
    host.told = { port: 4001, pid: process.pid };
    await host.pass(30_000);
    assert.equal(host.status.textContent, "Companion: Ready");
    assert.equal(host.daemon.dialled.at(-1).origin, "http://127.0.0.1:4001");
  });

  const GONE = [["no file", null], ["a daemon that was killed", { port: 27182, pid: 2 ** 22 + 1 }], ["half a file", { port: 27182 }]];
  for (const [name, told] of GONE) {
    test(`is sent no token where there is ${name}`, async () => {
      host = new Host();
      host.told = told;
      await host.load();
      assert.equal(host.status.textContent, "Companion: not running");
      assert.deepEqual(host.daemon.dialled, []);
    });
  }

  test("is asked at the address in the settings with the token that was pasted, where no file can be read", async () => {
    host = new Host();
    Object.assign(host, { told: null, token: "" });
    host.data.address = "http://127.0.0.1:5000";
    await host.load();
    assert.equal(host.status.textContent, "Companion: not set up");
    await enter(host.settings["User token"], " t0ken ");
    assert.equal(host.status.textContent, "Companion: Ready");
    assert.equal(host.daemon.dialled.at(-1).origin, "http://127.0.0.1:5000");
    assert.equal(host.app.secretStorage.getSecret("callout-companion-token"), "t0ken");
    assert.equal("token" in host.data, false);
  });
});

describe("switched off", () => {
  test("while the daemon is asked how it stands: nothing is said or sent afterwards", async () => {
    host = await new Host().load();
    let answerLate = () => {};
    const status = { ...STATUS, background: { ...STATUS.background, backlog: { notes: 9, cost: "" } } };
    const news = { number: 9, is_whole: true, status, runs: [], proposals: null, changes: null, edits: [], notices: [], open: null };
    host.daemon.answers.set("GET /feed", () => new Promise((done) => (answerLate = () => done(news))));
    void host.plugin.feed.check();
    void host.plugin.feed.check(); // one more, after the one under way
    await settle();
    await host.unload();
    const { length } = host.daemon.dialled;
    answerLate();
    await settle();
    assert.deepEqual(host.notices, []);
    assert.equal(host.daemon.dialled.length, length);
  });

  test("before it has begun: it does not begin", async () => {
    host = new Host();
    Object.defineProperty(host, "data", { get: () => host.plugin.unload() }); // while its settings are read
    await host.load();
    assert.deepEqual([document.querySelector(".side-dock-ribbon-action"), host.plugin.commands__.size, host.daemon.dialled], [null, 0, []]);
  });
});

describe("the status bar", () => {
  test("says what the daemon says, and what is to be done", async () => {
    host = new Host();
    Object.assign(host.daemon.status, { line: "Enriching 3 of 12", missing: "The model is not there." });
    await host.load();
    assert.equal(host.status.textContent, "Companion: Enriching 3 of 12");
    assert.equal(host.status.getAttribute("aria-label"), "Companion: Enriching 3 of 12; The model is not there.");
    assert.deepEqual(host.notices, ["The model is not there."]);
    assert.deepEqual(Object.keys(await host.openStatus()), ["Enriching 3 of 12", "The model is not there.", "Today: 3 notes, free", "Pause background work", "Open inbox and history"]);
  });

  test("says how many proposals wait, once", async () => {
    host = new Host();
    Object.assign(host.daemon.status, { line: "12 to review", proposals: 12 });
    await host.load();
    const items = [...document.querySelectorAll(".status-bar-item")].map(({ textContent }) => textContent);
    assert.deepEqual(items.sort(), ["12 to review", "Companion"]);
  });

  test("pauses background work and goes on, by the keyboard, too", async () => {
    host = await new Host().load();
    await (await host.openStatus())["Pause background work"]();
    assert.equal(host.daemon.status.paused, true);
    host.status.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
    await settle();
    [...document.querySelectorAll(".menu-item")].find(({ textContent }) => textContent === "Resume background work").click();
    await settle();
    assert.equal(host.daemon.status.paused, false);
  });
});

describe("a daemon that is away", () => {
  test("is one quiet state, asked for less and less often, and comes back by itself", async () => {
    host = await new Host().load();
    host.daemon.isAway = true;
    await host.pass(2_000);
    assert.equal(host.status.textContent, "Companion: not running");
    const waits = [];
    for (let last = clock.now; waits.length < 5; last = clock.now) {
      const before = host.daemon.dialled.length;
      while (host.daemon.dialled.length === before) await host.pass(1000);
      waits.push((clock.now - last) / 1000);
    }
    assert.deepEqual(waits, [2, 4, 8, 16, 30]);
    assert.deepEqual(host.notices, []);
    host.daemon.isAway = false;
    await host.pass(30_000);
    assert.equal(host.status.textContent, "Companion: Ready");
    const before = host.daemon.dialled.length;
    await host.pass(24_000);
    assert.equal(host.daemon.dialled.length, before, "at rest one request is open");
    host.daemon.status.line = "Paused";
    await host.pass(1_000);
    assert.equal(host.status.textContent, "Companion: Paused");
  });

  test("is told of where it answers no run", async () => {
    host = await new Host().load();
    await host.open("A.md");
    host.daemon.answers.set("POST /runs", () => new Promise(() => {}));
    void host.command("enrich-note");
    await host.pass(60_500);
    assert.equal(host.said, AWAY);
  });

  for (const id of ["enrich-note", "enrich-part", "enrich-folder", "undo-note"]) {
    test(`is asked for nothing later that ${id} wanted in vain`, async () => {
      host = await new Host().load();
      await host.open("A.md");
      host.daemon.isAway = true;
      await host.pass(40_000);
      await host.command(id);
      await host.pass(5_000);
      assert.deepEqual([host.notices, host.status.textContent], [[AWAY], "Companion: not running"]);
      host.daemon.isAway = false;
      host.daemon.requests = [];
      host.daemon.changes = [change({ id: 6 })]; // made since
      await host.pass(60_000);
      assert.deepEqual([host.daemon.asked("POST /runs").map(({ body }) => body), host.modals], [[], []]);
      assert.deepEqual(host.daemon.asked("POST /changes/undo"), []);
    });
  }

  test("may have been restarted while a run went on, which is told", async () => {
    host = await new Host().load();
    await host.open("A.md");
    host.daemon.hold();
    await host.command("enrich-note");
    host.daemon.run = "lost";
    await host.pass(1_000);
    assert.equal(host.said, "Callout Companion was restarted, which stopped the work on “A”.");
    assert.equal(host.plugin.feed.isBusy("A.md"), false);
    host.daemon.run = null;
    host.daemon.thinking = null;
    await host.command("enrich-note");
    const told = host.notices.length;
    host.daemon.run = "lost";
    await host.pass(30_000);
    assert.equal(host.notices.length, told, "of a run that was over, nothing is said");
  });
});
