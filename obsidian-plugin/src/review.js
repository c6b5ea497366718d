/** The review of a note: what a model gave is shown, accepted or refused by the user, and then written. */

import { Modal, Setting } from "obsidian";
import { notify, openModal } from "./dialogs.js";
import { notifyOfOutcome } from "./enrich.js";
import { NoteUnavailable, NotThere, Refused } from "./errors.js";
import { readNote } from "./note-text.js";
import { saveOpen } from "./open-notes.js";
import { askModel } from "./runs.js";
import { nameChange, say, sentence, textOf } from "./words.js";
import { writeEnrichment } from "./writing.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Enrichment } from "./runs.js" */
/** @import { Filled } from "./shapes.js" */

/**
 * A change, and the text that it would replace, mostly none.
 *
 * @typedef {{ change: Filled, before: string }} Replacement
 */

/**
 * Ask a model about the note, show what it gave, and carry out the user's decision. Until then
 * nothing else is done with the note in this window. Where there is none it stays in the inbox.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
export async function reviewNote(plugin, file) {
  await plugin.work.do(file.path, async () => {
    const pending = await claimFitting(plugin, file);
    const given = pending ?? (await askModel(plugin, file, {}, true));
    if (!given.result.offer) return notifyOfOutcome(plugin, given, []);
    await keepUndecided(plugin, given);
    const replacements = await readReplacements(plugin, given);
    plugin.work.show(file.path, say("reviewing", { name: file.basename }));
    const accepted = await showReview(plugin, file.basename, replacements);
    if (accepted) await carryOut(plugin, given, accepted);
    else if (!plugin.timers.isStopped) notify(say("staysProposed", { name: file.basename }));
  });
}

/**
 * Have what is shown wait for a decision, whatever becomes of the window or of Obsidian.
 *
 * @param {CompanionPlugin} plugin
 * @param {Enrichment} given
 */
async function keepUndecided(plugin, { run, path }) {
  await plugin.api.keepUndecided(run, path).catch((/** @type {unknown} */ error) => {
    if (!(error instanceof NotThere)) throw error; // a daemon from before there was this route
  });
}

/**
 * Claim the pending result for the note, with edits for its text as it is now. Null if there is
 * none, or not all of it fits the note any more.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 * @returns {Promise<Enrichment | null>}
 */
async function claimFitting(plugin, file) {
  const given = await plugin.work.claim(file);
  if (!given?.result.offer) return null;
  const { text } = await readNote(plugin.app, file);
  if ((await findObsolete(plugin, { ...given, text: null })).size) return null;
  const offer = await plugin.api.readEdits(given.run, given.path, text, null);
  return { ...given, text, result: { ...given.result, offer } };
}

/**
 * Write the accepted changes, and tell the daemon of the refused ones, so that it never asks for them again.
 *
 * @param {CompanionPlugin} plugin
 * @param {Enrichment} given
 * @param {number[]} accepted
 */
async function carryOut(plugin, given, accepted) {
  const { run, path, result, file } = given;
  const all = [...result.changes.keys()];
  const refused = all.filter((index) => !accepted.includes(index));
  const obsolete = await findObsolete(plugin, given);
  if (refused.length) await plugin.api.refuseChanges(run, path, refused);
  const wanted = accepted.filter((index) => !obsolete.has(index));
  if (wanted.length) {
    result.change = await writeEnrichment(plugin, given, wanted);
    notifyOfOutcome(plugin, given, wanted);
  }
  const [why] = obsolete.values();
  const isNone = obsolete.size === all.length;
  if (why && (isNone || wanted.length < accepted.length)) {
    const told = say(isNone ? "overtaken" : "overtakenInPart", { name: file.basename });
    notify(`${told} ${sentence(why)}`);
  } else if (!wanted.length) {
    notify(say("nothingWritten", { name: file.basename }));
  }
}

/**
 * Return the numbers of the changes that do not fit the note any more, because it was changed
 * meanwhile, each with the daemon's reason.
 *
 * Throws NoteUnavailable if the note was deleted.
 *
 * @param {CompanionPlugin} plugin
 * @param {Enrichment} given
 */
async function findObsolete(plugin, { run, path, text, result, file }) {
  /** @type {Map<number, string>} */
  const obsolete = new Map();
  if (!plugin.app.vault.getFileByPath(file.path)) {
    throw new NoteUnavailable(say("deleted", { path: file.path }));
  }
  await saveOpen(plugin, file.path);
  const now = (await readNote(plugin.app, file)).text;
  if (now === text) return obsolete;
  for (const index of result.changes.keys()) {
    try {
      await plugin.api.readEdits(run, path, now, [index]);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      obsolete.set(index, error.message);
    }
  }
  return obsolete;
}

/**
 * Return each change with the text that it would replace.
 *
 * @param {CompanionPlugin} plugin
 * @param {Enrichment} given
 * @returns {Promise<Replacement[]>}
 */
async function readReplacements(plugin, { run, path, text, result }) {
  const base = text ?? "";
  const replacements = [];
  for (const [index, change] of result.changes.entries()) {
    const { edits } = await plugin.api.readEdits(run, path, base, [index]);
    const replaced = edits.map(({ start, end }) => base.slice(start, end));
    replacements.push({ change, before: replaced.join("").trim() });
  }
  return replacements;
}

/**
 * Show a window with the changes and what they replace, each to be accepted or refused. Resolve with the
 * numbers of the accepted ones, or with null if it is cancelled.
 *
 * @param {CompanionPlugin} plugin
 * @param {string} name of the note
 * @param {Replacement[]} replacements
 * @returns {Promise<number[] | null>}
 */
function showReview(plugin, name, replacements) {
  return new Promise((decide) => {
    const modal = new Modal(plugin.app).setTitle(say("reviewTitle", { name }));
    const { contentEl } = modal;
    const isAccepted = replacements.map(() => true);
    for (const [index, replacement] of replacements.entries()) {
      addReplacement(contentEl, replacement, (accepted) => {
        isAccepted[index] = accepted;
        recount();
      });
    }
    /** @type {HTMLButtonElement | undefined} */
    let button;
    const findAccepted = () => [...isAccepted.keys()].filter((index) => isAccepted[index]);
    const recount = () => {
      const accepted = findAccepted().length;
      button?.setText(say("writeRefuse", { accepted, refused: isAccepted.length - accepted }));
    };
    const done = () => {
      decide(findAccepted());
      modal.close();
    };
    modal.onClose = () => decide(null); // without effect after a decision
    new Setting(contentEl)
      .addButton((added) => {
        button = added.setCta().onClick(done).buttonEl;
      })
      .addButton((added) => added.setButtonText(say("cancel")).onClick(() => modal.close()));
    recount();
    openModal(plugin, modal);
  });
}

/**
 * @param {HTMLElement} parent
 * @param {Replacement} replacement
 * @param {(accepted: boolean) => void} decide
 */
function addReplacement(parent, { change, before }, decide) {
  const name = nameChange(change);
  const box = parent.createDiv({ cls: "callout-companion-change" });
  new Setting(box)
    .setName(name)
    .setDesc(sentence(change.reason))
    .addToggle((toggle) => {
      toggle.setTooltip(say("acceptOne", { name })).setValue(true);
      toggle.onChange((accepted) => {
        box.toggleClass("is-refused", !accepted);
        decide(accepted);
      });
    });
  if (before) box.createEl("del", { text: before, cls: "callout-companion-text" });
  box.createEl("ins", { text: textOf(change), cls: "callout-companion-text" });
}
