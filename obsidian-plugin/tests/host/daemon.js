/** A daemon that answers in the API's shapes: recorded answers, and what a test puts in their place. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { clock } from "./globals.js";

/** What the daemon of today answers; tests/daemon/test_api_runs.py writes it. */
const RECORDED = JSON.parse(await readFile(new URL("answers.json", import.meta.url), "utf8"));

export const STATUS = {
  ...RECORDED.status,
  line: "Ready",
  missing: null,
  proposals: 0,
  vault: "Notes",
  endpoint: "",
  model: "qwen3-4b",
  is_embedded: true,
  background: { ...RECORDED.status.background, waiting: 2, notes_today: 3 },
  today: { ...RECORDED.status.today, notes: 3 },
  notes: 40,
  to_do: 5,
};

const SETTINGS = {
  fields: { description: true, tags: false },
  modes: { description: "write", tags: "propose" },
  folder_modes: { Work: "propose" },
  private: { folders: ["Work"], tags: [], properties: { confidential: ["true", "yes"] } },
  ignored: { folders: [], tags: [], globs: [], fields: {} },
  background: true,
  notes_a_day: 50,
};

/** A note with an empty property and a question, and what a model gave for them. */
export const NOTE = "---\ndescription:\n---\n\n# Why\n\n> [!ai] Why?\n\nText 😀.\n";
export const CHANGES = [
  { kind: "description", heading: null, reason: "empty description", text: "A note.", remark: "" },
  { kind: "callout", heading: "Why", reason: "your question: Why?", text: ["Because."], remark: "" },
];
const PLACES = ["\ndescription:", "> [!ai] Why?"];
const WORDS = [" A note.", "\n> Because."];

export const FILLED = fill(NOTE);

export class FakeDaemon {
  token = "t0ken";
  isAway = false;
  status = structuredClone(STATUS);
  /** Notes that are open, as the plugin said last. */
  open = [];
  /** Proposals that wait, and the vault's settings. */
  proposals = [];
  settings = structuredClone(SETTINGS);
  /** What was told, in order. */
  notices = [];
  /** Reads a file of the vault. */
  read = async () => NOTE;
  askedFor = [];
  changes = [];
  /** Every request but those of the feed, in order. */
  requests = [];
  /** Every request's origin, name and headers. */
  dialled = [];
  /** Answers in the place of the usual ones: by `METHOD /path`, `*` for ids. */
  answers = new Map();
  /** @type {Promise<void> | null} how long a model thinks */
  thinking = null;
  /** Whether a note needs nothing. */
  isFilled = (text) => !stillOpen(text).length;
  /** How every run is, in the place of how it would be; "lost": a restart ended them. */
  run = null;
  /** How the runs are, by their ids, and what of that was told last. */
  #runs = new Map();
  #toldOf = new Map();
  /** Requests of the feed that are not answered yet, and what was told last. */
  #polls = [];
  #number = 0;
  #told = "";
  #toldNotices = 0;
  #toldProposals = "";
  #rows = 100;
  /** Called with what became of a row, by its id. */
  #waiting = new Map();

  /** What requestUrl does: rejects where nobody listens. */
  async request({ url, method, headers = {}, body, contentType, throw: throws }) {
    const { pathname, searchParams, origin } = new URL(url);
    const path = pathname.replace("/api/v1", "");
    const sent = body === undefined ? undefined : JSON.parse(body);
    this.dialled.push({ name: `${method} ${path}`, origin, headers });
    if (path !== "/feed") this.requests.push({ name: `${method} ${path}`, query: Object.fromEntries(searchParams), body: sent, origin });
    await null;
    if (this.isAway) throw new Error("net::ERR_CONNECTION_REFUSED");
    if (throws !== false) throw new Error("the status was not to be thrown");
    if (body !== undefined && contentType !== "application/json") return answer(415, "No JSON.");
    if (headers.Authorization !== `Bearer ${this.token}`) return answer(401, "No.");
    const name = `${method} ${path.replace(/(?<=\/(runs|changes|outbox|proposals)\/)(?!undo|decide)[^/]+/, "*")}`;
    const usual = this[name];
    const made = this.answers.get(name) ?? usual;
    const given = typeof made === "function" ? await made.call(this, sent, path.split("/")[2] ?? origin, searchParams) : made;
    if (given === undefined) return answer(404, "There is nothing at this address.");
    return "status" in given && "text" in given ? given : { status: 200, text: JSON.stringify(given) };
  }

