/** What is going on, as the page shows it, and a note's needs, each in a window. */

import { render } from "preact";
import { Modal } from "obsidian";
import { Panel } from "../ui/components/status.js";
import { html } from "../ui/dom.js";
import { nameOf } from "../ui/proposal.js";
import { askAboutBacklog, findBacklog } from "./background.js";
import { notify, notifyOfErrors, openModal, showLists } from "./dialogs.js";
import { openView } from "./view.js";
import { describeVault, say, showHidden, sentence } from "./words.js";

/** @import { TFile } from "obsidian" */
/** @import { Choice } from "./dialogs.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Note } from "./api-types.d.ts" */

/** Check the daemon and show what is going on; if that cannot be read, say why, and open the set-up. @param {CompanionPlugin} plugin */
export async function openDetails(plugin) {
  const { app, daemon, missing, work } = plugin;
  await daemon.check();
  if (!daemon.status) {
    notify(daemon.words);
    return openView(plugin);
  }
  const waits = [...work.waits];
  const notes = [...waits.map(({ words }) => words), ...(missing.length ? [say("missing", { what: missing.join(", ") })] : [])];
  /** @type {Choice[]} */
  const choices = waits.length ? [[say("cancelWaits"), () => work.cancelWaits(waits)]] : [];
  if (findBacklog(plugin).notes) choices.push([say("decideBefore"), () => askAboutBacklog(plugin)]);
  const modal = new Modal(app).setTitle(describeVault(daemon.status));
  const attempt = (/** @type {() => unknown} */ act) => {
    modal.close();
    void notifyOfErrors(plugin, act);
  };
  modal.contentEl.addClass("callout-companion-view");
  const parent = modal.contentEl.createDiv({ cls: "cc cc-obsidian cc-panel" });
  const buttons = choices.map(([name, act]) => html`<button key=${name} class="cc-btn cc-btn--quiet" onClick=${() => attempt(act)}>${name}</button>`);
  render(html`<${Panel} status=${daemon.store} notes=${notes} attempt=${attempt}>${buttons}<//>`, parent);
  openModal(plugin, modal, () => render(null, parent));
}

/** Show why a note is, or is not, among those that are filled. @type {(plugin: CompanionPlugin, file: TFile) => Promise<void>} */
export async function showWhy(plugin, file) {
  /** @type {Note} */
  const { needs, left, skipped } = await plugin.api.get("/notes", { path: file.path });
  const filled = needs.map((need) => sentence(`${nameOf(need)}: ${need.reason}`));
  const alone = skipped === null ? [] : [sentence(skipped)];
  const isDone = !filled.length && !alone.length;
  showLists(plugin, showHidden(file.basename), [
    [say("leftAlone"), alone],
    [say("whyFilled"), isDone ? [say("whyNothing")] : filled],
    [say("whyStays"), left.map(sentence)],
  ]);
}
