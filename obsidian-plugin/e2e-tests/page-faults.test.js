/** The page where something goes wrong: whatever somebody typed is kept, and one sentence says what to do. */

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { assertAccessible } from "./axe.js";
import { launchBrowser } from "./browser.js";
import { Vault } from "./daemon.js";
import { Endpoint } from "./endpoint.js";
import { testsOn } from "./tests-on.js";
import { PATIENCE, waitFor } from "./wait.js";

const PATHS = ["Cooking/Sourdough.md", "Garden/Compost.md"];
const OPEN = PATHS[0];
const OTHER = PATHS[1];
const MINE = "My own words about it.";
const SESSION = "companion-session";

/** @type {Endpoint} */
let endpoint;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Vault} */
let vault;
/** @type {string} */
let session;
/** @type {import("playwright-core").Page} */
let page;
/** @type {string[]} */
const errors = [];

const test = testsOn(
  async () => {
    [endpoint, browser] = await Promise.all([Endpoint.start(), launchBrowser()]);
    vault = await Vault.copy(endpoint.baseUrl);
    await vault.serve();
    await propose(PATHS);
    const context = await newContext();
    session = await openSession(context);
    await context.close();
  },
  async () => {
    await browser?.close();
    await vault?.remove();
    endpoint?.stop();
  },
);

/**
 * A test in a tab and with a session of its own. It leaves the proposals open, and the notes as they
 * were.
 * @param {string} name
 * @param {() => Promise<void>} act
 */
function testInTab(name, act) {
  test(name, async () => {
    errors.length = 0;
    const context = await newContext();
    try {
      await context.addInitScript(([key, value, address]) => {
        if (origin === address) sessionStorage.setItem(key, value);
      }, [SESSION, session, vault.address]);
      page = await openTab(context, `${vault.address}/inbox`);
      await page.locator(".proposal").first().waitFor();
      await act();
      assert.deepEqual(errors, []);
    } finally {
      await context.close();
    }
  });
}

async function newContext() {
  const context = await browser.newContext();
  context.setDefaultTimeout(PATIENCE * 1000);
  return context;
}

testInTab("what is accepted for an open note waits, and u takes that back right there", async () => {
  const stop = await reportOpen(OPEN);
  const before = await vault.read(OPEN);
  await pick(description(OPEN));
  await page.keyboard.press("a");
  await description(OPEN).getByText(/^Accepted: it is written when you pause in Obsidian/).waitFor();
  await assertAccessible(page);
  await page.keyboard.press("u");
  await description(OPEN).getByText(/^Accepted: /).waitFor({ state: "detached" });
  await edit(description(OPEN), MINE);
  await description(OPEN).getByText(/^Accepted: /).waitFor();
  assert.equal(await description(OPEN).locator(".value").textContent(), MINE);
  await page.reload();
  await description(OPEN).getByText(/^Accepted: /).waitFor();
  assert.equal(await vault.read(OPEN), before);
  await stop();
  await waitFor("it is written once the note is closed", async () => (await vault.read(OPEN)).includes(MINE));
  await description(OPEN).getByRole("button", { name: /^Refuse/ }).click();
  await page.getByText(`${OPEN}: it was accepted already (change `).waitFor();
  await vault.companion("undo", `${vault.path}/${OPEN}`);
  await propose([OPEN], "--retry");
});

testInTab("a session that ended keeps what was typed, says how to get another, and goes on with it", async () => {
  await edit(description(OPEN), MINE, "");
  await forgetSession();
  await page.keyboard.press("Control+Enter");
  const words = "This page's session has ended. Run companion open: it lets this browser in again, and what you typed here stays.";
  await page.getByRole("status").getByText(words, { exact: true }).waitFor();
  await wake();
  assert.equal(await typed(), MINE);
  await openSession(page.context());
  await waitFor("it goes on", isQuiet);
  assert.equal(await typed(), MINE);
  await writeTyped();
});

testInTab("a session that ended with nothing typed shows nothing of the vault, until there is another", async () => {
  await forgetSession();
  await page.getByText("Open this page with companion open").waitFor();
  assert.doesNotMatch(await page.locator("body").innerText(), /Sourdough/);
  await openSession(page.context());
  await description(OPEN).waitFor();
});

