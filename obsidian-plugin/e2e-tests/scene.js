/** A vault, its daemon, an endpoint and a window with the plugin, and what a user does there. */

import assert from "node:assert/strict";
import { Vault } from "./daemon.js";
import { Endpoint } from "./endpoint.js";
import { errorsOf, Obsidian, writeData } from "./obsidian.js";
import { waitFor } from "./wait.js";

/** @import { Page } from "playwright-core" */

/** @typedef {{endpoint: Endpoint, vault: Vault, obsidian: Obsidian, end: () => Promise<void>}} Scene */

/**
 * @param {Record<string, unknown>} [background] the daemon's settings of that table
 * @returns {Promise<Scene>}
 */
export async function openScene(background) {
  const endpoint = await Endpoint.start();
  const vault = await Vault.copy(endpoint.baseUrl, background);
  const started = await Promise.allSettled([Obsidian.launch(), vault.serve()]);
  const [launched, served] = started;
  const end = async () => {
    if (launched.status === "fulfilled") await launched.value.close();
    endpoint.stop();
    await vault.remove();
  };
  if (launched.status === "fulfilled" && served.status === "fulfilled") {
    return { endpoint, vault, obsidian: launched.value, end };
  }
  await end();
  throw started.find((one) => one.status === "rejected")?.reason;
}

/**
 * A window whose plugin is paired.
 * @param {Scene} scene
 * @param {Record<string, unknown>} [settings]
 * @param {import("./obsidian.js").Look} [look]
 */
export async function openPaired({ vault, obsidian }, settings = {}, look = {}) {
  await writeData(vault, { address: vault.address, code: await vault.pair(), ...settings });
  const page = await obsidian.open(vault, look);
  await waitFor("the plugin is paired", () => secret(page));
  return page;
}

/**
 * End the scene, in whose window there were no errors.
 * @param {Scene} [scene] left out: it could not be opened
 * @param {Page} [page]
 */
export async function endScene(scene, page) {
  try {
    assert.deepEqual(page ? await errorsOf(page) : [], []);
  } finally {
    await scene?.end();
  }
}

/** @param {Page} page */
export function secret(page) {
  return page.evaluate(() => window.app.secretStorage.getSecret("callout-companion-token"));
}

/** @param {Page} page */
export function clickRibbon(page) {
  return page.locator(".side-dock-ribbon-action").click();
}

/**
 * Run a command, which is one that can be run now.
 * @param {Page} page
 * @param {string} name or its beginning
 */
export function runCommand(page, name) {
  return page.evaluate((start) => {
    const { checkCallback } = [...window.app.plugin.commands__.values()].find((one) => one.name.startsWith(start));
    if (!checkCallback(true)) throw new Error(`${start} cannot be done now`);
    checkCallback(false);
  }, name);
}

/** How many notices there were so far. @param {Page} page */
export function countNotices(page) {
  return page.evaluate(() => window.host.notices.length);
}
