/** Decisions on proposals: made in turn, by this window where it shows the note, else by the daemon. */

import { Refused } from "./errors.js";
import { findFile } from "./note-text.js";
import { isOpen, saveOpen } from "./open-notes.js";
import { applyOffer, confirmWritten } from "./writing.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Proposal } from "./shapes.js" */

/**
 * What is decided on a proposal. value: what the user made of its text; left out: as it was.
 *
 * @typedef {{ what: "accept" | "refuse" | "undo", value?: string }} Decision
 */

/**
 * Decide on a proposal, after all decisions on the same note that were made before. A note that is open
 * waits for its user, and holds up no other note.
 *
 * Rejects with why it stays as it is: Refused, NoteUnavailable, or as locate does.
 *
 * @param {CompanionPlugin} plugin
 * @param {Proposal} proposal
 * @param {Decision} decision
 * @returns {Promise<void>}
 */
export function decide(plugin, proposal, decision) {
  const file = decision.what === "accept" ? findFile(plugin.app, proposal.path) : null;
  const isHere = () => file !== null && isOpen(plugin, file.path);
  const names = isHere() ? [proposal.path] : ["", proposal.path]; // one after the other, by the daemon
  const turns = names.map((name) => plugin.deciding.get(name) ?? Promise.resolve());
  const made = Promise.allSettled(turns).then(() => {
    return file && isHere() ? acceptHere(plugin, file, proposal, decision) : decideByDaemon(plugin, proposal, decision);
  });
  for (const name of names) {
    plugin.deciding.set(name, made);
    const forget = () => plugin.deciding.get(name) === made && plugin.deciding.delete(name);
    made.then(forget, forget);
  }
  return made;
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Proposal} proposal
 * @param {Decision} decision
 */
async function decideByDaemon(plugin, { id, path, state }, { what, value }) {
  if (what === "accept") await saveOpen(plugin, path);
  const one = { id, state, ...(value !== undefined && { text: value }) };
  const { notes } = await plugin.api.decideProposals(what === "accept" ? { accept: [one] } : { [what]: [id] });
  const isHere = notes.some(({ status }) => status === "proposed") && isOpen(plugin, path);
  if (what === "undo" && isHere && (await plugin.asked.makeIn(path))) return;
  const made = notes.flatMap(({ proposals }) => proposals).find((each) => each.id === id);
  if (made?.reason) throw new Refused(made.reason);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @param {Proposal} proposal
 * @param {Decision} decision
 */
async function acceptHere(plugin, file, { id, path, state }, { value }) {
  await plugin.work.do(file.path, async () => {
    await saveOpen(plugin, file.path);
    let run = "";
    const readOffer = async (/** @type {string} */ now) => {
      const made = await plugin.api.readProposalEdits(id, now, state, value);
      run = made.run;
      return made.offer;
    };
    const made = await applyOffer(plugin, { file, path, readOffer, fills: true });
    await confirmWritten(plugin, file, () => plugin.api.confirmEdits(run, path, made, file.path));
  });
}
