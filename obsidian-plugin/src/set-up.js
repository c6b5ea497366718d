/** Set-up: what is missing until notes can be filled, and the steps that bring it. */

import { pair } from "./connection.js";
import { faultOf, ProgramFailed } from "./errors.js";
import { agreeTo, findProgram, readAgreed, readCode, startDaemon } from "./program.js";
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
  if (!program && !["unpaired", "version", "trouble"].includes(state)) state = "notInstalled";
  else if (state === "notInstalled") state = "away"; // it is, but not for this vault
  return { state, program, model: null };
}

/**
 * Run the program for this vault, which the user has agreed to, wait until it answers, and pair with it.
 *
 * Throws ProgramFailed, with why it did not start or could not be paired with.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} path of the program
 */
export async function start(plugin, path) {
  await agreeTo(plugin.app, path);
  await startDaemon(plugin.app, () => awaitDaemon(plugin)).catch(failAs("startFailed"));
  if (faultOf(plugin.daemon.error) === "unpaired") await pairByProgram(plugin, path);
}

/**
 * Have the program give a code, which the user has agreed to, and pair with it. One that is being
 * paired with already is waited for: a second code would end the first.
 *
 * Throws ProgramFailed.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} path of the program
 */
export async function pairByProgram(plugin, path) {
  await agreeTo(plugin.app, path);
  const readAndPair = async () => pairByCode(plugin, await readCode(plugin.app).catch(failAs("pairFailed")));
  plugin.pairing ??= readAndPair().finally(() => (plugin.pairing = null));
  await plugin.pairing;
}

/** Pair with the daemon by a code, and check it. @type {(plugin: CompanionPlugin, code: string) => Promise<void>} */
export async function pairByCode(plugin, code) {
  await pair(plugin, code);
  await plugin.daemon.check();
}

/** Return what says of a program that failed what that means, and why. @param {"startFailed" | "pairFailed"} key */
function failAs(key) {
  return (/** @type {unknown} */ error) => {
    throw error instanceof ProgramFailed ? new ProgramFailed(say(key, { why: error.message && sentence(error.message) })) : error;
  };
}

/**
 * Pair by the program whenever the daemon does not know the plugin, if the user has agreed to run it
 * on this computer: once, until it answers again.
 *
 * @param {CompanionPlugin} plugin
 */
export function watchPairing(plugin) {
  let isTried = false;
  plugin.watchers.add(() => {
    const isUnpaired = faultOf(plugin.daemon.error) === "unpaired";
    const path = readAgreed(plugin.app);
    if (isUnpaired && !isTried && path) void pairByProgram(plugin, path).catch(() => {}); // the set-up tells why
    isTried = isUnpaired;
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
 * Resolve when this vault's daemon answers, whether or not it is paired.
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
    if (status || ["unpaired", "version"].includes(faultOf(error))) return;
  }
  throw new ProgramFailed(say("startSlow"));
}
