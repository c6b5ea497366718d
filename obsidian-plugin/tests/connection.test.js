/** Pairing, settings, presence, notes taken over, a daemon that goes away and comes back. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { Host, clock, find, settle } from "./host/obsidian.js";
import { CHANGES, FILLED, NOTE, answer, change, fill, offerFor, progress, result } from "./host/daemon.js";

const AWAY = "Nobody answers at http://127.0.0.1:27182. Start Callout Companion in a terminal: companion serve";
const STRANGER = "Not paired. Run in a terminal: companion pair. Then type its code in this plugin's settings.";
const SECRET = "callout-companion-token";

/** @type {Host} */
let host;

afterEach(() => host.unload());

function strangers(data) {
  host = new Host({ "A.md": NOTE });
  host.app.secretStorage.setSecret(SECRET, "");
  Object.assign(host.data, data);
  return host.load();
}

describe("pairing", () => {
  test("exchanges the code that lies in data.json, and removes it", async () => {
    await strangers({ code: "GOOD-CODE" });
    assert.equal(host.app.secretStorage.getSecret(SECRET), "t0ken");
    assert.deepEqual(host.data, { address: "http://127.0.0.1:27182", ribbon: "enrich", takeOver: false });
    assert.equal(host.status.textContent, "Companion: 3 today");
  });

  test("removes a code that is of no use, and says what to do on a click", async () => {
    await strangers({ code: "USED-CODE" });
    assert.equal("code" in host.data, false);
    assert.equal(host.status.textContent, "Companion: not paired");
    assert.deepEqual(host.notices, []);
    host.status.click();
    await settle();
    assert.equal(host.said, STRANGER);
  });

  test("keeps the code while the daemon is away, and uses it later", async () => {
    host = new Host({ "A.md": NOTE });
    host.app.secretStorage.setSecret(SECRET, "");
    host.data.code = "GOOD-CODE";
    host.daemon.isAway = true;
    await host.load();
    assert.equal(host.data.code, "GOOD-CODE");
    host.daemon.isAway = false;
    await host.pass(10_000);
    assert.equal(host.app.secretStorage.getSecret(SECRET), "t0ken");
    assert.equal("code" in host.data, false);
  });

  test("happens when the code is put there later", async () => {
    await strangers({});
    assert.equal(host.status.textContent, "Companion: not paired");
    assert.equal(host.daemon.requests.length, 0);
    host.data.code = "GOOD-CODE";
    await host.plugin.onExternalSettingsChange();
    assert.equal(host.status.textContent, "Companion: 3 today");
  });

  test("never puts the token into data.json", async () => {
    await strangers({ code: "GOOD-CODE" });
    await host.command("pause");
    assert.equal(JSON.stringify(host.data).includes("t0ken"), false);
  });

  test("says that a token is not known any more", async () => {
    host = await new Host().load();
    host.daemon.token = "another";
    await host.open("A.md");
    await host.command("enrich-note");
    assert.equal(host.said, STRANGER);
  });
});