testInTab("once what was typed is left, a session that ended shows nothing of the vault either", async () => {
  await edit(description(OPEN), MINE, "");
  await forgetSession();
  await page.getByRole("status").getByText(/^This page's session has ended\. /).waitFor();
  await page.locator("textarea").press("Escape");
  await page.getByText("Open this page with companion open").waitFor();
  assert.doesNotMatch(await page.locator("body").innerText(), /Sourdough/);
});

testInTab("an answer that comes once its session has ended is not shown", async () => {
  /** @type {() => void} */
  let release = () => {};
  const isReleased = new Promise((done) => (release = () => done(null)));
  const isHeld = new Promise((done) => {
    void page.route("**/page/inbox", async (route) => {
      const response = await route.fetch();
      done(null);
      await isReleased;
      await route.fulfill({ response });
    }, { times: 1 });
  });
  await page.reload();
  await isHeld;
  await forgetSession();
  await wake();
  await page.getByText("Open this page with companion open").waitFor();
  const finished = page.waitForEvent("requestfinished", (request) => request.url().endsWith("/page/inbox"));
  release();
  await finished;
  await settle(page);
  assert.doesNotMatch(await page.locator("body").innerText(), /Sourdough/);
});

testInTab("what is typed outlives another tab, new proposals and decisions on other rows", async () => {
  await edit(description(OPEN), MINE, "");
  await propose(["Garden"]);
  await wake();
  await page.getByRole("link", { name: "There are new ones: show them" }).click();
  await page.getByRole("link", { name: "There are new ones: show them" }).waitFor({ state: "detached" });
  assert.equal(await typed(), MINE);
  await description(OTHER).getByRole("button", { name: /^Refuse/ }).click();
  await description(OTHER).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Undo the last decision" }).click();
  await description(OTHER).waitFor();
  assert.equal(await typed(), MINE);
  await page.locator("textarea").fill("Words that nobody has typed before.");
  assert.ok(await asksBeforeItLeaves());
  await page.locator("textarea").press("Escape");
  assert.ok(!(await asksBeforeItLeaves()));
});

testInTab("accepting what another window has refused says so; with words of one's own it can be done all the same", async () => {
  const other = await openTab(page.context(), `${vault.address}/inbox`);
  await edit(description(OPEN), MINE, "");
  for (const path of PATHS) {
    await description(path, other).getByRole("button", { name: /^Refuse/ }).click();
    await description(path, other).waitFor({ state: "detached" });
  }
  await description(OTHER).getByRole("button", { name: /^Accept/ }).click();
  await page.getByRole("status").getByText(`${OTHER}: it was refused already, by you`, { exact: true }).waitFor();
  await description(OTHER).waitFor({ state: "detached" });
  await page.locator("h1").click();
  await page.keyboard.press("u");
  await page.getByText("Nothing was decided here since this page was opened.").waitFor();

  await page.locator("textarea").press("Control+Enter");
  await description(OPEN).getByText("Not done: it was refused already, by you.", { exact: true }).waitFor();
  assert.equal(await typed(), MINE);
  await assertAccessible(page);
  await writeTyped();
  await other.bringToFront();
  await other.getByRole("button", { name: "Undo the last decision" }).click();
  await description(OTHER, other).waitFor();
  await other.close();
});

testInTab("a daemon that is gone keeps what was typed, and takes it when it is back", async () => {
  await edit(description(OPEN), MINE, "");
  const { port } = vault;
  await vault.stop();
  await page.locator("textarea").press("Control+Enter");
  await page.getByRole("status").getByText(/^Companion does not answer/).waitFor();
  assert.equal(await typed(), MINE);
  await vault.serve(port);
  await waitFor("it goes on", isQuiet);
  await writeTyped();
});

const STORES = /** @type {const} */ ([
  ["locked by another program", "db.execute('BEGIN EXCLUSIVE')", "db.execute('ROLLBACK')", /is locked by another program; close that and try again$/],
  ["from a newer version", "old = db.execute('PRAGMA user_version').fetchone()[0]; db.execute('PRAGMA user_version = 99')", "db.execute(f'PRAGMA user_version = {old}')", /was written by a newer version of Companion .*; update Companion, and restart companion serve$/],
]);
for (const [name, harm, mend, words] of STORES) {
  testInTab(`a store that is ${name} is told of in one sentence, and nothing is lost`, async () => {
    const before = await vault.read(OPEN);
    await edit(description(OPEN), MINE, "");
    const { end } = await vault.harmStore(harm, mend);
    await page.locator("textarea").press("Control+Enter");
    await waitFor("it is said", async () => words.test(await notice()));
    assert.equal(await typed(), MINE);
    assert.equal(await vault.read(OPEN), before);
    await end();
    await writeTyped();
  });
}

const REFUSED = /** @type {const} */ ([
  ["description", "word ".repeat(10_000), /^Not done: a description may have [\d,]+ characters, and this has 50,000\.$/],
  ["description", "word ".repeat(220_000), /at most/],
  ["description", " \n ", /^Not done: nothing is left to write for description; refuse it in place of that\.$/],
  ["callout", "word ".repeat(10_000), /^Not done: a callout may have [\d,]+ characters, and this has 50,000\.$/],
  ["callout", "![](http://127.0.0.1:1/x.png)", /^Not done: nothing is left to write for callout; refuse it in place of that\.$/],
]);
testInTab("what cannot be a value is refused with one sentence, and kept to be mended", async () => {
  const before = await vault.read(OPEN);
  for (const [kind, text, words] of REFUSED) {
    const one = row(kind, OPEN);
    await edit(one, text);
    const said = await waitFor(`${words} is said of ${text.length} characters`, async () => {
      const all = [...(await one.locator(".why").allInnerTexts()), await notice()];
      return all.find((each) => words.test(each));
    });
    assert.doesNotMatch(said, /\. /, "one sentence");
    assert.equal(await typed(), text);
    const isThere = await page.locator("textarea").evaluate((area) => area === document.activeElement);
    assert.ok(isThere, "the keyboard stays in it");
    assert.equal(await vault.read(OPEN), before);
    await page.keyboard.press("Escape");
  }
  await edit(description(OPEN), " ");
  await description(OPEN).locator(".why").waitFor();
  await page.locator("textarea").fill(MINE);
  await writeTyped();
});

const HARMLESS = /** @type {const} */ ([
  ["description", "tags: [a, b]\n---\nother: {x: 1}\n# no comment"],
  ["description", "\"open: [\n\t- 'x"],
  ["callout", "> [!note\n>> [!ai]- \n```\n> code that never ends\n---\n# A heading"],
  ["callout", "<script>alert(1)</script> <% tp.x %> {{date}} words"],
]);
testInTab("YAML, a broken callout and HTML are written as words, and taken back by u", async () => {
  const before = await vault.read(OPEN);
  for (const [kind, text] of HARMLESS) {
    await edit(row(kind, OPEN), text);
    await row(kind, OPEN).waitFor({ state: "detached" });
    const lines = (await vault.read(OPEN)).split("\n");
    const added = lines.filter((line) => !before.split("\n").includes(line));
    assert.ok(added.length, text);
    if (kind === "description") assert.match(added.join("\n"), /^description: (".*"|'.*')$/);
    else assert.ok(added.every((line) => line.startsWith("> ") || line === ">"), added.join("\n"));
    await page.keyboard.press("u");
    await row(kind, OPEN).waitFor();
    assert.equal(await vault.read(OPEN), before);
  }
});

testInTab("a failed edit is left by Escape, with its sentence", async () => {
  await edit(description(OPEN), " ");
  await description(OPEN).locator(".why").waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("textarea, .why").count(), 0);
  await page.keyboard.press("Shift+A");
  await page.getByText("Choose proposals first").waitFor();
});

