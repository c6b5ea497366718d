/** Proposals looked through in their notes, one after the other. */

import { MarkdownView } from "obsidian";
import { notify, notifyOfErrors } from "./dialogs.js";
import { newRunId } from "./enrich.js";
import { ApiError, NoteUnavailable } from "./errors.js";
import { readFile, toEditorOffset, toEditorText } from "./note-text.js";
import { findEditing, findFile, findNoteViews } from "./open-notes.js";
import { findCard, scrollToCard, showPreview } from "./preview.js";
import { count, nameProposal, showHidden } from "./words.js";

/** @import { EditorView } from "@codemirror/view" */
/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Proposal, ProposalInPlace, ProposalPage, RunShape } from "./api-types.d.ts" */
/** @import { Decide, More } from "./preview.js" */

const PAUSE = 1_000; // milliseconds without typing before something comes up in a note
const MOST = 200; // proposals that are looked through for the next one

/** The proposals of open notes, each shown where it would go: one at a time in a note. */
export class Review {
  /** Those of the open notes, as the daemon says. */
  #open = /** @type {Proposal[]} */ ([]);
  /** Those that the user left for later, by id, in that order: they come last. */
  #later = /** @type {Set<number>} */ (new Set());
  /** Those that are decided here, until the daemon tells it. */
  #decided = /** @type {Set<number>} */ (new Set());
  /** The run that asks for one again. */
  #asking = /** @type {Map<number, string>} */ (new Map());
  /** For which text of its note one has no place. */
  #unfit = /** @type {Map<number, string>} */ (new Map());
  /** The lines above notes that are only read. */
  #lines = /** @type {Map<MarkdownView, HTMLElement>} */ (new Map());
  /** Notes whose next one is to be shown now, and in sight. */
  #wanted = /** @type {Set<TFile>} */ (new Set());
  #isLooking = false;
  #plugin;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /** @param {Proposal[]} open all that there are for the open notes */
  take(open) {
    const isCallout = (/** @type {Proposal} */ { kind }) => Number(kind === "callout");
    this.#open = [...open].sort((a, b) => isCallout(a) - isCallout(b) || a.id - b.id); // as they stand in the note
    this.#decided = new Set([...this.#decided].filter((id) => open.some((one) => one.id === id)));
    void this.look();
  }

