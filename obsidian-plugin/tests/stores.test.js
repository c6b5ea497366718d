/** The state of the page and the view, without either: what is shown, meant by "all", undone, and how long it is told. */

import assert from "node:assert/strict";
import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const FILES = ["api", "app", "inbox-store", "decisions", "history-store", "moves", "page/session", "proposal", "status-store", "words"];
globalThis.localStorage = globalThis.sessionStorage = { getItem: () => null };
globalThis.BroadcastChannel = EventTarget;
const { outputFiles } = await build({
  stdin: { contents: FILES.map((name) => `export * from "./${name}.js";`).join("\n"), resolveDir: fileURLToPath(new URL("../ui", import.meta.url)) },
  bundle: true,
  write: false,
  format: "esm",
});
const { api, ApiError, App, DecisionStore, followMoves, HistoryStore, InboxStore, nameOf, renameNote, session, setLanguage, StatusStore } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
setLanguage("en", JSON.parse(await readFile(new URL("../ui/languages/en.json", import.meta.url), "utf8")).view);

const PROPOSALS = [
  { id: 4, path: "Garden/Sage.md", kind: "tags", text: ["herb"], flags: [] },
  { id: 3, path: "Garden/Sage.md", kind: "description", text: "How it grows.", flags: ["unsupported"] },
  { id: 2, path: "Gardening.md", kind: "description", text: "What a gardener does.", flags: [] },
  { id: 1, path: "Cooking/Soup.md", kind: "callout", text: ["With sage.", "", "And time."], flags: [] },
].map((each) => ({ ...each, state: "open" }));

/** An inbox with these proposals, and what is asked of its API. */
async function openInbox() {
  const asked = [];
  const get = async (path, query) => (asked.push([path, query]), path === "/changes" ? { changes: [], next: null } : { ids: [4, 3, 2, 1], proposals: PROPOSALS, total: 4, next: null });
  const inbox = new InboxStore({ get, decide: async ({ refuse, undo = refuse }) => ({ notes: [{ path: "", status: "refused", reason: null, decided: undo.map((id) => ({ id, reason: null })) }] }) });
  await inbox.follow();
  return { asked, inbox };
}

const FILTERS = [
  [{ search: "SAGE" }, [4, 3, 1]],
  [{ search: "time" }, [1]],
  [{ folder: "Garden" }, [4, 3]],
  [{ flagged: true }, [3]],
  [{ kind: "description", path: "Gardening.md" }, [2]],
];

test("filters show what fits, by name, folder and text, and go to the first that does", async () => {
  const { inbox } = await openInbox();
  for (const [filter, ids] of FILTERS) {
    inbox.filters.value = { flagged: false, kind: "", folder: "", search: "", path: "" };
    inbox.filter(filter);
    assert.deepEqual([...inbox.shown.value].sort(), [...ids].sort(), JSON.stringify(filter));
    assert.ok(ids.includes(inbox.currentId.value));
  }
});

test("a filter leaves alone what is being edited; the words in it are no longer among the unflagged", async () => {
  const { inbox } = await openInbox();
  inbox.choose(2);
  inbox.mode.value = "edit";
  inbox.draft(2).value = "Mine.";
  inbox.filter({ folder: "Cooking" });
  assert.equal(inbox.currentId.value, 2);
  inbox.filter({ folder: "" });
  assert.deepEqual([...inbox.unflagged.value].sort(), [1, 4]);
});

test("what is typed after the list is shown is not among the unflagged, and many are accepted without it", async () => {
  const { inbox } = await openInbox();
  const decisions = new DecisionStore(inbox.api, inbox, new StatusStore(inbox.api));
  const shown = inbox.unflagged.value;
  inbox.draft(2).value = "Mine.";
  assert.deepEqual([...inbox.unflagged.value].sort(), [1, 4]);
  inbox.api.post = async (path, { ids }) => Promise.reject(new Error(`${path} ${ids}`));
  await decisions.decide("accept", shown, true);
  assert.equal(decisions.toast.value.words, "Sage: /proposals/decide-all 4,1");
  assert.equal(inbox.draft(2).value, "Mine.");
});

