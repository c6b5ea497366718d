/** What is going on, as the page shows it, with the backlog that is filled only if the user agrees; and a note's needs. */

import { render } from "preact";
import { Modal } from "obsidian";
import { Panel } from "../ui/components/status.js";
import { html } from "../ui/dom.js";
import { nameOf } from "../ui/proposal.js";
import { notify, notifyOfErrors, notifyWithButton, openModal, showLists } from "./dialogs.js";
import { openView } from "./view.js";
import { countNotes, describeVault, say, showHidden, sentence } from "./words.js";

/** @import { TFile } from "obsidian" */
/** @import { Choice } from "./dialogs.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Note } from "./api-types.d.ts" */

/**
 * Check the daemon and show what is going on; if that cannot be read, say why, and open the set-up. What is being done can
 * be cancelled either way.
 *
 * @param {CompanionPlugin} plugin
 */
export async function openDetails(plugin) {
  const { app, daemon, missing, work } = plugin;
  await daemon.check();
  if (!daemon.status) {
    if (work.waits.size || work.runs.size) notifyWithButton(plugin, daemon.words, say("cancel"), () => work.cancel());
    else notify(daemon.words);
    return openView(plugin);
  }
  const waits = [...work.waits];
  const notes = [
    ...waits.map(({ name, what }) => say("waitsUntil", { name, what })),
    ...(missing.length ? [say("missing", { what: missing.join(", ") })] : []),
  ];
  /** @type {Choice[]} */
  const choices = waits.length ? [[say("cancelWaits"), () => work.cancelWaits(waits)]] : [];
  if (countBacklog(plugin)) {
    choices.push([say("backlogYes"), () => decideBacklog(plugin, true)], [say("backlogNo"), () => decideBacklog(plugin, false)]);
  }
  const modal = new Modal(app).setTitle(describeVault(daemon.status));
  const attempt = (/** @type {() => unknown} */ act) => {
    modal.close();
    void notifyOfErrors(plugin, act);
  };
  modal.contentEl.addClass("callout-companion-view");
  const parent = modal.contentEl.createDiv({ cls: "cc cc-obsidian cc-panel" });
  const buttons = choices.map(([name, act]) => {
    return html`<button key=${name} class="cc-btn cc-btn--quiet" onClick=${() => attempt(act)}>${name}</button>`;
  });
  render(html`<${Panel} status=${daemon.store} notes=${notes} attempt=${attempt}>${buttons}<//>`, parent);
  openModal(plugin, modal, () => render(null, parent));
}

/** Return how many notes are filled only if the user agrees. @param {CompanionPlugin} plugin */
export function countBacklog({ daemon }) {
  return daemon.status?.background.backlog.notes ?? 0;
}

/** Notify the user of the backlog, again only when it has grown. @param {CompanionPlugin} plugin */
export function announceBacklog(plugin) {
  const notes = countBacklog(plugin);
  if (notes <= plugin.announcedBacklog) return;
  plugin.announcedBacklog = notes;
  notifyWithButton(plugin, say("backlogNotice", { n: notes, notes: countNotes(notes) }), say("decide"), () => openDetails(plugin));
}

/** @type {(plugin: CompanionPlugin, fill: boolean) => Promise<void>} */
async function decideBacklog(plugin, fill) {
  await plugin.daemon.store.change("backlog", { fill, notes: countBacklog(plugin) });
  plugin.announcedBacklog = 0;
  notify(say(fill ? "backlogFilled" : "backlogLeft"));
}

/** Show why a note is, or is not, among those that are filled. @type {(plugin: CompanionPlugin, file: TFile) => Promise<void>} */
export async function showWhy(plugin, file) {
  /** @type {Note} */
  const { needs, left, skipped } = await plugin.api.get("/note", { path: file.path });
  const filled = needs.map((need) => sentence(`${nameOf(need)}: ${need.reason}`));
  const alone = skipped === null ? [] : [sentence(skipped)];
  const isDone = !filled.length && !alone.length;
  showLists(plugin, showHidden(file.basename), [
    [say("leftAlone"), alone],
    [say("whyFilled"), isDone ? [say("whyNothing")] : filled],
    [say("whyStays"), left.map(sentence)],
  ]);
}
