/** What would change in a note, shown before it is written. */

import { offerAgain, refuseChanges } from "./daemon.js";
import { askFor, tell, write } from "./enrich.js";
import { say, tellFaults } from "./notices.js";
import { showReview } from "./modals.js";
import { workOn } from "./work.js";

/** @import { TFile } from "obsidian" */
/** @import { Given } from "./enrich.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Filled } from "./shapes.js" */

/**
 * A change, and the text that would go for it: mostly none.
 *
 * @typedef {{ change: Filled, before: string }} Proposal
 */

/**
 * Ask a model about the note, and show what it gave.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
export async function reviewNote(plugin, file) {
  await workOn(plugin, file.path, async () => {
    const given = await askFor(plugin, file, {}, true);
    if (!given.result.offer) return tell(plugin, given, []);
    const proposals = await findProposals(plugin, given);
    showReview(plugin.app, file.basename, proposals, (accepted) => {
      void tellFaults(plugin, () => decideOn(plugin, given, accepted));
    });
  });
}

/**
 * Write what was accepted; what was not is not asked for again.
 *
 * @param {CompanionPlugin} plugin
 * @param {Given} given
 * @param {number[]} accepted
 */
async function decideOn(plugin, given, accepted) {
  const { run, path, result, file } = given;
  const refused = [...result.changes.keys()].filter((index) => !accepted.includes(index));
  await workOn(plugin, path, async () => {
    if (refused.length) await refuseChanges(plugin, run, path, refused);
    if (!accepted.length) return say(`Nothing was written in “${file.basename}”.`);
    result.change = await write(plugin, given, accepted);
    tell(plugin, given, accepted);
  });
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Given} given
 * @returns {Promise<Proposal[]>}
 */
async function findProposals(plugin, { run, path, text, result }) {
  const base = text ?? "";
  const proposals = [];
  for (const [index, change] of result.changes.entries()) {
    const { edits } = await offerAgain(plugin, run, path, base, [index]);
    const replaced = edits.map(({ start, end }) => base.slice(start, end));
    proposals.push({ change, before: replaced.join("").trim() });
  }
  return proposals;
}
