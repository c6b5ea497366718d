/** What is missing is told, and only a program that the user agreed to is run. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { Host, enter } from "./host/obsidian.js";
import { waitFor } from "../e2e-tests/wait.js";

const { HOME, PATH } = process.env;

let base;
let host;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "companion-set-up-"));
  for (const folder of ["bin", "vault"]) await mkdir(join(base, folder));
  Object.assign(process.env, { HOME: base, PATH: join(base, "bin") });
  host = new Host();
  window.hostNode.root = join(base, "vault");
  host.daemon.isAway = true;
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

const says = (words) => waitFor(() => `a notice says ${words}, only ${host.notices.join(" | ")}`, () => host.notices.some((said) => words.test(said)));

test("without a program, the user is told how to install it", async () => {
  Object.assign(host, { told: null, token: "" });
  await host.load();
  await says(/^Callout Companion is not set up for this vault\.How to install$/);
  assert.equal(host.status.textContent, "Companion: not set up");
});

test("with a program, what is run is shown first; agreed to once, it is started from then on", async () => {
  await install(`echo "$@" >> ${join(base, "ran")}; exec sleep 3`);
  await host.load();
  await says(/^Callout Companion is not running for this vault\.Start …$/);
  await host.reply("Start …");
  await waitFor("it is asked", () => host.modals.length);
  const line = `${join(base, "bin", "companion")} serve --vault ${join(base, "vault")} --port 0`;
  assert.ok(host.modal.contentEl.textContent.endsWith(line));
  assert.ok(!existsSync(join(base, "ran")));
  await host.click("Start");
  await waitFor("it runs", () => existsSync(join(base, "ran")));
  host.plugin.unload();
  await rm(join(base, "ran"));
  await host.load();
  await waitFor("it runs again", () => existsSync(join(base, "ran")));
});

test("a token that does not fit is told", async () => {
  Object.assign(host.daemon, { isAway: false, token: "another" });
  await host.load();
  assert.match(host.said, /^The token doesn’t fit\. Run companion token/);
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
    await host.load();
    await enter(host.settings.Program, makePath());
    await says(words);
    assert.ok(!existsSync(join(base, "ran")));
  });
}

test("a program that ends at once is told of by its own words", async () => {
  await install("echo starting >&2\necho 'the vault is locked by process 7' >&2\nexit 2");
  await host.load();
  await says(/Start …$/);
  await host.reply("Start …");
  await waitFor("it is asked", () => host.modals.length);
  await host.click("Start");
  await says(/^Callout Companion did not start\. The vault is locked by process 7\./);
});
