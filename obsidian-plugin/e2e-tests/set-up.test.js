/** Set-up: the way from nothing to a daemon that is paired; tests/set-up.test.js has its states. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { assertAccessible } from "./axe.js";
import { PLUGIN } from "./daemon.js";
import { errorsOf } from "./obsidian.js";
import { openNote, statusSays } from "./scenarios.js";
import { openScene, secret } from "./scene.js";
import { waitFor } from "./wait.js";

const VIEW = ".mod-right-split";
const PROGRAM = fileURLToPath(new URL("../../.venv/bin/companion", import.meta.url));
const LINES = JSON.parse(await readFile(new URL("../src/install-lines.json", import.meta.url), "utf8"));
const { lines: INSTALL } = LINES.find(({ system }) => system === "Linux");
const PATH = "Cooking/Sourdough.md";

test("from nothing installed to a paired daemon, and to the first accepted proposal", { skip: !existsSync(PROGRAM) }, async (context) => {
  const { obsidian, vault, end } = await openScene({ isServed: false });
  context.after(end);
  const nobody = "http://127.0.0.1:1"; // the usual port may be that of a daemon of the developer's own
  await vault.write(join(PLUGIN, "data.json"), JSON.stringify({ address: nobody }));
  const page = await obsidian.open(vault);
  const view = page.locator(VIEW);
  const click = (name) => page.getByRole("button", { name, exact: true }).click();
  const heading = (text) => view.getByRole("heading", { name: text }).waitFor();

  await statusSays(page, /not installed/);
  await click("Set up");
  await heading("Its program is not on this computer yet");
  assert.deepEqual(await view.locator(".callout-companion-line code").allInnerTexts(), INSTALL);
  await assertAccessible(page, VIEW);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await click(`Copy: ${INSTALL[0]}`);
  await view.getByText("Copied.").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), INSTALL[0]);

  const program = join(vault.home, ".local", "bin", "companion"); // as the lines do, in a terminal
  await mkdir(join(program, ".."), { recursive: true });
  await symlink(PROGRAM, program);
  await countActs(page);
  await click("Look again");
  await heading("It is installed, but not running");
  assert.deepEqual(await view.locator(".callout-companion-command").allInnerTexts(), [
    `${program} serve --vault ${vault.path} --port 0`,
    `${program} pair --json --vault ${vault.path}`,
  ]);
  await assertAccessible(page, VIEW);
  await click("Start");
  await view.getByRole("button", { name: "Decided" }).waitFor();
  assert.match((await secret(page)) ?? "", /^[0-9a-f]{16}\.[0-9a-f]{64}$/);
  await statusSays(page, /today/);
  assert.equal(await page.evaluate(() => window.app.loadLocalStorage("callout-companion-program")), program);
  assert.doesNotMatch(await vault.read(join(PLUGIN, "data.json")), /companion serve|local\/bin/);

  await openNote(page, PATH);
  await click("Propose for this note");
  await view.getByRole("button", { name: "Accept both" }).waitFor();
  await assertAccessible(page, VIEW);
  await click("Accept both");
  await waitFor("it is in the note", async () => /\[!ai\] AI\n> A sourdough/.test(await vault.read(PATH)));
  const { click: clicked, keydown: typed } = await page.evaluate(() => window.acts);
  context.diagnostic(`${clicked} clicks, ${typed} keys`);
  assert.ok(clicked <= 6, `${clicked} clicks`);
  assert.equal(typed, 0, "no word is typed");
  assert.deepEqual(await errorsOf(page), []);
});

/** Count what the user does from now on: clicks, and keys. */
function countActs(page) {
  return page.evaluate(() => {
    window.acts = { click: 0, keydown: 0 };
    for (const kind of ["click", "keydown"]) {
      document.addEventListener(kind, ({ isTrusted }) => void (window.acts[kind] += Number(isTrusted)), true);
    }
  });
}
