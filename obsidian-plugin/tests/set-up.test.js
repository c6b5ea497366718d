/** Set-up: each state in which something is missing, with what mends it; and which programs are run. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { Host, find } from "./host/obsidian.js";
import { answer } from "./host/daemon.js";
import { waitFor } from "../e2e-tests/wait.js";

const { default: axe } = await import("axe-core"); // which wants a window

const { HOME, PATH } = process.env;

let base;
let host;
let view;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "companion-set-up-"));
  for (const folder of ["bin", "vault"]) await mkdir(join(base, folder));
  Object.assign(process.env, { HOME: base, PATH: join(base, "bin") });
  host = new Host();
  window.hostNode.root = join(base, "vault");
  host.daemon.answers.set("GET /model", { name: "qwen3-4b", is_missing: false, catalog: [] });
  host.daemon.answers.set("GET /proposals", { proposals: [], next: null, total: 0 });
});

afterEach(async () => {
  await host.unload();
  Object.assign(process.env, { HOME, PATH });
  await rm(base, { recursive: true });
});

/** Put a program on this computer, by default on the search path. */
async function install(line, path = "bin/companion") {
  await writeFile(join(base, path), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
}

/** Open the set-up, which looks for the program on the disk. */
async function openSetUp() {
  await host.load();
  await host.command("open");
  [{ view }] = host.workspace.getLeavesOfType("callout-companion");
  return waitFor("it says what is missing", () => view.contentEl.querySelector("h3")?.textContent);
}

const click = (name) => find(view.contentEl, "button", name).click();
const shows = (words) => waitFor(`it says ${words}`, () => words.test(view.contentEl.textContent));
const NO_MODEL = { name: "small", is_missing: true, catalog: [{ name: "small", title: "Small", bytes: 2e9, is_here: false }] };
/** What answers there, what the status bar says, the heading, what mends it (a button or a field), and what a click on the status bar says. */
const STATES = [
  ["nobody", { isAway: true }, "not running", "Its program is not on this computer yet", "Look again", /^Nothing answers at http:\/\/127\.0\.0\.1:27182\. .*companion serve$/],
  ["nobody", { isAway: true }, "not running", "It is installed, but not running", "Start", /companion serve$/],
  ["a daemon that does not accept the token", { token: "another" }, "token doesn’t fit", "It does not answer as it should", "Look again", /companion token/],
  ["a daemon without a model", { answers: new Map([["GET /model", NO_MODEL]]) }, "3 today", "It runs, but has no model yet", "Fetch the model, 2 GB"],
  ["a daemon in trouble", { answers: new Map([["GET /feed", answer(503, "The disk is full.")]]) }, "trouble", "It does not answer as it should", "Look again", /^The disk is full\.$/],
];
for (const [name, fields, state, heading, remedy, words] of STATES) {
  test(`${name}: ${heading}; ${remedy} mends it`, async () => {
    if (remedy !== "Look again") await install("exit");
    Object.assign(host.daemon, fields);
    assert.equal(await openSetUp(), heading);
    assert.equal(host.status.textContent, `Companion: ${state}`);
    assert.deepEqual(host.notices, []);
    find(view.contentEl, "button, input", remedy);
    const { violations } = await axe.run(view.contentEl, { rules: { "color-contrast": { enabled: false } } });
    assert.deepEqual(violations.map(({ id }) => id), []);
    await host.openStatus();
    if (words) assert.match(host.said, words);
  });
}

test("a daemon that goes just as its model is asked for is told of in the view alone", async () => {
  await host.load();
  host.daemon.answers.set("GET /model", () => {
    host.daemon.isAway = true;
    throw new Error("net::ERR_CONNECTION_RESET");
  });
  await host.command("open");
  await host.pass(5_000);
  assert.deepEqual(host.notices, []);
  [{ view }] = host.workspace.getLeavesOfType("callout-companion");
  assert.match(view.contentEl.textContent, /Its program is not on this computer yet.*Nothing answers at/);
});

test("nothing shows that this vault ever had a daemon: the user is told of the set-up", async () => {
  Object.assign(host, { told: null, token: "" });
  await host.load();
  assert.equal(host.status.textContent, "Companion: not installed");
  assert.deepEqual(host.notices, ["Callout Companion is not set up in this vault yet.Set up"]);
  await host.reply("Set up");
  await host.openStatus();
  assert.equal(host.said, "Callout Companion is not installed on this computer, or has never run for this vault. Click Companion in the status bar to see how.");
});

const REFUSED = [
  ["inside the vault", () => join(base, "vault", "companion"), /is inside the vault\. .*so it is not run/],
  ["behind a link out of the vault", () => join(base, "link"), /is inside the vault/],
  ["not a whole path", () => "companion", /Give the whole path/],
  ["not there", () => "/nowhere/companion", /There is no program at \/nowhere\/companion/],
];
for (const [name, makePath, words] of REFUSED) {
  test(`a program is refused that is ${name}`, async () => {
    await install(`: > ${join(base, "ran")}`, "vault/companion");
    await symlink(join(base, "vault", "companion"), join(base, "link"));
    process.env.PATH = join(base, "vault");
    host.daemon.isAway = true;
    assert.equal(await openSetUp(), "Its program is not on this computer yet");
    find(view.contentEl, "input", "Program").value = makePath();
    click("Use it");
    await shows(words);
    assert.ok(!existsSync(join(base, "ran")));
  });
}

test("a program that ends at once is told of by its own words", async () => {
  await install("echo starting >&2\necho 'the vault is locked by process 7' >&2\nexit 2");
  host.daemon.isAway = true;
  await openSetUp();
  click("Start");
  await shows(/It did not start\. The vault is locked by process 7\./);
});
