/** What goes wrong, and what the user is told of it. */

import { sentence } from "./words.js";

const TOO_LARGE = 413; // only a note is ever that large

/** The daemon refused something; `status` and `code` say what kind it is, the message why. */
export class ApiError extends Error {
  /**
   * @param {string} detail
   * @param {number} status
   * @param {string} code
   */
  constructor(detail, status, code) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/**
 * What may be wrong with the connection: in a few words for the status bar, and in sentences.
 *
 * away: nobody answers. missing: nor is there anything that shows that there ever was a daemon. token: the daemon does
 * not accept the token. trouble: it does not answer as a daemon of this version does.
 */
const FAULTS = {
  away: ["not running", "Callout Companion is not running for this vault."],
  missing: ["not set up", "Callout Companion is not set up for this vault."],
  token: ["token doesn’t fit", "The token doesn’t fit. Run companion token in a terminal, and paste what it prints in this plugin’s settings."],
  trouble: ["trouble", "What answered seems to be another version of Callout Companion. Update both."],
};

/** There is no answer of this vault's daemon. The message says why, and what to do. */
export class NoAnswer extends Error {
  /** @param {keyof typeof FAULTS} fault */
  constructor(fault) {
    const [state = "", words] = FAULTS[fault];
    super(words);
    this.fault = fault;
    this.state = state;
  }
}

/** The note cannot be read or written now. */
export class NoteUnavailable extends Error {}

/** The program on this computer may not be run, or failed. */
export class ProgramFailed extends Error {}

/** The plugin was switched off meanwhile. No notice is given of this. */
export class Stopped extends Error {}

/** Return a sentence or two that say what happened and what to do. @param {unknown} error */
export function explain(error) {
  if (error instanceof ApiError && error.status === TOO_LARGE) return "The note is too large. Notes of up to 1 MB are filled.";
  const isOurs = [ApiError, NoAnswer, NoteUnavailable, ProgramFailed].some((kind) => error instanceof kind);
  const words = error instanceof Error ? error.message : String(error);
  return isOurs ? sentence(words) : `This did not work: ${words}`;
}