testInTab("several are chosen, decided on and taken back by keys alone, as fast as they come", async () => {
  const number = await page.locator(".proposal").count();
  await page.keyboard.press("j");
  for (const key of ["x", "j", "x", "Shift+R"]) await page.keyboard.press(key);
  await waitFor("two are gone", async () => (await page.locator(".proposal").count()) === number - 2);
  await page.keyboard.press("u");
  await waitFor("they are back", async () => (await page.locator(".proposal").count()) === number);
  await page.keyboard.press("j");
  for (let press = 0; press < number; press += 1) await page.keyboard.press("r");
  await page.getByText("Nothing waits.").waitFor();
  for (let press = 0; press < number; press += 1) await page.keyboard.press("u");
  await waitFor("all are back", async () => (await page.locator(".proposal").count()) === number);
});

testInTab("the proposal that j comes to is in view with all that is shown of it, and its buttons", async () => {
  await page.setViewportSize({ width: 1000, height: 560 });
  for (let press = 0; press < 4; press += 1) {
    await page.keyboard.press("j");
    const current = page.locator(".proposal[aria-current]");
    await current.locator(".place").waitFor();
    await waitFor("it is in view", () =>
      current.evaluate((box) => {
        const { top, bottom } = box.getBoundingClientRect();
        return top >= 0 && (bottom <= innerHeight || bottom - top > innerHeight - 130);
      }),
    );
    assert.equal(await page.locator(".place").count(), 1, "of the others, the value is shown");
  }
});

