/** What can go wrong, named for the fact; words.js has the sentences. */

/** Nobody answers at the address. */
export class DaemonAway extends Error {}

/** There is no token, or the daemon does not know it. */
export class NotPaired extends Error {}

/** The daemon answered, and not as a daemon of this version does. */
export class Garbled extends Error {}

/** The daemon does not do it; the message is its reason, in a user's words. */
export class Refused extends Error {}

/** Nothing of the change is in the note any more. */
export class ChangeGone extends Refused {}

/** The daemon does it only once the user agreed to what the message says. */
export class NotAgreed extends Refused {}

/** It cannot be done with this note now; the message says why, and what to do. */
export class NoteInTheWay extends Error {}

/** The plugin was switched off meanwhile: nobody is to be told. */
export class Stopped extends Error {}
