/** Pairing, finding the daemon, proofs, states of the connection, a daemon that goes away and comes back. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { Host, clock, enter, find, settle } from "./host/obsidian.js";
import { FakeDaemon, STATUS, answer, change } from "./host/daemon.js";

const AWAY = "Nothing answers at http://127.0.0.1:27182. Click Companion in the status bar, or run in a terminal: companion serve";
const STRANGER = "Not paired. Click Companion in the status bar, or run in a terminal: companion plugin pair";
const SECRET = "callout-companion-token";
const TOKEN = "0123456789abcdef.t0ken";

let host;

afterEach(() => host.unload());

/** Type a code in its row of the settings, and pair by it. */
async function pairBy(setting, code) {
  await enter(setting, code);
  find(setting.settingEl, "button", "Pair").click();
  await settle();
}

/** A plugin without a token. */
function strangers(data, there = new Host()) {
  host = there;
  host.app.secretStorage.setSecret(SECRET, "");
  Object.assign(host.data, data);
  return host.load();
}

describe("pairing", () => {
  test("removes a code that is of no use, and says what to do on a click", async () => {
    await strangers({ code: "USED-CODE" });
    assert.equal("code" in host.data, false);
    assert.equal(host.status.textContent, "Companion: not paired");
    assert.deepEqual(host.notices, []);
    await host.openStatus();
    assert.equal(host.said, STRANGER);
  });

  for (const [name, fault] of [["is away", { isAway: true }], ["cannot take it", { answers: new Map([["POST /pair", answer(503, "The disk is full.")]]) }]]) {
    test(`keeps the code while the daemon ${name}, and uses it later`, async () => {
      host = new Host();
      Object.assign(host.daemon, fault);
      await strangers({ code: "GOOD-CODE" }, host);
      assert.equal(host.data.code, "GOOD-CODE");
      Object.assign(host.daemon, { isAway: false, answers: new Map() });
      await host.pass(10_000);
      assert.equal(host.app.secretStorage.getSecret(SECRET), TOKEN);
      assert.equal("code" in host.data, false);
    });
  }

  test("happens when the code is put there later", async () => {
    await strangers({});
    assert.equal(host.status.textContent, "Companion: not paired");
    assert.equal(host.daemon.requests.length, 0);
    assert.deepEqual(host.daemon.tokens, []);
    host.data.code = "GOOD-CODE";
    await host.plugin.onExternalSettingsChange();
    assert.equal(host.status.textContent, "Companion: 3 today");
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

test("a check that began before the pairing does not say what was so before", async () => {
  await strangers({});
  let answerLate = () => {};
  let times = 0;
  const prove = FakeDaemon.prototype["POST /proof"];
  host.daemon.answers.set("POST /proof", async (...about) => {
    if (times++ === 0) await new Promise((done) => (answerLate = done));
    return prove.apply(host.daemon, about);
  });
  await host.openStatus();
  const setting = host.setting(6);
  await pairBy(setting, "GOOD-CODE");
  answerLate();
  await settle();
  assert.equal(setting.descEl.textContent, "Connected to Notes: 40 notes, 5 to do.");
  assert.equal(host.status.textContent, "Companion: 3 today");
});

describe("switched off", () => {
  test("while the daemon is asked how it stands: nothing is said or sent afterwards", async () => {
    host = await new Host().load();
    let answerLate = () => {};
    const status = { ...STATUS, background: { ...STATUS.background, backlog: { notes: 9, cost: "" } } };
    host.daemon.answers.set("GET /status", () => new Promise((done) => (answerLate = () => done(status))));
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

describe("the token", () => {
  /** A program that took the port; what it says when it is asked for a proof. */
  const IMPOSTORS = [
    ["passes the question on to the daemon on its own port", () => ({ port: 27182 })],
    ["knows another token", () => ({ token: "theirs" })],
    ["proves nothing", (other) => other.answers.set("POST /proof", { token: "", place: "", version: "0.3.0" })],
    ["leaves the proof out", (other) => other.answers.set("POST /proof", { version: "0.3.0" })],
    ["says yes to everything", (other) => other.answers.set("POST /proof", { status: 200, text: "true" })],
    ["asks for the token", (other) => other.answers.set("POST /proof", answer(401, "A bearer token is needed."))],
    ["says that it knows no proof", (other) => other.answers.set("POST /proof", answer(404, "Nothing."))],
    ["repeats what the daemon once proved", (other) => other.answers.set("POST /proof", host.daemon["POST /proof"]({ nonce: "0".repeat(64) }, "http://127.0.0.1:5000"))],
  ];
  for (const [name, act] of IMPOSTORS) {
    test(`is not sent to a program that ${name}`, async () => {
      host = new Host();
      const other = host.listenAt("http://127.0.0.1:5000", {});
      const fields = act(other);
      if (!(fields instanceof Map)) Object.assign(other, fields);
      host.data.address = "http://127.0.0.1:5000";
      host.told = null;
      await host.load();
      await host.open("A.md");
      await host.command("enrich-note");
      await host.pass(20_000);
      assert.ok(other.dialled.length);
      assert.deepEqual(other.tokens, []);
      assert.equal(JSON.stringify(other.dialled).includes("t0ken"), false);
    });
  }

  test("of an earlier version goes on", async () => {
    host = new Host();
    host.daemon.token = "t0ken";
    host.app.secretStorage.setSecret(SECRET, "t0ken");
    await host.load();
    await host.command("pause");
    assert.equal(host.daemon.status.paused, true);
  });

  test("is sent only after a proof of its own, each time with another nonce", async () => {
    host = await new Host().load();
    await host.command("pause");
    const names = host.daemon.dialled.map(({ name }) => name);
    const asked = names.filter((name) => name !== "POST /proof").length;
    assert.equal(names.filter((name) => name === "POST /proof").length, asked);
    assert.ok(asked >= 3);
    const nonces = host.daemon.nonces;
    assert.equal(new Set(nonces).size, nonces.length);
    assert.ok(nonces.every((nonce) => /^[0-9a-f]{64}$/.test(nonce)));
  });

  test("goes to nobody who takes the port while the daemon is away", async () => {
    host = await new Host().load();
    const other = host.listenAt("http://127.0.0.1:27182", { token: "theirs" });
    await host.open("A.md");
    await host.command("enrich-note");
    await host.pass(60_000);
    assert.deepEqual(other.tokens, []);
  });
});

describe("the vault's own daemon", () => {
  const HERE = "http://127.0.0.1:27182";
  const THERE = "http://127.0.0.1:4000";
  /** The usual port is another vault's, or nobody's; ours is elsewhere. */
  const begin = (usual, token = TOKEN) => {
    host = new Host();
    host.app.secretStorage.setSecret(SECRET, token);
    host.others.set(HERE, usual);
    host.told = { port: 4000, id: host.daemon.place, machine: "here" };
  };
  const another = (fields = {}) => Object.assign(new FakeDaemon(), { token: "theirs", place: "f".repeat(32) }, fields);
  const away = () => another({ isAway: true });
  const stranger = () => {
    const other = another();
    for (const name of ["POST /proof", "GET /healthz"]) other.answers.set(name, { status: 200, text: "<html>" });
    return other;
  };

  for (const [name, usual] of [["nobody", away], ["another vault's", another], ["another program", stranger]]) {
    test(`is found where it is when ${name} is at the usual address`, async () => {
      const others = [usual(), another()]; // two wrote a file
      begin(others[0]);
      host.others.set("http://127.0.0.1:4100", others[1]);
      await host.place({ port: 4100, id: others[1].place, machine: "here" }, "daemon-000000000000.json");
      await host.load();
      assert.equal(host.status.textContent, "Companion: 3 today");
      assert.equal(host.daemon.requests[0].origin, THERE);
      assert.equal(host.data.address, HERE, "the settings are left alone");
      assert.deepEqual(others.flatMap((one) => one.tokens), []);
    });
  }

  test("gets the code, which no other daemon sees, also when another vault's answers before it is there", async () => {
    const other = another();
    begin(other, "");
    const { told } = host;
    host.told = null;
    host.data.code = "GOOD-CODE";
    await host.load();
    assert.equal(host.status.textContent, "Companion: wrong vault");
    assert.equal(host.data.code, "GOOD-CODE");
    await host.place(told);
    await host.pass(10_000);
    assert.equal(host.status.textContent, "Companion: 3 today");
    assert.deepEqual([other.codes, host.daemon.codes], [[], ["GOOD-CODE"]]);
  });

  test("is told from those of other machines, whose files say otherwise", async () => {
    const other = another();
    begin(away(), "");
    host.data.code = "GOOD-CODE";
    host.others.set("http://127.0.0.1:4100", other);
    await host.place({ port: 4100, id: "a".repeat(32), machine: "another" }, "daemon-000000000000.json");
    await host.place({ port: 4200, id: host.daemon.place, machine: "x" }, "other-000000000000.json");
    await host.load();
    assert.equal(host.app.secretStorage.getSecret(SECRET), TOKEN);
    assert.deepEqual(other.codes, []);
    const origins = host.daemon.dialled.map(({ origin }) => origin);
    assert.deepEqual([...new Set(origins)], [THERE]);
  });

  const BROKEN = ["", "[]", "{", '{"port":4000}', '{"port":"4000","id":"x"}', `{"port":4000,"id":""}`, `{"port":65536,"id":"${"0".repeat(32)}"}`, `{"port":80.5,"id":"${"0".repeat(32)}"}`];
  for (const text of BROKEN) {
    test(`is not looked for where a file says ${text || "nothing"}`, async () => {
      begin(away());
      host.told = text;
      await host.load();
      assert.equal(host.status.textContent, "Companion: not running");
      assert.deepEqual(host.daemon.dialled, []);
    });
  }

  test("gets a code that is typed, at the address in the settings where no file is, once the user says so", async () => {
    const usual = another({ token: TOKEN });
    begin(usual, "");
    host.told = null;
    await host.load();
    const setting = host.setting(6);
    await pairBy(setting, "GOOD-CODE");
    assert.match(setting.errorEl.textContent, /^The Callout Companion at http:\/\/127\.0\.0\.1:27182 belongs to another vault/);
    assert.match(host.modal.contentEl.textContent, /^What answers at http:\/\/127\.0\.0\.1:27182 cannot prove that it is this vault’s/);
    await host.click("Cancel");
    assert.deepEqual(usual.codes, []);
    await pairBy(setting, "BAD-CODE");
    await host.click("Send the code anyway");
    assert.match(setting.errorEl.textContent, /belongs to another vault/);
    assert.deepEqual(host.modals, []);
    await pairBy(setting, "GOOD-CODE");
    await host.click("Send the code anyway");
    assert.equal(host.app.secretStorage.getSecret(SECRET), TOKEN);
    assert.deepEqual(usual.codes, ["BAD-CODE", "GOOD-CODE"]);
  });
});

describe("a daemon of another version", () => {
  test("is told ours, and may say more than we know", async () => {
    host = new Host();
    Object.assign(host.daemon.status, { mood: "good", background: { ...STATUS.background, mood: [] } });
    host.daemon.answers.set("POST /presence", { expires_in: 45, to_do: [], asked: [], mood: 1 });
    await host.load();
    assert.equal(host.status.textContent, "Companion: 3 today");
    assert.deepEqual([...new Set(host.daemon.dialled.map(({ headers }) => headers["Companion-Version"]))], ["0.3.0"]);
  });

  test("knows which notes are open though its status is no JSON", async () => {
    host = new Host();
    host.daemon.answers.set("GET /status", { status: 200, text: "<html>" });
    await host.load();
    assert.equal(host.status.textContent, "Companion: trouble");
    const told = () => host.daemon.asked("POST /presence");
    await host.open("A.md");
    assert.deepEqual(told().at(-1).body.open, ["A.md"]);
    const before = told().length;
    await host.pass(60_000);
    assert.equal(told().length, before + 6, "every ten seconds: it is believed for thirty");
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
    ["which proves nothing, as another program has its port", "POST /proof", () => host.openStatus(), 2_000],
    ["which does not say its name", "GET /healthz", () => host.openStatus(), 2_000],
  ];
  for (const [name, silent, act, ms] of SILENT) {
    test(`is one, too, ${name}`, async () => {
      host = await new Host().load();
      await host.open("A.md");
      if (silent === "GET /healthz") host.daemon.answers.set("POST /proof", answer(404, "No."));
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
