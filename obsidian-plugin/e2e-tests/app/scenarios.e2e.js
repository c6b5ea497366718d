/** The scenarios in the real Obsidian. */

import { browser } from "@wdio/globals";
import { Endpoint } from "../endpoint.js";
import { Vault } from "../daemon.js";
import { SCENARIOS, tidyUp } from "../scenarios.js";
import { waitFor } from "../wait.js";

/** @import { User } from "../scenarios.js" */

const ID = "callout-companion";

/** @type {User} */
const user = {
  evaluate: async (act, value) => {
    const script = `return (${act})(${JSON.stringify(value ?? null)})`;
    return /** @type {any} */ (await browser.execute(script));
  },
  type: (text) => browser.keys([...text]),
  runCommand: (id) => browser.executeObsidianCommand(`${ID}:${id}`),
};

describe("Callout Companion in Obsidian", () => {
  /** @type {Endpoint} */
  let endpoint;
  /** @type {Vault} */
  let vault;

  before(async () => {
    endpoint = await Endpoint.start();
    vault = await Vault.copy(endpoint.baseUrl);
    await vault.serve();
    await vault.preparePairing();
    // in place: the daemon serves the very folder that Obsidian opens, which is a copy already
    await browser.reloadObsidian({ vault: vault.path, copy: false, plugins: [ID] });
    await waitFor("the plugin is paired", () =>
      user.evaluate(() => Boolean(app.secretStorage.getSecret("callout-companion-token"))), 60);
  });

  beforeEach(async () => {
    endpoint.release();
    await tidyUp(user);
  });

  after(async () => {
    endpoint?.stop();
    await vault?.remove();
  });

  for (const [name, act] of Object.entries(SCENARIOS)) {
    it(name, () => act({ user, vault, endpoint }));
  }
});
