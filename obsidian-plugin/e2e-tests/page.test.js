/** The daemon's page in a real browser, against a real daemon with real files. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { assertAccessible } from "./axe.js";
import { launchBrowser } from "./browser.js";
import { Vault } from "./daemon.js";
import { Endpoint } from "./endpoint.js";
import { testsOn } from "./tests-on.js";
import { PATIENCE, waitFor } from "./wait.js";

const IMAGES = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "docs", "images");
const VIEWS = ["inbox", "now", "history", "vault", "spending"];

/** @type {Endpoint} */
let endpoint;
/** @type {Vault} */
let vault;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {import("playwright-core").Page} */
let page;
/** @type {string[]} */
const errors = [];

const test = testsOn(
  async () => {
    endpoint = await Endpoint.start();
    vault = await Vault.copy(endpoint.baseUrl);
    await vault.serve();
    browser = await launchBrowser();
    page = await openPage(await vault.openPage());
    await page.getByText("Nothing waits.").waitFor();
  },
  async () => {
    await browser?.close();
    await vault?.remove();
    endpoint?.stop();
    assert.deepEqual(errors.splice(0), []);
  },
);

/**
 * @param {string} address
 * @param {import("playwright-core").BrowserContextOptions} [options]
 */
async function openPage(address, options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(PATIENCE * 1000);
  const opened = await context.newPage();
  opened.on("pageerror", (error) => errors.push(String(error)));
  opened.on("console", (message) => {
    if (/Content Security Policy/.test(message.text())) errors.push(message.text());
  });
  await opened.goto(address);
  return opened;
}

/** @param {string} view */
async function show(view) {
  await page.goto(`${vault.address}/${view}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.waitForFunction(() => !document.body.innerText.includes("One moment"));
}

/** @param {string} name of a picture of the documentation, made with PICTURES=1 */
async function take(name) {
  const image = await page.screenshot({ animations: "disabled", caret: "hide" });
  assert.ok(image.length > 10_000 && image.length < 150_000, `${name}: ${image.length} bytes`);
  if (process.env.PICTURES) await writeFile(join(IMAGES, `page-${name}.png`), image);
}

test("the address that is opened lets the browser in, once, and is gone from the history", async () => {
  assert.equal(new URL(page.url()).hash, "");
  await show("now");
  assert.match(await page.locator("#view").innerText(), /Background work/);
  const address = await vault.openPage();
  await (await openPage(address)).getByText("Nothing waits.").waitFor();
  const late = await openPage(address);
  await late.getByText("companion open").first().waitFor();
});

test("a browser without a session is told how to get one", async () => {
  const stranger = await openPage(`${vault.address}/now`);
  await stranger.getByText("Open this page with companion open").waitFor();
  assert.doesNotMatch(await stranger.locator("body").innerText(), /Sourdough/);
});

test("a program on another port gets no session from the browser, nor a window of the page", async () => {
  /** @type {(headers: import("node:http").IncomingHttpHeaders) => void} */
  let tell = () => {};
  const isVisited = new Promise((done) => (tell = done));
  const other = createServer((request, response) => {
    tell(request.headers);
    response.setHeader("Content-Type", "text/html").end("<title>Another program</title>");
  }).listen(0, "127.0.0.1").unref();
  await once(other, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (other.address());
  const visitor = await page.context().newPage();
  await visitor.goto(`http://127.0.0.1:${port}/`);
  const headers = { Cookie: (await isVisited).cookie ?? "", Origin: vault.address, "Companion-Page": "1" };
  const answer = await fetch(`${vault.address}/page/inbox`, { headers });
  assert.equal(answer.status, 401);

  const popup = page.context().waitForEvent("page");
  await visitor.evaluate((address) => Object.assign(window, { popup: open(address) }), `${vault.address}/inbox`);
  await (await popup).getByText("Open this page with companion open").waitFor();
  assert.ok(await visitor.evaluate(() => /** @type {any} */ (window).popup.closed), "no handle of its window");
  await Promise.all([visitor.close(), (await popup).close()]);
  other.close();
});

test("a run shows up while it goes on, and is cancelled", async () => {
  await show("now");
  endpoint.hold();
  const run = vault.companion("enrich", "--all", vault.path).catch((error) => error.stdout);
  const cancel = page.getByRole("button", { name: /Cancel the run/ });
  await cancel.waitFor();
  await cancel.focus();
  await page.keyboard.press("Enter");
  await page.getByText(/: cancelled/).waitFor();
  endpoint.release();
  await run;
});

test("a change is shown with what it did, and taken back byte for byte", async () => {
  const before = await vault.read("Cooking/Sourdough.md");
  await vault.companion("enrich", `${vault.path}/Cooking/Sourdough.md`);
  await show("history");
  await page.getByRole("link", { name: /Show what it did, change \d+/ }).first().click();
  await page.locator(".diff ins").filter({ hasText: "description: How to keep" }).waitFor();
  await page.getByRole("button", { name: /Take it back, change \d+ in Cooking/ }).click();
  await page.getByText("1 change taken back.").waitFor();
  assert.equal(await vault.read("Cooking/Sourdough.md"), before);
  await page.getByText(/undid change/).waitFor();
});

test("what the rest would cost is said when it is asked", async () => {
  await show("spending");
  await page.getByRole("button", { name: "What would they cost?" }).click();
  await page.getByText(/would be sent to/).waitFor();
});

test("the folders of the vault are shown, and the notes of one", async () => {
  await show("vault");
  await page.getByRole("link", { name: "Garden" }).click();
  await page.getByText("Garden/Compost.md").waitFor();
});

