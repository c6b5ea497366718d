/** What a model gave for open notes unasked, until it is written: the user goes first. */

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Given } from "./enrich.js" */

/**
 * given: what the model gives, paid once. writing: the attempt to write it that is under way.
 * isTaken: whether the user got it, by asking for the same.
 *
 * @typedef {{ given: Promise<Given>, writing: Promise<void> | null, isTaken: boolean }} Quiet
 */

/**
 * What a model gave for the whole note, or is about to, and is not written: it is the caller's from now on.
 * Null when there is none.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
export async function takeQuiet({ quiet }, file) {
  const found = quiet.get(file);
  if (!found) return null;
  quiet.delete(file);
  found.isTaken = true;
  return found.given.catch(() => null);
}

/**
 * Keep what was taken, to be written another time.
 *
 * @param {CompanionPlugin} plugin
 * @param {Given} given
 */
export function giveBack({ quiet }, given) {
  quiet.set(given.file, { given: Promise.resolve(given), writing: null, isTaken: false });
}

/**
 * Resolves once nothing is being written quietly in the note. That takes no time to speak of: what waits for
 * the user to rest does so before.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} path
 */
export async function awaitQuiet({ quiet }, path) {
  const found = [...quiet].find(([file]) => file.path === path);
  await found?.[1].writing?.catch(() => {});
}
