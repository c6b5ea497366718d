/** The calls of the daemon's HTTP API. */

import { ask } from "./connection.js";
import * as shapes from "./shapes.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { Change, Offer, Order, Reader } from "./shapes.js" */

const PAGE = 1000; // changes per page, the most that the daemon allows
const WAIT = 5; // seconds that the daemon may wait for news; short, since requestUrl cannot be aborted

/** The API. Each call rejects as locate() does, or with NotPaired, Refused or UnexpectedAnswer. */
export class DaemonApi {
  #plugin;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    this.#plugin = plugin;
  }

  /**
   * Return what the daemon answers to GET, whatever that is.
   *
   * @param {string} path below the API's
   * @param {Record<string, string | number>} [query]
   */
  read(path, query = {}) {
    return this.#get(path, query, shapes.asAnything);
  }

  /**
   * Return what the daemon answers to POST, whatever that is.
   *
   * @param {string} path below the API's
   * @param {object} [body]
   */
  send(path, body = {}) {
    return this.#post(path, body, shapes.asAnything);
  }

  /** Return the status of the daemon. */
  readStatus() {
    return this.#get("/status", {}, shapes.asStatus);
  }

  /**
   * Have the daemon accept, refuse or open again proposals, and return what became of each.
   *
   * @param {{ accept?: { id: number, state: string, text?: string }[], refuse?: number[], undo?: number[] }} decisions
   */
  decideProposals(decisions) {
    return this.#post("/proposals/decide", decisions, shapes.asDecisions);
  }

  /**
   * Return the edits that accept a proposal in a text, and the run by which they are confirmed.
   *
   * @param {number} proposal
   * @param {string} text
   * @param {string} state of the proposal, as it is shown
   * @param {string} [value] what the user made of the proposal's text
   */
  readProposalEdits(proposal, text, state, value) {
    const body = { text, state, ...(value !== undefined && { value }) };
    return this.#post(`/proposals/${proposal}/edits`, body, shapes.asProposalOffer);
  }

  /** Return the configured model, the catalogue of models, and how far a fetch is. */
  readModel() {
    return this.#get("/model", {}, shapes.asModel);
  }

  /**
   * Have the daemon fetch a model of its catalogue, and return how far that is.
   *
   * @param {string} name
   */
  fetchModel(name) {
    return this.#post("/model/fetch", { name }, shapes.asModel);
  }

  /**
   * Pause or resume background work, and return the status then.
   *
   * @param {boolean} isPaused
   */
  pauseBackground(isPaused) {
    return this.#post(isPaused ? "/pause" : "/resume", {}, shapes.asStatus);
  }

  /**
   * Tell the daemon whether to fill the notes of the backlog, and return the status then.
   *
   * @param {boolean} fill
   * @param {number} notes the size of the backlog that the user was told
   */
  answerBacklog(fill, notes) {
    return this.#post("/backlog", { fill, notes }, shapes.asStatus);
  }

  /**
   * Return how many notes in a folder need something.
   *
   * @param {string} folder empty for the vault
   */
  async countToDo(folder) {
    return (await this.#get("/notes", { folder, limit: 1 }, shapes.asTotal)).total;
  }

  /**
   * Start a run and return its id.
   *
   * @param {Order} order
   */
  async startRun(order) {
    return (await this.#post("/runs", order, shapes.asBegun)).id;
  }

  /**
   * Return the progress of the run, with its results after a number. Waits up to five seconds for one.
   *
   * @param {string} run
   * @param {number} since
   */
  readRun(run, since) {
    return this.#get(`/runs/${run}`, { since, wait: WAIT }, shapes.asProgress);
  }

  /** Return the runs that the daemon remembers. */
  async readRuns() {
    return (await this.#get("/runs", {}, shapes.asRuns)).runs;
  }

  /**
   * Cancel runs, each even if another one is over already. Rejects if one could not be cancelled.
   *
   * @param {Iterable<string>} runs
   */
  async cancelRuns(runs) {
    const made = await Promise.allSettled(Array.from(runs, (run) => this.#post(`/runs/${run}/cancel`, {}, shapes.asBegun)));
    for (const one of made) if (one.status === "rejected") throw one.reason;
  }

  /**
   * Return the edits of a run's result for the note's current text.
   *
   * @param {string} run
   * @param {string} path
   * @param {string} text
   * @param {number[] | null} only the numbers of the wanted changes of the result, null for all
   */
  readEdits(run, path, text, only) {
    return this.#post(`/runs/${run}/edits`, { path, text, ...(only && { only }) }, shapes.asOffer);
  }

  /**
   * Tell the daemon that the edits of an offer were made, and return the id of the change.
   *
   * @param {string} run
   * @param {string} path of the note when the run was started
   * @param {Offer} offer
   * @param {string} now its current path
   */
  async confirmEdits(run, path, { edits, ...hashes }, now) {
    const body = { path, ...hashes, ...(now !== path && { moved_to: now }) };
    return (await this.#post(`/runs/${run}/applied`, body, shapes.asMade)).change;
  }

  /**
   * Yield all changes of a note or a run, newest first. Pages are read as they are needed.
   *
   * @param {{ path: string } | { run: string }} which
   * @returns {AsyncGenerator<Change, void>}
   */
  async *readChanges(which) {
    /** @type {number | null} */
    let before = null;
    do {
      /** @type {ReturnType<typeof shapes.asChanges>} */
      const page = await this.readChangePage(which, PAGE, before);
      yield* page.changes;
      before = page.next;
    } while (before !== null);
  }

  /**
   * Return a page of changes, newest first, and where the next one begins.
   *
   * @param {{ path?: string, run?: string }} which all of the vault, of a note or of a run
   * @param {number} limit
   * @param {number | null} before
   */
  readChangePage(which, limit, before) {
    return this.#get("/changes", { ...which, limit, ...(before !== null && { before }) }, shapes.asChanges);
  }

  /**
   * Return the current path of the change's note.
   *
   * @param {number} change
   */
  async readChangePath(change) {
    return (await this.#get(`/changes/${change}`, {}, shapes.asChange)).path;
  }

  /**
   * Have the daemon undo the change. The answer's reason says why a part of it stays, null if none does.
   *
   * @param {number} change
   * @param {boolean} isShown whether the note is open in this app, with nothing unsaved
   */
  undo(change, isShown) {
    return this.#post(`/changes/${change}/undo`, { ...(isShown && { even_open: true }) }, shapes.asUndone);
  }

  /**
   * Return the edits that undo the change in a text, with the reason as above.
   *
   * @param {number} change
   * @param {string} text
   */
  offerUndo(change, text) {
    return this.#post(`/changes/${change}/undo`, { apply: "client", text }, shapes.asOffered);
  }

  /**
   * Tell the daemon that the edits that undo a change were made.
   *
   * @param {number} change
   * @param {Offer} offer
   */
  confirmUndo(change, { edits, ...hashes }) {
    return this.#post(`/changes/${change}/applied`, hashes, shapes.asMade);
  }

  /**
   * Return the edits of a row of the outbox for a text, and why they are not the whole, if so.
   *
   * @param {number} row
   * @param {string} text
   */
  readRowEdits(row, text) {
    return this.#post(`/outbox/${row}/edits`, { text }, shapes.asOffered);
  }

  /**
   * Tell the daemon that the edits of a row were made, and return the id of the change.
   *
   * @param {number} row
   * @param {string} path of the note, as the row has it
   * @param {Offer} offer
   * @param {string} now its current path
   */
  async confirmRow(row, path, { edits, ...hashes }, now) {
    const body = { ...hashes, ...(now !== path && { moved_to: now }) };
    return (await this.#post(`/outbox/${row}/applied`, body, shapes.asMade)).change;
  }

  /**
   * Return what the note needs, or why it is skipped.
   *
   * @param {string} path
   */
  readNeeds(path) {
    return this.#get("/notes", { path }, shapes.asNote);
  }

  /**
   * Tell the daemon which notes are open. Return those that the background would fill, and the changes
   * in them that were asked for elsewhere.
   *
   * @param {string} client
   * @param {string[]} open
   */
  reportPresence(client, open) {
    return this.#post("/presence", { client, open }, shapes.asAttended);
  }

  /**
   * @template T
   * @param {string} path without the prefix `/api/v1`
   * @param {Record<string, string | number>} query
   * @param {Reader<T>} reader
   */
  #get(path, query, reader) {
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return ask(this.#plugin, "GET", `${path}?${pairs.join("&")}`, null, reader);
  }

  /**
   * @template T
   * @param {string} path without the prefix `/api/v1`
   * @param {object} body
   * @param {Reader<T>} reader
   */
  #post(path, body, reader) {
    return ask(this.#plugin, "POST", path, body, reader);
  }
}
