/** Errors, named for the fact, and what the user is told of them. */

import { sentence } from "./words.js";

/** No daemon is to be had at an address, for the reason that the class names. */
class NoDaemon extends Error {
  /** @param {string} [address] that was asked; the one in the settings where it is left out */
  constructor(address = "") {
    super();
    this.address = address;
  }
}

/** Nobody answers at the address. */
export class DaemonAway extends NoDaemon {}

/** Nobody answers, and nothing here shows that a daemon of this vault ever did. */
export class NotInstalled extends DaemonAway {}

/** Another program answers at the address. */
export class OtherProgram extends DaemonAway {}

/** A daemon answers, and cannot prove that it is this vault's. */
export class AnotherVault extends NoDaemon {}

/** There is no token, or this vault's daemon does not know it. */
export class NotPaired extends Error {}

/** Daemon and plugin are too far apart to talk; the message says which is to be updated. */
export class TooOld extends Error {}

/** The daemon answered, and not as a daemon of this version does. */
export class UnexpectedAnswer extends Error {}

/** The daemon does not do it; the message is its reason, in a user's words. */
export class Refused extends Error {}

/** Nothing of the change is in the note any more. */
export class ChangeGone extends Refused {}

/** The daemon does it only once the user agreed to what the message says. */
export class NotAgreed extends Refused {}

/** The daemon has nothing of that name. */
export class NotThere extends Refused {}

/** It cannot be done with this note now; the message says why, and what to do. */
export class NoteUnavailable extends Error {}

/** The plugin was switched off meanwhile: nobody is to be told. */
export class Stopped extends Error {}

/**
 * What happened and what to do.
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
 * The state of a connection that cannot be had, in a word or two.
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
