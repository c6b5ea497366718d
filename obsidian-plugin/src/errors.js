/** The plugin's errors, and the sentences that explain them to the user. */

import { say, sentence } from "./words.js";

/** @import CompanionPlugin from "./main.js" */

/** This vault's daemon was not found at an address, for the reason that the subclass names. */
class NoDaemon extends Error {
  /** @param {string} [address] that was tried, empty for the one in the settings */
  constructor(address = "") {
    super();
    this.address = address;
  }
}

/** Nobody answers at the address. */
export class DaemonAway extends NoDaemon {}

/** The connection ended before an answer came: nobody knows whether the daemon did what it was asked to. */
export class AnswerLost extends DaemonAway {}

/** Nobody answers, and nothing shows that this vault ever had a daemon. */
export class NotInstalled extends DaemonAway {}

/** Another program answers at the address. */
export class OtherProgram extends DaemonAway {}

/** A daemon answers that cannot prove that it is this vault's. */
export class AnotherVault extends NoDaemon {}

/** There is no token, or the daemon does not accept it. */
export class NotPaired extends Error {}

/** The versions of daemon and plugin do not work together; the message says which to update. */
export class TooOld extends Error {}

/** The answer does not have the form that a daemon of this version gives it. */
export class UnexpectedAnswer extends Error {}

/** The daemon refused the request; the message is its reason, written for the user. */
export class Refused extends Error {}

/** The code to pair with is wrong, used up or too old. */
export class WrongCode extends Refused {}

/** The change to undo is not in the note any more. */
export class ChangeNotInNote extends Refused {}

/** The request needs the user's agreement to what the message says. */
export class ConsentMissing extends Refused {}

/** The daemon does not know what the request names. */
export class NotThere extends Refused {}

/** The note cannot be read or written now; the message says why, and what to do. */
export class NoteUnavailable extends Error {}

/** The program on this computer may not be run, or failed; the message says why. */
export class ProgramFailed extends Error {}

/** The plugin was switched off meanwhile. No notice is given of this. */
export class Stopped extends Error {}

/** Return a sentence or two that say what happened and what to do. @type {(plugin: CompanionPlugin, error: unknown) => string} */
export function explain({ settings: { address } }, error) {
  if (error instanceof DaemonAway) return explainAway(error, error.address || address);
  if (error instanceof AnotherVault) return say("anotherVault", { address: error.address || address });
  if (error instanceof NotPaired) return say("notPaired");
  if (error instanceof UnexpectedAnswer) return say("unexpectedAnswer", { address });
  if (error instanceof TooOld || error instanceof ProgramFailed) return error.message;
  if (error instanceof Refused || error instanceof NoteUnavailable) return sentence(error.message);
  return say("didNotWork", { why: error instanceof Error ? error.message : String(error) });
}

/** @type {(error: DaemonAway, address: string) => string} */
function explainAway(error, address) {
  if (error instanceof NotInstalled) return say("notInstalled");
  return say(error instanceof OtherProgram ? "otherProgram" : "awayAt", { address });
}

/** Return the state of a connection that failed, in a word or two for the status bar. @param {unknown} error */
export function nameState(error) {
  if (error instanceof NotInstalled) return say("stateNotInstalled");
  if (error instanceof DaemonAway) return say("stateAway");
  if (error instanceof NotPaired) return say("stateNotPaired");
  if (error instanceof AnotherVault) return say("stateAnotherVault");
  return say(error instanceof TooOld ? "stateTooOld" : "stateTrouble");
}
