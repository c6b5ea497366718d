/** The plugin's errors, and the sentences that explain them to the user. */

import { sentence } from "./words.js";

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

/** The change to undo is not in the note any more. */
export class ChangeNotInNote extends Refused {}

/** The request needs the user's agreement to what the message says. */
export class ConsentMissing extends Refused {}

/** The daemon does not know what the request names. */
export class NotThere extends Refused {}

/** The note cannot be read or written now; the message says why, and what to do. */
export class NoteUnavailable extends Error {}

/** The plugin was switched off meanwhile. No notice is given of this. */
export class Stopped extends Error {}

/**
 * Return a sentence or two that say what happened and what to do.
 *
 * @param {unknown} error
 * @param {string} address of the daemon
 */
export function explain(error, address) {
  if (error instanceof DaemonAway) return explainAway(error, error.address || address);
  if (error instanceof AnotherVault) {
    return `The Callout Companion at ${error.address || address} is another vault's, or does not know this plugin any more. Start one for this vault in a terminal: companion serve --port 0. This plugin finds it. If it runs already: companion pair. Then type its code in this plugin's settings.`;
  }
  if (error instanceof NotPaired) {
    return "Not paired. Run in a terminal: companion pair. Then type its code in this plugin's settings.";
  }
  if (error instanceof UnexpectedAnswer) {
    return `What answers at ${address} is no Callout Companion of this version. Update both.`;
  }
  if (error instanceof TooOld) return error.message;
  if (error instanceof Refused || error instanceof NoteUnavailable) return sentence(error.message);
  return `This did not work: ${error instanceof Error ? error.message : String(error)}`;
}

/**
 * @param {DaemonAway} error
 * @param {string} address
 */
function explainAway(error, address) {
  if (error instanceof NotInstalled) {
    return "Callout Companion is not installed on this computer, or never ran for this vault. Install it as its README says. Then run in a terminal: companion init";
  }
  if (error instanceof OtherProgram) {
    return `Another program answers at ${address}. Start Callout Companion in a terminal: companion serve --port 0. This plugin finds it.`;
  }
  return `Nobody answers at ${address}. Start Callout Companion in a terminal: companion serve`;
}

/**
 * Return the state of a connection that failed, in a word or two for the status bar.
 *
 * @param {unknown} error
 */
export function nameState(error) {
  if (error instanceof NotInstalled) return "not installed";
  if (error instanceof DaemonAway) return "not running";
  if (error instanceof NotPaired) return "not paired";
  if (error instanceof AnotherVault) return "another vault's";
  return error instanceof TooOld ? "too old" : "trouble";
}
