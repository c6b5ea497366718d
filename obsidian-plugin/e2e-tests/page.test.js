/** The daemon's page in a real browser, against a real daemon with real files. */

import assert from "node:assert/strict";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { assertAccessible } from "./axe.js";
import { openScene } from "./scene.js";
import { testsOn } from "./tests-on.js";
import { PATIENCE, waitFor } from "./wait.js";

const PATHS = ["Cooking/Sourdough.md", "Garden/Compost.md"];
const [OPEN, OTHER] = PATHS;
const MINE = "My own words about it, j and k and a.";
const SESSION = "companion-session";
const PAGES = ["inbox", "history", "spending"];
const IS_RELEASE = Boolean(process.env.COMPANION_RELEASE_TESTS);
const WIDTHS = IS_RELEASE ? [320, 360, 480, 640, 768, 900, 1024, 1280, 1600, 1920] : [320, 640, 1024, 1920];

let scene;
let vault;
let session;
let page;
const contexts = [];
const errors = [];

const testOnVault = testsOn(
  async () => {
    scene = await openScene();
    ({ vault } = scene);
    const tab = await openTab(await vault.openPage());
    await tab.getByText("Nothing is waiting for you").waitFor();
    assert.equal(new URL(tab.url()).hash, "");
    session = await tab.evaluate((key) => sessionStorage.getItem(key) ?? "", SESSION);
  },
  () => scene?.end(),
);

/** A test in a tab of its own, with a session. Nothing that the page must not do happens in it. */
function test(name, act) {
  testOnVault(name, async () => {
    errors.length = 0;
    const context = await newContext();
    await context.addInitScript(([key, value, address]) => {
      if (origin === address) sessionStorage.setItem(key, sessionStorage.getItem(key) ?? value);
    }, [SESSION, session, vault.address]);
    page = await openTab("about:blank", context);
    try {
      await act();
      assert.deepEqual(errors, []);
    } finally {
      await page.unrouteAll({ behavior: "ignoreErrors" });
      for (const each of contexts.splice(0)) await each.close();
    }
  });
}

