/** Obsidian as it is downloaded, in the earliest version that the plugin is for and the latest. */

import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseObsidianVersions } from "wdio-obsidian-service";

const HERE = dirname(fileURLToPath(import.meta.url));
const PLUGIN = resolve(HERE, "..", "..");
const cacheDir = join(HERE, ".obsidian-cache");
const versions = process.env.OBSIDIAN_VERSIONS ?? "earliest/earliest latest/latest";

/** @type {WebdriverIO.Config} */
export const config = {
  runner: "local",
  rootDir: PLUGIN, // "earliest" is the minAppVersion of its manifest.json
  specs: [join(HERE, "scenarios.e2e.js")],
  maxInstances: 1, // each starts a daemon
  capabilities: (await parseObsidianVersions(versions, { cacheDir })).map(
    ([appVersion, installerVersion]) => ({
      browserName: "obsidian",
      "wdio:obsidianOptions": { appVersion, installerVersion, plugins: [PLUGIN] },
    }),
  ),
  services: ["obsidian"],
  reporters: ["obsidian"],
  cacheDir,
  framework: "mocha",
  mochaOpts: { ui: "bdd", timeout: 180_000 },
  logLevel: "warn",
};