test("what is told while something is decided on is seen after that", async () => {
  const { inbox } = await openInbox();
  const { decide } = inbox.api;
  const decisions = new DecisionStore(inbox.api, inbox, new StatusStore(inbox.api));
  inbox.api.get = async (path) => (path.endsWith("ids") ? { ids: [5, 4, 3] } : { proposals: [{ ...PROPOSALS[3], id: 5 }], next: null });
  inbox.api.decide = async (decided) => (await inbox.follow(), decide(decided));
  await decisions.decide("refuse", [1]);
  await new Promise(setImmediate);
  assert.deepEqual([inbox.order.value, inbox.fresh.value], [[3, 4], [5]]);
});

test("what is typed asks before the window is left, but not once its proposal is decided on, also if an undo fails", async () => {
  const { inbox } = await openInbox();
  const { decide } = inbox.api;
  const decisions = new DecisionStore(inbox.api, inbox, new StatusStore(inbox.api));
  inbox.isUsed = () => false;
  inbox.draft(1).value = "Mine.";
  assert.ok(inbox.hasDrafts());
  inbox.api.get = async () => ({ ids: [4, 3, 2] });
  inbox.api.decide = async () => (assert.ok(inbox.hasDrafts()), decide({ refuse: [1] }));
  await decisions.decide("accept", [1]);
  inbox.api.decide = async () => Promise.reject(new Error("It was changed."));
  await decisions.undo();
  assert.equal(inbox.hasDrafts(), false);
});

for (const text of ["Mi", "Mine."]) {
  test(`an undo that fails takes nothing away that somebody types into, or looks at again: ${text}`, async () => {
    const { inbox } = await openInbox();
    const decisions = new DecisionStore(inbox.api, inbox, new StatusStore(inbox.api));
    inbox.draft(4).value = "Mine.";
    await decisions.decide("refuse", [4]);
    inbox.api.decide = async () => {
      inbox.mode.value = "edit"; // meanwhile
      inbox.draft(4).value = text;
      throw new Error("Nobody answers.");
    };
    inbox.api.get = async () => ({ ids: [3, 2, 1] });
    await decisions.undo();
    await new Promise(setImmediate);
    assert.deepEqual([inbox.currentId.value, inbox.mode.value, inbox.draft(4).value], [4, "edit", text]);
    assert.equal(inbox.faults.value.get(4), "Nobody answers.");
  });
}

test("where a proposal goes is asked for again once nothing was decided on it, if the look before failed meanwhile", async () => {
  const { inbox } = await openInbox();
  const decisions = new DecisionStore(inbox.api, inbox, new StatusStore(inbox.api));
  const { get } = inbox.api;
  inbox.api.get = async (path, query) => {
    if (path.endsWith("/place")) throw Object.assign(new Error("it is written"), { status: 422 });
    return get(path, query);
  };
  await decisions.decide("refuse", [2]);
  inbox.api.decide = async () => {
    inbox.place(2);
    await new Promise(setImmediate);
    throw new Error("Nobody answers.");
  };
  await decisions.undo();
  await new Promise(setImmediate);
  assert.equal(inbox.place(2).value.why, "it is written");
});

test("how many there are follows what is decided on before all of them are read", async () => {
  const page = { proposals: PROPOSALS, total: 1150, next: 1 };
  const inbox = new InboxStore({ get: (path) => (path.endsWith("ids") ? new Promise(() => {}) : Promise.resolve(page)) });
  void inbox.follow();
  await new Promise(setImmediate);
  inbox.takeOut([4, 3]);
  assert.equal(inbox.counts.value.all, 1148);
});