  /** Show what there is for the notes that are open now, in each note one. Never rejects. */
  async look() {
    const { app, feed, timers } = this.#plugin;
    if (this.#isLooking || timers.isStopped || !feed.status) return;
    this.#isLooking = true;
    try {
      this.#drawLines();
      for (const { file, cm } of findNoteViews(app)) {
        if (cm && findEditing(app, file)?.cm === cm) await this.#lookAt(file, cm);
        else if (cm && findCard(cm)) showPreview(cm, null);
      }
    } catch {
      // it is tried again
    } finally {
      this.#isLooking = false;
    }
  }

  /** Show none any more. */
  end() {
    for (const { cm } of findNoteViews(this.#plugin.app)) if (cm && findCard(cm)) showPreview(cm, null);
    for (const line of this.#lines.values()) line.remove();
  }

  /** Those of a note, those for later last. @param {TFile} file */
  #of(file) {
    const own = this.#open.filter(({ id, path }) => findFile(this.#plugin.app, path) === file && !this.#decided.has(id));
    const later = [...this.#later];
    return own.sort((a, b) => later.indexOf(a.id) - later.indexOf(b.id));
  }

  /** @param {number} id of a proposal */
  #leave(id) {
    this.#later.delete(id);
    this.#later.add(id);
  }

  /** @type {(file: TFile, cm: EditorView) => Promise<void>} */
  async #lookAt(file, cm) {
    const { activity, app, connection, feed } = this.#plugin;
    const all = this.#of(file);
    const card = findCard(cm);
    if (card?.mode && all.some(({ id }) => id === card.preview.proposal.id)) return; // the user types there
    const text = toEditorText(cm.state.doc.toString());
    const proposal = all.find(({ id }) => this.#unfit.get(id) !== text);
    const isWanted = this.#wanted.has(file);
    if (!proposal) {
      this.#wanted.delete(file);
      return card ? showPreview(cm, null) : undefined;
    }
    const { id } = proposal;
    const isAsking = feed.isActive(this.#asking.get(id) ?? "");
    const order = this.#open.filter((one) => all.includes(one));
    const place = /** @type {[number, number]} */ ([order.indexOf(proposal) + 1, all.length]);
    const key = [id, isAsking, ...place].join(" ");
    if (card?.preview.key === key) {
      if (this.#wanted.delete(file)) scrollToCard(cm);
      return;
    }
    if (card && !all.includes(card.preview.proposal)) showPreview(cm, null);
    if (!isWanted && !activity.isIdle(PAUSE)) return;
    const saved = await readFile(app, file);
    if (toEditorText(saved.text) !== text) return; // it is saved in a moment
    /** @type {Promise<ProposalInPlace>} */
    const answer = connection.get(`/proposals/${id}/place`, { context: 0 });
    const { start, parts } = await answer.catch((/** @type {unknown} */ error) => {
      if (error instanceof ApiError) this.#unfit.set(id, text);
      throw error;
    });
    if (findEditing(app, file)?.cm !== cm || cm.state.doc.toString() !== text) return; // another note, or another text by now
    const decide = /** @type {Decide} */ ((what, more) => void notifyOfErrors(this.#plugin, () => this.decide(proposal, file, what, more)));
    showPreview(cm, { key, at: toEditorOffset(saved.text, start), proposal, parts, place, isAsking, decide });
    if (this.#wanted.delete(file)) scrollToCard(cm);
  }

  /** Show above each note that is only read what there is for it. */
  #drawLines() {
    const { app } = this.#plugin;
    const reading = findNoteViews(app).flatMap(({ file, isEditing, view }) => {
      const all = view instanceof MarkdownView && !isEditing ? this.#of(file) : [];
      return view instanceof MarkdownView && all.length ? [{ file, view, all }] : [];
    });
    for (const [view, line] of this.#lines) {
      if (reading.some((one) => one.view === view)) continue;
      line.remove();
      this.#lines.delete(view);
    }
    for (const { file, view, all } of reading) {
      const line = this.#lines.get(view) ?? createDiv({ cls: "callout-companion-waiting" });
      const text = `${count(all.length, "proposal")} for this note: ${all.map(nameProposal).join(", ")}`;
      if (this.#lines.get(view) && line.dataset.text === text) continue;
      line.dataset.text = text;
      line.empty();
      line.createSpan({ text });
      const open = () => this.#show(file);
      line.createEl("button", { text: "Show" }).addEventListener("click", () => void notifyOfErrors(this.#plugin, open));
      this.#lines.set(view, line);
      view.contentEl.before(line);
    }
  }

  /** What the active note shows, null if nothing. */
  get current() {
    const { workspace } = this.#plugin.app;
    const view = workspace.getActiveViewOfType(MarkdownView);
    const { cm } = (view?.file && findEditing(this.#plugin.app, view.file)) ?? {};
    const card = cm ? findCard(cm) : null;
    return cm && card && view?.file ? { cm, card, file: view.file } : null;
  }

  /**
   * Do something with what the active note shows, as a command does; where it is out of sight, bring it into sight only.
   *
   * @param {"accept" | "edit" | "refuse" | "again"} what
   */
  act(what) {
    const { current } = this;
    if (!current || !scrollToCard(current.cm)) return;
    const { card, file } = current;
    if (what === "edit" || what === "again") return card.type(what);
    return this.decide(card.preview.proposal, file, what);
  }

  /**
   * @param {Proposal} proposal
   * @param {TFile} file of its note
   * @param {Parameters<Decide>[0]} what
   * @param {More} [more]
   */
  async decide(proposal, file, what, { text = null, wish = "" } = {}) {
    const { client, connection, feed, outbox } = this.#plugin;
    const { id } = proposal;
    findEditing(this.#plugin.app, file)?.editor?.focus(); // where the edits may be made again
    this.#wanted.add(file);
    if (what === "next") {
      this.#leave(id);
    } else if (what === "again") {
      /** @type {RunShape} */
      const run = await connection.post(`/proposals/${id}/again`, { wish, client });
      feed.own(run, file.path);
      this.#asking.set(id, run.id);
    } else {
      const run = newRunId();
      outbox.expect(run);
      this.#decided.add(id);
      const decision = what === "accept" ? { accept: [{ id, text }] } : { refuse: [id] };
      await connection.post("/proposals/decide", { ...decision, run, client }).catch((/** @type {unknown} */ error) => {
        this.#decided.delete(id);
        throw error;
      });
    }
    await this.look();
  }

  /** Show the next proposal: of a path's note, of the active one, else of the next note that has one. @param {string | null} [path] */
  async openNext(path = null) {
    const { app, connection } = this.#plugin;
    const active = path === null ? app.workspace.getActiveFile() : findFile(app, path);
    const { current } = this;
    if (current && current.file === active && scrollToCard(current.cm)) this.#leave(current.card.preview.proposal.id);
    if (active && this.#of(active).some(({ id }) => !this.#later.has(id))) return this.#show(active);
    /** @type {ProposalPage} */
    const { proposals } = await connection.get("/proposals", { limit: MOST });
    const there = proposals.filter(({ path: one }) => findFile(app, one));
    const next = there.find(({ id, path: one }) => !this.#later.has(id) && (path === null || findFile(app, one) === active)) ?? there.find(({ id }) => !this.#later.has(id)) ?? there[0];
    if (!next) return notify("Nothing waits for you.");
    if (this.#later.has(next.id)) this.#later.clear(); // from the beginning
    const file = findFile(app, next.path);
    if (!file) throw new NoteUnavailable(`There is no note ${showHidden(next.path)} in this vault.`);
    await this.#show(file);
  }

  /** Show a note in its editor, in its tab if it is open, else in a new one, and what there is for it in sight. @param {TFile} file */
  async #show(file) {
    const { workspace } = this.#plugin.app;
    const open = findNoteViews(this.#plugin.app).filter(({ editor, file: shown }) => editor && shown === file);
    const own = open.find(({ isEditing }) => isEditing) ?? open[0];
    this.#wanted.add(file);
    if (own?.isEditing) workspace.setActiveLeaf(own.view.leaf, { focus: true });
    else {
      const isEmpty = workspace.getMostRecentLeaf()?.view.getViewType() === "empty";
      await (own?.view.leaf ?? workspace.getLeaf(isEmpty ? false : "tab")).openFile(file, { state: { mode: "source" } });
    }
    await this.look();
  }
}
