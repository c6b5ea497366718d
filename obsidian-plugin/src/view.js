/** The view in the sidebar or in a tab: set-up while something is missing, then the inbox. */

import { effect } from "@preact/signals";
import { ItemView, Keymap } from "obsidian";
import { render } from "preact";
import { ApiError, Client } from "../ui/api.js";
import { html } from "../ui/dom.js";
import { mountInbox } from "../ui/obsidian/sidebar.js";
import { notifyOfErrors } from "./dialogs.js";
import { enrichNote } from "./enrich.js";
import { explain, NoteUnavailable, Stopped } from "./errors.js";
import { findFile, findOpen, requireNote } from "./open-notes.js";
import { closePlace, openPlace } from "./place.js";
import { findSetUp } from "./set-up.js";
import { SetUpView } from "./set-up-view.js";

/** @import { TFile, WorkspaceLeaf } from "obsidian" */
/** @import { Decisions } from "../ui/api.js" */
/** @import { DecisionsMade, News, NoteResult } from "./api-types.d.ts" */
/** @import CompanionPlugin from "./main.js" */
/** @import { SetUp } from "./set-up.js" */

export const VIEW = "callout-companion";

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
    const watch = (/** @type {News | undefined} */ news) => void (news ? this.inbox?.app.take(news) : this.refresh(false));
    watchers.add(watch);
    this.register(() => watchers.delete(watch));
    this.register(() => this.#endInbox());
    const showNote = (/** @type {TFile | null} */ file) => {
      if (this.inbox) this.inbox.app.openPath.value = file?.path ?? "";
    };
    this.registerEvent(this.app.workspace.on("file-open", showNote));
    this.registerEvent(this.app.vault.on("rename", ({ path }, before) => this.inbox?.app.rename(before, path)));
    this.registerDomEvent(this.contentEl, "mouseover", (event) => this.#preview(event));
    await this.refresh();
  }

  /** Have Obsidian show the note of a link that the mouse is on. @param {MouseEvent} event */
  #preview(event) {
    const targetEl = event.target instanceof Element ? event.target.closest("a.cc-note") : null;
    const linktext = decodeURIComponent(targetEl?.getAttribute("href")?.slice(1) ?? "");
    const sourcePath = this.inbox?.app.inbox.current.peek()?.path ?? "";
    if (linktext) this.app.workspace.trigger("hover-link", { event, source: VIEW, hoverParent: this, targetEl, linktext, sourcePath });
  }

  /**
   * Show what is missing, or the inbox.
   *
   * @param {boolean} [isForced] if not, only where that has changed: what is typed stays
   */
  async refresh(isForced = true) {
    const turn = isForced ? ++this.turn : this.turn;
    const setUp = await findSetUp(this.companion).catch((/** @type {unknown} */ error) => this.#tell(error));
    if (!setUp || turn !== this.turn) return; // a later one shows it, and the keyboard may be in that
    const isTyped = this.inbox?.app.inbox.hasDrafts() || this.inbox?.app.isWriting.peek();
    if (isForced || (setUp.state !== this.shown && !isTyped)) this.#show(setUp);
  }

  /** @param {SetUp} setUp */
  #show(setUp) {
    this.shown = setUp.state;
    this.#endInbox();
    if (setUp.state === "ready") return this.#showInbox();
    const take = async (/** @type {() => Promise<unknown>} */ act) => {
      this.said.empty();
      await act().catch((/** @type {unknown} */ error) => this.#tell(error));
      await this.refresh();
    };
    const place = { plugin: this.companion, take, tell: (/** @type {string} */ words) => this.said.setText(words) };
    render(html`<${SetUpView} key=${setUp.state} place=${place} setUp=${setUp} />`, this.body);
  }

  #showInbox() {
    const { companion: plugin, body } = this;
    render(null, body);
    const parent = body.createDiv({ cls: "cc cc-obsidian cc-view" });
    this.said.empty();
    const decide = (/** @type {Decisions} */ decisions) => decideAll(plugin, decisions);
    const api = Object.assign(new Client(plugin.connection), { decide });
    const inbox = mountInbox(parent, api, plugin.daemon.store, {
      openNote: (target, event) => void notifyOfErrors(plugin, () => this.#open(target, event)),
      propose: () => void notifyOfErrors(plugin, () => enrichNote(plugin, requireNote(this.app), { propose: true })),
    });
    const endFollowing = effect(() => closePlace(plugin, inbox.app, inbox.app.inbox.order.value));
    const end = () => {
      endFollowing();
      closePlace(plugin, inbox.app);
      inbox.end();
    };
    this.inbox = { app: inbox.app, end };
    inbox.app.openPath.value = this.app.workspace.getActiveFile()?.path ?? "";
  }

  #endInbox() {
    this.inbox?.end();
    this.inbox = null;
  }

  /**
   * Open the note of the current proposal at its place, or what a link names.
   *
   * @type {(target: string, event: MouseEvent) => Promise<void>}
   */
  async #open(target, event) {
    const { companion: plugin, inbox } = this;
    const proposal = inbox?.app.inbox.current.peek();
    if (!inbox || !proposal) return;
    if (target !== proposal.path) return this.app.workspace.openLinkText(target, proposal.path, Keymap.isModEvent(event));
    await openPlace(plugin, inbox.app, proposal, event);
  }

  /** @param {unknown} error */
  #tell(error) {
    if (!(error instanceof Stopped)) this.said.setText(explain(error));
    return null;
  }
}

/**
 * Open the view in the right sidebar, or in a tab; one that is open already is shown.
 *
 * @type {(plugin: CompanionPlugin, inTab?: boolean) => Promise<void>}
 */
export async function openView({ app }, inTab = false) {
  const { workspace } = app;
  const known = inTab ? undefined : workspace.getLeavesOfType(VIEW)[0];
  const leaf = known ?? (inTab ? workspace.getLeaf("tab") : workspace.getRightLeaf(false));
  if (!leaf) return;
  if (!known) await leaf.setViewState({ type: VIEW, active: true });
  await workspace.revealLeaf(leaf);
}

/**
 * Decide on proposals. What goes into a note that is open in this window is made here before it returns.
 *
 * @param {CompanionPlugin} plugin
 * @param {Decisions} decisions
 */
async function decideAll(plugin, decisions) {
  /** @type {DecisionsMade} */
  const made = await plugin.api.post("/proposals/decide", decisions);
  for (const note of made.notes) if (note.status === "proposed") await makeHere(plugin, note);
  return made;
}

/**
 * Make what waits for an editor, if the note is open in this window.
 *
 * @param {CompanionPlugin} plugin
 * @param {NoteResult} note what became of it until now; it is brought up to date
 */
async function makeHere(plugin, note) {
  const file = findFile(plugin.app, note.path);
  if (!file || !findOpen(plugin.app).includes(file.path)) return;
  const waiting = note.decided.filter(({ reason }) => reason === note.reason);
  let why = /** @type {string | null} */ (null);
  try {
    await plugin.outbox.makeNow(file.path);
  } catch (error) {
    if (!(error instanceof ApiError || error instanceof NoteUnavailable)) throw error;
    why = error.message;
  }
  for (const one of waiting) one.reason = why;
  note.status = why ? "failed" : "enriched";
}