test("the tabs beside a note show what they say while somebody writes; another note waits for the end of that", async () => {
  const { inbox: { api } } = await openInbox();
  const app = new App(api, { isPage: false });
  app.openPath.value = "Gardening.md";
  await app.follow();
  app.open(4);
  app.startEditing();
  app.showTab("note");
  assert.deepEqual([app.inbox.shown.value, app.inbox.currentId.value], [[2], 4]);
  app.openPath.value = "Cooking/Soup.md";
  assert.deepEqual(app.inbox.shown.value, [2]);
  app.showTab("review");
  assert.equal(app.inbox.shown.value.length, 4);
  app.tab.value = "note";
  app.inbox.mode.value = "read";
  assert.deepEqual(app.inbox.shown.value, [1]);
  app.rename("Cooking/Soup.md", "Cooking/Stew.md");
  app.showTab("review");
  app.showTab("note");
  assert.deepEqual(app.inbox.shown.value, [1]);
});

test("what is typed into one that is gone stays, with why: the first reason, as a deleted note's", async () => {
  const { inbox } = await openInbox();
  for (const id of [2, 1]) inbox.draft(id).value = "Mine.";
  inbox.addFaults([[2, "the note was deleted"]]);
  inbox.api.get = async () => ({ ids: [4, 3] });
  await inbox.follow();
  const elsewhere = "it was decided in another window, or by another program";
  assert.deepEqual([inbox.faults.value.get(2), inbox.faults.value.get(1)], ["the note was deleted", elsewhere]);
  assert.deepEqual([...inbox.order.value].sort(), [1, 2, 3, 4]);
});

test("where a proposal goes is what the last look found, though the one before is answered later", async () => {
  const { inbox } = await openInbox();
  inbox.choose(2);
  const looks = [];
  inbox.api.get = () => new Promise((done, fail) => looks.push({ done, fail }));
  const place = inbox.place(2);
  inbox.forgetPlaces("Gardening.md");
  const [before, last] = looks;
  last.done({ parts: [] });
  before.fail(Object.assign(new Error("it is written"), { status: 422 }));
  await new Promise(setImmediate);
  assert.deepEqual(place.value, { parts: [], why: "" });
});

test("what others decided on goes, and what is new waits until somebody wants it, then stands above", async () => {
  const { inbox } = await openInbox();
  inbox.choose(2);
  const proposals = [6, 5].map((id) => ({ ...PROPOSALS[3], id, path: "New.md" }));
  inbox.api.get = async (path) => (path.endsWith("ids") ? { ids: [6, 5, 2, 1] } : { proposals: [...proposals, PROPOSALS[0]], next: 2 });
  await inbox.follow();
  assert.deepEqual([inbox.order.value, inbox.fresh.value, inbox.currentId.value], [[2, 1], [6, 5], 2]);
  inbox.takeFresh();
  assert.deepEqual([inbox.order.value, inbox.fresh.value, inbox.currentId.value], [[5, 6, 2, 1], [], 2]);
});

test("of many that are decided on the others come back, with why; an undo puts all in their places", async () => {
  const { inbox } = await openInbox();
  const [order, status] = [inbox.order.value, new StatusStore(inbox.api)];
  const decisions = new DecisionStore(inbox.api, inbox, status);
  const decided = [{ id: 4, reason: null }, { id: 3, reason: "the note has changed" }];
  inbox.api.post = async () => ({ id: "run" });
  status.follow = async () => [{ path: "Garden/Sage.md", status: "enriched", reason: null, decided }]; // it was stopped there
  const written = []; // as it is said
  decisions.written.subscribe((number) => written.push(number));
  await decisions.decide("accept", [4, 3, 2], true);
  assert.deepEqual([inbox.order.value, decisions.log.value[0].ids, written], [[3, 2, 1], [4], [0, 1]]);
  assert.deepEqual([...inbox.faults.value], [[3, "the note has changed"]]);
  assert.equal(decisions.toast.value.words, "Sage: the note has changed");
  await new Promise(setImmediate);
  assert.deepEqual(inbox.fresh.value, [4]); // what is open by now is read again: here 4, which an editor has yet to write
  status.follow = async () => null; // the daemon ended, and its list says what came of it
  await decisions.undo();
  assert.deepEqual([inbox.order.value, inbox.fresh.value, inbox.currentId.value, inbox.deciding.size], [order, [], 4, 0]);
});