testInTab("u brings a proposal back to its place, where the next one is gone to from", async () => {
  const number = await page.locator(".proposal").count();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  const current = page.locator(".proposal[aria-current]");
  const id = await current.getAttribute("data-id");
  const order = () => page.locator(".proposal").evaluateAll((rows) => rows.map((each) => each.getAttribute("data-id")));
  const before = await order();
  await page.keyboard.press("r");
  await page.getByText("Refused; it is not asked for again.").waitFor();
  await page.getByText(`Proposals that wait for you: ${number - 1}.`).waitFor();
  await page.keyboard.press("u");
  await page.getByText(`Proposals that wait for you: ${number}.`).waitFor();
  assert.deepEqual(await order(), before);
  await waitFor("it is the current one", async () => (await current.getAttribute("data-id")) === id);
  await page.keyboard.press("k");
  await waitFor("the one before it is next", async () => (await current.getAttribute("data-id")) === before[0]);
});

testInTab("what is decided on one page is one run in the history, with what was taken back", async () => {
  for (const path of PATHS) {
    await description(path).getByRole("button", { name: /^Accept/ }).click();
    await page.getByText(`Written into ${path}.`).waitFor();
  }
  for (const path of [...PATHS].reverse()) {
    await page.getByRole("button", { name: "Undo the last decision" }).click();
    await description(path).waitFor();
  }
  const changes = (await Promise.all(PATHS.map((path) => vault.history(path)))).flatMap((all) => all.slice(0, 2));
  assert.equal(changes.length, 4);
  assert.equal(new Set(changes.map(({ run }) => run)).size, 1);
});

testInTab("while a proposal is edited, its button accepts what is typed, and another leaves that", async () => {
  const before = await vault.read(OPEN);
  await edit(description(OPEN), "Words that are left.", "");
  await description(OPEN).getByRole("button", { name: "Do not edit" }).click();
  assert.equal(await page.locator("textarea").count(), 0);
  await edit(description(OPEN), MINE, "");
  await description(OPEN).getByRole("button", { name: "Accept as edited" }).click();
  await page.getByText(`Written into ${OPEN}.`).waitFor();
  assert.match(await vault.read(OPEN), new RegExp(MINE));
  await page.getByRole("button", { name: "Undo the last decision" }).click();
  await description(OPEN).waitFor();
  assert.equal(await vault.read(OPEN), before);
});

testInTab("more than a request takes are decided on in parts, and taken back at once", async () => {
  await mkdir(join(vault.path, "Stubs"));
  const names = Array.from({ length: 60 }, (_, index) => `Stubs/Note ${index}.md`);
  const text = "---\ndescription:\n---\n\n# A note\n\n#status/postponed\n\nA hedge wants to be cut twice a year.\n";
  for (const name of names) await vault.write(name, text.replace("A note", name.slice(6, -3)));
  await propose(["Stubs"]);
  await page.goto(`${vault.address}/inbox?path=Stubs`);
  const rows = page.locator(".proposal");
  assert.ok((await rows.count()) < 120, "most are not shown yet");
  await page.getByRole("button", { name: "Accept all 120 that are not flagged" }).click();
  await page.getByText("120 decided.").waitFor();
  const read = () => Promise.all(names.map((name) => vault.read(name)));
  assert.ok((await read()).every((each) => each.includes("[!ai]") && !each.includes("description:\n")));
  await page.keyboard.press("u");
  await waitFor("all are taken back", async () => (await read()).every((each) => !each.includes("[!ai]")));
  await rows.first().waitFor();
});

testInTab("a page that nobody looks at asks seldom, a hidden one never, and a touch has it ask at once", async () => {
  const quiet = await openTab(page.context(), "about:blank");
  let [asked, answered] = [0, 0];
  const isLook = (/** @type {import("playwright-core").Request} */ request) => request.url().endsWith("/page/now");
  quiet.on("request", (request) => (asked += Number(isLook(request))));
  quiet.on("response", (response) => (answered += Number(isLook(response.request()))));
  await quiet.clock.install();
  await quiet.goto(`${vault.address}/now`);
  await quiet.getByText("Background work").waitFor();
  const count = async (/** @type {number} */ seconds) => {
    const before = asked;
    for (let second = 0; second < seconds; second += 2) {
      await quiet.clock.runFor(2000);
      await waitFor("the page has its answer", () => asked === answered);
      await settle(quiet);
    }
    return asked - before;
  };
  const lively = await count(60);
  assert.ok(lively >= 15 && lively <= 31, `${lively} in the first minute`);
  await count(10);
  const later = await count(60);
  assert.ok(later >= 5 && later <= 7, `${later} in a quiet minute`);
  const before = asked;
  await quiet.keyboard.press("Shift");
  await waitFor("it asks at once", async () => asked > before);
  await hide(quiet, true);
  assert.equal(await count(30), 0);
  await hide(quiet, false);
  await waitFor("it asks once it is shown", async () => asked > before + 1);
  await quiet.close();
});

