/** The state of the page, without a browser: what is shown, held, decided, undone, and told. */

import assert from "node:assert/strict";
import { build } from "esbuild";
import { after, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";

const FILES = ["api", "app", "decisions", "history-store", "inbox-store", "status-store", "words"];
const contents = FILES.map((name) => `export * from "./${name}.js";`).join("\n");
const resolveDir = fileURLToPath(new URL("../ui", import.meta.url));
const storage = new Map();
globalThis.sessionStorage = { getItem: (key) => storage.get(key) ?? null, setItem: (key, value) => storage.set(key, value) };
globalThis.localStorage = { getItem: () => null };
globalThis.BroadcastChannel = EventTarget;
globalThis.requestAnimationFrame = () => {};
const { outputFiles } = await build({ stdin: { contents, resolveDir }, bundle: true, write: false, format: "esm" });
const { ApiError, App, count, explain, NoAnswer } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);

const NOTE = "---\naliases:\ntags:\ndescription:\n---\n";
const PROPOSALS = [
  { id: 4, path: "Garden/Sage.md", kind: "tags", text: ["herb"], flags: [] },
  { id: 3, path: "Garden/Sage.md", kind: "description", text: "How it grows.", flags: ["unsupported"] },
  { id: 2, path: "Gardening.md", kind: "description", text: "What a gardener does.", flags: [] },
  { id: 1, path: "Garden/Sage.md", kind: "callout", text: ["With sage.", "", "And time."], flags: [] },
].map((each) => ({ ...each, state: "open", heading: null, decided_by: "" }));

let daemon;
let app;
let inbox;

/** A daemon with these proposals, which decides as it is asked. */
function makeDaemon() {
  const all = new Map(PROPOSALS.map((each) => [each.id, { ...each }]));
  const why = new Map();
  const open = () => [...all.values()].filter(({ state }) => state === "open").sort((a, b) => b.id - a.id);
  return {
    all, why, asked: [], isAway: false,
    get: async (path) => {
      if (daemon.isAway) throw new NoAnswer("Nobody answers.");
      if (path.endsWith("/place")) return { parts: [["=", NOTE]] };
      if (path === "/proposals") return { proposals: open(), total: open().length, next: null };
      if (path === "/proposals/ids") return { ids: open().map(({ id }) => id) };
      const one = all.get(Number(/\/proposals\/(\d+)$/.exec(path)?.[1]));
      if (!one) throw new ApiError("There is none.", 404);
      return { ...one };
    },
    post: async (path, body) => {
      daemon.asked.push([path, body]);
      if (path.endsWith("/again")) return { id: "run", state: "running", kind: "fill", counts: {}, total: 1 };
      const decide = (id, state) => ({ id, reason: why.get(id) ?? (void (all.get(id).state = state), null) });
      const { accept = [], refuse = [], undo = [] } = body;
      const decided = [...accept.map(({ id }) => decide(id, "accepted")), ...refuse.map((id) => decide(id, "refused")), ...undo.map((id) => decide(id, "open"))];
      if (daemon.isAway) throw new NoAnswer("Nobody answers.");
      return { notes: [{ status: "enriched", reason: null, decided }] };
    },
  };
}

const endToast = () => app?.decisions.keepToast(true); // else its time keeps the test waiting
after(endToast);
beforeEach(async () => {
  endToast();
  storage.clear();
  daemon = makeDaemon();
  app = new App(daemon);
  ({ inbox } = app);
  await app.refresh();
});

const decide = async (what, id, ids) => (inbox.choose(id), app.decide(what, ids));

test("rows are by note, newest first, and within a note as it has them", () => {
  assert.deepEqual(inbox.groups.value, [{ path: "Garden/Sage.md", ids: [4, 3, 1] }, { path: "Gardening.md", ids: [2] }]);
});

const FILTERS = [[{ search: "SAGE" }, [4, 3, 1]], [{ search: "time" }, [1]], [{ search: "garden/" }, [4, 3, 1]], [{ flagged: true }, [3]], [{ kind: "description", search: "gardening" }, [2]]];
for (const [filter, ids] of FILTERS) {
  test(`a filter shows what fits, and goes to the first that does: ${JSON.stringify(filter)}`, () => {
    inbox.filter(filter);
    assert.deepEqual(inbox.shown.value, ids);
    assert.ok(ids.includes(inbox.currentId.value));
  });
}