describe("settings", () => {
  const DATA = [
    ["nothing", null, "http://127.0.0.1:27182", "enrich", false],
    ["a list", [1], "http://127.0.0.1:27182", "enrich", false],
    ["wrong forms", { address: 1, ribbon: "x", takeOver: "no", code: 5 }, "http://127.0.0.1:27182", "enrich", false],
    ["another computer", { address: "http://evil.example:80" }, "http://127.0.0.1:27182", "enrich", false],
    ["another way", { address: "http://127.0.0.1:1@evil.example:80" }, "http://127.0.0.1:27182", "enrich", false],
    ["all of it", { address: "http://localhost:5000", ribbon: "review", takeOver: true }, "http://localhost:5000", "review", true],
  ];
  for (const [name, data, address, ribbon, takeOver] of DATA) {
    test(`are read from ${name}`, async () => {
      host = new Host();
      host.data = data;
      await host.load();
      assert.deepEqual(host.plugin.settings, { address, ribbon, takeOver });
      assert.equal(host.daemon.requests[0].origin, address);
    });
  }

  test("are definitions, each with a name and words that Obsidian can search", async () => {
    host = await new Host().load();
    const items = host.plugin.settingTabs__[0].getSettingDefinitions();
    assert.deepEqual(
      items.map(({ name, control }) => [name, control?.key]),
      [
        ["Server address", "address"],
        ["Test the connection", undefined],
        ["Pairing code", undefined],
        ["Fill open notes while you rest", "takeOver"],
        ["Ribbon button", "ribbon"],
      ],
    );
    assert.ok(items.every(({ desc }) => desc));
    assert.deepEqual(Object.keys(items[4].control.options), ["enrich", "review"]);
    const { validate } = items[0].control;
    assert.equal(validate("http://127.0.0.1:27182"), "");
    assert.match(validate("https://example.org"), /^Use http:\/\/127\.0\.0\.1 and a port/);
  });

  test("are kept, and another address is asked at once", async () => {
    host = await new Host().load();
    const tab = host.plugin.settingTabs__[0];
    await tab.setControlValue("address", "http://localhost:5000");
    await settle();
    assert.equal(host.data.address, "http://localhost:5000");
    assert.equal(host.daemon.requests.at(-1).origin, "http://localhost:5000");
    await tab.setControlValue("ribbon", "review");
    assert.equal(host.data.ribbon, "review");
    assert.equal(tab.getControlValue("ribbon"), "review");
  });

  const TESTS = [
    ["is there", () => {}, "Connected to Notes: 40 notes, 5 to do."],
    ["is away", () => (host.daemon.isAway = true), AWAY],
    ["does not know us", () => (host.daemon.token = "another"), STRANGER],
    ["is none", () => host.daemon.answers.set("GET /status", {}), "What answers at http://127.0.0.1:27182 is no Callout Companion of this version. Update both."],
    ["has a fault", () => host.daemon.answers.set("GET /status", answer(503, "the journal is full")), "The journal is full."],
  ];
  for (const [name, act, words] of TESTS) {
    test(`test the connection to a daemon that ${name}`, async () => {
      host = await new Host().load();
      act();
      const tab = host.plugin.settingTabs__[0];
      tab.getSettingDefinitions()[1].action();
      await settle();
      assert.equal(host.said, words);
    });
  }

  test("pair by a code that is typed, and say when it is wrong", async () => {
    await strangers({});
    const setting = host.setting();
    const { render } = host.plugin.settingTabs__[0].getSettingDefinitions()[2];
    render(setting);
    const [text] = setting.components;
    assert.equal(text.inputEl.ariaLabel, "Pairing code");
    const pair = async (code) => {
      text.setValue(code);
      find(setting.settingEl, "button", "Pair").click();
      await settle();
    };
    await pair("BAD-CODE");
    assert.equal(setting.errorEl.textContent, "The code is wrong, used up or too old.");
    await pair(" GOOD-CODE ");
    assert.equal(setting.errorEl, null);
    assert.equal(setting.descEl.textContent, "Connected to Notes: 40 notes, 5 to do.");
    assert.equal(host.app.secretStorage.getSecret(SECRET), "t0ken");
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

  test("tells more by the keyboard, too, and pauses from there", async () => {
    host = await new Host().load();
    host.status.dispatchEvent(new KeyboardEvent("keydown", { key: "x" }));
    await settle();
    assert.deepEqual(host.modals, []);
    host.status.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
    await settle();
    const lines = [...host.modal.contentEl.querySelectorAll("li")].map((line) => line.textContent);
    assert.deepEqual(lines, [
      "Notes: 40 notes, 5 to do",
      "qwen3-4b at this computer",
      "2 notes waiting",
      "3 of at most 100 notes",
      "1500 tokens",
    ]);
    await host.click("Pause background work");
    assert.equal(host.daemon.status.paused, true);
    assert.deepEqual(host.modals, []);
  });

  test("cancels runs from its details, whoever began them", async () => {
    host = new Host();
    host.daemon.status.runs = ["r1", "r2"];
    host.daemon.status.today.dollars = 0.5;
    host.daemon.status.paused = true;
    host.daemon.status.endpoint = "http://llm.example/v1";
    await host.load();
    host.status.click();
    await settle();
    assert.match(host.modal.contentEl.textContent, /qwen3-4b at http:\/\/llm\.example\/v1.*1500 tokens, 0\.50 dollars/s);
    find(host.modal.contentEl, "button", "Resume background work");
    await host.click("Cancel all runs");
    assert.equal(host.daemon.asked("POST /runs/r1/cancel").length, 1);
    assert.equal(host.daemon.asked("POST /runs/r2/cancel").length, 1);
  });
});

describe("a daemon that is away", () => {
  test("is one quiet state, asked for less and less often, and comes back by itself", async () => {
    host = await new Host().load();
    host.daemon.isAway = true;
    await host.pass(10_000);
    assert.equal(host.status.textContent, "Companion: away");
    const waits = [];
    for (let last = clock.now; waits.length < 5; last = clock.now) {
      const before = host.daemon.requests.length;
      while (host.daemon.requests.length === before) await host.pass(1000);
      waits.push((clock.now - last) / 1000);
    }
    assert.deepEqual(waits, [10, 20, 40, 60, 60]);
    assert.deepEqual(host.notices, []);
    host.daemon.isAway = false;
    await host.pass(60_000);
    assert.equal(host.status.textContent, "Companion: 3 today");
    const before = host.daemon.asked("GET /status").length;
    await host.pass(10_000);
    assert.equal(host.daemon.asked("GET /status").length, before + 1);
  });

  test("is told of on a click, with what to do", async () => {
    host = await new Host().load();
    const view = await host.open("A.md");
    host.daemon.isAway = true;
    await host.command("enrich-note");
    assert.equal(host.said, AWAY);
    assert.equal(view.editor.getValue(), NOTE);
    host.status.click();
    await settle();
    assert.equal(host.notices.length, 2);
    assert.equal(host.said, AWAY);
  });

  test("is one that never answers, too", async () => {
    host = await new Host().load();
    await host.open("A.md");
    host.daemon.answers.set("POST /runs", () => new Promise(() => {}));
    await host.command("enrich-note");
    await host.pass(30_000);
    assert.equal(host.said, AWAY);
  });

  test("lets nothing reject, whatever is switched off when", async () => {
    host = await new Host().load();
    host.daemon.isAway = true;
    await host.open("A.md");
    await host.unload();
    assert.equal(clock.size, 0, "no timer is left");
    await host.load();
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
    await host.pass(10_000);
    assert.deepEqual(told().slice(-2), [["A.md"], ["A.md"]]);
    await host.unload();
    assert.deepEqual(told().at(-1), []);
    const clients = host.daemon.asked("POST /presence").map(({ body }) => body.client);
    assert.equal(new Set(clients).size, 1);
    await host.load();
  });

  test("names notes in a window of their own, on a canvas, and embedded in one of these", async () => {
    const embeds = "![[B#Heading|alias]]\n";
    host = await new Host({ "A.md": embeds, "B.md": "![[A]] ![[Picture.png]]\n", "C.md": NOTE, "Picture.png": "" }).load();
    const { metadataCache, vault } = host.app;
    const cached = { "A.md": [{ link: "B#Heading" }], "B.md": [{ link: "A" }, { link: "Picture.png" }] };
    metadataCache.getFileCache = (file) => ({ embeds: cached[file.path] });
    metadataCache.getFirstLinkpathDest = (path) => vault.getFileByPath(path.includes(".") ? path : `${path}.md`);
    await host.openCanvas(["C.md", "Picture.png", "Gone.md"]);
    assert.deepEqual(told().at(-1), ["C.md"]);
    await host.openInWindow("A.md");
    assert.deepEqual(told().at(-1), ["A.md", "B.md", "C.md"]);
  });

  test("ends when Obsidian is closed", async () => {
    host = await new Host().load();
    await host.open("A.md");
    const tasks = [];
    host.workspace.trigger("quit", { add: (task) => tasks.push(task()) });
    await Promise.all(tasks);
    assert.deepEqual(told().at(-1), []);
  });

  test("that cannot be reported shows that the daemon is away", async () => {
    host = await new Host().load();
    host.daemon.isAway = true;
    await host.open("A.md");
    assert.equal(host.status.textContent, "Companion: away");
  });
});

describe("text that was typed elsewhere than in a tab", () => {
  const enrich = () => host.menu("file-menu", host.app.vault.getFileByPath("A.md"))[0].onClick__();
  const begin = async (open) => {
    host = await new Host({ "A.md": NOTE }).load();
    await open();
    const seen = [];
    host.daemon.answers.set("POST /runs", async () => {
      seen.push(await host.read("A.md"));
      return answer(422, "not now");
    });
    enrich();
    await settle();
    return seen;
  };

  test("is saved before a model is asked: on a canvas", async () => {
    const seen = await begin(() => host.openCanvas(["A.md"], { "A.md": `${NOTE}Typed.` }));
    assert.deepEqual(seen, [`${NOTE}Typed.`]);
  });

  test("is known to be saved where a card shows a part of the note", async () => {
    const seen = await begin(async () => {
      const view = await host.openCanvas(["A.md"], { "A.md": "Text 😀.\n" });
      Object.assign(view.canvas.nodes.get("A.md").child, { subpath: "#Why" });
    });
    assert.deepEqual(seen, [NOTE]);
  });

  test("is saved before a model is asked: in a window of its own", async () => {
    const seen = await begin(async () => {
      const view = await host.openInWindow("A.md");
      view.editor.content = `${NOTE}Typed.`;
    });
    assert.deepEqual(seen, [`${NOTE}Typed.`]);
  });

  test("keeps the note from being filled where it cannot be saved", async () => {
    const seen = await begin(async () => {
      const view = await host.openCanvas(["A.md"], { "A.md": `${NOTE}Typed.` });
      delete view.canvas.nodes.get("A.md").child.requestSave;
    });
    await host.pass(5000);
    assert.deepEqual(seen, []);
    assert.match(host.said, /^“A” is being edited on a canvas or in a popover, and is not saved yet\./);
  });
});

describe("an open note that waits for edits", () => {
  let view;
  const begin = async (data) => {
    host = new Host({ "A.md": NOTE, "B.md": NOTE });
    Object.assign(host.data, { takeOver: true, ...data });
    host.daemon.toDo = ["A.md"];
    await host.load();
    view = await host.open("A.md");
  };

  test("is filled while the user rests, which is said", async () => {
    await begin({});
    view.editor.type(NOTE.length, "x");
    await host.pass(4000);
    assert.equal(host.daemon.asked("POST /runs").length, 0);
    view.editor.type(NOTE.length, "y");
    await host.pass(4900);
    assert.equal(host.daemon.asked("POST /runs").length, 0);
    await host.pass(1100);
    assert.equal(view.editor.getValue(), fill(`${NOTE}yx`));
    const { priority, apply, paths } = host.daemon.asked("POST /runs")[0].body;
    assert.deepEqual({ priority, apply, paths }, { priority: "background", apply: "client", paths: ["A.md"] });
    assert.match(host.said, /^Filled description and a callout in “A”\. The plugin's settings say that/);
    host.notices.at(-1).click("Undo");
    await settle();
    assert.equal(view.editor.getValue(), `${NOTE}yx`);
  });

  test("is not written while the user types again", async () => {
    await begin({});
    let ready;
    host.daemon.thinking = new Promise((resolve) => (ready = resolve));
    await host.pass(1000);
    view.editor.type(NOTE.length, "x");
    ready();
    await host.pass(4000);
    assert.equal(view.editor.getValue(), `${NOTE}x`);
    await host.pass(3000);
    assert.equal(view.editor.getValue(), fill(`${NOTE}x`));
  });

  test("is given up when the user types for minutes, and tried again later", async () => {
    await begin({});
    let ready;
    host.daemon.thinking = new Promise((resolve) => (ready = resolve));
    await host.pass(1000);
    ready();
    for (let seconds = 0; seconds < 130; seconds++) {
      view.editor.type(0, "x");
      await host.pass(1000);
    }
    assert.deepEqual(host.notices, []);
    assert.equal(host.plugin.doing.size, 0);
    await host.pass(10_000);
    assert.equal(view.editor.getValue(), fill(view.editor.getValue().replace(" A note.", "").replace("\n> Because.", "")));
    assert.equal(host.daemon.asked("POST /runs").length, 1, "the answer was kept");
  });

  describe("gives way to what the user asks for", () => {
    let ready;
    const wait = async () => {
      await begin({});
      host.daemon.thinking = new Promise((resolve) => (ready = resolve));
      await host.pass(1000);
      view.editor.type(NOTE.length, "x");
      assert.equal(host.status.textContent, "Companion: 3 today");
    };
    const answered = async () => {
      ready();
      await host.pass(500);
      assert.equal(view.editor.getValue(), `${NOTE}x`, "it waits until the user rests");
    };

    test("the answer that waits is written at once", async () => {
      await wait();
      await answered();
      await host.ribbon();
      await host.pass(400);
      assert.equal(view.editor.getValue(), fill(`${NOTE}x`));
      assert.match(host.said, /^Filled description and a callout in “A”\.Undo$/);
      const texts = host.daemon.asked("POST /runs").map(({ body }) => body.text);
      assert.deepEqual(texts, [NOTE, fill(`${NOTE}x`)], "only what is left is asked for");
      host.daemon.toDo = [];
      await host.pass(10_000);
      await host.pass(70_000);
      assert.equal(host.daemon.asked("POST /runs").length, 2);
      assert.equal(host.notices.length, 1);
    });

    test("the answer that is under way is written as soon as it comes", async () => {
      await wait();
      await host.ribbon();
      ready();
      await host.pass(500);
      assert.equal(view.editor.getValue(), fill(`${NOTE}x`));
      assert.equal(host.daemon.asked("POST /runs")[1].body.text, fill(`${NOTE}x`));
    });

    test("a review shows the answer that waits", async () => {
      await wait();
      await answered();
      await host.command("review-note");
      await host.click("Write 2, refuse 0");
      assert.equal(view.editor.getValue(), fill(`${NOTE}x`));
      assert.equal(host.daemon.asked("POST /runs").length, 1);
    });

    test("what is refused there is not written", async () => {
      await wait();
      await answered();
      await host.command("review-note");
      for (const name of ["Property description", "Callout under “Why”"]) await host.click(`Accept: ${name}`, "[aria-label]");
      await host.click("Write 0, refuse 2");
      host.daemon.toDo = [];
      await host.pass(20_000);
      assert.equal(view.editor.getValue(), `${NOTE}x`);
      assert.equal(host.daemon.asked("POST /runs/run1/refused").length, 1);
    });

    test("what is cancelled there is written later", async () => {
      await wait();
      await answered();
      await host.command("review-note");
      await host.click("Cancel");
      host.daemon.toDo = [];
      await host.pass(70_000);
      assert.equal(view.editor.getValue(), fill(`${NOTE}x`));
      assert.equal(host.daemon.asked("POST /runs").length, 1);
    });

    test("an undo is done at once, and the answer is written later", async () => {
      await wait();
      await answered();
      host.daemon.changes = [change({ id: 5 })];
      host.daemon.answers.set("POST /changes/*/undo", ({ text }) => ({ offer: { ...offerFor(text, []), edits: [] } }));
      await host.command("undo-note");
      assert.equal(host.said, "Undone in “A.md”.");
      await host.pass(10_000);
      assert.equal(view.editor.getValue(), fill(`${NOTE}x`));
      assert.equal(host.daemon.asked("POST /runs").length, 1);
    });
  });

  test("is tried once a minute when it does not work, and nobody is bothered", async () => {
    await begin({});
    host.daemon.answers.set("POST /runs", answer(422, "no background work is done: paused"));
    await host.pass(59_000);
    assert.equal(host.daemon.asked("POST /runs").length, 1);
    await host.pass(5000);
    assert.equal(host.daemon.asked("POST /runs").length, 2);
    assert.deepEqual(host.notices, []);
  });

  test("is left alone unless that is switched on", async () => {
    await begin({ takeOver: undefined });
    await host.pass(20_000);
    assert.equal(host.daemon.asked("POST /runs").length, 0);
  });

  test("is left to the daemon once it is closed", async () => {
    await begin({});
    host.daemon.isAway = true;
    await host.close(view);
    await host.pass(20_000);
    assert.equal(host.daemon.asked("POST /runs").length, 0);
  });
});

describe("review", () => {
  let view;
  const begin = async (data = {}, toDo = []) => {
    host = new Host({ "A.md": NOTE, "B.md": `\ufeff${NOTE}` });
    Object.assign(host.data, data);
    host.daemon.toDo = toDo;
    await host.load();
    view = await host.open("A.md");
    await host.command("review-note");
  };
  const texts = (selector) => [...host.modal.contentEl.querySelectorAll(selector)].map((one) => one.textContent);

  test("shows property by property and callout by callout, and writes nothing yet", async () => {
    await begin();
    assert.deepEqual(texts("ins"), ["A note.", "Because."]);
    assert.deepEqual(texts("del"), []);
    assert.match(host.modal.contentEl.textContent, /Property description.*Empty description\..*Callout under “Why”.*You ask: Why\?/s);
    assert.equal(view.editor.getValue(), NOTE);
  });

  test("shows what would be replaced", async () => {
    host = await new Host().load();
    view = await host.open("A.md");
    const end = NOTE.indexOf("Text");
    const edits = [{ start: end, end: end + 4, text: "Words" }];
    const changes = [{ ...CHANGES[0], kind: "tags", text: ["a", "b"] }];
    host.daemon.answers.set("GET /runs/*", progress({ results: [result({ changes, offer: offerFor(NOTE) })] }));
    host.daemon.answers.set("POST /runs/*/edits", { ...offerFor(NOTE), edits });
    await host.command("review-note");
    assert.deepEqual([texts("ins"), texts("del")], [["a, b"], ["Text"]]);
  });

  test("writes all that is accepted", async () => {
    await begin();
    await host.click("Write 2, refuse 0");
    assert.equal(view.editor.getValue(), FILLED);
    assert.equal(host.daemon.asked("POST /runs/run1/refused").length, 0);
    host.notices.at(-1).click("Undo");
    await settle();
    assert.equal(view.editor.getValue(), NOTE);
  });

  test("refuses one, and takes it back when the mind is changed", async () => {
    await begin();
    await host.click("Accept: Property description", "[aria-label]");
    assert.equal(host.modal.contentEl.querySelectorAll(".is-refused").length, 1);
    await host.click("Accept: Property description", "[aria-label]");
    find(host.modal.contentEl, "button", "Write 2, refuse 0");
    await host.click("Accept: Property description", "[aria-label]");
    await host.click("Write 1, refuse 1");
    assert.equal(view.editor.getValue(), fill(NOTE, [1]));
    assert.deepEqual(host.daemon.asked("POST /runs/run1/refused")[0].body, { path: "A.md", only: [0] });
    assert.match(host.said, /^Filled a callout in “A”/);
  });

  test("refuses all", async () => {
    await begin();
    for (const name of ["Property description", "Callout under “Why”"]) {
      await host.click(`Accept: ${name}`, "[aria-label]");
    }
    await host.click("Write 0, refuse 2");
    assert.deepEqual(host.daemon.asked("POST /runs/run1/refused")[0].body.only, [0, 1]);
    assert.equal(host.said, "Nothing was written in “A”.");
    assert.equal(view.editor.getValue(), NOTE);
  });

  test("is the only thing that is done with the note: nothing is taken over meanwhile", async () => {
    await begin({ takeOver: true }, ["A.md"]);
    await host.pass(70_000);
    assert.equal(view.editor.getValue(), NOTE);
    assert.equal(host.daemon.asked("POST /runs").length, 1);
    await host.command("enrich-note");
    assert.equal(host.said, "“A.md” is being worked on already.");
    host.modal.close();
    await settle();
    await host.command("enrich-note");
    assert.equal(view.editor.getValue(), FILLED);
  });

  const OVERTAKEN = "The review of “A” was overtaken: nothing of it fits any more. The place is gone.";
  for (const choice of ["Write 2, refuse 0", "Write 0, refuse 2"]) {
    test(`says that it was overtaken: ${choice}`, async () => {
      await begin();
      view.editor.content = FILLED;
      if (choice.includes("refuse 2")) {
        for (const name of ["Property description", "Callout under “Why”"]) await host.click(`Accept: ${name}`, "[aria-label]");
      }
      await host.click(choice);
      assert.equal(host.said, OVERTAKEN);
      assert.equal(view.editor.getValue(), FILLED);
    });
  }

  test("writes the part that still fits, and says so", async () => {
    await begin();
    view.editor.content = fill(NOTE, [0]);
    await host.click("Write 2, refuse 0");
    await host.pass(400);
    assert.equal(view.editor.getValue(), FILLED);
    assert.deepEqual(host.notices.map(({ text }) => text), [
      "Filled a callout in “A”.Undo",
      "The review of “A” was overtaken: not all of it fits any more. The place is gone.",
    ]);
  });

  test("says that the note was deleted meanwhile", async () => {
    await begin();
    await host.app.vault.delete(view.file);
    await host.click("Write 2, refuse 0");
    assert.equal(host.said, "“A.md” was deleted; nothing was written.");
  });

  test("is cancelled without a trace", async () => {
    await begin();
    await host.click("Cancel");
    assert.deepEqual(host.modals, []);
    assert.equal(host.daemon.asked("POST /runs/run1/refused").length, 0);
    assert.equal(view.editor.getValue(), NOTE);
  });

  test("writes what was accepted in the text as it is then", async () => {
    await begin();
    view.editor.type(NOTE.length, "Typed.");
    await host.click("Accept: Property description", "[aria-label]");
    await host.click("Write 1, refuse 1");
    await host.pass(400);
    assert.equal(view.editor.getValue(), fill(`${NOTE}Typed.`, [1]));
  });

  test("says why there is nothing to review", async () => {
    host = await new Host().load();
    await host.open("A.md");
    host.daemon.answers.set("GET /runs/*", progress({ results: [result({ status: "unchanged" })] }));
    await host.command("review-note");
    assert.equal(host.said, "“A” is left as it is. It needs nothing.");
  });

  test("of a note that is not open writes it on the disk; not one with a byte order mark", async () => {
    await begin();
    await host.click("Cancel");
    await host.close(view);
    const review = (path) => host.menu("file-menu", host.app.vault.getFileByPath(path))[1].onClick__();
    review("A.md");
    await settle();
    await host.click("Write 2, refuse 0");
    assert.equal(await host.read("A.md"), FILLED);
    review("B.md");
    await settle();
    assert.match(host.said, /has line ends or a byte order mark/);
  });
});
