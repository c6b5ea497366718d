/** Finding the daemon, states of the connection, a daemon that goes away and comes back. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { Host, clock, enter, settle } from "./host/obsidian.js";
import { STATUS, change } from "./host/daemon.js";

const AWAY = "Nothing answers at http://127.0.0.1:27182. Click Companion in the status bar, or run in a terminal: companion serve";

let host;

afterEach(() => host.unload());

describe("this vault's daemon", () => {
  test("is found by the files of its state folder, with the user's token", async () => {
    host = new Host();
    host.told.port = 4000;
    await host.load();
    assert.equal(host.status.textContent, "Companion: 3 today");
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
    assert.equal(host.status.textContent, "Companion: 3 today");
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
    assert.equal(host.status.textContent, "Companion: not installed");
    const setting = host.setting(6);
    await enter(setting, " t0ken ");
    setting.controlEl.querySelector("input").dispatchEvent(new Event("blur"));
    await settle();
    assert.equal(host.status.textContent, "Companion: 3 today");
    assert.equal(host.daemon.dialled.at(-1).origin, "http://127.0.0.1:5000");
    assert.equal(host.app.secretStorage.getSecret("callout-companion-token"), "t0ken");
    assert.equal("token" in host.data, false);
  });
});

test("a model that is fetched is followed by what the daemon tells of it", async () => {
  host = new Host();
  const { daemon } = host;
  const tell = (state, done, reason = "") => (daemon.status.fetch = { name: "qwen3-4b", state, done, of: 2e9, reason });
  const catalog = [{ name: "qwen3-4b", title: "Qwen3 4B", bytes: 2e9, is_here: false }];
  daemon.answers.set("GET /model", { name: "qwen3-4b", is_missing: true, catalog });
  daemon.answers.set("POST /model/fetch", () => tell("fetching", 0));
  await host.load();
  await host.command("open");
  const { contentEl } = host.workspace.getLeavesOfType("callout-companion")[0].view;
  await settle();
  contentEl.querySelector("button").click();
  await settle();
  const [asked] = [daemon.asked("GET /model").length];
  tell("fetching", 1e9);
  await host.pass(3000);
  assert.match(contentEl.textContent, /Fetching the model: 1 GB of 2 GB/);
  assert.equal(contentEl.querySelector("progress").value, 1e9);
  assert.equal(daemon.asked("GET /model").length, asked);
  tell("failed", 1e9, "The disk is full.");
  await host.pass(1000);
  assert.match(contentEl.textContent, /The disk is full\./);
});

test("what was typed in the inbox stays though set-up becomes necessary meanwhile", async () => {
  host = new Host();
  const { answers } = host.daemon;
  answers.set("GET /model", { name: "qwen3-4b", is_missing: false, catalog: [] });
  const proposal = { id: 1, path: "A.md", kind: "description", text: "A note.", flags: [], state: "open", made_at: "2026-01-01T00:00:00Z" };
  answers.set("GET /proposals", { proposals: [proposal], next: null, total: 1 });
  answers.set("GET /proposals/ids", { ids: [1] });
  await host.load();
  await host.command("open");
  const [{ view }] = host.workspace.getLeavesOfType("callout-companion");
  let answerLate = () => {};
  answers.set("GET /model", () => new Promise((done) => (answerLate = () => done({ name: "qwen3-4b", is_missing: true, catalog: [] }))));
  void host.plugin.daemon.check();
  await settle();
  view.inbox.app.inbox.draft(1).value = "Typed.";
  for (let looks = 0; looks < 2; looks++) {
    answerLate();
    await settle();
  }
  assert.equal(view.inbox?.app.inbox.draft(1).peek(), "Typed.");
});

describe("switched off", () => {
  test("while the daemon is asked how it stands: nothing is said or sent afterwards", async () => {
    host = await new Host().load();
    let answerLate = () => {};
    const status = { ...STATUS, background: { ...STATUS.background, backlog: { notes: 9, cost: "" } } };
    host.daemon.answers.set("GET /feed", () => new Promise((done) => (answerLate = () => done({ number: 9, is_whole: true, status, runs: [], proposals: null, changes: null, edits: [], to_do: [] }))));
    void host.plugin.daemon.check();
    void host.plugin.daemon.check(); // one more, after the one under way
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
  const STATES = [
    ["busy", { in_hand: ["A.md"] }, "Companion: at work, 3 today", "Callout Companion: at work, 3 today; 5 to do"],
    ["waiting", { fault: { kind: "down", reason: "the endpoint is down", since: "", tries: 2 } }, "Companion: waiting, 3 today", "Callout Companion: waiting, 3 today; the endpoint is down"],
    ["paused", { paused: true }, "Companion: paused, 3 today", "Callout Companion: paused, 3 today; 5 to do"],
    ["at rest", {}, "Companion: 3 today", "Callout Companion: 3 today; 5 to do"],
  ];
  for (const [name, fields, words, label] of STATES) {
    test(`shows a daemon that is ${name}`, async () => {
      host = new Host();
      Object.assign(host.daemon.status, fields);
      await host.load();
      assert.equal(host.status.textContent, words);
      assert.equal(host.status.getAttribute("aria-label"), label);
      assert.equal(host.status.getAttribute("role"), "button");
      assert.equal(host.status.getAttribute("tabindex"), "0");
    });
  }

  test("tells more by the keyboard, too, and pauses and goes on from there", async () => {
    host = await new Host().load();
    const press = async (key) => {
      host.status.dispatchEvent(new KeyboardEvent("keydown", { key }));
      await settle();
    };
    await press("x");
    assert.deepEqual(host.modals, []);
    await press("Enter");
    assert.equal(host.modal.titleEl.textContent, "Notes: 40 notes, 5 to do");
    assert.match(host.modal.contentEl.textContent, /^Idle5 notes still need something\.Waiting2 notesIn the background3 of 100 todayModelqwen3-4b, on this computerPause$/);
    await host.click("Pause");
    assert.deepEqual([host.daemon.status.paused, host.modals], [true, []]);
    assert.equal(host.status.textContent, "Companion: paused, 3 today");
    await press(" ");
    await host.click("Resume");
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
    assert.equal(host.status.textContent, "Companion: 3 today");
    const before = host.daemon.dialled.length;
    await host.pass(24_000);
    assert.equal(host.daemon.dialled.length, before, "at rest one request is open");
    host.daemon.status.paused = true;
    await host.pass(1_000);
    assert.equal(host.status.textContent, "Companion: paused, 3 today");
  });

  const SILENT = [
    ["which answers no run", "POST /runs", () => host.command("enrich-note"), 60_500],
  ];
  for (const [name, silent, act, ms] of SILENT) {
    test(`is one, too, ${name}`, async () => {
      host = await new Host().load();
      await host.open("A.md");
      host.daemon.answers.set(silent, () => new Promise(() => {}));
      void act();
      await host.pass(ms);
      assert.equal(host.said, AWAY);
    });
  }

  for (const id of ["enrich-note", "enrich-field", "enrich-folder", "undo-note"]) {
    test(`is asked for nothing later that ${id} wanted in vain`, async () => {
      host = await new Host().load();
      await host.open("A.md");
      host.daemon.isAway = true;
      await host.pass(40_000);
      await host.command(id);
      await host.pass(5_000);
      assert.deepEqual([host.notices, host.status.textContent], [[AWAY], "Companion: not running"]);
      host.daemon.isAway = false;
      host.daemon.changes = [change({ id: 6 })]; // made since
      await host.pass(60_000);
      assert.deepEqual([host.daemon.asked("POST /runs").map(({ body }) => body), host.modals], [[], []]);
      assert.deepEqual(host.daemon.asked("POST /changes/undo"), []);
    });
  }

  describe("while something is read", () => {
    const begin = async () => {
      host = await new Host().load();
      await host.open("A.md");
      host.daemon.isAway = true;
      await host.pass(2_000);
      await host.command("why-note");
      await host.pass(1_000);
      assert.equal(host.said, `${AWAY}Cancel`);
    };

    test("is waited for", async () => {
      await begin();
      const { length } = host.notices;
      await host.pass(60_000);
      assert.equal(host.notices.length, length, "it is told once");
      host.daemon.isAway = false;
      await host.pass(60_000);
      assert.match(host.modal.contentEl.textContent, /empty description/);
    });

    const CANCELS = [
      ["cancelled", () => host.command("cancel")],
      ["cancelled in the status bar", () => host.openStatus().then(() => host.reply("Cancel"))],
    ];
    for (const [name, cancel] of CANCELS) {
      test(`is waited for until that is ${name}`, async () => {
        await begin();
        await cancel();
        await host.pass(1_000);
        assert.equal(host.said, AWAY);
        assert.equal(await host.command("cancel"), false);
        host.daemon.isAway = false;
        await host.pass(60_000);
        assert.equal(host.modals.length, 0);
      });
    }

    test("is waited for until the plugin is switched off", async () => {
      await begin();
      const { length } = host.notices;
      await host.unload();
      const asked = host.daemon.dialled.length;
      await host.pass(60_000);
      assert.deepEqual([host.notices.length, host.daemon.dialled.length], [length, asked]);
    });
  });
});
