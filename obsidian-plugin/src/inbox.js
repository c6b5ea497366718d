/** The inbox: the open proposals of the note, its folder or the vault, decided on by mouse or keyboard. */

import { decide } from "./decisions.js";
import { notify, notifyOfErrors } from "./dialogs.js";
import { proposeNote } from "./enrich.js";
import { explain, NotThere, Stopped } from "./errors.js";
import { editProposal, showProposal } from "./inbox-row.js";
import { closePlace, openPlace } from "./place.js";
import { countNotes, say, sentence } from "./words.js";

/** @import { UserEvent } from "obsidian" */
/** @import { Decision } from "./decisions.js" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Proposal } from "./shapes.js" */
/** @import { Place } from "./view.js" */
/** @import { Key } from "./words.js" */

const PAGE = 50; // proposals read at once
const AHEAD = 10; // rows left when the next page is read
/** @type {Record<"note" | "folder" | "vault", Key>} */
const SCOPES = { note: "scopeNote", folder: "scopeFolder", vault: "scopeVault" };

/**
 * Show the open proposals.
 *
 * @param {Place} place
 */
export async function showInbox(place) {
  addScope(place);
  await new Inbox(place).begin();
}

/** What is shown of the inbox, and what the user does with it. */
class Inbox {
  /** The rows with their proposals, in the order that is shown. */
  #shown = /** @type {Map<HTMLElement, Proposal>} */ (new Map());
  /** Where the next page begins, null after the last. */
  #next = /** @type {number | null} */ (null);
  /** The row that the keys are for. */
  #current = /** @type {HTMLElement | null} */ (null);
  /** How many proposals there are on all pages. */
  #total = 0;
  #isLoading = false;

  /** @param {Place} place */
  constructor(place) {
    const { parent } = place;
    const list = { "aria-label": say("tabInbox"), tabindex: -1 };
    this.place = place;
    this.count = parent.createEl("p", { cls: "callout-companion-quiet" });
    this.actions = parent.createDiv({ cls: "callout-companion-buttons" });
    this.list = parent.createEl("ul", { cls: "callout-companion-list", attr: list });
    parent.createEl("p", { text: say("keys"), cls: "callout-companion-quiet" });
  }