async function newContext(options) {
  const context = await scene.obsidian.browser.newContext(options);
  contexts.push(context);
  context.setDefaultTimeout(Number(process.env.E2E_PATIENCE ?? PATIENCE) * 1000);
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

async function show(name, tab = page) {
  await tab.goto(`${vault.address}/${name}`);
  await tab.locator("h1:visible").first().waitFor();
  await tab.waitForFunction(() => !document.body.innerText.includes("One moment"));
}

/** Have a model asked about notes; what it gives waits. */
async function propose(paths, ...words) {
  const all = paths.map((path) => join(vault.path, path));
  await vault.companion("enrich", "--dry-run", "--retry", ...words, ...all).catch((error) => error.stdout);
}

const call = (path, body) => vault.call(path, body);

/** How things are now, of a stream that has no end to wait for. */
const fetchEvents = (route) => route.fetch({ url: `${route.request().url()}?once=true` });

/** Show the open proposals of a note, and stand on one of them. */
async function stand(path = OPEN, kind = "description") {
  const find = async () => (await call("/proposals?limit=1000")).proposals.find((each) => each.path === path && each.kind === kind);
  if (!(await find())) await propose([path]);
  const found = await find();
  await show(`inbox?id=${found.id}`);
  await page.locator(`.cc-row[data-id="${found.id}"][aria-current]`).waitFor();
  return found.id;
}

const area = () => page.locator(".cc-paper textarea");
const said = (words) => page.locator("[role=status], [role=alert]").getByText(words).first().waitFor();

/** The answer that fits, once it comes. A test that fails meanwhile tells of its own fault, not that nothing came. */
function answerThat(fits) {
  const answer = page.waitForResponse(fits);
  answer.catch(() => {});
  return answer;
}

async function editCurrent(text) {
  await page.keyboard.press("e");
  await area().fill(text);
}

test("an address lets in once; without a session nothing of the vault is shown", async () => {
  const address = await vault.openPage();
  await (await openTab(address)).getByText("Nothing is waiting for you").waitFor();
  const late = await openTab(address);
  await late.getByText("This address was already used, or is too old").waitFor();
  assert.doesNotMatch(await late.locator("body").innerText(), /vault\b.*\bSourdough/);
  await show("nowhere");
  await page.getByRole("heading", { name: "There is nothing here" }).waitFor();
  await page.getByRole("link", { name: "Go to the inbox" }).click();
  await page.waitForURL(/\/inbox/);
});

test("proposals are accepted, edited, refused and undone by keyboard alone", async () => {
  const before = await Promise.all(PATHS.map((path) => vault.read(path)));
  await propose(PATHS);
  assert.deepEqual(await Promise.all(PATHS.map((path) => vault.read(path))), before, "nothing is written unasked");
  await stand();
  await page.locator(".cc-prop--new", { hasText: "How to keep a sourdough starter" }).waitFor();
  await page.locator('.cc-title a[href^="obsidian://open?vault=vault&file=Cooking"]').waitFor();
  const decided = (await call("/proposals?state=decided&limit=1")).total + 1;
  const isCounted = async (answer) => (await answer.json().catch(() => ({}))).total === decided;
  const counted = answerThat(async (answer) => answer.url().includes("state=decided") && isCounted(answer));
  await page.keyboard.press("a");
  await said("Written into Sourdough.");
  await waitFor("it is written", async () => (await vault.read(OPEN)) !== before[0]);
  await counted;
  await page.getByRole("button", { name: `${decided} decided` }).waitFor();
  const placed = answerThat((answer) => answer.url().includes("/place") && answer.status() === 422);
  let flash = -1; // of a place that there is not until the undo is made
  await page.route("**/proposals/decide", async (route) => {
    await (await placed).finished();
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    flash = await page.getByText("It can’t be written now").count();
    await route.continue();
  }, { times: 1 });
  await page.keyboard.press("u");
  await waitFor("it is undone", async () => (await vault.read(OPEN)) === before[0]);
  assert.equal(flash, 0);
  await said(/^Undone\. Description, Sourdough/);
  await editCurrent(MINE);
  await page.keyboard.press("Control+Enter");
  await waitFor("they are written", async () => (await vault.read(OPEN)).includes(MINE));
  await page.keyboard.press("Shift+U"); // no key of ours
  await page.keyboard.press("u");
  await waitFor("they are undone", async () => (await vault.read(OPEN)) === before[0]);
  await page.locator(".cc-prop--new", { hasText: MINE }).waitFor();
  await page.getByRole("button", { name: "Leave as it was" }).click();
  await page.getByRole("button", { name: "Source" }).click();
  await page.locator(".cc-source ins").first().waitFor();
  await page.keyboard.press("s");
  for (let press = 0; press < 3; press += 1) await page.keyboard.press("r");
  await page.keyboard.press("Shift+A");
  await page.getByRole("heading", { name: "Inbox clear" }).waitFor();
  await page.getByText(/written, 3 refused\.$/).first().waitFor();
  await page.waitForFunction(() => document.activeElement?.textContent === "Inbox clear");
  await assertAccessible(page);
  await page.getByRole("button", { name: "Undo all" }).click();
  await waitFor("all is as it was", async () => (await Promise.all(PATHS.map((path) => vault.read(path)))).join() === before.join());
  await page.locator(".cc-row").first().waitFor();
  for (const state of ["accepted", "refused"]) await waitFor(`none is ${state}`, async () => !(await call(`/proposals?state=${state}&limit=1`)).total);
  await page.getByRole("button", { name: /decided/ }).click();
  await page.getByText(/^Nothing has been decided yet\.$|^Replaced$/).first().waitFor();
  assert.equal(await page.locator(".cc-row", { hasText: /Written$|Refused$/ }).count(), 0);
});

test("who signs out is out everywhere", async () => {
  const own = await openTab(await vault.openPage());
  await own.locator(".cc-status").click();
  await own.getByRole("button", { name: "Sign out" }).waitFor();
  const token = await own.evaluate((key) => sessionStorage.getItem(key) ?? "", SESSION);
  await own.getByRole("button", { name: "Sign out" }).click();
  const headers = { Authorization: `Bearer ${token}` };
  await waitFor("it is over", async () => (await fetch(`${vault.address}/api/v1/status`, { headers })).status === 401);
});

test("a proposal is asked for again with a sentence of one's own, and the old one is under Decided", async () => {
  const id = await stand();
  await page.keyboard.press("i");
  await page.keyboard.type("shorter");
  await page.keyboard.press("Enter");
  await said(/^Asked again for Sourdough/);
  await waitFor("the answer has its place", async () => (await call(`/proposals/${id}`)).state === "superseded");
  await page.getByRole("button", { name: /decided/ }).click();
  await page.locator(".cc-row", { hasText: "Replaced" }).first().waitFor();
  await page.locator(".cc-place", { hasText: /^\s*\d+ decided\s*$/ }).waitFor({ state: "attached" }); // the way back on one pane
  await page.locator(".cc-row", { hasText: "Replaced" }).first().click();
  await page.getByRole("button", { name: "Restore" }).click();
  await waitFor("the old one is back", async () => (await call(`/proposals/${id}`)).state === "open");
  const refused = page.locator(".cc-row", { hasText: /Sourdough.*Refused/s });
  await call("/proposals/decide", { refuse: [id] }); // as another window does
  await refused.first().waitFor();
  const count = await refused.count();
  await call("/proposals/decide", { undo: [id] });
  await page.waitForFunction((before) => [...document.querySelectorAll(".cc-row")].filter(({ textContent }) => /Sourdough.*Refused/s.test(textContent ?? "")).length < before, count);
});

test("what is typed outlives another tab, new proposals, and a row that is chosen meanwhile", async () => {
  await stand(OTHER);
  await stand();
  await page.bringToFront();
  await editCurrent(MINE);
  await propose(["Garden/Lovage.md"]);
  await page.getByRole("button", { name: /new$/ }).click();
  assert.equal(await area().inputValue(), MINE);
  const other = await openTab(`${vault.address}/inbox?note=${encodeURIComponent(OTHER ?? "")}`, page.context());
  await other.locator(".cc-row").first().waitFor();
  await other.getByRole("button", { name: "Refuse" }).click();
  await other.getByText("Refused.").first().waitFor();
  await page.waitForFunction(() => !document.querySelector(".cc-rows")?.textContent?.includes("What the note is about, in one sentence.Compost"));
  assert.equal(await area().inputValue(), MINE);
  await page.locator(".cc-row:not([aria-current])").first().click();
  await page.locator(".cc-row", { hasText: MINE }).click();
  await page.locator(".cc-prop--new", { hasText: MINE }).waitFor();
  await other.keyboard.press("u");
  await other.getByText("Undone.").first().waitFor();
});

test("a session that ended keeps what was typed, and goes on with it; with nothing typed it shows nothing", async () => {
  await stand();
  await editCurrent(MINE);
  await page.evaluate((key) => sessionStorage.setItem(key, "over"), SESSION);
  await page.keyboard.press("Control+Enter");
  await page.getByText("You’re signed out. Run companion open again; what you typed is still here.").waitFor();
  const other = await openTab(await vault.openPage(), page.context());
  await other.locator(".cc-row").first().waitFor();
  await page.getByText("You’re signed out.").waitFor({ state: "detached" });
  await page.locator(".cc-row", { hasText: MINE }).click();
  await page.locator(".cc-prop--new", { hasText: MINE }).waitFor();
  await page.getByRole("button", { name: "Leave as it was" }).click();
  await page.evaluate((key) => sessionStorage.setItem(key, "over"), SESSION);
  await page.getByRole("button", { name: "Refuse" }).click();
  await page.getByRole("heading", { name: "You’re signed out" }).waitFor();
  assert.doesNotMatch(await page.locator("body").innerText(), /Sourdough/);
});

test("a daemon that is gone keeps what was typed, and takes it when it is back", async () => {
  const before = await vault.read(OPEN);
  await stand();
  await editCurrent(MINE);
  const { port } = vault;
  await vault.stop();
  await page.keyboard.press("Control+Enter");
  await page.getByText(/^Companion isn’t answering\. Once companion serve runs, this page/).waitFor();
  await page.locator(".cc-row", { hasText: MINE }).waitFor(); // it is not tried again any more
  await page.locator(".cc-status").click();
  await page.locator(".cc-panel code", { hasText: "companion serve" }).waitFor();
  assert.equal(await page.locator(".cc-panel").getByText("In the background").count(), 0);
  await page.keyboard.press("Escape");
  await vault.serve(port);
  await page.getByText(/^Companion isn’t answering\. Once companion serve runs, this page/).waitFor({ state: "detached" });
  await page.locator(".cc-row", { hasText: MINE }).click();
  await page.locator(".cc-actions .cc-btn--main").click();
  await waitFor("they are written", async () => (await vault.read(OPEN)).includes(MINE));
  await page.keyboard.press("u");
  await waitFor("they are undone", async () => (await vault.read(OPEN)) === before);
});

test("what is typed stays while nobody answers, even if the daemon never told how it is", async () => {
  await stand();
  let stream;
  await page.route("**/api/v1/feed*", (route) => {
    stream = route;
  });
  await page.reload();
  await page.locator(".cc-actions .cc-btn--main").waitFor();
  await editCurrent("My own");
  await stream.abort();
  await page.getByText(/^Companion isn’t answering\. Once companion serve runs, this page/).waitFor();
  await page.keyboard.type(" words");
  assert.equal(await area().inputValue(), "My own words");
});

const REFUSED = [

  ["description", " \n ", /nothing would be left of the description/],
  ["callout", "![](http://127.0.0.1:1/x.png)", /nothing would be left of the callout/],
];
test("what cannot be a value is refused with why, and kept to be mended", async () => {
  const before = await vault.read(OPEN);
  for (const [kind, text, words] of REFUSED) {
    await stand(OPEN, kind);
    await editCurrent(text);
    await page.keyboard.press("Control+Enter");
    await page.getByRole("alert").getByText(words).waitFor();
    await page.getByRole("button", { name: "Look at it" }).click();
    assert.equal(await area().inputValue(), text);
    await page.locator(".cc-fault").getByText(words).waitFor();
    assert.equal(await vault.read(OPEN), before);
  }
});

test("a change is shown with what it did, and undone byte for byte; then done again", async () => {
  const before = await vault.read("Garden/Dill.md");
  await vault.companion("enrich", "--retry", `${vault.path}/Garden/Dill.md`);
  const after = await vault.read("Garden/Dill.md");
  await show("history");
  assert.match(await page.locator(".cc-when").first().innerText(), /1 note · written without asking/);
  await page.locator(".cc-change", { hasText: "Dill" }).first().locator("summary").click();
  await page.locator(".cc-diff ins").first().waitFor();
  await page.getByRole("button", { name: "Undo: Dill" }).first().click();
  await waitFor("it is undone", async () => (await vault.read("Garden/Dill.md")) === before);
  await page.getByRole("button", { name: "Do again: Dill" }).first().click();
  await waitFor("it is done again", async () => (await vault.read("Garden/Dill.md")) === after);
  await page.getByRole("button", { name: "Undo everything since yesterday" }).click();
  let release;
  const held = new Promise((done) => (release = done));
  await page.route("**/changes/undo-all?*", async (route) => (await held, route.continue()), { times: 1 });
  await page.getByRole("dialog").getByRole("button", { name: /^Undo all/ }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Keys" }).click();
  release();
  await said(/undone/i);
  await page.getByRole("dialog", { name: "Keys" }).waitFor(); // it stays
  await waitFor("it is undone", async () => (await vault.read("Garden/Dill.md")) === before);
});

test("a run shows in the header, and is stopped there; background work is paused and goes on", async () => {
  await show("history");
  scene.endpoint.hold();
  const run = vault.companion("enrich", "--all", "--yes", vault.path).catch((error) => error.stdout);
  await page.getByRole("button", { name: /Working/ }).click();
  await page.getByRole("button", { name: "Stop this run" }).click();
  scene.endpoint.release();
  await run;
  const settings = join(vault.home, "config.toml");
  const before = await readFile(settings, "utf8");
  await writeFile(settings, `${before}\nx = [`);
  await page.locator(".cc-panel .cc-fault").getByText(/^Nothing is asked or written until this is fixed: .*config\.toml/).waitFor();
  await writeFile(settings, before);
  await page.getByRole("button", { name: "Idle" }).waitFor();
  await vault.companion("refuse", "--all").catch(() => "");
});

test("a run that a restart of the daemon ends says how far it came, and what is left waits", async () => {
  await mkdir(join(vault.path, "Many"));
  const stub = "---\ndescription:\n---\n# A hedge\n\nIt wants to be cut twice a year, and never while birds are nesting.\n";
  for (let number = 0; number < 120; number += 1) await vault.write(`Many/Hedge ${number}.md`, stub);
  await propose(["Many"], "--field", "description");
  await show("inbox?folder=Many");
  const cut = async (route, yes) => {
    const { port } = vault;
    const kill = async (/** @type {any} */ begun) => {
      const response = await begun.fetch();
      await vault.kill();
      await begun.fulfill({ response });
    };
    await page.route(route, kill, { times: 1 });
    await page.getByRole("dialog").getByRole("button", { name: yes }).click();
    await page.getByText("Companion isn’t answering.").first().waitFor();
    await vault.serve(port);
    return /(\d+) [^.]*\. Callout Companion restarted/.exec((await page.locator(".cc-toast", { hasText: "restarted" }).textContent()) ?? "")?.[1];
  };
  const count = async (path) => (await call(path)).total ?? (await call(path)).changes.length;
  await page.getByRole("button", { name: /^Accept 120 unflagged/ }).click();
  assert.equal(Number(await cut(/decide-all/, /^Write/)), await count("/proposals?state=accepted&folder=Many"));
  const left = (await call("/proposals?folder=Many&limit=1000")).proposals;
  assert.equal(await page.getByRole("button", { name: `Accept ${left.length} unflagged` }).count(), 1);
  await call("/proposals/decide", { accept: left.map(({ id }) => ({ id })) });
  await show("history");
  const before = await count("/changes?undoable=part&limit=1000");
  await page.getByRole("button", { name: "Undo everything since yesterday" }).click();
  const undone = Number(await cut(/undo-all/, /^Undo all/));
  assert.equal(undone, before - (await count("/changes?undoable=part&limit=1000")));
  await rm(join(vault.path, "Many"), { recursive: true });
});

const STEPS = Number(process.env.E2E_STEPS ?? (IS_RELEASE ? 60 : 20)); // 1000 for the figure
const SEED = Number(process.env.E2E_SEED ?? Date.now() % 1_000_000);
test(`${STEPS} keys at random, with slow answers and edits, decide on nothing but what is shown, seed ${SEED}`, async () => {
  const { proposals: others } = await call("/proposals?limit=1000"); // of notes that tests before this one deleted
  await call("/proposals/forget", { paths: [...new Set(others.map(({ path }) => path))] });
  await propose(["Cooking", "Garden"], "--all");
  let state = SEED;
  const random = (most) => ((state = (state * 48271 + 11) % 2147483647), state % most);
  await page.route("**/proposals/decide", async (route) => {
    await new Promise((done) => setTimeout(done, random(120)));
    await route.continue();
  });
  await show("inbox");
  await page.waitForFunction(() => !document.querySelector(".cc-list__foot button")?.ariaDisabled);
  const expected = new Map(); // what was decided last, by proposal
  const log = [];
  for (let step = 0; step < STEPS; step += 1) {
    const isClear = (await page.getByRole("heading", { name: "Inbox clear" }).count()) > 0;
    const key = isClear ? "u" : ("aarjkeu"[random(7)] ?? "j");
    if (["a", "r", "e"].includes(key)) log.push(Number(await page.locator(".cc-read[data-id]").getAttribute("data-id")));
    await page.keyboard.press(key);
    const text = `My words ${step}, a r u j k.`;
    if (key === "e") {
      await page.keyboard.press("Control+a");
      await page.keyboard.type(text);
      await page.keyboard.press("Control+Enter");
    }
    const id = key === "u" ? log.pop() : log.at(-1);
    const state = { a: "accepted", e: "accepted", r: "refused", u: "open" }[key];
    if (id && state) expected.set(id, { state, text: key === "e" ? text : (expected.get(id)?.text ?? null) });
  }
  const wrong = async () => {
    const { proposals } = await call("/proposals?state=all&latest=true&limit=1000");
    const states = new Map(proposals.map((each) => [each.id, each]));
    return [...expected].filter(([id, { state: want, text }]) => {
      const is = states.get(id);
      return is?.state !== want || (want === "accepted" && text !== null && ![is.text].flat().join(" ").includes(text));
    });
  };
  await waitFor("all is as the keys were pressed", async () => !(await wrong()).length).catch(async () => assert.deepEqual(await wrong(), []));
  await vault.companion("undo", "--since", "today").catch(() => "");
});

test("all that are not flagged are accepted in one run of the daemon, which another window shows", async () => {
  const read = () => Promise.all(PATHS.map((path) => vault.read(path)));
  const before = (await read()).join();
  await call("/proposals/forget", { paths: PATHS }); // what was undone is flagged
  await propose(PATHS);
  const { proposals } = await call("/proposals?limit=1000&flagged=false");
  const path = PATHS.find((each) => proposals.filter((one) => one.path === each).length > 1);
  const ids = proposals.filter((each) => each.path === path).map(({ id }) => id);
  ids.sort((one, next) => one - next);
  const address = `inbox?note=${encodeURIComponent(path)}`;
  const row = (id, tab = page) => tab.locator(`.cc-row[data-id="${id}"]`);

  const [kept, gone] = [ids[0], ids.at(-1)];
  await show(address);
  const other = await openTab(`${vault.address}/${address}`, page.context());
  await row(gone, other).waitFor();
  await page.route(/proposals.decide-all/, async (route) => {
    const body = route.request().postDataJSON();
    const rest = body.ids.filter((id) => id !== kept);
    const response = await route.fetch({ postData: JSON.stringify({ ...body, ids: rest }) }); // as if it had been stopped there
    await row(gone, other).waitFor({ state: "detached" }); // the event that it is done comes first
    await route.fulfill({ response });
  });
  await page.route(/\/runs\/[^/?]+\?since/, (route) => route.abort(), { times: 1 }); // an answer that gets lost
  await page.route(/\/proposals\/ids/, (route) => route.fulfill({ contentType: "application/json", body: '{"ids": [' }), { times: 1 }); // half of one
  await page.getByRole("button", { name: `Accept ${ids.length} unflagged` }).click();
  assert.equal(await page.locator(".cc-sample li").count(), Math.min(ids.length, 5));
  assert.equal(await page.getByText(/flagged ones? stays? here/).count(), Number((await page.locator(".cc-row .cc-dot").count()) > 0));
  await page.getByRole("dialog").getByRole("button", { name: new RegExp(`^Write ${ids.length} value`) }).click();
  await said(`${ids.length - 1} written, 1 not.`);
  await row(kept).waitFor();
  await Promise.all([page, other].map((tab) => row(gone, tab).waitFor({ state: "detached" })));
  assert.notEqual((await read()).join(), before);
  assert.equal((await call(`/proposals?flagged=false&path=${encodeURIComponent(path)}`)).total, 1);
  await page.locator(".cc-toast").getByRole("button", { name: /^Undo/ }).click();
  await waitFor("it is undone", async () => (await read()).join() === before);
  await row(gone).waitFor();
});

test("proposals, and the address for its note, go along when it is renamed: in sight, hidden, and while the daemon is down", async () => {
  const id = await stand();
  await show(`inbox?note=${encodeURIComponent(OPEN)}`);
  const [old, renamed] = [OPEN, "Cooking/Levain.md"].map((path) => join(vault.path, path));
  const isShown = async (name) => {
    await page.locator(".cc-title", { hasText: name }).waitFor();
    await page.waitForFunction((path) => new URLSearchParams(location.search).get("note") === path, `Cooking/${name}.md`);
  };
  const hide = (isHidden) => page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { value, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden);
  await rename(old, renamed);
  await isShown("Levain");
  await hide(true);
  await rename(renamed, old);
  await waitFor("the daemon knows", async () => (await call(`/proposals/${id}`)).path === OPEN);
  await hide(false);
  await isShown("Sourdough");
  const { port } = vault;
  await vault.stop();
  await rename(old, renamed);
  await vault.serve(port);
  await isShown("Levain");
  await show(`inbox?note=${encodeURIComponent(OPEN)}`);
  await isShown("Levain");
  await rename(renamed, old);
  await isShown("Sourdough");
});

test("an address for one of a note's proposals shows that, whatever is read first; a session comes before all", async () => {
  await stand();
  const note = encodeURIComponent(OPEN);
  const ids = (await call(`/proposals?path=${note}`)).proposals.map((each) => each.id);
  assert.ok(ids.length > 1);
  const paths = [];
  const context = await newContext();
  context.on("request", (request) => paths.push(new URL(request.url()).pathname));
  const answer = context.waitForEvent("response", (response) => response.url().includes("state=all"));
  await context.route("**/api/v1/proposals?limit=100", async (route) => {
    await (await answer).finished();
    await route.continue();
  });
  const { hash } = new URL(await vault.openPage());
  const tab = await openTab(`${vault.address}/inbox?note=${note}&id=${Math.max(...ids)}${hash}`, context);
  const current = tab.locator(".cc-row[aria-current]");
  assert.equal(await current.getAttribute("data-id"), String(Math.max(...ids)));
  assert.equal(paths.find((path) => path.startsWith("/api/")), "/api/v1/session");
});

test("an address names one that comes with a later page: it is waited for, and the list goes to it", async () => {
  await stand();
  const { proposals: [one] } = await call("/proposals?limit=1");
  const ids = Array.from({ length: 1150 }, (_, index) => 9000 - index);
  const proposals = ids.map((id) => ({ ...one, id, path: `N${id}.md` }));
  let release;
  const held = new Promise((done) => (release = done));
  await page.route("**/proposals/ids", (route) => route.fulfill({ json: { ids } }));
  await page.route("**/api/v1/proposals?*", async (route) => {
    const isFirst = !route.request().url().includes("before");
    if (!isFirst) await held;
    const [part, next] = isFirst ? [proposals.slice(0, 100), ids[99]] : [proposals.slice(100), null];
    await route.fulfill({ json: { proposals: part, next, total: ids.length } });
  });
  await page.goto(`${vault.address}/inbox?id=${ids[149]}`);
  await page.locator(".cc-row").first().waitFor();
  await page.locator(".cc-inbox .cc-empty", { hasText: "One moment" }).waitFor();
  assert.equal(await page.getByText("No proposals fit").count(), 0);
  assert.equal(await page.locator(".cc-count").innerText(), "1,150"); // of which 100 are here
  release();
  await page.locator(".cc-row[aria-current]").waitFor();
  await page.waitForFunction(() => document.querySelector(".cc-groups")?.scrollTop);
});

test("a page whose words cannot be read says so, and has them once they can be", async () => {
  await page.route("**/static/*.min.json", (route) => route.fulfill({ status: 404, json: { detail: "There is nothing here." } }), { times: 1 });
  await page.route("**/static/*.min.json", (route) => route.abort(), { times: 1 });
  await page.goto(`${vault.address}/inbox`);
  await page.getByText("Companion isn’t answering.").waitFor();
  await page.getByRole("link", { name: "History" }).waitFor();
  await page.getByText("Companion isn’t answering.").waitFor({ state: "detached" });
});

test("Back goes to the list, keys that are switched off stay off, and a page with words of one's own asks before it is left", async () => {
  const id = await stand();
  await page.setViewportSize({ width: 360, height: 740 });
  await page.getByRole("button", { name: /^\d+ proposals?$/ }).click();
  await page.locator(".cc-row").last().click();
  await page.goBack();
  await page.locator(`.cc-row[data-id="${id}"]`).click();
  await page.keyboard.press("?");
  await page.getByLabel("Use single keys").uncheck();
  await page.reload();
  await page.getByRole("button", { name: "Accept", exact: true }).waitFor();
  await page.keyboard.press("e");
  assert.equal(await area().count(), 0);
  await page.getByRole("button", { name: "Edit" }).click();
  await area().fill(MINE);
  const asked = page.waitForEvent("dialog");
  await page.reload();
  assert.equal((await asked).type(), "beforeunload");
});

test("Accept is in sight without scrolling, at every width, at 100% and at 200%", async () => {
  await propose(["Cooking", "Garden"], "--all");
  await show("inbox");
  const number = await page.locator(".cc-rows").getAttribute("aria-label").then((words) => parseInt(words ?? "", 10));
  assert.ok(number > 20, String(number));
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: width < 500 ? 640 : 720 });
    for (let proposal = 0; proposal < 5; proposal += 1) {
      await page.keyboard.press("j");
      await page.locator(".cc-actions .cc-btn--main").waitFor();
      const seen = await page.evaluate(() => {
        const { top, bottom, left, right } = document.querySelector(".cc-actions .cc-btn--main").getBoundingClientRect();
        const [row, list] = [".cc-row[aria-current]", ".cc-groups"].map((name) => document.querySelector(name)?.getBoundingClientRect());
        const isListed = !row?.width || (row.top >= list.top && row.bottom <= list.bottom);
        return isListed && top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth;
      });
      assert.ok(seen, `at ${width}`);
    }
    for (const name of PAGES) {
      await page.locator("nav a", { hasText: new RegExp(name, "i") }).click();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${name} at ${width}: ${wide}`);
    }
    await page.locator("nav a", { hasText: /inbox/i }).click();
  }
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing, ${colorScheme}`, async () => {
    await page.emulateMedia({ colorScheme });
    await stand();
    for (const [name, act] of [
      ["inbox", async () => {}],
      ["source", () => page.keyboard.press("s")],
      ["edit", async () => (await page.keyboard.press("s"), await page.keyboard.press("e"))],
      ["keys", async () => (await page.keyboard.press("Escape"), await page.keyboard.press("?"))],
      ["bulk", async () => (await page.keyboard.press("Escape"), await page.getByRole("button", { name: /^Accept \d+ unflagged/ }).click())],
      ["filtered", async () => (await page.keyboard.press("Escape"), await page.keyboard.press("/"), await page.keyboard.type("nothing like it"))],
      ["status", async () => (await page.getByRole("button", { name: "Clear filters" }).click(), await page.locator(".cc-status").click())],
    ]) {
      await act();
      await assertAccessible(page).catch((error) => assert.fail(`${name}: ${error.message}`));
    }
    const [screen, phone, tablet] = [[1280, 800], [360, 740], [768, 1024]];
    const sizes = IS_RELEASE ? [screen, tablet, phone] : colorScheme === "light" ? [phone] : [screen]; // colours depend on no size
    for (const [width, height] of sizes) {
      await page.setViewportSize({ width, height });
      for (const name of PAGES) {
        await show(name);
        await assertAccessible(page);
      }
    }
    await page.setViewportSize({ width: 360, height: 740 });
    await show("inbox");
    await page.getByRole("button", { name: /^\d+ proposals?$/ }).click();
    await assertAccessible(page);
  });
}

test("texts of others are text wherever they are shown", async () => {
  const hostile = '<img src=x onerror="window.harm=1"><script>window.harm=1</script>[x](javascript:window.harm=1) [[a|<b>]] \u202etxt';
  await page.route("**/api/v1/**", async (route) => {
    const isStream = route.request().url().endsWith("/events");
    const response = await (isStream ? fetchEvents(route) : route.fetch());
    const text = await response.text();
    if (!response.ok() || route.request().method() !== "GET") return route.fulfill({ response, body: text });
    const keep = /^(open|accepted|refused|done|undone|excluded|marked|private|unsuited|asked|fill|undo|[=+-]|…|\d{4}-\d\d.*)$/;
    const harm = (key, value) => (typeof value === "string" && key !== "kind" && !keep.test(value) ? hostile + value : value);
    const spoil = (json) => JSON.stringify(JSON.parse(json), harm);
    return route.fulfill({ response, body: isStream ? text.replace(/^(data: )(.*)$/gm, (_, name, data) => name + spoil(data)) : spoil(text) });
  });
  for (const name of PAGES) {
    await page.goto(`${vault.address}/${name}`);
    await page.getByText("<img src=x").first().waitFor({ state: "attached" });
    for (const fold of await page.locator("summary").all()) await fold.click().catch(() => {});
    assert.equal(await page.locator('img, script:not([src]), a[href^="javascript"]').count(), 0);
    assert.doesNotMatch(`${await page.title()} ${await page.locator("body").innerText()}`, /\u202e/);
    assert.equal(await page.evaluate(() => window.harm), undefined);
  }
});

test("the vault is not looked over again while nothing changes", async () => {
  await page.clock.install();
  await page.route("**/api/v1/events", () => {}); // nothing changes any more
  await page.route("**/api/v1/events", async (route) => route.fulfill({ response: await fetchEvents(route) }), { times: 1 });
  let asked = [];
  let streams = 0;
  const unanswered = new Set();
  let last = Date.now();
  page.on("request", (request) => {
    if (request.url().endsWith("/events")) return (streams += 1);
    asked.push(new URL(request.url()).pathname);
    unanswered.add(request);
  });
  for (const end of ["requestfinished", "requestfailed"]) page.on(end, (request) => unanswered.delete(request) && (last = Date.now()));
  await show("spending");
  await page.locator(".cc-facts").first().waitFor({ state: "attached" });
  await waitFor("all that it shows at first is there", async () => {
    await page.evaluate(() => new Promise((done) => requestIdleCallback(done)));
    return streams > 1 && !unanswered.size && Date.now() - last > 1000; // the second stream stays open
  });
  asked = [];
  await page.clock.fastForward(60_000);
  await page.clock.runFor(1000);
  await page.evaluate(() => fetch("/healthz"));
  assert.deepEqual(asked, ["/healthz"]);
});

const SPOKEN = [["de-AT", "de", "Verlauf"], ["ru", "ru", "История"], ["nl", "en", "History"]];
for (const [locale, language, heading] of SPOKEN) {
  test(`a browser that speaks ${locale} gets ${language}, and all files of the page are under 60 kB, packed; they are asked for once`, async () => {
    const context = await newContext({ locale });
    const tab = await openTab(await vault.openPage(), context);
    await tab.waitForFunction((key) => sessionStorage.getItem(key), SESSION);
    await show("history", tab);
    assert.equal(await tab.locator("h1:visible").first().innerText(), heading);
    assert.equal(await tab.evaluate(() => document.documentElement.lang), language);
    const names = await tab.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name));
    const files = [`${vault.address}/history`, ...names.filter((name) => name.includes("/static/"))];
    assert.equal(new Set(files).size, files.length);
    const bodies = await Promise.all(files.map(async (name) => Buffer.from(await (await fetch(name)).arrayBuffer())));
    const bytes = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0);
    assert.ok(bytes > 10_000 && bytes < 60_000, String(bytes));
  });
}