  /** Keep a model's answers back, until what this returns is called. */
  hold() {
    let release = () => {};
    this.thinking = new Promise((resolve) => (release = resolve));
    return release;
  }

  /** The tokens that it was sent. */
  get tokens() {
    return this.dialled.map(({ headers }) => headers.Authorization).filter(Boolean);
  }

  /** Requests of that name. */
  asked(name) {
    return this.requests.filter((request) => request.name === name);
  }

  "GET /status"() {
    return this.status;
  }

  /** A run without its results. */
  #shape(own) {
    return { ...own, ...this.run, id: own.id, results: undefined };
  }

  /** Those that have changed since they were told of. */
  #changedRuns() {
    const untold = [...this.#runs.values()].filter(({ id }) => !this.#toldOf.get(id)?.includes('"state":"done"'));
    return untold.map((run) => this.#shape(run)).filter((run) => {
      const [was, now] = [this.#toldOf.get(run.id), JSON.stringify(run)];
      this.#toldOf.set(run.id, now);
      return was !== now;
    });
  }

  "POST /pause"() {
    return Object.assign(this.status, { paused: true });
  }

  "POST /resume"() {
    return Object.assign(this.status, { paused: false });
  }

  "POST /presence"({ open }) {
    this.open = open;
    return {};
  }

  /** Answers once something has changed, or after 25 seconds. */
  "GET /feed"(_, __, query) {
    clock.ticks.add(this.#answerPolls);
    if (query.get("wait") === "0") return this.#news(true, this.status, [...this.#runs.values()].map((own) => this.#shape(own)));
    const status = JSON.stringify(this.status);
    return new Promise((resolve, reject) => this.#polls.push({ resolve, reject, status, until: clock.now + 25_000 }));
  }

  #news(isWhole, status, runs) {
    this.#told = this.#rowsNow();
    const open = this.#openProposals();
    const isTold = !isWhole && this.#toldProposals === JSON.stringify(open);
    this.#toldProposals = JSON.stringify(open);
    const notices = this.notices.slice(this.#toldNotices);
    this.#toldNotices = this.notices.length;
    const ids = isWhole ? null : [];
    return { number: ++this.#number, is_whole: isWhole, status, runs, proposals: ids, changes: ids, edits: this.#openRows(), notices, open: isTold ? null : open };
  }

  #answerPolls = () => {
    const now = JSON.stringify(this.status);
    const polls = this.#polls;
    this.#polls = [];
    const runs = polls.length && !this.isAway ? this.#changedRuns() : [];
    const isLost = this.run === "lost" && this.#runs.size > 0;
    if (this.run === "lost") this.#runs.clear();
    const isNew = isLost || this.#told !== this.#rowsNow() || runs.length > 0 || this.notices.length > this.#toldNotices || this.#toldProposals !== JSON.stringify(this.#openProposals());
    for (const poll of polls) {
      if (this.isAway) poll.reject(new Error("net::ERR_CONNECTION_RESET"));
      else if (!isNew && now === poll.status && clock.now < poll.until) this.#polls.push(poll);
      else {
        const news = this.#news(isLost, now === poll.status ? null : this.status, isLost ? [] : runs);
        poll.resolve({ status: 200, text: JSON.stringify(news) });
      }
    }
  };

  #openProposals() {
    return this.proposals.filter(({ path }) => this.open.includes(path));
  }

  #rowsNow() {
    return JSON.stringify(this.#openRows().map(({ id }) => id));
  }

  #openRows() {
    return this.askedFor.filter(({ path }) => this.open.includes(path));
  }

  /** Leave edits to the editor that shows the note; resolves to the change by which they were made, null if they are withdrawn. */
  leave(path, run, change) {
    const row = { id: this.#rows++, path: path.normalize("NFC"), run, change };
    this.askedFor = [...this.askedFor, row];
    return { row, made: new Promise((resolve) => this.#waiting.set(String(row.id), resolve)) };
  }

  #end(id, change) {
    this.askedFor = this.askedFor.filter((row) => String(row.id) !== id);
    this.#waiting.get(id)?.(change);
    return { id: Number(id), state: change === null ? "withdrawn" : "made", change };
  }

  /** Tell something. */
  tell(text, fields = {}) {
    const usual = { path: null, run: null, change: null, waits: 0, is_error: false, button: null };
    this.notices.push({ id: this.notices.length + 1, text, ...usual, ...fields });
  }

  "POST /runs"(order) {
    const run = this.#begin(order.id);
    void this.#work(run, order);
    return this.#shape(run);
  }

  #begin(id = `run${this.#runs.size + 1}`) {
    const run = progress({ id, state: "queued" });
    this.#runs.set(run.id, run);
    return run;
  }

  async #work(run, { paths: [path], propose }) {
    await this.thinking;
    if (this.run) return run;
    if (propose) return this.#finish(run, { path, status: "proposed" });
    const isNote = path.endsWith(".md");
    const text = isNote ? await this.read(path) : "";
    if (text === undefined) return this.#finish(run, { path, status: "skipped", reason: "no such file" });
    if (isNote && this.isFilled(text)) return this.#finish(run, { path, status: "unchanged" });
    const change = this.open.includes(path.normalize("NFC")) ? await this.leave(path, run.id, null).made : 8;
    if (change === null) return this.#finish(run, { path, status: "skipped", reason: "cancelled in Obsidian" });
    this.tell("A: description and callout filled", { path, change });
    return this.#finish(run, { path, change, changes: CHANGES });
  }

  #finish(run, ...outcomes) {
    const results = outcomes.map((fields, index) => result({ number: index + 1, ...fields }));
    const [first] = results;
    if (first?.status !== "enriched") this.tell(`${first?.path} was left as it is: ${first?.reason ?? "it needs nothing"}`, { path: first?.path ?? null });
    Object.assign(run, { state: "done", results, counts: { [first?.status ?? "enriched"]: results.length } });
    return run;
  }

  "GET /runs/*"(_, id, query) {
    const own = this.#runs.get(id);
    if (this.run === "lost" || !own) return answer(404, "There is no run any more.");
    const run = { ...own, ...this.run, id };
    const results = run.results.filter(({ number }) => number > Number(query.get("since")));
    return { ...run, results, next: results.at(-1)?.number ?? Number(query.get("since")) };
  }

  "POST /runs/*/cancel"(_, id) {
    return Object.assign(this.#runs.get(id), { state: "cancelled" });
  }

  /** Those that can be undone. */
  "GET /changes"() {
    return { changes: this.changes.filter(({ state, undoes, left = [] }) => state === "done" && undoes === null && !left.length), next: null };
  }

  "GET /changes/*"(_, id) {
    return this.changes.find((one) => String(one.id) === id) ?? change({ id: Number(id), needs: ["description", "callout:section:Why"] });
  }

  "POST /changes/undo"({ ids: [id] }) {
    const undone = this.undo(this.changes.find((one) => one.id === id) ?? change({ id }));
    if (undone.waits === null) this.tell("A: undone");
    return { undone: [undone] };
  }

  undo({ id, path }) {
    const waits = this.open.includes(path.normalize("NFC")) ? this.leave(path, null, id).row.id : null;
    return { change: id, path, undone_by: waits === null ? 9 : null, left: [], reason: waits === null ? null : "open in Obsidian", code: null, waits };
  }

  "POST /changes/undo-all"() {
    const outcomes = this["GET /changes"]().changes.map((one) => ({ path: one.path, undone: this.undo(one) }));
    return this.#shape(this.#finish(this.#begin(), ...outcomes));
  }

  "POST /outbox/*/edits"({ text }, id) {
    const row = this.askedFor.find((one) => String(one.id) === id);
    if (row && row.change !== null) {
      const edits = WORDS.map((words) => asIn(text, words)).filter((words) => text.includes(words)).map((words) => {
        return { start: text.indexOf(words), end: text.indexOf(words) + words.length, text: "" };
      });
      if (edits.length) return { offer: makeOffer(text, edits), left: [], reason: null };
      this.#end(id, null);
      return gone();
    }
    if (!row) return answer(409, "these edits are already made, or no longer wanted");
    const open = stillOpen(text);
    return open.length ? { offer: offerFor(text, open), left: [], reason: null } : answer(409, "the place is gone");
  }

  "POST /outbox/*/applied"(_, id) {
    const row = this.askedFor.find((one) => String(one.id) === id);
    if (row?.change !== null) this.tell("A: undone");
    return { change: this.#end(id, row?.change === null ? 8 : 9).change };
  }

  "POST /outbox/*/withdraw"(_, id) {
    return this.#end(id, null);
  }

  "GET /proposals"() {
    return { proposals: this.proposals, next: null, total: this.proposals.length };
  }

  /** Where an empty property or question is. */
  async "GET /proposals/*/place"(_, id) {
    const { kind, path, text } = this.proposals.find((one) => String(one.id) === id);
    const start = (await this.read(path)).indexOf(PLACES[kind === "callout" ? 1 : 0]) + PLACES[kind === "callout" ? 1 : 0].length;
    return { title: "A", new_values: [], start, parts: [["+", [text].flat().join("\n")]] };
  }

  "POST /proposals/decide"({ accept = [], refuse = [], run }) {
    for (const { id } of accept) {
      const { path } = this.proposals.find((one) => one.id === id);
      void this.leave(path, run, null).made.then((made) => made && this.tell("A: description filled", { path, change: made }));
    }
    const ids = [...accept.map(({ id }) => id), ...refuse];
    this.proposals = this.proposals.filter(({ id }) => !ids.includes(id));
    return { notes: [] };
  }

  "POST /proposals/*/again"() {
    return this.#shape(this.#begin());
  }

  "GET /settings"() {
    return this.settings;
  }

  "POST /settings"(change) {
    return change.replace ?? !change.private ? Object.assign(this.settings, change) : answer(409, "Work would not be private any more", "takes-out");
  }
}

/** A result, as the API has it. */
export function result(fields) {
  const [usual] = RECORDED.run.results;
  return { ...usual, path: "A.md", changes: [], change: null, ...fields };
}

/** How far a run is, as the API has it. */
export function progress(fields) {
  const statuses = Object.entries(fields.counts ?? {}).flatMap(([status, number]) => Array(number).fill(status));
  const results = statuses.map((status, index) => result({ status, number: index + 1 }));
  return { ...RECORDED.run, counts: {}, results, next: 0, ...fields };
}

/** A change, as the API has it. */
export function change(fields) {
  return { ...RECORDED.change, id: 8, path: "A.md", needs: [], ...fields };
}

/** A problem (RFC 9457), as the API answers it. */
export function answer(status, detail, code = "") {
  const problem = { type: `urn:callout-companion:problem:${code}`, code, title: "No", status, detail };
  return { status, text: JSON.stringify(problem) };
}

/** That a change is not in the note any more, as the API answers it. */
export function gone() {
  return { status: RECORDED.gone.status, text: JSON.stringify(RECORDED.gone) };
}

/** Which of the changes have a place in the text that is empty yet. */
function stillOpen(text, only = [0, 1]) {
  return only.filter((index) => text.includes(PLACES[index]) && !text.includes(PLACES[index] + WORDS[index]));
}

export function offerFor(text, only = [0, 1]) {
  const edits = only.map((index) => {
    const end = text.indexOf(PLACES[index]) + PLACES[index].length;
    return { start: end, end, text: asIn(text, WORDS[index]) };
  });
  return makeOffer(text, edits);
}

export function fill(text, only) {
  return applied(text, offerFor(text, only).edits);
}

export function makeOffer(text, made) {
  const edits = made.map((edit) => ({ place: findProperty(text, edit.start), ...edit }));
  return { edits, base_sha256: sha256(text), new_sha256: sha256(applied(text, edits)) };
}

/** The property around an offset, null where there is none. */
function findProperty(text, offset) {
  const properties = /^---\n[^]*?(?=---\n)/.exec(text)?.[0] ?? "";
  const all = [...properties.matchAll(/^(\w+):.*(?:\n(?!\w).*)*?(?=\n\w|\n$(?![^]))/gm)];
  const [found] = all.filter(({ index, 0: lines }) => index <= offset && offset <= index + lines.length);
  return found ? { kind: "property", name: found[1], start: found.index, end: found.index + found[0].length } : null;
}

/** With the line ends of the text. */
function asIn(text, words) {
  return text.includes("\r\n") ? words.replaceAll("\n", "\r\n") : words;
}

function applied(text, edits) {
  let made = text;
  for (const { start, end, text: words } of [...edits].sort((a, b) => a.start - b.start).reverse()) {
    made = made.slice(0, start) + words + made.slice(end);
  }
  return made;
}

function sha256(text) {
  return createHash("sha256").update(text).digest("hex");
}
