/** What is missing before notes can be filled: told in a sentence, and the daemon is started once the user agreed. */

import { ask, notify, notifyOfErrors, notifyWithButtons } from "./dialogs.js";
import { NoAnswer, ProgramFailed } from "./errors.js";
import { agreeTo, describeServe, findProgram, readAgreed, startDaemon } from "./program.js";
import { sentence } from "./words.js";

/** @import CompanionPlugin from "./main.js" */

/** @type {import("./dialogs.js").Choice} */
const HELP = ["How to install", () => window.open("https://pypi.org/project/callout-companion/")];
const LOOK = 500; // milliseconds between two checks whether it answers
const LOOKS = 120; // checks until it is given up

/** Start the daemon that the user agreed to, or tell what is missing. @param {CompanionPlugin} plugin */
export async function begin(plugin) {
  await plugin.feed.check();
  const { error, missing, status } = plugin.feed;
  if (status) return missing ? notify(missing) : undefined;
  if (!(error instanceof NoAnswer) || !["away", "missing"].includes(error.fault)) return notify(missing);
  if (readAgreed(plugin.app)) return notifyOfErrors(plugin, () => start(plugin, readAgreed(plugin.app)));
  const isThere = await findProgram(plugin.app);
  notifyWithButtons(plugin, missing, isThere ? ["Start …", () => requireDaemon(plugin)] : HELP);
}

/** Have the user agree to what is run, and start it. @param {CompanionPlugin} plugin */
export async function requireDaemon(plugin) {
  const path = await findProgram(plugin.app);
  if (!path) return notifyWithButtons(plugin, "Callout Companion is not on this computer yet, or its path is missing in this plugin’s settings.", HELP);
  const words = `This runs on your computer, for this vault, also when Obsidian is closed: ${describeServe(plugin.app, path)}`;
  ask(plugin, "Start Callout Companion?", words, ["Start", () => start(plugin, path)]);
}

/**
 * Run the program for this vault, which the user has agreed to, and wait until it answers.
 *
 * Throws ProgramFailed, with why it did not start.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} path of the program
 */
async function start(plugin, path) {
  await agreeTo(plugin.app, path);
  await startDaemon(plugin.app, () => awaitDaemon(plugin)).catch((/** @type {unknown} */ error) => {
    throw error instanceof ProgramFailed ? new ProgramFailed(`Callout Companion did not start. ${error.message && sentence(error.message)}`) : error;
  });
  if (plugin.feed.missing) notify(plugin.feed.missing);
}

/**
 * Resolve when this vault's daemon answers, whether or not it accepts the token.
 *
 * Throws ProgramFailed if it does not in a minute.
 *
 * @param {CompanionPlugin} plugin
 */
async function awaitDaemon({ feed, timers }) {
  for (let looks = 0; looks < LOOKS; looks++) {
    await timers.pause(LOOK);
    await feed.check();
    if (feed.status || (feed.error instanceof NoAnswer && feed.error.fault === "token")) return;
  }
  throw new ProgramFailed("It does not answer yet. Look again in a moment.");
}
