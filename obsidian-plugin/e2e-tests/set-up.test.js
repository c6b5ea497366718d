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
import { errorsOf, Obsidian, writeData } from "./obsidian.js";
import { openNote, secret, statusBar } from "./scene.js";
import { waitFor } from "./wait.js";

const VIEW = ".mod-right-split";
const PLUGIN = join(dirname(fileURLToPath(import.meta.url)), "..");
const PROGRAM = join(PLUGIN, "..", ".venv", "bin", "companion");
const { lines: INSTALL } = JSON.parse(await readFile(join(PLUGIN, "src", "install-lines.json"), "utf8")).find(
  ({ system }) => system === "Linux",
);

/** @type {Obsidian} */
let obsidian;
/** @type {Endpoint} */
let endpoint;
/** @type {Vault} */
let vault;
/** @type {import("playwright-core").Page} */
let page;
let clicks = 0;

before(async () => {
  [endpoint, obsidian] = await Promise.all([Endpoint.start(), Obsidian.launch()]);
});

after(async () => {
  await obsidian?.close();
  endpoint?.stop();
});

beforeEach(async () => {
  vault = await Vault.copy(endpoint.baseUrl);
  clicks = 0;
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

test("from nothing installed to a paired daemon", { skip: !existsSync(PROGRAM) }, async () => {
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

  await install(join(vault.home, ".local", "bin")); // as the lines do, in a terminal
  clicks = 0;
  await click("Look again");
  await heading("It is installed, but not running");
  const program = join(vault.home, ".local", "bin", "companion");
  assert.deepEqual(await view().locator(".callout-companion-command").allInnerTexts(), [
    `${program} serve --vault ${vault.path} --port 0`,
    `${program} pair --json --vault ${vault.path}`,
  ]);
  await assertAccessible(page, VIEW);
  await click("Start");
  await view().getByRole("button", { name: "Decided" }).waitFor();
  assert.match((await secret(page)) ?? "", /^[0-9a-f]{16}\.[0-9a-f]{64}$/);
  assert.match(await statusBar(page), /today/);
  assert.equal(clicks, 2);
  await assertAccessible(page, VIEW);
  const kept = await page.evaluate(() => window.app.loadLocalStorage("callout-companion-program"));
  assert.equal(kept, program);
  assert.doesNotMatch(await readFile(join(vault.path, ".obsidian/plugins/callout-companion/data.json"), "utf8").catch(() => ""), /companion serve|local\/bin/);
});

test("from nothing installed to the first accepted proposal", { skip: !existsSync(PROGRAM) }, async (context) => {
  const path = "Cooking/Sourdough.md";
  page = await obsidian.open(vault);
  await waitFor("it is known", async () => /not installed/.test(await statusBar(page)));
  await click("Set up");
  await heading("Its program is not on this computer yet");
  await install(join(vault.home, ".local", "bin")); // as the lines do, in a terminal
  await countActs();
  await click("Look again");
  await click("Start");
  await view().getByRole("button", { name: "Decided" }).waitFor();
  await openNote(page, path);
  await view().getByRole("button", { name: "Propose for this note" }).click();
  await view().getByRole("button", { name: "Accept both" }).waitFor();
  await assertAccessible(page, VIEW);
  await view().getByRole("button", { name: "Accept both" }).click();
  await waitFor("it is in the note", async () => /\[!ai\] AI\n> A sourdough/.test(await vault.read(path)));
  const { click: clicked, keydown: typed } = await page.evaluate(() => window.acts);
  context.diagnostic(`${clicked} clicks, ${typed} keys`);
  assert.ok(clicked <= 6, `${clicked} clicks`);
  assert.equal(typed, 0, "no word is typed");
});

test("a daemon that runs, and does not know the plugin", { skip: !existsSync(PROGRAM) }, async () => {
  await vault.serve();
  const folder = join(vault.base, "bin");
  await install(folder);
  page = await obsidian.open(vault, { path: folder });
  await openSetUp();
  await heading("It runs, but is not paired");
  await assertAccessible(page, VIEW);
  await click("Pair");
  await view().getByRole("button", { name: "Decided" }).waitFor();
  await page.evaluate(() => window.app.secretStorage.setSecret("callout-companion-token", ""));
  await page.evaluate(() => window.app.plugins.plugins["callout-companion"].onExternalSettingsChange());
  await waitFor("it pairs by itself, since that was agreed to", () => secret(page));
});

test("a daemon that runs, and no program to ask: a code is typed", async () => {
  await vault.serve();
  page = await obsidian.open(vault);
  await openSetUp();
  await heading("It runs, but is not paired");
  await view().getByRole("textbox", { name: "Pairing code" }).fill(await vault.pair());
  await view().getByRole("button", { name: "Pair", exact: true }).click();
  await view().getByRole("button", { name: "Decided" }).waitFor();
});

test("a code of the program is for this vault's daemon, and for nobody who has its place once it is gone", { skip: !existsSync(PROGRAM) }, async () => {
  await vault.serve();
  const folder = join(vault.base, "bin");
  await install(folder);
  /** @type {string[]} */
  const requests = [];
  const squat = (/** @type {import("node:http").ServerResponse} */ response) => {
    requests.push(response.req.url ?? "");
    const proofs = { token: "0".repeat(64), place: "0".repeat(64), version: "0.3.0" };
    response.setHeader("Content-Type", "application/json").end(JSON.stringify(proofs));
  };
  await answering(squat, async (address) => {
    await writeData(vault, { address });
    page = await obsidian.open(vault, { path: folder });
    await openSetUp();
    await heading("It runs, but is not paired");
    await vault.kill();
    await click("Pair");
    await view().getByText(/^The Callout Companion at .* is another vault's/).waitFor();
    assert.deepEqual([...new Set(requests)], ["/api/v1/proof"]);
    assert.equal((await secret(page)) ?? "", "");
  });
});

test("another vault's daemon where ours should be", { skip: !existsSync(PROGRAM) }, async () => {
  const other = await Vault.copy(endpoint.baseUrl);
  try {
    await other.serve();
    const folder = join(vault.base, "bin");
    await install(folder);
    await writeData(vault, { address: other.address });
    page = await obsidian.open(vault, { path: folder });
    await openSetUp();
    await heading("Another vault's is running");
    await assertAccessible(page, VIEW);
    await click("Start");
    await view().getByRole("button", { name: "Decided" }).waitFor();
  } finally {
    await other.remove();
  }
});

test("another program where ours should be", { skip: !existsSync(PROGRAM) }, async () => {
  const folder = join(vault.base, "bin");
  await install(folder);
  await answering((response) => response.writeHead(404).end("Not here"), async (address) => {
    await writeData(vault, { address });
    page = await obsidian.open(vault, { path: folder });
    await openSetUp();
    await heading("Another program is in its place");
    await assertAccessible(page, VIEW);
    await click("Start");
    await view().getByRole("button", { name: "Decided" }).waitFor();
  });
});

test("a daemon that is too old", async () => {
  const proofs = JSON.stringify({ token: "", place: "", version: "0.0.9" });
  await answering((response) => response.setHeader("Content-Type", "application/json").end(proofs), async (address) => {
    await writeData(vault, { address });
    page = await obsidian.open(vault);
    await openSetUp();
    await heading("The versions do not fit");
    await view().getByText(/is too old for this plugin\. Update it: uv tool upgrade callout-companion/).waitFor();
    await assertAccessible(page, VIEW);
  });
});

const PLUGINS = /** @type {const} */ ([
  ["too new for the daemon", "99.0.0", /99\.0\.0, is too new for Companion .*: update Companion, and start `companion serve` again/],
  ["too old for the daemon", "0.0.1", /0\.0\.1, is too old for Companion .*: update the client, which is the plugin in Obsidian/],
]);
for (const [name, version, words] of PLUGINS) {
  test(`a plugin that is ${name}`, async () => {
    await vault.serve();
    await writeData(vault, { address: vault.address });
    page = await obsidian.open(vault, { version });
    await openSetUp();
    await heading("The versions do not fit");
    await view().getByText(words).waitFor();
    await assertAccessible(page, VIEW);
  });
}

test("no model yet: it is fetched, or the reason is told", async () => {
  await writeFile(join(vault.home, "config.toml"), "[background]\nenabled = false\n");
  const cache = await mkdtemp(join(tmpdir(), "companion-cache-"));
  Object.assign(vault.env, { COMPANION_CACHE: cache, PIP_NO_INDEX: "1", HF_ENDPOINT: "http://127.0.0.1:9" });
  try {
    await vault.serve();
    await writeData(vault, { address: vault.address, code: await vault.pair() });
    page = await obsidian.open(vault);
    await waitFor("it is paired", () => secret(page));
    await page.evaluate(() => window.app.commands.find(({ id }) => id.endsWith(":open")).checkCallback(false));
    await heading("It runs, but has no model yet");
    await assertAccessible(page, VIEW);
    await click("Fetch the model, 1.1 GB");
    await view().getByText(/cannot be fetched \(Hugging Face: cannot be reached; pip: .* cannot be installed/).waitFor();
    await heading("It runs, but has no model yet");
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
});

const REFUSED = /** @type {const} */ ([
  ["inside the vault", () => join(vault.path, "companion"), /is inside the vault\. .*so it is not run/],
  ["behind a link out of the vault", () => join(vault.base, "link"), /is inside the vault/],
  ["not a whole path", () => "companion", /Give the whole path/],
  ["not there", () => "/nowhere/companion", /There is no program at \/nowhere\/companion/],
]);
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

/**
 * Have a program answer at an address as it likes, while act is done.
 * @param {(response: import("node:http").ServerResponse) => void} answer
 * @param {(address: string) => Promise<void>} act
 */
async function answering(answer, act) {
  const server = createServer((_, response) => answer(response));
  await new Promise((done) => server.listen(0, "127.0.0.1", () => done(null)));
  try {
    const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
    await act(`http://127.0.0.1:${port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** @param {string} folder */
async function install(folder) {
  await mkdir(folder, { recursive: true });
  await symlink(PROGRAM, join(folder, "companion"));
}

function view() {
  return page.locator(VIEW);
}

/** @param {string} text */
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

/** @param {string} name */
async function click(name) {
  clicks += 1;
  await page.getByRole("button", { name, exact: true }).click();
}

async function openSetUp() {
  await waitFor("the daemon was looked for", async () => /not|another|old/.test(await statusBar(page)));
  await page.locator(".status-bar-item.plugin-callout-companion").click();
  await view().getByRole("heading").waitFor();
}
