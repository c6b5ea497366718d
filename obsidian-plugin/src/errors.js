/** What goes wrong, and what the user is told of it. What the daemon refuses is an ApiError of ui/api.js. */

import { ApiError, NoAnswer } from "../ui/api.js";
import { formatBytes, say, sentence } from "./words.js";

/** @import { Key } from "./words.js" */

const TOO_LARGE = 413; // only a note is ever that large
const LARGEST = 1024 * 1024; // bytes that the daemon takes

/**
 * What may be wrong with the connection: in a word or two for the status bar, and in sentences.
 *
 * away: nobody answers. notInstalled: nor does anything show that there ever was a daemon. unpaired: the daemon does not accept the
 * token. trouble: it does not answer as a daemon of this version does.
 *
 * @satisfies {Record<string, { state: Key, words: Key }>}
 */
const FAULTS = {
  away: { state: "stateAway", words: "awayAt" },
  notInstalled: { state: "stateNotInstalled", words: "notInstalled" },
  unpaired: { state: "stateNotPaired", words: "notPaired" },
  trouble: { state: "stateTrouble", words: "unexpectedAnswer" },
};

/** @typedef {keyof typeof FAULTS} Fault */

/** This vault's daemon cannot be asked. The message says what happened, and what to do. */
export class ConnectionFault extends NoAnswer {
  /**
   * @param {Fault} fault
   * @param {string} [address] that was tried
   */
  constructor(fault, address = "") {
    super(say(FAULTS[fault].words, { address }));
    this.fault = fault;
  }
}

/** The note cannot be read or written now. */
export class NoteUnavailable extends Error {}

/** The program on this computer may not be run, or failed. */
export class ProgramFailed extends Error {}

/** The plugin was switched off meanwhile. No notice is given of this. */
export class Stopped extends Error {}

/** Return what is wrong with a connection that failed. @type {(error: unknown) => Fault} */
export function faultOf(error) {
  return error instanceof ConnectionFault ? error.fault : "trouble";
}

/** Return the state of a connection that failed, in a word or two for the status bar. @param {unknown} error */
export function nameState(error) {
  return say(FAULTS[faultOf(error)].state);
}

/** Return a sentence or two that say what happened and what to do. @param {unknown} error */
export function explain(error) {
  if (error instanceof ConnectionFault || error instanceof ProgramFailed) return error.message;
  if (error instanceof NoAnswer) return say(FAULTS.trouble.words);
  if (error instanceof ApiError && error.status === TOO_LARGE) return say("tooLarge", { size: formatBytes(LARGEST) });
  if (error instanceof ApiError || error instanceof NoteUnavailable) return sentence(error.message);
  return say("didNotWork", { why: error instanceof Error ? error.message : String(error) });
}