  /** Show the first page, and do what the user wants from now on. */
  async begin() {
    this.list.addEventListener("keydown", (event) => this.#press(event));
    const isPlain = (/** @type {HTMLElement} */ row) => this.#shown.get(row)?.flags.length === 0;
    /** @type {[Key, () => void][]} */
    const actions = [
      ["acceptChosen", () => this.#decideChosen("accept")],
      ["refuseChosen", () => this.#decideChosen("refuse")],
      ["acceptUnflagged", () => this.#decideAll(isPlain, "accept")],
      ["undoDecision", () => void this.#undoLast()],
    ];
    for (const [key, act] of actions) this.actions.createEl("button", { text: say(key) }).addEventListener("click", act);
    await this.#load(null).catch((/** @type {unknown} */ error) => {
      if (!(error instanceof NotThere)) throw error;
      this.count.setText(say("inboxOld"));
    });
  }

  /**
   * Read a page of proposals, and show them.
   *
   * @param {number | null} before
   */
  async #load(before) {
    const { plugin } = this.place;
    this.#isLoading = true;
    try {
      const page = await plugin.api.readProposals({ ...findScope(plugin), limit: PAGE, ...(before !== null && { before }) });
      for (const proposal of page.proposals) {
        const row = showProposal(this.list, proposal, {
          choose: (element) => this.#choose(element),
          decide: (element, decision) => this.#decide(element, decision),
          edit: (element) => this.#edit(element)?.focus(),
          open: (element, event) => this.#open(element, event),
        });
        this.#shown.set(row, proposal);
        if (plugin.drafts.has(proposal.id)) this.#edit(row);
      }
      this.#next = page.next;
      this.#total = page.total;
      this.#updateCount();
    } finally {
      this.#isLoading = false;
    }
  }

  /**
   * Read the next page. Where the keyboard has come to the end of what is shown, it goes on there.
   *
   * @param {number} before
   */
  async #loadMore(before) {
    await this.#load(before);
    const [first = null] = this.#shown.keys();
    if (!this.#current) this.#choose(first, hasKeyboard(this.list));
  }

  #updateCount() {
    this.count.setText(this.#total > 0 ? say("inboxCount", { n: this.#total }) : say("inboxEmpty"));
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const { target, key, ctrlKey, metaKey, altKey } = event;
    const isTyping = target instanceof Element && target.matches("textarea, input:not([type=checkbox]), select");
    const row = this.#current;
    if (isTyping || ((ctrlKey || metaKey || altKey) && key !== "Enter")) return;
    /** @type {Record<string, () => void>} */
    const acts = {
      j: () => this.#step(1),
      k: () => this.#step(-1),
      u: () => void this.#undoLast(),
      a: () => row && this.#decide(row, { what: "accept" }),
      r: () => row && this.#decide(row, { what: "refuse" }),
      A: () => this.#decideChosen("accept"),
      R: () => this.#decideChosen("refuse"),
      e: () => row && this.#edit(row)?.focus(),
      x: () => row?.querySelector("input")?.click(),
      Enter: () => row && this.#open(row, event),
    };
    const act = acts[key];
    if (!act || (key === "Enter" && target !== row)) return;
    event.preventDefault();
    act();
  }

  /** @param {HTMLElement} row */
  #edit(row) {
    return editProposal(row, this.place.plugin.drafts, (value) => this.#decide(row, { what: "accept", value }));
  }

  /** @param {number} by */
  #step(by) {
    const rows = [...this.#shown.keys()];
    const at = this.#current ? rows.indexOf(this.#current) + by : 0;
    const next = rows[Math.min(Math.max(at, 0), rows.length - 1)];
    if (next) this.#choose(next);
  }

  /**
   * Have the keys be for a row; without one they are for the list, which hears "undo" at least.
   *
   * @param {HTMLElement | null} row
   * @param {boolean} [takesKeyboard] whether the keyboard goes there
   */
  #choose(row, takesKeyboard = true) {
    this.#current?.removeAttribute("aria-current");
    this.#current = row;
    const place = row ?? this.list;
    const hadKeyboard = hasKeyboard(place);
    if (takesKeyboard && !hadKeyboard) place.focus();
    row?.setAttr("aria-current", "true");
    if (!hadKeyboard) row?.scrollIntoView({ block: "nearest" }); // else a button would move away from under a click
  }

  /**
   * Decide on a row's proposal, and go on to the next one. A row whose decision failed comes back, with why.
   *
   * @param {HTMLElement} row
   * @param {Decision} decision
   * @param {Proposal[]} [together] what was decided on at once, and is taken back at once
   */
  #decide(row, decision, together = []) {
    const { plugin, attempt } = this.place;
    const proposal = this.#shown.get(row);
    if (!proposal) return;
    closePlace(plugin, proposal);
    if (together.push(proposal) === 1) plugin.decided.push(together);
    const rows = [...this.#shown.keys()];
    const at = rows.indexOf(row);
    const hadKeyboard = hasKeyboard(row);
    this.#shown.delete(row);
    row.remove();
    this.#total -= 1;
    this.#updateCount();
    if (this.#current === row) this.#choose(rows[at + 1] ?? rows[at - 1] ?? null, hadKeyboard);
    const next = this.#next;
    if (this.#shown.size < AHEAD && next !== null && !this.#isLoading) void attempt(() => this.#loadMore(next));
    const made = decide(plugin, proposal, decision).then(() => void plugin.drafts.delete(proposal.id));
    made.catch((/** @type {unknown} */ error) => {
      together.splice(together.indexOf(proposal), 1);
      if (!(error instanceof Stopped)) this.#giveBack(row, proposal, error);
    });
  }

  /**
   * @param {HTMLElement} row
   * @param {Proposal} proposal
   * @param {unknown} error
   */
  #giveBack(row, proposal, error) {
    const { said, plugin } = this.place;
    const why = `${proposal.path}: ${explain(plugin, error)}`;
    said.setText(why);
    row.querySelector(".callout-companion-why")?.setText(sentence(why));
    this.list.append(row);
    this.#shown.set(row, proposal);
    this.#total += 1;
    this.#updateCount();
  }

  /** @param {"accept" | "refuse"} what */
  #decideChosen(what) {
    this.#decideAll((row) => row.querySelector("input:checked") !== null, what);
  }

  /**
   * @param {(row: HTMLElement) => boolean} isMeant
   * @param {"accept" | "refuse"} what
   */
  #decideAll(isMeant, what) {
    const rows = [...this.#shown.keys()].filter(isMeant);
    this.place.said.setText(rows.length ? "" : say("chooseFirst"));
    /** @type {Proposal[]} */
    const together = [];
    for (const row of rows) this.#decide(row, { what }, together);
  }

  /** Take back what was decided in this window last: one proposal, or those that were chosen together. */
  async #undoLast() {
    const { plugin, said, refresh } = this.place;
    let last = plugin.decided.pop();
    while (last?.length === 0) last = plugin.decided.pop(); // all of them failed
    if (!last) return said.setText(say("noDecision"));
    const made = await Promise.allSettled([...last].reverse().map((one) => decide(plugin, one, { what: "undo" })));
    const failed = made.find((one) => one.status === "rejected");
    if (made.some((one) => one.status === "fulfilled")) await refresh();
    const [path = "", ...others] = new Set(last.map((one) => one.path));
    const told = others.length ? say("undoneNotes", { notes: countNotes(others.length + 1) }) : say("undone", { path });
    said.setText(failed ? explain(plugin, failed.reason) : told);
  }

