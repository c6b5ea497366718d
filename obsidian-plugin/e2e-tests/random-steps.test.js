/**
 * Steps at random on the page: decisions, edits, searches, two windows, notes that change on disk, a daemon that restarts, at several
 * widths. Nothing is decided on but what is shown, no letter is lost. Of a release: E2E_STEPS sets how many steps, E2E_SEED repeats a run.
 */

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { launchBrowser } from "./browser.js";
import { Vault } from "./daemon.js";
import { Endpoint } from "./endpoint.js";

const STEPS = Number(process.env.E2E_STEPS ?? 300);
const SEED = Number(process.env.E2E_SEED ?? Date.now() % 1_000_000);
const WIDTHS = [360, 800, 1280];
const KEYS = [..."aaarrruue", "ArrowDown", "ArrowUp", "Enter", "/", "Escape"];
const HEIGHT = 740;
const STUBS = 15; // new notes, of two proposals each, whenever more are asked for

test(`${STEPS} steps at random, seed ${SEED}`, async (context) => {
  let state = SEED || 1;
  const random = (most) => (state = (state * 48271) % 2147483647) % most;
  const pick = (all) => all[random(all.length)];
  const endpoint = await Endpoint.start();
  const [browser, vault] = await Promise.all([launchBrowser(), Vault.copy(endpoint.baseUrl)]);
  context.after(async () => {
    await browser.close();
    endpoint.stop();
    await vault.remove();
  });
  let stubs = 0;
  await mkdir(join(vault.path, "Stubs"));
  const refill = async () => {
    for (let number = 0; number < STUBS; number += 1) {
      await vault.write(`Stubs/Hedge ${(stubs += 1)}.md`, `---\ndescription:\n---\n\n# Hedge ${stubs}\n\n${"A hedge wants to be cut twice a year, in an area of its own.\n\n".repeat(1 + random(20))}`);
    }
    await vault.companion("enrich", "--dry-run", join(vault.path, "Stubs")).catch((error) => error.stdout);
  };
  await refill();
  await vault.serve();
  const faults = [];
  const browsing = await browser.newContext({ reducedMotion: "reduce" });
  const tabs = [];
  for (const index of [0, 1]) {
    const tab = await browsing.newPage();
    tab.on("pageerror", (error) => faults.push(String(error.stack)));
    tab.on("console", (message) => message.type() === "error" && !/ERR_|Failed to load/.test(message.text()) && faults.push(message.text()));
    tab.on("dialog", (dialog) => void dialog.accept());
    await tab.setViewportSize({ width: WIDTHS[index], height: HEIGHT });
    await tab.goto(await vault.openPage());
    await tab.locator(".cc-row").first().waitFor({ state: "attached" });
    tabs.push(tab);
  }
  /** What was decided last, by proposal. @type {Map<number, { state: string, text: string | null }>} */
  const expected = new Map();
  const drafts = new Map();
  const counts = {};

  /** What the window shows: the proposal whose value can be seen, and what is done now. */
  const look = (tab) => tab.evaluate(() => {
    const proposed = document.querySelector("[data-proposed]");
    const box = proposed?.getBoundingClientRect();
    const isShown = box && box.width > 0 && box.bottom > 0 && box.top < innerHeight && !document.querySelector("dialog[open], :popover-open");
    const id = Number(document.querySelector(".cc-read")?.getAttribute("data-id"));
    const field = document.activeElement?.matches("input, textarea") ? document.activeElement.tagName : "";
    return { focus: document.activeElement?.textContent?.slice(0, 40), id: isShown ? id : 0, field, isBusy: Boolean(document.querySelector(".cc-actions [aria-disabled]")), isGone: /decided in another/.test(document.querySelector(".cc-fault")?.textContent ?? "") };
  });
  const settled = (tab) => tab.waitForFunction(() => !document.querySelector(".cc-actions [aria-disabled]"), undefined, { timeout: 60_000 });
  const stateOf = async (id) => vault.call(`/proposals/${id}`);

  const draftsOf = (tab) => tab.evaluate(() => JSON.parse(sessionStorage.getItem("companion-drafts") ?? "[]"));
  /** Expect nothing any more of what was typed and then left as it was: Escape, and a button, do that. */
  const forgetLeft = async (tab, typed) => {
    const kept = new Set((await draftsOf(tab)).map(([id]) => id));
    for (const [id] of typed) if (!kept.has(id)) drafts.delete(id);
  };

  /** Press a key, and note what it has to do: to the proposal that is seen, or, typed into a field, to none. */
  async function press(tab, key) {
    await settled(tab);
    const before = await look(tab);
    const all = await vault.call("/proposals?state=all&limit=1000");
    const typed = await draftsOf(tab);
    await tab.keyboard.press(key);
    await tab.waitForTimeout(30);
    if (key === "Escape" || /Leave as it was/.test(before.focus ?? "")) await forgetLeft(tab, typed);
    await settled(tab);
    const after = await vault.call("/proposals?state=all&limit=1000");
    const changed = after.proposals.filter((each) => all.proposals.find(({ id }) => id === each.id)?.state !== each.state);
    const isUndo = key === "u" || (key === "Enter" && changed.every(({ state }) => state === "open")); // Enter presses the button that has the focus
    if (!isUndo && changed.length) {
      assert.equal(before.field, "", `${key} was typed into a field, and decided on ${changed.map(({ id }) => id)}`);
      assert.deepEqual(changed.map(({ id }) => id), [before.id], `${key} decided on what is not shown: ${JSON.stringify({ before, changed: changed.map(({ id, state: now }) => [id, now]) })}`);
      if (key !== "Enter") assert.equal(changed[0].state, { a: "accepted", r: "refused" }[key], `${key} did something else`);
    }
    for (const { id, state } of changed) expected.set(id, { state, text: null });
    if (changed.length) for (const { id } of changed) drafts.delete(id);
  }

  const STEPS_AT_RANDOM = {
    async press(tab) {
      if (random(2) && !(await look(tab)).id) await tab.keyboard.press("Enter"); // else keys have nothing to decide on
      await press(tab, pick(KEYS));
    },
    async edit(tab, step) {
      const { id, field } = await look(tab);
      if (field || !id || !(await tab.locator(".cc-actions").isVisible())) return;
      await tab.keyboard.press("e");
      const area = tab.locator(".cc-paper textarea");
      if (!(await area.count())) return;
      const text = `My words ${step}, a r u e.`;
      await area.fill("");
      await tab.keyboard.type(text);
      assert.equal(await area.inputValue(), text, "each letter is there");
      drafts.set(id, { text, tab });
      if (random(2) || (await stateOf(id)).state !== "open") return; // the other window may have decided on it
      await tab.keyboard.press("Control+Enter");
      await settled(tab);
      const made = await stateOf(id);
      if (made.state === "accepted") {
        assert.equal([made.text].flat().join("\n"), text);
        expected.set(id, { state: "accepted", text });
        drafts.delete(id);
      }
    },
    async search(tab) {
      const all = (await vault.call("/proposals?state=decided&limit=1")).total;
      if ((await look(tab)).field) return;
      await tab.keyboard.press("/");
      const word = pick(["rare", "sauce", "area", "u"]);
      await tab.keyboard.type(word);
      assert.equal((await vault.call("/proposals?state=decided&limit=1")).total, all, "searching decides on nothing");
      if (await tab.getByRole("searchbox").count()) await tab.getByRole("searchbox").fill("");
      await press(tab, "Enter");
    },
    async click(tab) {
      const rows = tab.locator(".cc-row:visible");
      const number = await rows.count();
      if (number) await rows.nth(random(number)).click({ timeout: 2000 }).catch(() => {});
    },
    async width(tab) {
      await tab.setViewportSize({ width: pick(WIDTHS), height: HEIGHT });
    },
    async panel(tab) {
      await tab.locator(".cc-status").click({ timeout: 2000 }).catch(() => {});
      await press(tab, pick(["a", "r"]));
      await press(tab, "Escape");
    },
    async page(tab) {
      await tab.getByRole("link", { name: "History" }).click();
      await press(tab, pick(["a", "r", "e"]));
      await tab.getByRole("link", { name: /^Inbox/ }).click();
    },
    async reload(tab) {
      await tab.reload();
      await tab.locator("main").waitFor();
      await tab.waitForFunction(() => !document.body.innerText.includes("One moment"));
    },
    async disk() {
      const [one] = (await vault.call("/proposals?limit=1000")).proposals.filter(() => !random(4));
      if (one) await vault.write(one.path, `${await vault.read(one.path)}\nA line of mine.\n`).catch(() => {});
    },
    async restart() {
      const { port } = vault;
      await (random(2) ? vault.kill() : vault.stop());
      await vault.serve(port);
    },
    refill,
  };
  const NAMES = [...Array(14).fill("press"), ...Array(4).fill("edit"), ...Array(3).fill("search"), ...Array(3).fill("click"), "width", "panel", "page", "reload", "disk"];

  for (let step = 0; step < STEPS; step += 1) {
    let name = pick(NAMES);
    if (step % 60 === 59) name = "restart";
    if (step % 40 === 39) name = "refill";
    counts[name] = (counts[name] ?? 0) + 1;
    const tab = pick(tabs);
    await tab.bringToFront();
    try {
      await STEPS_AT_RANDOM[name](tab, step);
    } catch (error) {
      error.message = `step ${step}, ${name} at ${tab.viewportSize()?.width}: ${error.message}`;
      throw error;
    }
  }
  for (const [id, { state: want }] of expected) assert.equal((await stateOf(id)).state, want, `proposal ${id}`);
  const kept = await Promise.all(tabs.map(draftsOf));
  for (const { text } of drafts.values()) {
    const isHeld = kept.flat().some(([, draft]) => isIn(text, draft));
    assert.ok(isHeld, `lost: ${text}; kept: ${JSON.stringify(kept)}`);
  }
  assert.deepEqual(faults, []);
  context.diagnostic(`${expected.size} decided on; ${JSON.stringify(counts)}`);
});

/** Return whether each letter is there, in order: further keys may have put others between them. */
function isIn(text, draft) {
  let at = 0;
  for (const letter of draft) if (letter === text[at]) at += 1;
  return at === text.length;
}
