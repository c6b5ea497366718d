/** The view in the sidebar or in a tab: set-up while something is missing, then the inbox. */

import { ItemView, TFile } from "obsidian";
import { mountInbox } from "../ui/obsidian/mount.js";
import { notifyOfErrors } from "./dialogs.js";
import { proposeNote } from "./enrich.js";
import { explain, Stopped } from "./errors.js";
import { makeInboxApi } from "./inbox-api.js";
import { openPlace } from "./place.js";
import { findSetUp } from "./set-up.js";
import { showSetUp } from "./set-up-view.js";

/** @import { WorkspaceLeaf } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */

/**
 * What the set-up is shown in. said: the element that says what happens. refresh: shows it again. isCurrent:
 * whether it is still what is shown. attempt: calls act, and tells why it fails; never rejects.
 *
 * @typedef {{
 *   plugin: CompanionPlugin, parent: HTMLElement, said: HTMLElement, refresh: () => Promise<void>,
 *   isCurrent: () => boolean, attempt: (act: () => Promise<unknown>) => Promise<void>,
 * }} Place
 */

export const VIEW = "callout-companion";
const READY = "ready";

/** The view, which Obsidian makes for each of its leaves. */
export class CompanionView extends ItemView {
  /** The state of the set-up that is shown. */
  shown = "";
  /** How many times it was asked to be shown again. */
  turn = 0;
  /** @type {ReturnType<typeof mountInbox> | null} */
  inbox = null;

  /**
   * @param {WorkspaceLeaf} leaf
   * @param {CompanionPlugin} plugin
   */
  constructor(leaf, plugin) {
    super(leaf);
    this.companion = plugin;
    this.navigation = false;
    this.contentEl.addClass("callout-companion-view");
    this.body = this.contentEl.createDiv({ cls: "callout-companion-page" });
    this.said = this.contentEl.createDiv({ cls: "callout-companion-said", attr: { role: "status" } });
  }

  getViewType() {
    return VIEW;
  }

  getDisplayText() {
    return this.companion.manifest.name;
  }

  getIcon() {
    return "sparkles";
  }

  async onOpen() {
    const { watchers } = this.companion;
    const watch = () => void this.update();
    watchers.add(watch);
    this.register(() => watchers.delete(watch));
    this.register(() => this.#endInbox());
    this.registerEvent(this.app.workspace.on("file-open", (file) => this.#showNote(file?.path ?? "")));
    await this.refresh();
  }

  /** Show what is missing, or the inbox, if that has changed. What is typed stays. */
  async update() {
    if (this.inbox?.app.inbox.hasDrafts() || this.inbox?.app.isWriting.peek()) return;
    const setUp = await this.#findSetUp();
    if ((setUp?.state ?? READY) !== this.shown) await this.refresh();
  }

  /** Show what is missing, or the inbox, again. */
  async refresh() {
    const turn = ++this.turn;
    const setUp = await this.#findSetUp();
    if (!setUp || turn !== this.turn) return; // a later one shows it, and the keyboard may be in that
    const { body: parent, said, companion: plugin } = this;
    this.shown = setUp.state;
    this.#endInbox();
    parent.empty();
    if (setUp.state === READY) return this.#showInbox();
    const fresh = parent.createDiv();
    const isCurrent = () => this.shown === setUp.state && fresh.isConnected;
    /** @param {() => Promise<unknown>} act */
    const attempt = async (act) => void (await act().catch((/** @type {unknown} */ error) => this.#tell(error)));
    showSetUp({ plugin, parent: fresh, said, refresh: () => this.refresh(), isCurrent, attempt }, setUp);
  }

  #showInbox() {
    const { companion: plugin, body } = this;
    const parent = body.createDiv({ cls: "cc cc-obsidian cc-view" });
    this.said.empty();
    const api = makeInboxApi(plugin, (id) => this.inbox?.app.inbox.get(id) ?? null);
    this.inbox = mountInbox(parent, api, {
      openNote: (target, event) => void notifyOfErrors(plugin, () => this.#open(target, event)),
      propose: () => void notifyOfErrors(plugin, () => this.#propose()),
    });
    this.#showNote(this.app.workspace.getActiveFile()?.path ?? "");
  }

  #endInbox() {
    this.inbox?.end();
    this.inbox = null;
  }

  /** @param {string} path of the note that is open now; its proposals are shown, unless somebody is at others */
  #showNote(path) {
    this.inbox?.app.showNote(path);
  }

  /**
   * Open the note of the current proposal at its place, or what a link names.
   *
   * @param {string} target
   * @param {MouseEvent} event
   */
  async #open(target, event) {
    const { companion: plugin, inbox } = this;
    const proposal = inbox?.app.inbox.current.peek();
    if (!inbox || !proposal) return;
    if (target !== proposal.path) return this.app.workspace.openLinkText(target, proposal.path, event.ctrlKey || event.metaKey);
    await openPlace(plugin, proposal, event, ({ what }) => {
      if (what !== "undo") void inbox.app.decisions.decide(what, [proposal.id]);
    });
  }

  async #propose() {
    const file = this.app.workspace.getActiveFile();
    if (file instanceof TFile) await proposeNote(this.companion, file);
    await this.inbox?.follow();
  }

  async #findSetUp() {
    try {
      return await findSetUp(this.companion);
    } catch (error) {
      return this.#tell(error);
    }
  }

  /** @param {unknown} error */
  #tell(error) {
    if (!(error instanceof Stopped)) this.said.setText(explain(this.companion, error));
    return null;
  }
}

/**
 * Open the view in the right sidebar, or in a tab; one that is open already is shown.
 *
 * @param {CompanionPlugin} plugin
 * @param {boolean} [inTab]
 */
export async function openView({ app }, inTab = false) {
  const { workspace } = app;
  const known = inTab ? undefined : workspace.getLeavesOfType(VIEW)[0];
  const leaf = known ?? (inTab ? workspace.getLeaf("tab") : workspace.getRightLeaf(false));
  if (!leaf) return;
  if (!known) await leaf.setViewState({ type: VIEW, active: true });
  await workspace.revealLeaf(leaf);
}