  /**
   * @param {HTMLElement} row
   * @param {UserEvent} event
   */
  #open(row, event) {
    const { plugin, attempt } = this.place;
    const proposal = this.#shown.get(row);
    if (proposal) void attempt(() => openPlace(plugin, proposal, event, (decision) => this.#decide(row, decision)));
  }
}

/**
 * Add the choice of which proposals are shown, and the button that asks for more.
 *
 * @param {Place} place
 */
function addScope({ parent, plugin, refresh }) {
  const row = parent.createDiv({ cls: "callout-companion-buttons" });
  const choice = row.createEl("select", { cls: "dropdown", attr: { "aria-label": say("scope") } });
  for (const [value, key] of Object.entries(SCOPES)) choice.createEl("option", { value, text: say(key) });
  choice.value = plugin.scope;
  choice.addEventListener("change", () => {
    plugin.scope = choice.value === "note" || choice.value === "folder" ? choice.value : "vault";
    void refresh();
  });
  const button = row.createEl("button", { text: say("propose") });
  button.addEventListener("click", () => {
    const file = plugin.app.workspace.getActiveFile();
    if (!file) return notify(say("openNoteFirst"));
    button.disabled = true;
    void notifyOfErrors(plugin, () => proposeNote(plugin, file)).then(refresh);
  });
}

/**
 * Return the part of the query that says which proposals are shown.
 *
 * @param {CompanionPlugin} plugin
 */
function findScope({ app, scope }) {
  const file = app.workspace.getActiveFile();
  if (scope === "vault" || !file) return {};
  if (scope === "note") return { path: file.path };
  return file.parent && !file.parent.isRoot() ? { folder: file.parent.path } : {};
}

/** @param {HTMLElement} element */
function hasKeyboard(element) {
  return element.contains(element.ownerDocument.activeElement);
}
