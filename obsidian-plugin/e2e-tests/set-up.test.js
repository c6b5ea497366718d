/** Set-up: each state that something may be missing in, and the way from nothing to a daemon that is paired. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { assertAccessible } from "./axe.js";
import { Vault } from "./daemon.js";
import { Endpoint } from "./endpoint.js";
import { errorsOf, Obsidian, readData, writeData } from "./obsidian.js";
import { openNote, statusBar } from "./scenarios.js";
import { runCommand, secret } from "./scene.js";
import { waitFor } from "./wait.js";

const VIEW = ".mod-right-split";
const PLUGIN = join(dirname(fileURLToPath(import.meta.url)), "..");
const PROGRAM = join(PLUGIN, "..", ".venv", "bin", "companion");
const NEEDS_PROGRAM = { skip: !existsSync(PROGRAM) };
const { lines: INSTALL } = JSON.parse(await readFile(join(PLUGIN, "src", "install-lines.json"), "utf8")).find(
  ({ system }) => system === "Linux",
);

let obsidian;
let endpoint;
let vault;
let page;

before(async () => {
  [endpoint, obsidian] = await Promise.all([Endpoint.start(), Obsidian.launch()]);
});

after(async () => {
  await obsidian?.close();
  endpoint?.stop();
});

beforeEach(async () => {
  vault = await Vault.copy(endpoint.baseUrl);
});

afterEach(async () => {
  const opened = page;
  page = undefined;
  try {
    assert.deepEqual(opened ? await errorsOf(opened) : [], []);
  } finally {
    await opened?.context().close();
    await vault.remove();
  }
});

test("from nothing installed to a paired daemon, and to the first accepted proposal", NEEDS_PROGRAM, async (context) => {
  const path = "Cooking/Sourdough.md";
  page = await obsidian.open(vault);
  await waitFor("it is known", async () => /not installed/.test(await statusBar(page)));
  await click("Set up");
  await heading("Its program is not on this computer yet");
  assert.deepEqual(await view().locator(".callout-companion-line code").allInnerTexts(), INSTALL);
  await assertAccessible(page, VIEW);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await click(`Copy: ${INSTALL[0]}`);
  await view().getByText("Copied.").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), INSTALL[0]);

  const program = await install(join(vault.home, ".local", "bin")); // as the lines do, in a terminal
  await countActs();
  await click("Look again");
  await heading("It is installed, but not running");
  assert.deepEqual(await view().locator(".callout-companion-command").allInnerTexts(), [
    `${program} serve --vault ${vault.path} --port 0`,
    `${program} pair --json --vault ${vault.path}`,
  ]);
  await assertAccessible(page, VIEW);
  await click("Start");
  await isPaired();
  assert.match((await secret(page)) ?? "", /^[0-9a-f]{16}\.[0-9a-f]{64}$/);
  assert.match(await statusBar(page), /today/);
  assert.equal(await page.evaluate(() => window.app.loadLocalStorage("callout-companion-program")), program);
  assert.doesNotMatch(await readData(vault).catch(() => ""), /companion serve|local\/bin/);

  await openNote(page, path);
  await click("Propose for this note");
  await view().getByRole("button", { name: "Accept both" }).waitFor();
  await assertAccessible(page, VIEW);
  await click("Accept both");
  await waitFor("it is in the note", async () => /\[!ai\] AI\n> A sourdough/.test(await vault.read(path)));
  const { click: clicked, keydown: typed } = await page.evaluate(() => window.acts);
  context.diagnostic(`${clicked} clicks, ${typed} keys`);
  assert.ok(clicked <= 6, `${clicked} clicks`);
  assert.equal(typed, 0, "no word is typed");
});

/** What may be wrong, and what mends it: a button, or what the words say. Each prepares it, and returns how the window is opened. */
const STATES = [
  ["another vault's daemon where ours should be", "Another vault's is running", "Start", async (context) => {
    const other = await Vault.copy(endpoint.baseUrl);
    context.after(() => other.remove());
    await other.serve();
    await writeData(vault, { address: other.address });
    return withProgram();
  }],
  ["another program where ours should be", "Another program is in its place", "Start", async (context) => {
    await answering(context, (response) => response.writeHead(404).end("Not here"));
    return withProgram();
  }],
  ["a daemon that is too old", "The versions do not match", /is too old for this plugin\. Update it: uv tool upgrade callout-companion/, async (context) => {
    const proofs = JSON.stringify({ token: "", place: "", version: "0.0.9" });
    await answering(context, (response) => response.setHeader("Content-Type", "application/json").end(proofs));
  }],
  ["a plugin that is too new for the daemon", "The versions do not match", /99\.0\.0, is too new for Companion .*: update Companion, and start `companion serve` again/, serveFor("99.0.0")],
  ["a plugin that is too old for the daemon", "The versions do not match", /0\.0\.1, is too old for Companion .*: update the client, which is the plugin in Obsidian/, serveFor("0.0.1")],
];
for (const [name, title, remedy, prepare] of STATES) {
  test(name, remedy === "Start" ? NEEDS_PROGRAM : {}, async (context) => {
    page = await obsidian.open(vault, await prepare(context));
    await openSetUp();
    await heading(title);
    await assertAccessible(page, VIEW);
    if (remedy instanceof RegExp) return view().getByText(remedy).waitFor();
    await click(remedy);
    await isPaired();
  });
}

test("a daemon that runs, and does not know the plugin", NEEDS_PROGRAM, async () => {
  await vault.serve();
  page = await obsidian.open(vault, await withProgram());
  await openSetUp();
  await heading("It runs, but is not paired");
  await assertAccessible(page, VIEW);
  await click("Pair");
  await isPaired();
  await page.evaluate(() => window.app.secretStorage.setSecret("callout-companion-token", ""));
  await page.evaluate(() => window.app.plugin.onExternalSettingsChange());
  await waitFor("it pairs by itself, since that was agreed to", () => secret(page));
});

