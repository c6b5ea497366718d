/** The page in a real browser, against a real daemon with real files: what it promises, each once. */

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assertAccessible } from "./axe.js";
import { launchBrowser } from "./browser.js";
import { Vault } from "./daemon.js";
import { Endpoint } from "./endpoint.js";
import { testsOn } from "./tests-on.js";
import { PATIENCE, waitFor } from "./wait.js";

const PATHS = ["Cooking/Sourdough.md", "Garden/Compost.md"];
const [OPEN, OTHER] = PATHS;
const MINE = "My own words about it, a and r and u.";
const SESSION = "companion-session";
const AWAY = /^Companion isn’t answering\. Once it runs/;

let browser;
let endpoint;
let vault;
let session;
let page;
const contexts = [];
const errors = [];

const testOnVault = testsOn(
  async () => {
    endpoint = await Endpoint.start();
    [browser, vault] = await Promise.all([launchBrowser(), Vault.copy(endpoint.baseUrl)]);
    await vault.serve();
    const tab = await openTab(await vault.openPage());
    await tab.getByText("Nothing is waiting for you").waitFor();
    assert.equal(new URL(tab.url()).hash, "");
    session = await tab.evaluate((key) => sessionStorage.getItem(key) ?? "", SESSION);
  },
  async () => {
    await browser?.close();
    endpoint?.stop();
    await vault?.remove();
  },
);

/** A test in a tab of its own, with a session. Nothing that the page must not do happens in it. */
function test(name, act) {
  testOnVault(name, async () => {
    errors.length = 0;
    page = await openTab("about:blank", await newContext({ isIn: true }));
    try {
      await act();
      assert.deepEqual(errors, []);
    } finally {
      await page.unrouteAll({ behavior: "ignoreErrors" });
      for (const each of contexts.splice(0)) await each.close();
    }
  });
}

