/** The plugin's errors. What the daemon refuses is an ApiError of ui/api.js. */

import { ApiError } from "../ui/api.js";
import { say, sentence } from "./words.js";

/** @import { Key } from "./words.js" */

/** An error whose message says to the user what happened, and what to do. state: of the connection, for the status bar. */
class Explained extends Error {
  static state = /** @type {Key} */ ("stateTrouble");
}

/** This vault's daemon was not found at an address. words: what is said of that. */
class NoDaemon extends Explained {
  static words = /** @type {Key} */ ("awayAt");

  /** @param {string} address that was tried */
  constructor(address) {
    super(say(new.target.words, { address }));
    this.address = address;
  }
}

/** Nobody answers at the address. */
export class DaemonAway extends NoDaemon {
  static state = /** @type {Key} */ ("stateAway");
}

/** The connection ended before an answer came: nobody knows whether the daemon did what it was asked to. */
export class AnswerLost extends DaemonAway {}

/** Nobody answers, and nothing shows that this vault ever had a daemon. */
export class NotInstalled extends DaemonAway {
  static state = /** @type {Key} */ ("stateNotInstalled");
  static words = /** @type {Key} */ ("notInstalled");
}

/** Another program answers at the address. */
export class OtherProgram extends DaemonAway {
  static words = /** @type {Key} */ ("otherProgram");
}

/** A daemon answers that cannot prove that it is this vault's. */
export class AnotherVault extends NoDaemon {
  static state = /** @type {Key} */ ("stateAnotherVault");
  static words = /** @type {Key} */ ("anotherVault");
}

/** There is no token, or the daemon does not accept it. */
export class NotPaired extends Explained {
  static state = /** @type {Key} */ ("stateNotPaired");

  constructor() {
    super(say("notPaired"));
  }
}

/** The versions of daemon and plugin do not work together; the message says which to update. */
export class TooOld extends Explained {
  static state = /** @type {Key} */ ("stateTooOld");
}

/** The answer does not have the form that a daemon of this version gives it. */
export class UnexpectedAnswer extends Explained {
  constructor() {
    super(say("unexpectedAnswer"));
  }
}

/** The note cannot be read or written now. */
export class NoteUnavailable extends Explained {}

/** The program on this computer may not be run, or failed. */
export class ProgramFailed extends Explained {}

/** The plugin was switched off meanwhile. No notice is given of this. */
export class Stopped extends Error {}

/** Return a sentence or two that say what happened and what to do. @param {unknown} error */
export function explain(error) {
  if (error instanceof ApiError || error instanceof NoteUnavailable) return sentence(error.message);
  if (error instanceof Explained) return error.message;
  return say("didNotWork", { why: error instanceof Error ? error.message : String(error) });
}

/** Return whether the daemon may soon be back, so that what is asked of it is worth another try. @param {unknown} error */
export function isPassing(error) {
  return error instanceof NoDaemon;
}

/** Return the state of a connection that failed, in a word or two for the status bar. @param {unknown} error */
export function nameState(error) {
  return say(error instanceof Explained ? /** @type {typeof Explained} */ (error.constructor).state : Explained.state);
}