test("a daemon that runs, and no program to ask: a code is typed", async () => {
  await vault.serve();
  page = await obsidian.open(vault);
  await openSetUp();
  await heading("It runs, but is not paired");
  await view().getByRole("textbox", { name: "Pairing code" }).fill(await vault.pair());
  await view().getByRole("button", { name: "Pair", exact: true }).click();
  await isPaired();
});

test("a code of the program is for this vault's daemon, and for nobody who has its place once it is gone", NEEDS_PROGRAM, async (context) => {
  await vault.serve();
  const requests = [];
  await answering(context, (response) => {
    requests.push(response.req.url ?? "");
    const proofs = { token: "0".repeat(64), place: "0".repeat(64), version: "0.3.0" };
    response.setHeader("Content-Type", "application/json").end(JSON.stringify(proofs));
  });
  page = await obsidian.open(vault, await withProgram());
  await openSetUp();
  await heading("It runs, but is not paired");
  await vault.kill();
  await click("Pair");
  await view().getByText(/^The Callout Companion at .* is another vault's/).waitFor();
  assert.deepEqual([...new Set(requests)], ["/api/v1/proof"]);
  assert.equal((await secret(page)) ?? "", "");
});

test("no model yet: it is fetched, or the reason is told", async () => {
  await writeFile(join(vault.home, "config.toml"), "[background]\nenabled = false\n");
  const cache = await mkdtemp(join(tmpdir(), "companion-cache-"));
  Object.assign(vault.env, { COMPANION_CACHE: cache, PIP_NO_INDEX: "1", HF_ENDPOINT: "http://127.0.0.1:9" });
  try {
    await vault.serve();
    await writeData(vault, { address: vault.address, code: await vault.pair() });
    page = await obsidian.open(vault);
    await waitFor("it is paired", () => secret(page));
    await runCommand(page, "Open set-up and inbox");
    await heading("It runs, but has no model yet");
    await assertAccessible(page, VIEW);
    await click("Fetch the model, 1.1 GB");
    await view().getByText(/cannot be fetched \(Hugging Face: cannot be reached; pip: .* cannot be installed/).waitFor();
    await heading("It runs, but has no model yet");
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
});

const REFUSED = [
  ["inside the vault", () => join(vault.path, "companion"), /is inside the vault\. .*so it is not run/],
  ["behind a link out of the vault", () => join(vault.base, "link"), /is inside the vault/],
  ["not a whole path", () => "companion", /Give the whole path/],
  ["not there", () => "/nowhere/companion", /There is no program at \/nowhere\/companion/],
];
for (const [name, makePath, words] of REFUSED) {
  test(`a program is refused that is ${name}`, async () => {
    const ours = join(vault.path, "companion");
    await writeFile(ours, `#!/bin/sh\ntouch ${join(vault.base, "ran")}\n`, { mode: 0o755 });
    await symlink(ours, join(vault.base, "link"));
    page = await obsidian.open(vault, { path: vault.path });
    await openSetUp();
    await heading("Its program is not on this computer yet");
    await view().getByText("It is installed elsewhere").click();
    await view().getByRole("textbox", { name: "Program" }).fill(makePath());
    await click("Use it");
    await view().getByText(words).waitFor();
    assert.ok(!existsSync(join(vault.base, "ran")));
  });
}

test("a program that ends at once is told of by its own words", async () => {
  const program = join(vault.base, "companion");
  await writeFile(program, "#!/bin/sh\necho starting >&2\necho 'the vault is locked by process 7' >&2\nexit 2\n", { mode: 0o755 });
  page = await obsidian.open(vault, { path: vault.base });
  await openSetUp();
  await click("Start");
  await view().getByText("It did not start. The vault is locked by process 7.").waitFor();
});

/** Have a program answer as it likes at the address in the plugin's settings, until the test ends. */
async function answering(context, respond) {
  const server = createServer((_, response) => respond(response));
  await new Promise((done) => server.listen(0, "127.0.0.1", () => done(null)));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await writeData(vault, { address: `http://127.0.0.1:${server.address().port}` });
}

/** A window whose plugin is of that version, beside the vault's daemon. */
function serveFor(version) {
  return async () => {
    await vault.serve();
    await writeData(vault, { address: vault.address });
    return { version };
  };
}

async function install(folder) {
  const path = join(folder, "companion");
  await mkdir(folder, { recursive: true });
  await symlink(PROGRAM, path);
  return path;
}

/** A window where the program is found. */
async function withProgram() {
  const path = join(vault.base, "bin");
  await install(path);
  return { path };
}

/** The view shows the inbox. */
function isPaired() {
  return view().getByRole("button", { name: "Decided" }).waitFor();
}

function view() {
  return page.locator(VIEW);
}

function heading(text) {
  return view().getByRole("heading", { name: text }).waitFor();
}

/** Count what the user does from now on: clicks, and keys. */
function countActs() {
  return page.evaluate(() => {
    window.acts = { click: 0, keydown: 0 };
    for (const kind of ["click", "keydown"]) {
      document.addEventListener(kind, ({ isTrusted }) => void (window.acts[kind] += Number(isTrusted)), true);
    }
  });
}

async function click(name) {
  await page.getByRole("button", { name, exact: true }).click();
}

async function openSetUp() {
  await waitFor("the daemon was looked for", async () => /not|another|old/.test(await statusBar(page)));
  await page.locator(".status-bar-item.plugin-callout-companion").click();
  await view().getByRole("heading").waitFor();
}