/**
 * @param {import("playwright-core").BrowserContext} context
 * @param {string} address
 */
async function openTab(context, address) {
  const opened = await context.newPage();
  opened.on("pageerror", (error) => errors.push(String(error)));
  opened.on("dialog", (dialog) => void dialog.accept()); // it leaves what is typed
  await opened.goto(address);
  return opened;
}

/**
 * Open a session in a tab of its own, as `companion open` does, and return it.
 * @param {import("playwright-core").BrowserContext} context
 */
async function openSession(context) {
  const tab = await openTab(context, await vault.openPage());
  await tab.locator(".proposal").first().waitFor();
  const opened = await tab.evaluate((key) => sessionStorage.getItem(key), SESSION);
  await tab.close();
  return opened ?? "";
}

/**
 * @param {string[]} paths
 * @param {...string} options
 */
function propose(paths, ...options) {
  return vault.companion("enrich", "--dry-run", ...options, ...paths.map((path) => `${vault.path}/${path}`));
}

/** Accept the words that are typed, and take that back. */
async function writeTyped() {
  const before = await vault.read(OPEN);
  await page.locator("textarea").press("Control+Enter");
  await waitFor("it is written", async () => (await vault.read(OPEN)).includes(MINE));
  await page.locator("textarea").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Undo the last decision" }).click();
  await waitFor("it is taken back", async () => (await vault.read(OPEN)) === before);
}

/** Whether the browser asks its user before it goes to another page. */
function asksBeforeItLeaves() {
  return page.evaluate(() => !dispatchEvent(new Event("beforeunload", { cancelable: true })));
}

function notice() {
  return page.locator("#notice").innerText();
}

/** Whether the page says nothing that keeps it from working. */
async function isQuiet() {
  return !(await notice());
}

/**
 * @param {string} kind
 * @param {string} path
 */
function row(kind, path, where = page) {
  return where.getByRole("listitem", { name: `${kind} of ${path}`, exact: true });
}

/** @param {string} path */
function description(path, where = page) {
  return row("description", path, where);
}

/** Come to a row by the keyboard. @param {import("playwright-core").Locator} wanted */
async function pick(wanted) {
  for (let presses = 0; presses < 10; presses += 1) {
    await page.keyboard.press("j");
    if (await wanted.getAttribute("aria-current")) return;
  }
  assert.fail("j does not get there");
}

/**
 * @param {import("playwright-core").Locator} wanted
 * @param {string} text
 * @param {string} [key] that is pressed in the end
 */
async function edit(wanted, text, key = "Control+Enter") {
  await wanted.getByRole("button", { name: /^Edit/ }).click();
  await page.locator("textarea").fill(text);
  if (key) await page.locator("textarea").press(key);
}

function typed() {
  return page.locator("textarea").inputValue();
}

/** As after a night of sleep: the session is too old. */
function forgetSession() {
  return page.evaluate((key) => sessionStorage.setItem(key, "over"), SESSION);
}

/**
 * Have the tab believe that another one is in front of it, or none any more.
 * @param {import("playwright-core").Page} tab
 * @param {boolean} isHidden
 */
function hide(tab, isHidden) {
  return tab.evaluate((value) => {
    Object.defineProperty(document, "hidden", { value, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
}

/** Return once the tab has made something of the answers that came so far. @param {import("playwright-core").Page} tab */
function settle(tab) {
  return tab.evaluate(() => fetch("/healthz").then((answer) => answer.text()));
}

/** What the browser tells a tab that is shown again. */
async function wake() {
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await new Promise((done) => setTimeout(done, 500)); // an answer that must not be made much of
}

/**
 * Tell the daemon that an editor has the note open, as the plugin does.
 * @param {string} path
 * @returns {Promise<() => Promise<void>>} tells it that the note is closed
 */
async function reportOpen(path) {
  const token = (await readFile(join(vault.home, "token"), "utf8")).trim();
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const { address } = vault;
  const report = async (/** @type {string[]} */ open) => {
    const body = JSON.stringify({ client: "another editor", open });
    const answer = await fetch(`${address}/api/v1/presence`, { method: "POST", headers, body });
    assert.equal(answer.status, 200);
  };
  await report([path]);
  const again = setInterval(() => void report([path]).catch(() => {}), 5_000).unref();
  return () => {
    clearInterval(again);
    return report([]);
  };
}
