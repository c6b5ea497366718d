/** Set-up: what is missing until notes can be filled, and the steps that bring it. */

import { pair } from "./connection.js";
import { AnotherVault, isPassing, NotPaired, OtherProgram, ProgramFailed, TooOld } from "./errors.js";
import { agreeTo, findProgram, readAgreed, readCode, startDaemon } from "./program.js";
import { say, sentence } from "./words.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { FetchShape, ModelShape } from "./api-types.d.ts" */

/**
 * none: no program is on this computer. stopped: it does not run for this vault. another: another
 * vault's runs. other: another program is in its place. unpaired: it runs, and does not know this
 * plugin. version: it is too old or too new. trouble: it does not answer as it should. model: its
 * model is not there yet. ready: all is there.
 *
 * @typedef {"none" | "stopped" | "another" | "other" | "unpaired" | "version" | "trouble" | "model" | "ready"} State
 */

/**
 * program: the path of the program, null if there is none. model: what is known of the model, null if
 * nothing is.
 *
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
    const model = await plugin.api.get("/model");
    return { state: model.is_missing ? "model" : "ready", program: null, model };
  }
  const program = await findProgram(plugin.app);
  return { state: nameSetUp(error, program), program, model: null };
}

/**
 * @param {unknown} error of the last check of the daemon
 * @param {string | null} program
 * @returns {State}
 */
function nameSetUp(error, program) {
  if (error instanceof NotPaired) return "unpaired";
  if (error instanceof TooOld) return "version";
  if (!isPassing(error)) return "trouble";
  if (!program) return "none";
  if (error instanceof AnotherVault) return "another";
  return error instanceof OtherProgram ? "other" : "stopped";
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
  const { fault, release } = await startDaemon(plugin.app);
  await Promise.race([fault, awaitDaemon(plugin)]).catch(failAs("startFailed"));
  release();
  if (plugin.daemon.error instanceof NotPaired) await pairByProgram(plugin, path);
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
  plugin.pairing ??= pairByCode(plugin).finally(() => (plugin.pairing = null));
  await plugin.pairing;
}

/** @param {CompanionPlugin} plugin */
async function pairByCode(plugin) {
  const code = await readCode(plugin.app).catch(failAs("pairFailed"));
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
    const isUnpaired = plugin.daemon.error instanceof NotPaired;
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
  await store.load();
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
    if (status || error instanceof NotPaired || error instanceof TooOld) return;
  }
  throw new ProgramFailed(say("startSlow"));
}
