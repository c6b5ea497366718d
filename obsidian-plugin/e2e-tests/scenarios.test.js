/** The scenarios in our host, a real Chromium; app/ has the same in the real Obsidian. */

import { SCENARIOS, tidyUp } from "./scenarios.js";
import { endScene, openPaired, openScene, runCommand } from "./scene.js";
import { testsOn } from "./tests-on.js";

/** @type {import("./scene.js").Scene} */
let scene;
/** @type {import("playwright-core").Page} */
let page;
/** @type {import("./scenarios.js").User} */
let user;

const test = testsOn(
  async () => {
    scene = await openScene();
    page = await openPaired(scene, {}, { hasClock: true });
    user = {
      evaluate: (act, value) => page.evaluate(`(${act})(window.app, ${JSON.stringify(value ?? null)})`),
      type: (text) => page.keyboard.type(text),
      runCommand: (_, name) => runCommand(page, name),
      letTimePass: () => page.clock.fastForward(10_000),
    };
  },
  () => endScene(scene, page),
  async () => {
    scene.endpoint.release();
    await tidyUp(user);
  },
);

for (const [name, act] of Object.entries(SCENARIOS)) {
  test(name, () => act({ user, vault: scene.vault, endpoint: scene.endpoint }));
}
