/** The settings as they are read, shown, kept and changed. */

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { Host, enter, settle } from "./host/obsidian.js";

let host;

afterEach(() => host.unload());

describe("settings", () => {
  const DATA = [
    ["nothing", null, "http://127.0.0.1:27182", "enrich", false],
    ["a list", [1], "http://127.0.0.1:27182", "enrich", false],
    ["wrong forms", { address: 1, ribbon: "x", takeOver: "no" }, "http://127.0.0.1:27182", "enrich", false],
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
    });
  }

  test("are definitions, each with a name and words that Obsidian can search", async () => {
    host = await new Host().load();
    const items = host.settings;
    assert.ok(items.length > 5 && items.every(({ name, desc }) => name && (typeof desc === "string" ? desc : desc.textContent)));
    assert.match(items[3].desc.textContent, /^qwen3-4b\. The model is on this computer: no note leaves it\. /);
    const commands = items.flatMap(({ desc }) => (typeof desc === "string" ? [] : [...desc.querySelectorAll("code")]));
    assert.deepEqual(commands.map(({ textContent }) => textContent), [
      "companion config set review.mode propose",
      "companion config edit",
      "companion serve",
      "companion token",
    ]);
    assert.ok(items.every(({ desc }) => !/`/.test(desc.textContent ?? desc)));
  });

  const MODES = [
    ["by field", { modes: { tags: "write", description: "write", callout: "propose" } }, /^Written without asking: tags and description\. Waits for you in the inbox: callout\. Set in a terminal: /],
    ["by folder, too", { modes: { tags: "write" }, folder_modes: { Work: "propose" } }, /^Written without asking: tags\. Waits for you in the inbox: Work\/\. /],
    ["a daemon that does not tell", { modes: {} }, /^Set in a terminal: companion config set review\.mode propose$/],
  ];
  for (const [name, modes, words] of MODES) {
    test(`show what is written without asking: ${name}`, async () => {
      host = new Host();
      Object.assign(host.daemon.status, modes);
      await host.load();
      const [{ desc }] = host.settings;
      assert.match(desc.textContent, words);
    });
  }

  test("are kept", async () => {
    host = await new Host().load();
    for (const [at, name, value, key] of [[1, "Enrich open notes while you pause", true, "takeOver"], [2, "Ribbon button", "propose", "ribbon"]]) {
      const setting = host.setting(at);
      assert.equal(setting.settingEl.querySelector(`[aria-label="${name}"]`) !== null, true);
      await enter(setting, value);
      assert.equal(host.data[key], value);
      assert.equal(host.plugin.settings[key], value);
    }
  });

  test("test the connection", async () => {
    host = await new Host().load();
    host.setting(4).controlEl.querySelector("button").click();
    await settle();
    assert.equal(host.said, "Connected to Notes: 40 notes, 5 to do.");
  });
});

describe("the server's address", () => {
  const ADDRESS = "http://127.0.0.1:8765";
  let setting;
  const begin = async () => {
    host = new Host();
    host.told = null;
    host.app.secretStorage.setSecret("callout-companion-token", host.daemon.token);
    await host.load();
    setting = host.setting(5);
    return setting.controlEl.querySelector("input");
  };
  const leave = async (input, event) => {
    input.dispatchEvent(event);
    await settle();
  };

  test("counts once the field is left", async () => {
    const input = await begin();
    const others = [8, 87, 876, 8765].map((port) => host.listenAt(`http://127.0.0.1:${port}`, { token: "theirs" }));
    for (let end = 1; end <= ADDRESS.length; end++) {
      await enter(setting, ADDRESS.slice(0, end));
    }
    assert.deepEqual(others.map(({ dialled }) => dialled.length), [0, 0, 0, 0]);
    await leave(input, new Event("blur"));
    assert.equal(host.data.address, ADDRESS);
    assert.deepEqual(others.slice(0, 3).map(({ dialled }) => dialled.length), [0, 0, 0]);
    assert.ok(others[3].dialled.length);
  });

  test("is kept by Enter, and asked at once", async () => {
    const input = await begin();
    input.value = " http://localhost:5000 ";
    await leave(input, new KeyboardEvent("keydown", { key: "0" }));
    assert.equal(host.data.address, "http://127.0.0.1:27182");
    await leave(input, new KeyboardEvent("keydown", { key: "Enter" }));
    assert.equal(host.data.address, "http://localhost:5000");
    assert.equal(host.daemon.requests.at(-1).origin, "http://localhost:5000");
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
