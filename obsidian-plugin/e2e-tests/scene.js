/** A vault, its daemon, an endpoint and a window with the plugin, and what a user does there. */

import assert from "node:assert/strict";
import { Vault } from "./daemon.js";
import { Endpoint } from "./endpoint.js";
import { errorsOf, Obsidian } from "./obsidian.js";
import { tidyUp } from "./scenarios.js";
import { testsOn } from "./tests-on.js";
import { waitFor } from "./wait.js";

/** The scene of a file's tests, and the window in it. */
export let scene;
export let page;

/**
 * What declares a test in a window whose plugin is paired, and where no error may come up. furnish: before it
 * is opened. begin: then. prepare: before each test.
 */
export function testsInWindow({ furnish = () => {}, begin = () => {}, prepare = () => {} } = {}) {
  const start = async () => {
    page = undefined;
    scene = await openScene();
    await furnish(scene);
    page = await openPaired(scene);
    await begin();
  };
  const end = async () => {
    try {
      assert.deepEqual(page ? await errorsOf(page) : [], []);
    } finally {
      await scene?.end();
    }
  };
  return testsOn(start, end, async () => {
    await tidyUp(page);
    await prepare();
  });
}

/** isServed: whether the daemon is started. */
export async function openScene({ isServed = true } = {}) {
  const endpoint = await Endpoint.start();
  const vault = await Vault.copy(endpoint.baseUrl);
  const obsidian = Obsidian.launch();
  const end = async () => {
    await obsidian.then((one) => one.close(), () => {});
    endpoint.stop();
    await vault.remove();
  };
  try {
    const [launched] = await Promise.all([obsidian, isServed && vault.serve()]);
    return { endpoint, vault, obsidian: launched, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** A window whose plugin is paired. */
export async function openPaired({ vault, obsidian }, look = {}) {
  const opened = await obsidian.open(vault, look);
  await waitFor("the plugin is connected", () => opened.evaluate(() => Boolean(app.plugin.feed.status)));
  await tidyUp(opened);
  return opened;
}

export function secret(window) {
  return window.evaluate(() => app.secretStorage.getSecret("callout-companion-token"));
}

/** Run a command, which is one that can be run now, by its name or the beginning of that. */
export function runCommand(window, name) {
  return window.evaluate((start) => {
    const { checkCallback } = [...app.plugin.commands__.values()].find((one) => one.name.startsWith(start));
    if (!checkCallback(true)) throw new Error(`${start} cannot be done now`);
    checkCallback(false);
  }, name);
}