test("200 rows are shown at a time, but the current one always is", async () => {
  for (let id = 1000; id < 1500; id += 1) daemon.all.set(id, { ...daemon.all.get(2), id, path: `${id}.md` });
  await inbox.refresh([...daemon.all.keys()]);
  const rows = () => inbox.groups.value.flatMap(({ ids }) => ids);
  assert.equal(rows().length, 200);
  inbox.choose(1000);
  assert.equal(rows().at(-1), 1000);
});

test("a filter leaves alone what is being edited; what is typed is not among the unflagged, and is kept for a reload", () => {
  inbox.choose(2);
  inbox.mode.value = "edit";
  inbox.type(2, "Mine.");
  inbox.filter({ search: "Sage" });
  assert.equal(inbox.currentId.value, 2);
  inbox.filter({ search: "" });
  assert.deepEqual(inbox.unflagged.value, [4, 1]);
  assert.equal(new App(daemon).inbox.drafts.value.get(2), "Mine.");
});

test("what is typed goes with its decision, and comes back with its undo", async () => {
  inbox.type(2, "Mine.");
  await decide("accept", 2);
  assert.deepEqual(daemon.asked[0][1].accept, [{ id: 2, text: "Mine." }]);
  assert.deepEqual([inbox.drafts.value.size, app.decisions.toast.value.words], [0, "Written into Gardening."]);
  await app.undo();
  assert.deepEqual([inbox.currentId.value, inbox.drafts.value.get(2), daemon.all.get(2).state], [2, "Mine.", "open"]);
});

test("all of a note are accepted as one step, and undone as one", async () => {
  await decide("accept", 4, [4, 3, 1]);
  assert.deepEqual([inbox.order.value, app.decisions.log.value.length], [[2], 1]);
  await app.undo();
  assert.deepEqual(inbox.order.value, [4, 3, 1, 2]);
});

test("what is refused by the daemon stays, with why in a sentence that names the note, and no toast beside it", async () => {
  daemon.why.set(3, "Garden/Sage.md has changed");
  await decide("accept", 3);
  assert.deepEqual(inbox.faults.value.get(3), { why: "Sage has changed.", isGone: false });
  assert.deepEqual([inbox.currentId.value, app.decisions.toast.value, app.decisions.said.value.isFault], [3, null, true]);
});

test("one decision is made at a time: a key that comes meanwhile does nothing", async () => {
  inbox.choose(4);
  await Promise.all([app.decide("accept"), app.decide("accept"), app.decide("refuse")]);
  assert.deepEqual([daemon.asked.length, daemon.all.get(4).state, inbox.order.value], [1, "accepted", [3, 1, 2]]);
});

test("a decision that got no answer leaves its proposal, and what was typed, until it is known what came of it", async () => {
  inbox.type(2, "Mine.");
  inbox.choose(2);
  daemon.isAway = true;
  await app.decide("accept");
  assert.deepEqual([inbox.order.value.includes(2), inbox.drafts.value.get(2)], [true, "Mine."]);
  daemon.isAway = false;
  await app.refresh([2]);
  assert.deepEqual([inbox.currentId.value, inbox.faults.value.get(2)?.isGone], [2, true]);
});

test("what others decided on goes, but for the current one and what somebody typed into; new ones are at the end", async () => {
  inbox.choose(2);
  inbox.type(3, "Mine.");
  for (const id of [2, 3, 4]) daemon.all.get(id).state = "refused";
  daemon.all.set(5, { ...PROPOSALS[0], id: 5, path: "New.md" });
  await inbox.refresh([2, 3, 4, 5]);
  assert.deepEqual([inbox.order.value, inbox.currentId.value], [[3, 1, 2, 5], 2]);
  assert.deepEqual([2, 3].map((id) => inbox.faults.value.get(id)?.isGone), [true, true]);
  daemon.all.get(3).state = "open"; // somebody undid that
  await inbox.refresh([3]);
  assert.deepEqual([inbox.faults.value.has(3), inbox.drafts.value.get(3)], [false, "Mine."]);
});