test("what is outdated is listed, and asked for anew on request", async () => {
  const path = "Garden/Compost.md";
  const before = await vault.read(path);
  await vault.companion("enrich", `${vault.path}/${path}`);
  const filled = await vault.read(path);
  const edited = filled
    .replace(/turn the heap[^.]*\./, "Say nothing of turning it.")
    .replace(/Cooked food[^.]*\./, "Rats are not a subject here.")
    .replace(/Ripe compost[^.]*\./, "Nor is ripeness.");
  await writeFile(join(vault.path, path), edited);
  await show("vault");
  const ask = page.getByRole("button", { name: `Propose a new one: callout of ${path}` });
  await ask.waitFor();
  await assertAccessible(page);
  await ask.focus();
  await page.keyboard.press("Enter");
  await page.getByText("the answer will wait in the inbox").waitFor();
  await ask.waitFor({ state: "detached" });
  assert.equal(await vault.read(path), edited);
  await show("inbox");
  await page.locator(".proposal").first().waitFor();
  assert.match(await page.locator(".proposal").first().innerText(), /it takes the place of/);
  await vault.companion("refuse", "--all", "--flagged");
  await writeFile(join(vault.path, path), before);
});

test("background work is paused and goes on", async () => {
  await show("now");
  await page.getByRole("button", { name: "Pause it" }).click();
  await page.getByRole("button", { name: "Let it go on" }).click();
  await page.getByRole("button", { name: "Pause it" }).waitFor();
});

test("it survives a restart of the daemon", async () => {
  await show("now");
  const port = vault.port;
  await vault.stop();
  await page.getByText("Companion does not answer").waitFor();
  await vault.serve(port);
  await waitFor("it goes on", async () => !(await page.locator("#notice").innerText()));
});

test("proposals are accepted, edited, refused and taken back by keyboard alone", async () => {
  await show("inbox");
  await page.getByText("Nothing waits.").waitFor();
  const paths = ["Cooking/Sourdough.md", "Garden/Compost.md"];
  const before = await Promise.all(paths.map((path) => vault.read(path)));
  await vault.companion("enrich", "--dry-run", ...paths.map((path) => `${vault.path}/${path}`));
  await page.locator(".proposal").first().waitFor();
  assert.deepEqual(await Promise.all(paths.map((path) => vault.read(path))), before);
  const number = await page.locator(".proposal").count();
  await page.getByText("Keys, and which are shown").click();
  await page.getByLabel("Field", { exact: true }).fill("callout");
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await page.waitForURL(/kind=callout/);
  await page.locator(".proposal").first().waitFor();
  const kinds = page.locator(".proposal");
  assert.deepEqual(new Set(await kinds.evaluateAll((all) => all.map((one) => one.dataset.kind))), new Set(["callout"]));
  await page.getByRole("link", { name: "Show all" }).click();
  await waitFor("all are shown", async () => (await page.locator(".proposal").count()) === number);
  await page.keyboard.press("j");
  const first = page.locator(".proposal[aria-current]");
  await first.locator(".diff ins").waitFor();
  for (const colorScheme of /** @type {const} */ (["dark", "light"])) {
    await page.emulateMedia({ colorScheme });
    await assertAccessible(page);
    await take(`inbox-${colorScheme}`);
  }
  const path = (await first.locator("strong").innerText()).trim();
  await page.keyboard.press("a");
  await page.getByText(`Written into ${path}.`).waitFor();
  assert.notEqual(await vault.read(path), before[paths.indexOf(path)]);
  assert.equal(await page.locator(".proposal").count(), number - 1);
  await page.keyboard.press("u");
  await waitFor("it is back", async () => (await page.locator(".proposal").count()) === number);
  assert.equal(await vault.read(path), before[paths.indexOf(path)]);

  await page.keyboard.press("j");
  const kind = await page.locator(".proposal[aria-current]").getAttribute("data-kind");
  const changed = (await page.locator(".proposal[aria-current] strong").innerText()).trim();
  await page.keyboard.press("e");
  await page.locator("textarea").fill("My own words about it, j and k and a.");
  await page.keyboard.press("Control+Enter");
  await waitFor("they are written", async () => (await vault.read(changed)).includes("My own words"));
  assert.ok(kind);
  while (await page.locator(".proposal").count()) {
    const left = await page.locator(".proposal").count();
    await page.keyboard.press("j");
    await page.keyboard.press("r");
    await waitFor("it is gone", async () => (await page.locator(".proposal").count()) < left);
  }
  await page.getByText("Nothing waits.").waitFor();
  const asked = endpoint.asked;
  await vault.companion("enrich", `${vault.path}/Garden`).catch(() => "");
  await vault.companion("undo", "--today", "--yes").catch(() => "");
  assert.ok(endpoint.asked >= asked);
});

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`axe finds nothing, ${colorScheme}`, async () => {
    await page.emulateMedia({ colorScheme });
    for (const view of VIEWS) {
      await show(view);
      if (view !== "inbox") await take(`${view}-${colorScheme}`);
      await assertAccessible(page);
    }
  });
}

test("nothing is wider than 320 pixels, nor at 200%", async () => {
  for (const width of [320, 640]) {
    await page.setViewportSize({ width, height: 640 });
    for (const view of VIEWS) {
      await show(view);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${view}: ${wide}`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 720 });
});

test("all files of the page are under 150 kB", async () => {
  await show("now");
  const bytes = await page.evaluate(() => {
    const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    return all.reduce((sum, each) => sum + /** @type {any} */ (each).decodedBodySize, 0);
  });
  assert.ok(bytes > 10_000 && bytes < 150_000, String(bytes));
});
