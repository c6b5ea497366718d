/**
 * Opens the page and keeps it open until the standard input ends. Run by
 * `python -m benchmarks.daemon_idle --page`, which measures the daemon meanwhile.
 */

import { once } from "node:events";
import { launchBrowser } from "./browser.js";

const browser = await launchBrowser();
const page = await (await browser.newContext()).newPage();
await page.goto(process.argv[2]);
await page.locator("main").waitFor();
console.log("open");
await once(process.stdin.resume(), "end");
await browser.close();
