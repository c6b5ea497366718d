/**
 * Measures the inbox with 5,000 open proposals: first paint, and a decision until the next
 * proposal stands there. Run by `python -m benchmarks.inbox`, which has made the vault.
 */

import { launchBrowser } from "./browser.js";

const [address, file] = process.argv.slice(2);
const TIMES = 20;
const median = (/** @type {number[]} */ all) => all.toSorted((a, b) => a - b)[all.length >> 1];

const browser = await launchBrowser();
const page = await (await browser.newContext()).newPage();
await page.goto(address);
await page.locator(".cc-row").first().waitFor();

const paints = [];
for (let time = 0; time < TIMES; time += 1) {
  await page.goto(new URL("/inbox", address).href);
  paints.push(
    await page.evaluate(async () => {
      while (!document.querySelector(".cc-row")) await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
      return performance.now();
    }),
  );
}

await page.waitForFunction(() => !document.querySelector(".cc-list__foot button")?.ariaDisabled); // all are there
await page.keyboard.press("ArrowDown");
const decisions = [];
for (let time = 0; time < TIMES; time += 1) {
  decisions.push(
    await page.evaluate(async () => {
      const current = () => document.querySelector(".cc-row[aria-current]")?.getAttribute("data-id");
      const before = current();
      const begin = performance.now();
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "a", bubbles: true }));
      const isDone = () => current() && current() !== before && !document.querySelector(".cc-actions [aria-disabled]");
      while (!isDone()) await new Promise(requestAnimationFrame);
      return performance.now() - begin;
    }),
  );
}

await page.mouse.move(150, 500);
await page.evaluate(() => {
  const seen = /** @type {any} */ (window);
  seen.longest = 0;
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) seen.longest = Math.max(seen.longest, task.duration);
  }).observe({ type: "longtask" });
});
for (let time = 0; time < 200; time += 1) {
  await page.mouse.wheel(0, 4000);
  await page.waitForTimeout(20);
}
const pause = await page.evaluate(() => /** @type {any} */ (window).longest);
const shown = await page.locator(".cc-row").count();
await browser.close();
console.log(
  JSON.stringify({ paint: median(paints), decision: median(decisions), pause, shown, file }),
);