const MOVES = [
  ["told by Obsidian", (app) => app.rename("Garden/Sage.md", "Garden/Salvia.md")],
  ["told of its proposals", (app) => app.take({ name: "proposals", data: { ids: [3, 4, 9] } })],
  ["told only that there are many", (app) => app.take({ name: "proposals", data: { ids: null } })],
  ["after a restart of the daemon", (app) => app.take({ name: "reset", data: {} })],
];
for (const [name, tell] of MOVES) {
  test(`proposals, and what is shown for one note, go along when it is renamed: ${name}`, async () => {
    const { inbox: { api } } = await openInbox();
    const app = new App(api, { isPage: false });
    app.openPath.value = "Garden/Sage.md";
    app.tab.value = "note";
    await app.follow();
    app.inbox.choose(4);
    const { get } = api;
    const proposals = PROPOSALS.map((each) => (each.path === "Garden/Sage.md" ? { ...each, path: "Garden/Salvia.md" } : each));
    api.get = async (path, query) => {
      if (path === "/proposals") return { proposals, next: null };
      return proposals.find(({ id }) => path === `/proposals/${id}`) ?? get(path, query);
    };
    tell(app);
    await new Promise(setImmediate);
    assert.deepEqual(app.inbox.groups.value, [{ path: "Garden/Salvia.md", ids: [3, 4] }]);
    assert.deepEqual(app.inbox.order.value, [3, 4, 2, 1]);
    assert.deepEqual([app.inbox.currentId.value, app.inbox.filters.value.path], [4, "Garden/Salvia.md"]);
  });
}

for (const ids of [[9, 4, 3, 2, 1], null]) {
  test(`notes that take the names of others keep their own proposals, told of ${ids ?? "many"}`, async () => {
    const { inbox: { api } } = await openInbox();
    const app = new App(api, { isPage: false, root: () => ({ ownerDocument: { hasFocus: () => false } }) });
    await app.follow();
    await app.decisions.decide("refuse", [4]);
    const open = [9, 3, 2, 1];
    const paths = { "Garden/Sage.md": "Gardening.md", "Gardening.md": "Work.md" };
    const moved = PROPOSALS.map((each) => ({ ...each, path: paths[each.path] ?? each.path }));
    const proposals = [{ ...PROPOSALS[0], id: 9 }, ...moved]; // 9: of a new note under the first name
    api.get = async (path) => proposals.find(({ id }) => path === `/proposals/${id}`) ?? { ids: open, proposals, next: null };
    app.take({ name: "proposals", data: { ids } });
    await new Promise(setImmediate);
    open.push(4);
    await app.decisions.undo();
    app.inbox.takeFresh();
    const groups = [["Garden/Sage.md", [9]], ["Gardening.md", [3, 4]], ["Work.md", [2]], ["Cooking/Soup.md", [1]]];
    assert.deepEqual(app.inbox.groups.value.map((group) => [group.path, group.ids]), groups);
  });
}

test("two notes that swap their names, told one after the other, keep their proposals, those decided on too", async () => {
  const { inbox } = await openInbox();
  inbox.takeOut([4]);
  const paths = { "Garden/Sage.md": "Gardening.md", "Gardening.md": "Garden/Sage.md" };
  const proposals = PROPOSALS.map((each) => ({ ...each, path: paths[each.path] ?? each.path }));
  inbox.api.get = async (path) => proposals.find(({ id }) => path === `/proposals/${id}`);
  await followMoves(inbox, [4, 3]);
  await followMoves(inbox, [2]);
  assert.deepEqual([4, 3, 2].map((id) => inbox.get(id).path), ["Gardening.md", "Gardening.md", "Garden/Sage.md"]);
});