test("what was typed into one that is decided on by now is shown after a reload", async () => {
  inbox.type(3, "Mine.");
  daemon.all.get(3).state = "accepted";
  const again = new App(daemon);
  await again.refresh();
  assert.deepEqual([again.inbox.order.value.includes(3), again.inbox.faults.value.get(3)?.isGone], [true, true]);
});

test("a note that is renamed takes its proposals along, those that were decided on too", async () => {
  await decide("refuse", 4);
  for (const id of [1, 3, 4]) daemon.all.get(id).path = "Garden/Salvia.md";
  await inbox.refresh([1, 3, 4]);
  await app.undo();
  assert.deepEqual(inbox.groups.value[0], { path: "Garden/Salvia.md", ids: [4, 3, 1] });
});

for (const isEarly of [true, false]) {
  test(`an answer takes the place of what was asked for again, told ${isEarly ? "before" : "after"} its run`, async () => {
    const arrive = () => {
      daemon.all.get(3).state = "superseded";
      daemon.all.set(6, { ...PROPOSALS[1], id: 6, text: "Shorter." });
      return inbox.refresh([3, 6]);
    };
    inbox.choose(3);
    const asking = app.askAgain(inbox.get(3), "shorter");
    if (isEarly) await arrive();
    await asking;
    if (!isEarly) await arrive();
    assert.deepEqual([inbox.order.value, inbox.currentId.value, inbox.asked.value.size], [[4, 6, 1, 2], 6, 0]);
    await app.decide("accept"); // nobody has read it yet
    assert.equal(daemon.all.get(6).state, "open");
  });
}

const STATUS = { background: { enabled: true, backlog: {}, notes_today: 0, notes_a_day: 50, off: "" }, in_hand: [], settings_to_restart_for: [], ready: true, fault: null, paused: false, missing: null };
const FAULT = { kind: "down", reason: "http://127.0.0.1:1 refused", since: "", tries: 2 };
const STATES = [
  [{}, "Idle", []],
  [{ ready: false }, "Looking over the vault", []],
  [{ paused: true }, "Paused", ["Resume"]],
  [{ fault: FAULT }, "Model not answering", ["Try now"]],
  [{ fault: FAULT, paused: true }, "Model not answering", ["Try now", "Resume"]],
  [{ background: { ...STATUS.background, enabled: false, off: "switched off" } }, "Idle", ["Turn it on"]],
  [{ background: { ...STATUS.background, off: "the limit of a day is reached" } }, "Idle", []],
  [{ background: { ...STATUS.background, backlog: { notes: 3, cost: "Free." } } }, "Idle", ["Fill them, too", "Leave them alone"]],
  [{ settings_fault: "config.toml, line 3" }, "Settings need mending", []],
  [{ vault_missing: true }, "Vault not found", []],
];
for (const [state, words, buttons] of STATES) {
  test(`the header says “${words}”, with ${buttons.join(" and ") || "no button"}: ${JSON.stringify(state).slice(0, 40)}`, () => {
    app.status.takeNews({ is_whole: true, runs: [], status: { ...STATUS, ...state } });
    assert.equal(app.status.summary.value.words, words);
    assert.deepEqual(app.status.faults.value.flatMap(({ acts }) => acts.map(({ label }) => label)), buttons);
  });
}

test("words: one note, two notes; a fault is a sentence", () => {
  assert.deepEqual([count(1, "note"), count(1200, "note"), count(2, "other is", "others are")], ["1 note", "1,200 notes", "2 others are"]);
  assert.equal(explain("its need is gone: A/B.md was filled", "A/B.md"), "Its need is gone: B was filled.");
});

test("history finds older ones by search, and asks for pages until there is one", async () => {
  const change = (id, path) => ({ id, path, run: "a", needs: [], model: "", state: "done", made_at: "2026-01-01T10:00:00Z", undoes: null, undone_by: null, left: [] });
  const pages = [[change(9, "Sage.md"), change(8, "Mint.md")], [change(7, "Dill.md")], [change(6, "Sage.md")]];
  daemon.get = async (path, { before }) => {
    const at = before === undefined ? 0 : before;
    return { changes: pages[at], next: at < 2 ? at + 1 : null };
  };
  app.history.search.value = "dill";
  await app.history.load();
  assert.deepEqual(app.history.entries.value.flatMap(({ changes }) => changes.map(({ path }) => path)), ["Dill.md"]);
  assert.equal(app.history.next.value, 2);
});
