/** The view in the sidebar or in a tab: set-up while something is missing, then what the daemon does and did. */

import { ItemView } from "obsidian";
import { explain, Stopped } from "./errors.js";
import { showHistory } from "./history.js";
import { showInbox } from "./inbox.js";
import { showNow } from "./now.js";
import { findSetUp } from "./set-up.js";
import { showSetUp } from "./set-up-view.js";
import { say } from "./words.js";

/** @import { WorkspaceLeaf } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Key } from "./words.js" */

/**
 * What a page is shown in. said: the element that says what happens. refresh: shows the page anew. isCurrent:
 * whether it is still the one that is shown. attempt: calls act, and tells why it fails; never rejects.
 *
 * @typedef {{
 *   plugin: CompanionPlugin, parent: HTMLElement, said: HTMLElement, refresh: () => Promise<void>,
 *   isCurrent: () => boolean, attempt: (act: () => Promise<unknown>) => Promise<void>,
 * }} Place
 */

/** @typedef {{ name: Key, show: (place: Place) => Promise<void> }} Page */

export const VIEW = "callout-companion";

/** @satisfies {Record<string, Page>} */
const PAGES = {
  inbox: { name: "tabInbox", show: showInbox },
  now: { name: "tabNow", show: showNow },
  history: { name: "tabHistory", show: showHistory },
};

/** The view, which Obsidian makes for each of its leaves. */
export class CompanionView extends ItemView {
  /** @type {keyof typeof PAGES} */
  page = "inbox";
  /** What is shown: the page, or the state of the set-up. */
  shown = "";
  /** How many times it was asked to be shown anew. */
  turn = 0;

  /**
   * @param {WorkspaceLeaf} leaf
   * @param {CompanionPlugin} plugin
   */
  constructor(leaf, plugin) {
    super(leaf);
    this.companion = plugin;
    this.navigation = false;
    this.tabs = this.contentEl.createDiv({ cls: "callout-companion-tabs", attr: { role: "tablist" } });
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
    this.registerEvent(this.app.workspace.on("file-open", () => void this.#follow()));
    await this.refresh();
  }

  /** Show the page anew if something has changed: what is missing, or which daemon answers. */
  async update() {
    if (this.#isTypedIn()) return;
    const setUp = await this.#findSetUp();
    const isDone = !setUp || setUp.state === "ready";
    if (isDone ? this.shown !== this.page : this.shown !== setUp.state) await this.refresh();
  }

  /**
   * Show a page.
   *
   * @param {keyof typeof PAGES} page
   */
  async showPage(page) {
    this.page = page;
    await this.refresh();
  }

  /** Show the page, or what is missing, anew. */
  async refresh() {
    const turn = ++this.turn;
    const setUp = await this.#findSetUp();
    if (!setUp || turn !== this.turn) return; // a later one shows it, and the keyboard may be in that
    const { body: parent, said, companion: plugin } = this;
    const isReady = setUp.state === "ready";
    const shown = (this.shown = isReady ? this.page : setUp.state);
    const hadKeyboard = parent.querySelector("ul")?.contains(parent.ownerDocument.activeElement);
    parent.empty();
    this.#showTabs(isReady);
    const fresh = parent.createDiv();
    const isCurrent = () => this.shown === shown && fresh.isConnected;
    /** @param {() => Promise<unknown>} act */
    const attempt = async (act) => void (await act().catch((/** @type {unknown} */ error) => this.#tell(error)));
    const place = { plugin, parent: fresh, said, refresh: () => this.refresh(), isCurrent, attempt };
    if (!isReady) return showSetUp(place, setUp);
    await attempt(() => PAGES[this.page].show(place));
    if (hadKeyboard) parent.querySelector("li")?.focus(); // it was in the list, which is gone
  }

  /** Show the proposals of the note that was opened, unless the keyboard is in the view. */
  async #follow() {
    const isUsed = this.#isTypedIn() || this.contentEl.contains(this.contentEl.ownerDocument.activeElement);
    if (this.shown === "inbox" && this.companion.scope !== "vault" && !isUsed) await this.refresh();
  }

  /** Whether a proposal is being edited, whose words are nowhere else yet. */
  #isTypedIn() {
    return this.body.querySelector("textarea") !== null;
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

  /** @param {boolean} isReady */
  #showTabs(isReady) {
    this.tabs.empty();
    this.tabs.toggle(isReady);
    for (const [page, { name }] of Object.entries(PAGES)) {
      const isSelected = page === this.page;
      const attr = { role: "tab", "aria-selected": String(isSelected), tabindex: isSelected ? 0 : -1 };
      const tab = this.tabs.createEl("button", { text: say(name), attr });
      const open = () => this.showPage(/** @type {keyof typeof PAGES} */ (page));
      tab.addEventListener("click", () => void open());
      tab.addEventListener("keydown", (event) => void this.#moveTab(event));
    }
  }

  /**
   * Arrows go from tab to tab, as the ARIA practices have it.
   *
   * @param {KeyboardEvent} event
   */
  async #moveTab({ key }) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (!by) return;
    const pages = /** @type {(keyof typeof PAGES)[]} */ (Object.keys(PAGES));
    const next = pages[(pages.indexOf(this.page) + by + pages.length) % pages.length] ?? this.page;
    await this.showPage(next);
    const selected = this.tabs.querySelector('[aria-selected="true"]');
    if (selected?.instanceOf(HTMLElement)) selected.focus();
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