for (const [name, error, path] of [["is gone", new ApiError("Gone.", 404), "New.md"], ["gets no answer", new Error("Lost."), "Gardening.md"]]) {
  test(`a move is ${path === "New.md" ? "" : "not "}followed where the proposal before it ${name}`, async () => {
    const { inbox } = await openInbox();
    inbox.api.get = async (address) => {
      if (address === "/proposals/1") throw error;
      return { ...PROPOSALS[2], path: "New.md" };
    };
    await followMoves(inbox, [1, 2]).catch((reason) => assert.equal(reason, error));
    assert.equal(inbox.get(2).path, path);
  });
}

test("a filter for a folder goes along once all that it shows have moved", async () => {
  const { inbox } = await openInbox();
  renameNote(inbox, "Gardening.md", "Garden/Work.md");
  inbox.filter({ folder: "Garden" });
  renameNote(inbox, "Garden/Sage.md", "Beds/Sage.md");
  assert.deepEqual([inbox.filters.value.folder, inbox.shown.value], ["Garden", [2]]);
  renameNote(inbox, "Garden/Work.md", "Beds/Work.md");
  assert.deepEqual([inbox.filters.value.folder, inbox.shown.value], ["Beds", [3, 4, 2]]);
});

test("a note that the address names is found under its new name, and what is chosen stays so", async () => {
  const { inbox } = await openInbox();
  inbox.filter({ path: "Old.md" });
  assert.equal(inbox.currentId.value, null);
  renameNote(inbox, "Old.md", "Gardening.md");
  assert.deepEqual([inbox.shown.value, inbox.currentId.value], [[2], 2]);
});

test("what is told stays while it is looked at", async (context) => {
  const due = []; // what is to happen later
  context.mock.method(globalThis, "setTimeout", (act) => due.push(act));
  context.mock.method(globalThis, "clearTimeout", (number) => delete due[number - 1]);
  const { inbox } = await openInbox();
  const decisions = new DecisionStore(inbox.api, inbox, new StatusStore(inbox.api));
  await decisions.decide("refuse", [1]);
  assert.equal(decisions.toast.value.words, "Refused. It won’t be proposed again.");
  decisions.keepToast(true);
  due.forEach((act) => act());
  assert.ok(decisions.toast.value);
  decisions.keepToast(false);
  due.forEach((act) => act());
  assert.equal(decisions.toast.value, null);
});

const CHANGE = {
  id: 1, run: "a", path: "Garden/Sage.md", state: "done", made_at: "2026-01-01T10:00:00Z", undoes: null, undone_by: null, left: [],
};

test("a history whose newest changes are all undos shows what they took back", async () => {
  const undo = { ...CHANGE, id: 9, run: "b", undoes: 1 };
  const change = { ...CHANGE, undone_by: 9 };
  const get = async (path, { before }) => (before ? { changes: [change], next: null } : { changes: [undo], next: 9 });
  const history = new HistoryStore({ get }, new StatusStore({}));
  await history.load();
  assert.deepEqual(history.entries.value.map(({ run, changes }) => [run, changes]), [["a", [change]]]);
  history.isUndone.value = true;
  assert.equal(history.entries.value.length, 1);
});

test("older changes are read until there is one more to show", async () => {
  const pages = [[{ ...CHANGE, id: 3, undone_by: 9 }, 3], [{ ...CHANGE, id: 2 }, 2], [{ ...CHANGE, id: 1, undone_by: 8 }, 1]];
  const get = async () => (([change, next]) => ({ changes: [change], next }))(pages.shift());
  const history = new HistoryStore({ get }, new StatusStore({}));
  history.isUndone.value = true;
  await history.load();
  await history.loadMore();
  assert.deepEqual(history.entries.value[0].changes.map(({ id }) => id), [3, 1]);
});