async function newContext({ isIn = false, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce", ...options });
  contexts.push(context);
  context.setDefaultTimeout(Number(process.env.E2E_PATIENCE ?? PATIENCE) * 1000);
  if (isIn) {
    await context.addInitScript(([key, value, address]) => {
      if (origin === address) sessionStorage.setItem(key, sessionStorage.getItem(key) ?? value);
    }, [SESSION, session, vault.address]);
  }
  return context;
}

async function openTab(address, context) {
  const tab = await (context ?? (await newContext())).newPage();
  tab.on("pageerror", (error) => errors.push(String(error)));
  tab.on("dialog", (dialog) => void dialog.accept());
  tab.on("console", (message) => {
    if (/Content Security Policy|TrustedHTML/.test(message.text())) errors.push(message.text());
  });
  await tab.goto(address);
  return tab;
}

async function show(address, tab = page) {
  await tab.goto(`${vault.address}/${address}`);
  await tab.waitForFunction(() => document.querySelector("h1") && !document.body.innerText.includes("One moment"));
}

/** Have a model asked about notes; what it gives waits. */
async function propose(paths, ...words) {
  const all = paths.map((path) => join(vault.path, path));
  await vault.companion("enrich", "--dry-run", "--retry", ...words, ...all).catch((error) => error.stdout);
}

const call = (path, body) => vault.call(path, body);
const open = async (path, kind) => (await call(`/proposals?limit=1000&path=${encodeURIComponent(path)}`)).proposals.find((each) => each.kind === kind);

/** Show the open proposals of a note, and stand on one of them. */
async function stand(path = OPEN, kind = "description") {
  if (!(await open(path, kind))) await propose([path]);
  const { id } = await open(path, kind);
  await show(`inbox?id=${id}`);
  await page.locator(`.cc-row[data-id="${id}"][aria-current]`).waitFor({ state: "attached" });
  return id;
}

const area = () => page.locator(".cc-paper textarea");
const button = (name) => page.getByRole("button", { name, exact: typeof name === "string" });
const said = (words) => page.locator("[role=status], [role=alert]").getByText(words).first().waitFor();
const stateOf = async (id) => (await call(`/proposals/${id}`)).state;

async function editCurrent(text) {
  await page.keyboard.press("e");
  await area().fill(text);
}

test("an address lets in once; who never had a session is told how to get one", async () => {
  const address = await vault.openPage();
  await (await openTab(address)).getByText("Nothing is waiting for you").waitFor();
  const late = await openTab(address);
  await late.getByText("This address was already used, or is too old").waitFor();
  const stranger = await openTab(`${vault.address}/inbox`);
  await stranger.getByRole("heading", { name: "Open this page from Companion" }).waitFor();
  await stranger.getByText("companion open").waitFor();
});

test("the empty inbox asks for more by a button, and background work is turned on beside what says that it is off", async () => {
  await call("/settings", { notes_a_day: 0 }); // what is filled in the background would be missing below
  await show("inbox");
  await button(/^Ask the model for/).click();
  await page.locator(".cc-row").first().waitFor();
  await page.locator(".cc-status", { hasText: "Idle" }).click();
  await page.locator(".cc-panel").getByText("Background work is off").waitFor();
  await page.locator(".cc-panel").getByRole("button", { name: "Turn it on" }).click();
  await page.locator(".cc-panel").getByText("Background work is off").waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await button("Pause background work").click();
  await button("Resume background work").click();
  await button("Pause background work").waitFor();
  await call("/settings", { background: false });
  await vault.companion("refuse", "--all").catch(() => "");
});

test("proposals are accepted, edited, refused and undone by keyboard alone", async () => {
  const read = () => Promise.all(PATHS.map((path) => vault.read(path)));
  const before = await read();
  await propose(PATHS);
  assert.deepEqual(await read(), before, "nothing is written unasked");
  await stand();
  await page.locator(".cc-prop--new", { hasText: "How to keep a sourdough starter" }).waitFor();
  await page.locator('.cc-title a[href^="obsidian://open?vault=vault&file=Cooking"]').waitFor();
  await page.keyboard.press("a");
  await said("Written into Sourdough.");
  await waitFor("it is written", async () => (await vault.read(OPEN)) !== before[0]);
  await page.keyboard.press("u");
  await said(/^Undone\. Description, Sourdough/);
  assert.equal(await vault.read(OPEN), before[0]);
  await editCurrent(MINE);
  await page.keyboard.press("Control+Enter");
  await said("Written into Sourdough.");
  assert.ok((await vault.read(OPEN)).includes(MINE));
  await page.keyboard.press("u");
  await page.locator(".cc-prop--new", { hasText: MINE }).waitFor();
  assert.equal(await vault.read(OPEN), before[0]);
  await button("Leave as it was").click();
  await button("Source").click();
  await page.locator(".cc-source ins").first().waitFor();
  await button("Note").click();
  const ids = (await call("/proposals?limit=1000")).proposals.map(({ id }) => id);
  const has = (rows) => page.waitForFunction((rest) => document.querySelectorAll(".cc-row").length === rest && !document.querySelector(".cc-actions [aria-disabled]"), rows);
  for (const [index] of ids.entries()) {
    await has(ids.length - index);
    await page.keyboard.press(index % 2 ? "a" : "r");
  }
  await page.waitForFunction(() => document.activeElement?.textContent === "Inbox clear");
  await page.getByText(`${Math.floor(ids.length / 2)} written, ${Math.ceil(ids.length / 2)} refused.`).first().waitFor();
  await assertAccessible(page);
  for (const [index] of ids.entries()) {
    await page.keyboard.press("u");
    await has(index + 1);
  }
  assert.deepEqual(await read(), before);
});

test("an answer that is asked for again takes the place of the old one, which History gives back", async () => {
  const id = await stand();
  await button(/^Again/).click();
  await page.keyboard.type("shorter");
  await page.keyboard.press("Enter");
  await waitFor("it has its place", async () => (await stateOf(id)) === "superseded");
  const answer = await open(OPEN, "description");
  await page.locator(`.cc-read[data-id="${answer.id}"]`).waitFor();
  await page.getByRole("link", { name: "History" }).click();
  await button("Replaced").click();
  await page.getByRole("searchbox").fill("sourd");
  await page.locator(".cc-change", { hasText: "Sourdough" }).first().waitFor();
  await page.getByRole("searchbox").fill("nothing like it");
  await page.getByText("Nothing matches “nothing like it”.").waitFor();
  await page.getByRole("searchbox").fill("");
  await button("Restore: Sourdough").first().click();
  await waitFor("the old one is back", async () => (await stateOf(id)) === "open");
});

test("what is typed outlives another tab, new proposals, a row chosen meanwhile, a reload, and the daemon", async () => {
  const before = await vault.read(OPEN);
  await stand(OTHER);
  const id = await stand();
  await editCurrent(MINE);
  await propose(["Garden/Lovage.md"]);
  await page.locator(".cc-list", { hasText: "Lovage" }).waitFor();
  assert.equal(await area().inputValue(), MINE);
  const other = await openTab(`${vault.address}/inbox?id=${(await open(OTHER, "description")).id}`, page.context());
  await other.getByRole("button", { name: "Refuse" }).click();
  await other.locator(".cc-toast", { hasText: "Refused" }).waitFor();
  await other.close();
  await page.locator(".cc-row:not([aria-current])").first().click();
  await page.locator(".cc-row", { hasText: MINE }).click();
  await page.reload();
  await page.locator(".cc-prop--new", { hasText: MINE }).waitFor();
  const { port } = vault;
  await vault.stop();
  await page.getByText(AWAY).waitFor();
  await button("Edit").click();
  await area().fill(`${MINE} And more.`);
  await page.keyboard.press("Control+Enter");
  assert.equal(await area().inputValue(), `${MINE} And more.`);
  await vault.serve(port);
  await page.reload();
  await page.locator(".cc-prop--new", { hasText: "And more." }).waitFor();
  await call("/proposals/decide", { refuse: [id] }); // as another window does
  await page.getByText("This was decided in another window").waitFor();
  await page.reload();
  await page.locator(".cc-row", { hasText: "And more." }).click();
  await page.locator(".cc-fault").getByRole("button", { name: "Discard my words and go on" }).waitFor();
  await call("/proposals/decide", { undo: [id] });
  assert.equal(await vault.read(OPEN), before);
});

test("a session that ended keeps what was typed, and goes on with another tab's; with nothing typed it shows nothing", async () => {
  await stand();
  await editCurrent(MINE);
  await page.evaluate((key) => sessionStorage.setItem(key, "over"), SESSION);
  await page.keyboard.press("Control+Enter");
  await page.getByText(/^You’re signed out\. Open the page/).waitFor();
  await (await openTab(await vault.openPage(), page.context())).locator(".cc-row").first().waitFor();
  await page.getByText(/^You’re signed out\. Open the page/).waitFor({ state: "detached" });
  assert.equal(await area().inputValue(), MINE);
  await page.keyboard.press("Escape");
  await page.evaluate((key) => sessionStorage.setItem(key, "over"), SESSION);
  await page.keyboard.press("ArrowDown");
  await page.getByRole("heading", { name: "You’re signed out" }).waitFor();
  assert.doesNotMatch(await page.locator("body").innerText(), /Sourdough/);
});

const REFUSED = [
  ["description", " \n ", /nothing would be left of the description/i],
  ["description", "a ".repeat(25_000), /long|characters/i],
  ["callout", "![](http://127.0.0.1:1/x.png)", /nothing would be left of the callout/i],
];
test("what cannot be a value is refused in one sentence, and kept to be mended by one button", async () => {
  const before = await vault.read(OPEN);
  for (const [kind, text, words] of REFUSED) {
    await stand(OPEN, kind);
    await editCurrent(text);
    await page.keyboard.press("Control+Enter");
    await page.locator(".cc-read .cc-fault").getByText(words).waitFor();
    assert.equal(await page.locator(".cc-read .cc-fault, .cc-toast").count(), 1);
    assert.equal(await area().inputValue(), text);
    assert.equal(await vault.read(OPEN), before);
    await page.keyboard.press("Escape");
  }
});

test("a change is shown with what it did, and undone byte for byte; then done again", async () => {
  const before = await vault.read("Garden/Dill.md");
  await vault.companion("enrich", "--retry", `${vault.path}/Garden/Dill.md`);
  const after = await vault.read("Garden/Dill.md");
  await show("history");
  await page.locator(".cc-when", { hasText: "1 note · written without asking" }).first().waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("dill");
  await page.locator(".cc-change", { hasText: "Dill" }).first().locator("summary").click();
  await page.locator(".cc-diff ins").first().waitFor();
  await button("Undo: Dill").first().click();
  await waitFor("it is undone", async () => (await vault.read("Garden/Dill.md")) === before);
  await button("Do again: Dill").first().click();
  await waitFor("it is done again", async () => (await vault.read("Garden/Dill.md")) === after);
  await button(/^Undo everything since yesterday/).click();
  await page.getByRole("dialog").getByRole("button", { name: "Undo all" }).click();
  await said(/undone/);
  assert.equal(await vault.read("Garden/Dill.md"), before);
});

test("a run shows in the header, and is stopped there; a broken settings file and a failing endpoint are told in words", async () => {
  const id = await stand();
  endpoint.hold();
  const settings = join(vault.home, "config.toml");
  const before = await readFile(settings, "utf8");
  await vault.write("Garden/Fresh.md", "---\ndescription:\n---\n\nA hedge wants to be cut twice a year.\n");
  const begun = await call("/runs", { paths: ["Garden/Fresh.md"], propose: true });
  assert.equal(begun.state, "running", JSON.stringify(begun));
  await button(/^Filling notes: 0 of \d+/).click();
  await button("Stop this run").click();
  endpoint.release();
  await writeFile(settings, `${before}\nx = [`);
  await page.locator(".cc-panel .cc-fault").getByText(/^Nothing is asked or written until this is fixed: .*config\.toml/).waitFor();
  await writeFile(settings, before.replace(/127\.0\.0\.1:\d+/, "127.0.0.1:1"));
  await page.locator(".cc-panel .cc-fault").getByText(/^Nothing is asked/).waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await show(`inbox?id=${id}`);
  await button(/^Again/).click();
  await page.keyboard.press("Enter");
  await page.locator(".cc-read .cc-fault").getByText("Model not answering").waitFor();
  await page.locator(".cc-status", { hasText: "Model not answering" }).waitFor();
  await writeFile(settings, before);
});

for (const [width, height] of [[360, 640], [800, 640], [640, 360], [1280, 800]]) {
  test(`keys decide on nothing that is not in sight: searching, in the list, behind the panel, scrolled away, at ${width} × ${height}`, async () => {
    await stand();
    const decided = async () => (await call("/proposals?state=decided&limit=1")).total;
    const before = await decided();
    await page.setViewportSize({ width, height });
    await page.locator(".cc-actions .cc-btn--main").waitFor();
    const isSeen = () => page.evaluate(() => {
      const { top, bottom } = document.querySelector("[data-proposed]").getBoundingClientRect();
      return Math.min(bottom, document.querySelector(".cc-foot").getBoundingClientRect().top) - Math.max(top, document.querySelector(".cc-header").getBoundingClientRect().bottom);
    });
    await waitFor("the proposal is in sight", async () => (await isSeen()) > 10, 5);
    await page.keyboard.press("/");
    await page.keyboard.type("rarer");
    assert.equal(await page.getByRole("searchbox").inputValue(), "rarer");
    await page.getByRole("searchbox").fill("");
    await page.locator(".cc-row").first().waitFor();
    if (width < 900) {
      await page.locator("body").click({ position: { x: width / 2, y: 5 } });
      for (const key of ["a", "r", "e"]) await page.keyboard.press(key);
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      await page.locator(".cc-actions .cc-btn--main").waitFor();
      await page.goBack();
      await page.locator(".cc-list .cc-row").first().click();
    } else await page.keyboard.press("Escape");
    await page.locator(".cc-status").click();
    for (const key of ["a", "r", "e"]) await page.keyboard.press(key);
    await page.keyboard.press("Escape");
    await page.evaluate(() => (document.querySelector(".cc-paper").style.marginTop = "2000px"));
    const scrollAway = () => page.evaluate(() => [".cc-view", ".cc-read__scroll"].forEach((name) => document.querySelector(name).scrollTo(0, 0)));
    await page.waitForTimeout(200); // what the search changed in the list is shown by then
    await waitFor("the proposal is out of sight", async () => (await scrollAway(), (await isSeen()) < 0), 5);
    await page.keyboard.press("a"); // shows it
    await page.waitForTimeout(100);
    assert.equal(await decided(), before);
    assert.equal(await area().count(), 0);
    await page.keyboard.press("r");
    await page.locator(".cc-toast", { hasText: "Refused" }).waitFor();
    assert.equal(await decided(), before + 1);
    await page.keyboard.press("u");
    await said(/^Undone/);
  });
}

test("all that are not flagged are accepted in one run, which another window shows; samples are whole", async () => {
  const levain = "Cooking/Levain.md"; // of which nothing was undone, which is flagged
  await vault.write(levain, "---\ndescription:\n---\n\n# Levain\n\n#status/postponed\n\nSourdough bread rises without bought yeast.\n");
  const read = () => vault.read(levain);
  const before = await read();
  await propose([levain]);
  const path = encodeURIComponent(levain);
  const { total } = await call(`/proposals?limit=1&flagged=false&path=${path}`);
  const search = async (tab) => {
    await tab.locator(".cc-row").first().waitFor();
    await tab.getByRole("searchbox").fill("levain");
    await tab.locator(".cc-row").nth(total - 1).waitFor();
    await tab.waitForFunction((rows) => document.querySelectorAll(".cc-row").length === rows, total);
  };
  await show("inbox");
  await search(page);
  const other = await openTab(`${vault.address}/inbox`, page.context());
  await search(other);
  await button(`Accept ${total} unflagged …`).click();
  assert.match(await page.locator(".cc-sample").innerText(), /enough/); // the last word of the callout
  await page.getByRole("dialog").getByRole("button", { name: /^Write \d+ value/ }).click();
  await said(new RegExp(`^(${total} values? written|Written into Levain)`));
  await other.getByText(/No proposals fit|Go on/).first().waitFor();
  assert.notEqual(await read(), before);
  await page.locator(".cc-toast").getByRole("button", { name: "Undo" }).click();
  await said(/^Undone/);
  assert.equal(await read(), before);
  await page.locator(".cc-row").nth(total - 1).waitFor();
});

test("a note is shown as it is: rows in its order, tables, right to left; a long title leaves room", async () => {
  const title = "A very long title ".repeat(9).trim();
  const text = "---\naliases:\ndescription:\ndate: 2024-02-11\n---\n\n| זרע | ימים |\n|---|---|\n| גזר | 14 |\n\nגזר נזרע באביב, באדמה קלה ועמוקה.\n";
  await vault.write(`Garden/${title}.md`, text);
  await propose([`Garden/${title}.md`]);
  await stand(`Garden/${title}.md`);
  const kinds = await page.locator(`.cc-group:has([aria-current]) .cc-row .cc-hidden`).allInnerTexts();
  assert.equal(kinds.findIndex((each) => each.startsWith("Description")) < kinds.findIndex((each) => each.startsWith("Callout")), true, String(kinds));
  await page.locator(".cc-table td", { hasText: "14" }).waitFor();
  await page.route(/\/proposals\/\d+$|\/proposals\?/, async (route) => {
    const response = await route.fetch();
    const flag = (json) => (json.proposals ?? [json]).forEach((each) => ((each.flags = ["unsupported"]), each.kind === "description" && (each.text = "גזר נזרע באביב.")));
    const json = await response.json();
    flag(json);
    await route.fulfill({ response, json });
  });
  await page.reload();
  await page.locator(".cc-evidence").waitFor();
  for (const width of [1280, 360]) {
    await page.setViewportSize({ width, height: 800 });
    const [value, note] = await Promise.all([page.locator(".cc-prop--new").boundingBox(), page.locator(".cc-evidence").boundingBox()]);
    assert.ok(note.x >= value.x + value.width || note.y >= value.y + value.height, `evidence is beside or below, at ${width}`);
  }
});

test("Accept is in sight without scrolling at every width; nothing is cut, and a finger finds 44 px", async () => {
  await propose(["Cooking", "Garden"], "--all");
  page = await openTab("about:blank", await newContext({ isIn: true, hasTouch: true, isMobile: true }));
  await show("inbox");
  for (const width of [320, 360, 640, 900, 1280, 1920]) {
    await page.setViewportSize({ width, height: 640 });
    for (const name of ["history", "inbox"]) {
      await page.locator("nav a", { hasText: new RegExp(name, "i") }).click();
      await page.getByRole(name === "inbox" ? "toolbar" : "heading", { name: name === "inbox" ? "Decide" : "History" }).first().waitFor();
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `${name} at ${width}`);
    }
    await page.keyboard.press("ArrowDown");
    const { y, height } = await page.locator(".cc-actions .cc-btn--main").boundingBox();
    assert.ok(y >= 0 && y + height <= 640, `at ${width}`);
    const small = await page.evaluate(() => [...document.querySelectorAll("button, nav a, .cc-row, .cc-search, summary, select")].filter((each) => {
      const box = (each.closest(".cc-choice") ?? each).getBoundingClientRect();
      return each.checkVisibility() && box.width && !each.closest(".cc-toast") && box.height < 43.5;
    }).map((each) => each.outerHTML.slice(0, 80)));
    assert.deepEqual(small, [], `at ${width}`);
  }
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing, ${colorScheme}`, async () => {
    await page.emulateMedia({ colorScheme });
    for (const [width, height] of [[1280, 800], [360, 740]]) {
      await page.setViewportSize({ width: 1280, height: 800 });
      await stand();
      await page.setViewportSize({ width, height });
      for (const [name, act] of [
        ["inbox", async () => {}],
        ["edit", () => page.keyboard.press("e")],
        ["keys", async () => (await page.keyboard.press("Escape"), await page.keyboard.press("?"))],
        ["again", async () => (await page.keyboard.press("Escape"), await button(/^Again/).click())],
        ["status", async () => (await page.keyboard.press("Escape"), await page.locator(".cc-status").click())],
        ["filtered", async () => (await page.keyboard.press("Escape"), await page.keyboard.press("/"), await page.keyboard.type("nothing like it"))],
        ["bulk", async () => (await page.getByRole("searchbox").fill(""), await button(/^Accept \d+ unflagged/).click())],
        ["history", () => show("history")],
      ]) {
        await act();
        await assertAccessible(page).catch((error) => assert.fail(`${name} at ${width}: ${error.message}`));
      }
    }
  });
}

test("texts of others are text wherever they are shown", async () => {
  const hostile = '<img src=x onerror="window.harm=1"><script>window.harm=1</script>[x](javascript:window.harm=1) [[a|<b>]] \u202etxt';
  const keep = /^(open|accepted|refused|done|undone|fill|undo|[=+-]|…|\d{4}-\d\d.*)$/;
  const harm = (key, value) => (typeof value === "string" && key !== "kind" && !keep.test(value) ? hostile + value : value);
  await page.route("**/api/v1/**", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: JSON.stringify(JSON.parse(await response.text()), harm) });
  });
  for (const name of ["inbox", "history"]) {
    await page.goto(`${vault.address}/${name}`);
    await page.getByText("<img src=x").first().waitFor({ state: "attached" });
    for (const fold of await page.locator("summary").all()) await fold.click().catch(() => {});
    assert.equal(await page.locator('img, script:not([src]), a[href^="javascript"]').count(), 0);
    assert.doesNotMatch(`${await page.title()} ${await page.locator("body").innerText()}`, /\u202e/);
    assert.equal(await page.evaluate(() => window.harm), undefined);
  }
});

test("at rest nothing is asked but the feed", async () => {
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  await show("inbox");
  await waitFor("all is there", () => page.evaluate(() => document.querySelector(".cc-list__foot button")?.ariaDisabled !== "true"));
  await new Promise((done) => setTimeout(done, 2000));
  asked.length = 0;
  await new Promise((done) => setTimeout(done, 3000));
  assert.deepEqual(asked.filter((each) => !each.includes("/feed")), []);
});
