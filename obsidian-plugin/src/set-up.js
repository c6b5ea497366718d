/** Set-up: what is missing until notes can be filled, and the steps that bring it. */

import { faultOf, ProgramFailed } from "./errors.js";
import { agreeTo, findProgram, startDaemon } from "./program.js";
import { say, sentence } from "./words.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { Fault } from "./errors.js" */
/** @import { FetchShape, ModelShape } from "./api-types.d.ts" */

/**
 * state: what is wrong with the connection (notInstalled: no program is on this computer); or `model`: the model is not there yet; or
 * `ready`: all is there. program: the path of the program, null if there is none. model: what is known of the model, null if nothing is.
 *
 * @typedef {Fault | "model" | "ready"} State
 * @typedef {{ state: State, program: string | null, model: ModelShape | null }} SetUp
 */

const LOOK = 500; // milliseconds between two checks whether something has got further
const LOOKS = 120; // checks until the daemon is given up

/**
 * Return what is missing, by the last check of the daemon, or the first where there was none yet.
 *
 * @type {(plugin: CompanionPlugin) => Promise<SetUp>}
 */
export async function findSetUp(plugin) {
  if (!plugin.daemon.status && !plugin.daemon.error) await plugin.daemon.check();
  const { status, error } = plugin.daemon;
  if (status) {
    /** @type {ModelShape} */
    const model = await plugin.connection.get("/model");
    return { state: model.is_missing ? "model" : "ready", program: null, model };
  }
  const program = await findProgram(plugin.app);
  let state = faultOf(error);
  if (!program && !["unpaired", "trouble"].includes(state)) state = "notInstalled";
  else if (state === "notInstalled") state = "away"; // it is, but not for this vault
  return { state, program, model: null };
}

/**
 * Run the program for this vault, which the user has agreed to, and wait until it answers.
 *
 * Throws ProgramFailed, with why it did not start.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} path of the program
 */
export async function start(plugin, path) {
  await agreeTo(plugin.app, path);
  await startDaemon(plugin.app, () => awaitDaemon(plugin)).catch((/** @type {unknown} */ error) => {
    throw error instanceof ProgramFailed ? new ProgramFailed(say("startFailed", { why: error.message && sentence(error.message) })) : error;
  });
}

/**
 * Have the daemon fetch the configured model, and call show with each progress until it is there.
 *
 * Throws ProgramFailed with why it cannot be fetched.
 *
 * @type {(plugin: CompanionPlugin, name: string, show: (fetch: FetchShape) => void) => Promise<void>}
 */
export async function fetchAndFollow(plugin, name, show) {
  const { store } = plugin.daemon;
  await plugin.api.post("/model/fetch", { name });
  await plugin.daemon.load();
  await new Promise((done) => {
    const stop = store.status.subscribe((status) => {
      if (status?.fetch?.state === "fetching") show(status.fetch);
      else queueMicrotask(() => (stop(), done(null)));
    });
  });
  const { fetch } = store.status.peek() ?? {};
  if (fetch?.state === "failed") throw new ProgramFailed(fetch.reason);
  await plugin.daemon.check();
}

/**
 * Resolve when this vault's daemon answers, whether or not it accepts the token.
 *
 * Throws ProgramFailed if it does not in a minute.
 *
 * @param {CompanionPlugin} plugin
 */
async function awaitDaemon(plugin) {
  for (let looks = 0; looks < LOOKS; looks++) {
    await plugin.timers.pause(LOOK);
    await plugin.daemon.check();
    const { status, error } = plugin.daemon;
    if (status || faultOf(error) === "unpaired") return;
  }
  throw new ProgramFailed(say("startSlow"));
}