test("a history shows what was asked for last: a folder's changes do not come late under all, nor older ones twice", async () => {
  const answers = [];
  const get = (path, query) => new Promise((done) => answers.push({ query, done }));
  const history = new HistoryStore({ get }, new StatusStore({}));
  history.path.value = "Garden";
  const loads = [history.load()];
  history.path.value = "";
  loads.push(history.load());
  answers[1].done({ changes: [{ ...CHANGE, id: 5 }], next: 5 });
  await loads[1];
  answers[0].done({ changes: [CHANGE], next: 1 });
  loads.push(history.loadMore(), history.loadMore());
  for (const { done } of answers.slice(2)) done({ changes: [{ ...CHANGE, id: 4 }], next: 4 });
  await Promise.all(loads);
  assert.deepEqual(history.changes.value.map(({ id }) => id), [5, 4]);
  assert.equal(answers.length, 4);
});

test("an undo of many asks for those that are shown", async () => {
  const { asked, inbox } = await openInbox();
  const history = new HistoryStore(inbox.api, new StatusStore(inbox.api));
  history.path.value = "Garden";
  await history.findUndoable({ run: "r" });
  assert.equal(asked.at(-1)[1].path, "Garden");
});

test("what is wrong with the model is said in the reader's language, with the next try, before the daemon's own words, and once", () => {
  const status = new StatusStore({});
  const now = { background: { backlog: {} }, settings_to_restart_for: [] };
  for (const [kind, reason, retry_in, words] of [
    ["down", "the endpoint cannot be reached", 9, "The model isn’t answering. Next try in 9 seconds. The endpoint cannot be reached."],
    ["storage", "the disk is full", 0, "The disk is full."],
  ]) {
    status.status.value = { ...now, retry_in, fault: { kind, reason } };
    status.takeRuns([{ id: "1", state: "running", waits: reason }]);
    assert.deepEqual(status.faults.value, [words]);
  }
  status.status.value = { ...now, rate_limit: "the endpoint has no requests left for now" };
  assert.equal(status.faults.value[0], "The model is being asked too often. The endpoint has no requests left for now.");
});

test("a run that is over stays so, whatever arrives later, and tells how long it takes", (context) => {
  context.mock.timers.enable({ apis: ["Date"], now: Date.parse("2026-01-01T10:10:00Z") });
  const status = new StatusStore({});
  status.status.value = { paused: false };
  const run = { id: "1", kind: "fill", state: "running", made_at: "2026-01-01T10:00:00Z", counts: { done: 10 }, total: 30 };
  status.takeRuns([run]);
  assert.equal(status.headline.value.words, "10 of 30 notes, about 20 minutes left");
  status.takeRuns([{ ...run, state: "done" }]);
  status.takeRuns([run]);
  assert.equal(status.active.value, null);
});

test("a page whose port another program has says that nobody answers, until the daemon is back", async (context) => {
  const answers = [["<h1>Hello", "text/html", 404], ["Hello", "text/plain", 200], ["{}", "application/json", 200]];
  const answer = ([text, type, status]) => new Response(text, { status, headers: { "Content-Type": type } });
  context.mock.method(globalThis, "fetch", async () => answer(answers.shift()));
  context.mock.method(globalThis, "setTimeout", setImmediate);
  const states = [];
  context.after(session.subscribe((state) => states.push(state)));
  assert.deepEqual(await api.get("/status"), {});
  assert.deepEqual(states, ["opening", "away", "open"]);
});

test("what a proposal is for is safe to show", () => {
  assert.equal(nameOf({ kind: "note_\u202etype", heading: null }), "Note <U+202E>type");
  assert.equal(nameOf({ kind: "callout", heading: "Us\u202ee" }), "Callout under “Us<U+202E>e”");
});
