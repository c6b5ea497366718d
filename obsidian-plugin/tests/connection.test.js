/** Pairing, settings, presence, notes taken over, a daemon that goes away and comes back. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { Host, clock, enter, find, settle } from "./host/obsidian.js";
import { FakeDaemon, NOTE, STATUS, answer, change, fill, progress, result } from "./host/daemon.js";

const AWAY = "Nobody answers at http://127.0.0.1:27182. Click Companion in the status bar, or run in a terminal: companion serve";
const STRANGER = "Not paired. Click Companion in the status bar, or run in a terminal: companion plugin pair";
const SECRET = "callout-companion-token";
const TOKEN = "0123456789abcdef.t0ken";

let host;

afterEach(() => host.unload());

/** The tokens that a daemon was sent. */
function tokens(daemon) {
  return daemon.dialled.map(({ headers }) => headers.Authorization).filter(Boolean);
}

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
    assert.deepEqual(tokens(host.daemon), []);
    host.data.code = "GOOD-CODE";
    await host.plugin.onExternalSettingsChange();
    assert.equal(host.status.textContent, "Companion: 3 today");
  });
});

describe("settings", () => {
  const DATA = [
    ["nothing", null, "http://127.0.0.1:27182", "enrich", false],
    ["a list", [1], "http://127.0.0.1:27182", "enrich", false],
    ["wrong forms", { address: 1, ribbon: "x", takeOver: "no", code: 5 }, "http://127.0.0.1:27182", "enrich", false],
    ["another computer", { address: "http://evil.example:80" }, "http://127.0.0.1:27182", "enrich", false],
    ["another way", { address: "http://127.0.0.1:1@evil.example:80" }, "http://127.0.0.1:27182", "enrich", false],
    ["all of it", { address: "http://localhost:5000", ribbon: "review", takeOver: true }, "http://localhost:5000", "propose", true],
  ];
  for (const [name, data, address, ribbon, takeOver] of DATA) {
    test(`are read from ${name}`, async () => {
      host = new Host();
      host.data = data;
      await host.load();
      assert.deepEqual(host.plugin.settings, { address, ribbon, takeOver });
      assert.equal(host.daemon.requests[0].origin, address.replace("localhost", "127.0.0.1"));
    });
  }

  test("are definitions, each with a name and words that Obsidian can search", async () => {
    host = await new Host().load();
    const items = host.settings;
    assert.ok(items.length > 5 && items.every(({ name, desc }) => name && desc));
    assert.match(items[3].desc, /^qwen3-4b on this computer\. The model is on this computer: no note leaves it\. /);
  });

  const MODES = [
    ["by field", { modes: { tags: "write", description: "write", callout: "propose" } }, /^Written at once: tags and description\. Waits for you in the inbox: callout\. Set in a terminal: /],
    ["by folder, too", { modes: { tags: "write" }, folder_modes: { Work: "propose" } }, /^Written at once: tags\. Waits for you in the inbox: Work\/\. /],
    ["a daemon that does not tell", {}, /^Set in a terminal: companion config set review\.mode propose$/],
  ];
  for (const [name, modes, words] of MODES) {
    test(`show what is written at once: ${name}`, async () => {
      host = new Host();
      Object.assign(host.daemon.status, modes);
      await host.load();
      const [{ desc }] = host.settings;
      assert.match(desc, words);
    });
  }

  test("are kept", async () => {
    host = await new Host().load();
    for (const [at, name, value, key] of [[1, "Enrich open notes while you rest", true, "takeOver"], [2, "Ribbon button", "propose", "ribbon"]]) {
      const setting = host.setting(at);
      assert.equal(setting.settingEl.querySelector(`[aria-label="${name}"]`) !== null, true);
      await enter(setting, value);
      assert.equal(host.data[key], value);
      assert.equal(host.plugin.settings[key], value);
    }
  });

  test("test the connection", async () => {
    host = await new Host().load();
    host.settings[4].action();
    await settle();
    assert.equal(host.said, "Connected to Notes: 40 notes, 5 to do.");
    host.daemon.answers.set("GET /status", { status: 200, text: "<html>" });
    host.settings[4].action();
    await settle();
    assert.equal(host.said, "The program that answered is not a Callout Companion of this version. Update both.");
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
  answers.set("GET /proposals", { proposals: [], next: null, total: 0 });
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

describe("the server's address", () => {
  const ADDRESS = "http://127.0.0.1:8765";
  let setting;
  const begin = async () => {
    host = await new Host().load();
    setting = host.setting(5);
    return setting.controlEl.querySelector("input");
  };
  const leave = async (input, event) => {
    input.dispatchEvent(event);
    await settle();
  };

  test("counts once the field is left, and sends no token on the way", async () => {
    const input = await begin();
    const others = [8, 87, 876, 8765].map((port) => host.listenAt(`http://127.0.0.1:${port}`, { token: "theirs" }));
    for (let end = 1; end <= ADDRESS.length; end++) {
      await enter(setting, ADDRESS.slice(0, end));
    }
    assert.deepEqual(others.map(({ dialled }) => dialled.length), [0, 0, 0, 0]);
    await leave(input, new Event("blur"));
    assert.equal(host.data.address, ADDRESS);
    assert.deepEqual(others.slice(0, 3).map(({ dialled }) => dialled.length), [0, 0, 0]);
    assert.deepEqual([...new Set(others[3].dialled.map(({ name }) => name))], ["POST /proof"]);
    assert.deepEqual(others.flatMap(tokens), []);
  });

  test("is kept by Enter, and asked at once", async () => {
    const input = await begin();
    input.value = " http://localhost:5000 ";
    await leave(input, new KeyboardEvent("keydown", { key: "0" }));
    assert.equal(host.data.address, "http://127.0.0.1:27182");
    await leave(input, new KeyboardEvent("keydown", { key: "Enter" }));
    assert.equal(host.data.address, "http://localhost:5000");
    assert.equal(host.daemon.requests.at(-1).origin, "http://127.0.0.1:5000");
  });

  const WRONG = ["", "http://127.0.0.1:0", "http://127.0.0.1:99999", "http://127.0.0.1:65536", "http://127.0.0.1:080", "http://127.0.0.1", "https://127.0.0.1:1", "https://example.org", "http://127.0.0.1:1/x", "http://[::1]:27182"];
  for (const address of WRONG) {
    test(`is not “${address}”`, async () => {
      const input = await begin();
      const before = host.daemon.dialled.length;
      input.value = address;
      await leave(input, new Event("blur"));
      assert.match(setting.errorEl.textContent, /^Use http:\/\/127\.0\.0\.1 and a port up to 65535/);
      assert.equal(host.plugin.settings.address, "http://127.0.0.1:27182");
      assert.equal(host.daemon.dialled.length, before);
    });
  }
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
      assert.deepEqual(tokens(other), []);
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
    assert.deepEqual(tokens(other), []);
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
      assert.deepEqual(others.flatMap(tokens), []);
    });
  }

  test("gets the code, which no other daemon sees, also when another vault's answers before it is there", async () => {
    const other = another();
    begin(other, "");
    const { told } = host;
    host.told = null;
    host.data.code = "GOOD-CODE";
    await host.load();
    assert.equal(host.status.textContent, "Companion: another vault's");
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
    assert.match(setting.errorEl.textContent, /^The Callout Companion at http:\/\/127\.0\.0\.1:27182 is another vault's/);
    assert.match(host.modal.contentEl.textContent, /^What answers at http:\/\/127\.0\.0\.1:27182 cannot prove that it is this vault's/);
    await host.click("Cancel");
    assert.deepEqual(usual.codes, []);
    await pairBy(setting, "BAD-CODE");
    await host.click("Send the code anyway");
    assert.match(setting.errorEl.textContent, /is another vault's/);
    assert.deepEqual(host.modals, []);
    await pairBy(setting, "GOOD-CODE");
    await host.click("Send the code anyway");
    assert.equal(host.app.secretStorage.getSecret(SECRET), TOKEN);
    assert.deepEqual(usual.codes, ["BAD-CODE", "GOOD-CODE"]);
  });
});

describe("a connection that cannot be had", () => {
  const set = (fields) => Object.assign(host.daemon, fields);
  const say = (name, given) => host.daemon.answers.set(name, given);
  const STATES = [
    ["not installed", () => (set({ isAway: true }), (host.told = null), host.app.secretStorage.setSecret(SECRET, "")), /^Callout Companion is not installed on this computer, or never ran for this vault\. .*it says how\.$/],
    ["not running", () => set({ isAway: true }), /^Nobody answers at http:\/\/127\.0\.0\.1:27182\. .*companion serve$/],
    ["not running", () => (set({ isAway: true }), host.app.secretStorage.setSecret(SECRET, "")), /companion serve$/],
    ["not running", () => (say("POST /proof", answer(404, "No.")), say("GET /healthz", answer(404, "No."))), /^Another program answers at http:\/\/127\.0\.0\.1:27182\. .*companion serve --port 0/],
    ["not paired", () => set({ token: "another" }), /^Not paired\. .*companion plugin pair/],
    ["not paired", () => host.app.secretStorage.setSecret(SECRET, ""), /^Not paired\. .*companion plugin pair/],
    ["another vault's", () => set({ token: "another", place: "f".repeat(32) }), /^The Callout Companion at http:\/\/127\.0\.0\.1:27182 is another vault's.*companion serve --port 0/],
    ["too old", () => set({ version: "0.0.9" }), /^The Callout Companion at http:\/\/127\.0\.0\.1:27182 is too old for this plugin\. Update it/],
    ["too old", () => say("POST /proof", answer(422, "This client is too old: update it.", "client-too-old")), /^This client is too old: update it\.$/],
    ["trouble", () => say("POST /proof", answer(503, "There is no token.")), /^There is no token\.$/],
  ];
  for (const [state, act, words] of STATES) {
    test(`is “${state}”, with what to do: ${words.source.slice(0, 50)}`, async () => {
      host = new Host();
      act();
      await host.load();
      assert.equal(host.status.textContent, `Companion: ${state}`);
      const isNew = state === "not installed";
      assert.deepEqual(host.notices, isNew ? ["Callout Companion is not set up in this vault yet.Set up"] : []);
      await host.openStatus();
      assert.match(host.said, words);
    });
  }
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

  const AWAY_FOR = [
    ["a second, and nobody is bothered", 1_000, []],
    ["two minutes, and the user is told once what to do", 120_000, [/companion serve What was begun goes on once it is there again\.$/]],
  ];
  for (const [name, ms, told] of AWAY_FOR) {
    test(`goes on though the daemon is away for ${name}`, async () => {
      await begin();
      host.daemon.isAway = true;
      await host.pass(ms);
      assert.equal(host.status.textContent, "Companion: 1 of 3 notes, waiting for Callout Companion…");
      assert.equal(host.notices.length, told.length);
      for (const words of told) assert.match(host.said, words);
      host.daemon.isAway = false;
      finish();
      await host.pass(30_000);
      assert.equal(host.said, "Filled 3 notes in F.Undo");
      assert.equal(host.notices.length, told.length + 1);
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
    assert.equal(host.said, "Filled 2 notes in F. Callout Companion was restarted meanwhile, which ended this. Ask again for the rest.Undo");
    assert.equal(host.status.textContent, "Companion: 3 today");
    await host.reply("Undo");
    assert.equal(host.daemon.asked("POST /changes/undo-all")[0].query.run, "run1");
  });

  for (const [end, words] of [[{ isAway: true }, /^Filled 1 note in F\. Nobody answers.*Undo$/], [{ token: "another" }, /^Filled 1 note in F\. Not paired\..*Undo$/]]) {
    test(`keeps its undo when it is given up, as the daemon has ${Object.keys(end)}`, async () => {
      await begin();
      Object.assign(host.daemon, end);
      await host.pass(20 * 60_000);
      assert.match(host.said, words);
      assert.equal(host.plugin.runs.size, 0);
    });
  }

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
    assert.match(host.said, /^Callout Companion was restarted meanwhile/);
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
    ["which answers no run", "POST /runs", () => host.command("enrich-note"), 30_000],
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

  test("whose answer gets lost is asked again by the same key, so that nothing is done twice", async () => {
    host = await new Host().load();
    await host.open("A.md");
    const start = FakeDaemon.prototype["POST /runs"];
    let times = 0;
    host.daemon.answers.set("POST /runs", (...about) => {
      const run = start.apply(host.daemon, about);
      if (times++ === 0) throw new Error("net::ERR_CONNECTION_RESET");
      return run;
    });
    await host.command("enrich-note");
    const keys = host.daemon.dialled.filter(({ name }) => name === "POST /runs").map(({ headers }) => headers["Idempotency-Key"]);
    assert.equal(keys.length, 2);
    assert.match(keys[0], /^[0-9a-f-]{36}$/);
    assert.equal(keys[0], keys[1]);
  });
});

describe("presence", () => {
  const told = () => host.daemon.asked("POST /presence").map(({ body }) => body.open);

  test("is reported at once, again and again, and ended", async () => {
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
    await host.pass(26_000);
    assert.deepEqual(told().slice(-2), [["Folder/C.md"], ["Folder/C.md"]], "it is believed for 45 seconds");
    host.plugin.unload();
    await settle();
    assert.deepEqual(told().at(-1), []);
    const clients = host.daemon.asked("POST /presence").map(({ body }) => body.client);
    assert.equal(new Set(clients).size, 1);
  });

  for (const held of ["POST /presence", "GET /status"]) {
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

  for (const name of ["", "POST /proof", "POST /presence"]) {
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
    assert.deepEqual(runs(), [{ paths: ["A.md"], priority: "background", on_fault: "stop" }]);
    assert.match(host.said, /^Filled description and a callout in “A”\. The plugin's settings say that/);
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
    host.daemon.answers.set("POST /changes/*/undo", { change: 9, path: "A.md", left: [], reason: null, waits: null });
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
