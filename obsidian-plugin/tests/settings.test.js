/** The settings tab: what the daemon's settings are, and what a click changes; the plugin's own. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Host, enter, find, settle } from "./host/obsidian.js";
import { answer } from "./host/daemon.js";

let host;

afterEach(() => host.unload());

const sent = () => host.daemon.asked("POST /settings").map(({ body }) => body);

/** Have the tab show what the daemon has. */
async function open() {
  host = await new Host().load();
  host.plugin.tab.getSettingDefinitions();
  await settle();
}

const DATA = [["nothing", null], ["a list", [1]], ["wrong forms", { address: 1 }], ["another computer", { address: "http://evil.example:80" }], ["another way", { address: "http://127.0.0.1:1@evil.example:80" }]];
for (const [name, data] of DATA) {
  test(`the usual address is taken where data.json has ${name}`, async () => {
    host = new Host();
    host.data = data;
    await host.load();
    assert.deepEqual(host.plugin.settings, { address: "http://127.0.0.1:27182" });
  });
}

describe("the daemon's settings", () => {
  beforeEach(open);

  const CHANGES = [
    ["description", "propose", { fields: { description: true }, modes: { description: "propose" } }],
    ["description", "off", { fields: { description: false } }],
    ["Work", "write", { folder_modes: { Work: "write" } }],
    ["Work", "off", { folder_modes: { Work: null } }],
    ["Another folder", "Projects", { folder_modes: { Projects: "propose" } }],
    ["Folders that are left alone", "Daily\n\n Old ", { ignored: { folders: ["Daily", "Old"] } }],
    ["What is left alone in some folders", "tags: Projects, Old", { ignored: { fields: { tags: ["Projects", "Old"] } } }],
    ["Enrich notes in the background", false, { background: false }],
    ["Notes a day", "20", { notes_a_day: 20 }],
  ];
  for (const [row, value, change] of CHANGES) {
    test(`are changed by ${value} in ${row}`, async () => {
      const setting = host.settings[row];
      assert.ok(setting.controlEl.querySelector(`[aria-label="${row}"]`));
      await enter(setting, value);
      assert.deepEqual(sent(), [change]);
    });
  }

  test("are shown as they are", () => {
    const read = (row) => host.settings[row].controlEl.querySelector("input, select, textarea").value;
    assert.deepEqual(["description", "tags", "Work", "Private folders", "Private properties"].map(read), ["write", "off", "propose", "Work", "confidential: true, yes"]);
  });

  test("take nothing out of what is private before the user says so", async () => {
    for (const reply of ["Cancel", "Take it out"]) {
      await enter(host.settings["Private folders"], "");
      assert.equal(host.modal.contentEl.textContent, "Work would not be private any more.");
      await host.click(reply);
    }
    const private_ = { folders: [] };
    assert.deepEqual(sent(), [{ private: private_ }, { private: private_ }, { private: private_, replace: true }]);
  });

  test("stay as they are where a value is none, or is refused", async () => {
    const setting = host.settings["Notes a day"];
    await enter(setting, "many");
    assert.equal(setting.errorEl.textContent, "Give a number.");
    host.daemon.answers.set("POST /settings", answer(422, "there is no folder Projects"));
    await enter(host.settings["Another folder"], "Projects");
    assert.equal(host.said, "There is no folder Projects.");
  });
});

test("without a daemon there are those of this computer, which say why", async () => {
  host = new Host();
  host.daemon.isAway = true;
  await host.load();
  assert.equal(host.settings.Connection.descEl.textContent, "Callout Companion is not running for this vault.");
  assert.equal(host.settings["Notes a day"], undefined);
});

test("the connection is tried, and the model is named", async () => {
  await open();
  assert.match(host.settings.Connection.descEl.textContent, /^The model is qwen3-4b\. It is on this computer: no note leaves it\./);
  find(host.settings.Connection.controlEl, "button", "Try now").click();
  await settle();
  assert.equal(host.said, "Connected to Notes.");
});

describe("the server's address", () => {
  test("counts once the field is left", async () => {
    host = new Host();
    host.told = null;
    host.app.secretStorage.setSecret("callout-companion-token", host.daemon.token);
    await host.load();
    const other = host.listenAt("http://127.0.0.1:8765", { token: "theirs" });
    const setting = host.settings["Server address"];
    const input = setting.controlEl.querySelector("input");
    input.value = "http://127.0.0.1:876";
    input.dispatchEvent(new Event("input"));
    await settle();
    assert.equal(host.plugin.settings.address, "http://127.0.0.1:27182");
    await enter(setting, " http://127.0.0.1:8765 ");
    assert.equal(host.data.address, "http://127.0.0.1:8765");
    assert.ok(other.dialled.length);
  });

  const WRONG = ["", "http://127.0.0.1:0", "http://127.0.0.1:65536", "http://127.0.0.1:080", "http://127.0.0.1", "https://127.0.0.1:1", "https://example.org", "http://127.0.0.1:1/x", "http://[::1]:27182"];
  for (const address of WRONG) {
    test(`is not “${address}”`, async () => {
      host = await new Host().load();
      const setting = host.settings["Server address"];
      await settle();
      const before = host.daemon.dialled.length;
      await enter(setting, address);
      assert.match(setting.errorEl.textContent, /^Use http:\/\/127\.0\.0\.1 and a port up to 65535/);
      assert.equal(host.plugin.settings.address, "http://127.0.0.1:27182");
      assert.equal(host.daemon.dialled.length, before);
    });
  }
});
