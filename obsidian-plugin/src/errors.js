/** What can go wrong, named for the fact; words.js has the sentences. */

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
export class Stranger extends DaemonAway {}

/** A daemon answers, and cannot prove that it is this vault's. */
export class AnotherVault extends NoDaemon {}

/** There is no token, or this vault's daemon does not know it. */
export class NotPaired extends Error {}

/** Daemon and plugin are too far apart to talk; the message says which is to be updated. */
export class TooOld extends Error {}

/** The daemon answered, and not as a daemon of this version does. */
export class Garbled extends Error {}

/** The daemon does not do it; the message is its reason, in a user's words. */
export class Refused extends Error {}

/** Nothing of the change is in the note any more. */
export class ChangeGone extends Refused {}

/** The daemon does it only once the user agreed to what the message says. */
export class NotAgreed extends Refused {}

/** The daemon has nothing of that name. */
export class NotThere extends Refused {}

/** It cannot be done with this note now; the message says why, and what to do. */
export class NoteInTheWay extends Error {}

/** The plugin was switched off meanwhile: nobody is to be told. */
export class Stopped extends Error {}
