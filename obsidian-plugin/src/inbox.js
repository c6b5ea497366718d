/** The inbox: the open proposals of the note, its folder or the vault, decided on by mouse or keyboard. */

import { readProposals } from "./daemon.js";
import { decide } from "./decisions.js";
import { explain, NotThere, Stopped } from "./errors.js";
import { addScope, findScope } from "./inbox-scope.js";
import { editProposal, showProposal } from "./inbox-row.js";
import { openPlace } from "./place.js";
import { countNotes, say, sentence } from "./words.js";

/** @import { Decision } from "./decisions.js" */
/** @import { Proposal } from "./shapes.js" */
/** @import { Place } from "./view.js" */
/** @import { Key } from "./words.js" */

/**
 * What is shown. next: where the next page begins, null after the last. current: the row that the
 * keys are for. decided: what was decided on here at once, newest last. total: how many there are.
 *
 * @typedef {{
 *   place: Place, list: HTMLElement, count: HTMLElement, shown: Map<HTMLElement, Proposal>, next: number | null,
 *   current: HTMLElement | null, decided: Proposal[][], total: number, isLoading: boolean,
 * }} Inbox
 */

const PAGE = 50; // proposals read at once
const AHEAD = 10; // rows left when the next page is read

/**
 * Show the open proposals.
 *
 * @param {Place} place
 */
export async function showInbox(place) {
  const { parent, plugin } = place;
  addScope(place);
  const count = parent.createEl("p", { cls: "callout-companion-quiet" });
  const actions = parent.createDiv({ cls: "callout-companion-buttons" });
  const list = parent.createEl("ul", { cls: "callout-companion-list", attr: { "aria-label": say("tabInbox"), tabindex: -1 } });
  parent.createEl("p", { text: say("keys"), cls: "callout-companion-quiet" });
  /** @type {Inbox} */
  const inbox = {
    ...{ place, list, count, shown: new Map(), next: null, current: null },
    ...{ decided: plugin.decided, total: 0, isLoading: false },
  };
  list.addEventListener("keydown", (event) => press(inbox, event));
  addActions(inbox, actions);
  await load(inbox, null).catch((/** @type {unknown} */ error) => {
    if (!(error instanceof NotThere)) throw error;
    count.setText(say("inboxOld"));
  });
}

/**
 * @param {Inbox} inbox
 * @param {HTMLElement} row
 */
function addActions(inbox, row) {
  const isPlain = (/** @type {HTMLElement} */ one) => inbox.shown.get(one)?.flags.length === 0;
  /** @type {[Key, () => void][]} */
  const actions = [
    ["acceptChosen", () => decideChosen(inbox, { what: "accept" })],
    ["refuseChosen", () => decideChosen(inbox, { what: "refuse" })],
    ["acceptUnflagged", () => decideAll(inbox, isPlain, { what: "accept" })],
    ["undoDecision", () => void undoLast(inbox)],
  ];
  for (const [key, act] of actions) row.createEl("button", { text: say(key) }).addEventListener("click", act);
}

/**
 * Read a page of proposals, and show them.
 *
 * @param {Inbox} inbox
 * @param {number | null} before
 */
async function load(inbox, before) {
  const { place, list, shown } = inbox;
  inbox.isLoading = true;
  try {
    const query = { ...findScope(place.plugin), limit: PAGE, ...(before !== null && { before }) };
    const page = await readProposals(place.plugin, query);
    for (const proposal of page.proposals) {
      const row = showProposal(list, proposal, {
        choose: (element) => choose(inbox, element),
        decide: (element, decision) => decideOne(inbox, element, decision),
        open: (element) => open(inbox, element),
      });
      shown.set(row, proposal);
    }
    inbox.next = page.before;
    inbox.total = page.total;
    updateCount(inbox);
  } finally {
    inbox.isLoading = false;
  }
}

/**
 * Read the next page. Where the keyboard has come to the end of what is shown, it goes on there.
 *
 * @param {Inbox} inbox
 * @param {number} before
 */
async function loadMore(inbox, before) {
  await load(inbox, before);
  const [first = null] = inbox.shown.keys();
  if (!inbox.current) choose(inbox, first, hasKeyboard(inbox.list));
}

/** @param {Inbox} inbox */
function updateCount({ count, total }) {
  count.setText(total > 0 ? say("inboxCount", { n: total }) : say("inboxEmpty"));
}

/**
 * @param {Inbox} inbox
 * @param {KeyboardEvent} event
 */
function press(inbox, event) {
  const { target, key, ctrlKey, metaKey, altKey } = event;
  const isTyping = target instanceof Element && target.matches("textarea, input:not([type=checkbox]), select");
  const row = inbox.current;
  if (isTyping || ctrlKey || metaKey || altKey) return;
  /** @type {Record<string, () => void>} */
  const acts = {
    j: () => step(inbox, 1),
    k: () => step(inbox, -1),
    u: () => void undoLast(inbox),
    a: () => row && decideOne(inbox, row, { what: "accept" }),
    r: () => row && decideOne(inbox, row, { what: "refuse" }),
    A: () => decideChosen(inbox, { what: "accept" }),
    R: () => decideChosen(inbox, { what: "refuse" }),
    e: () => row && editProposal(row, (value) => decideOne(inbox, row, { what: "accept", value })),
    x: () => row?.querySelector("input")?.click(),
    Enter: () => row && target === row && open(inbox, row),
  };
  const act = acts[key];
  if (!act || (key === "Enter" && target !== row)) return;
  event.preventDefault();
  act();
}

/**
 * @param {Inbox} inbox
 * @param {number} by
 */
function step(inbox, by) {
  const rows = [...inbox.shown.keys()];
  const at = inbox.current ? rows.indexOf(inbox.current) + by : 0;
  const next = rows[Math.min(Math.max(at, 0), rows.length - 1)];
  if (next) choose(inbox, next);
}

/**
 * Have the keys be for a row; without one they are for the list, which hears "undo" at least.
 *
 * @param {Inbox} inbox
 * @param {HTMLElement | null} row
 * @param {boolean} [takesKeyboard] whether the keyboard goes there
 */
function choose(inbox, row, takesKeyboard = true) {
  inbox.current?.removeAttribute("aria-current");
  inbox.current = row;
  const place = row ?? inbox.list;
  if (takesKeyboard && !hasKeyboard(place)) place.focus();
  if (!row) return;
  row.setAttr("aria-current", "true");
  row.scrollIntoView({ block: "nearest" });
}

/** @param {HTMLElement} element */
function hasKeyboard(element) {
  return element.contains(element.ownerDocument.activeElement);
}

/**
 * Decide on a row's proposal, and go on to the next one. A row whose decision failed comes back, with why.
 *
 * @param {Inbox} inbox
 * @param {HTMLElement} row
 * @param {Decision} decision
 * @param {Proposal[]} [together] what was decided on at once, and is taken back at once
 */
function decideOne(inbox, row, decision, together = []) {
  const proposal = inbox.shown.get(row);
  if (!proposal) return;
  if (together.push(proposal) === 1) inbox.decided.push(together);
  const isCurrent = inbox.current === row;
  const rows = [...inbox.shown.keys()];
  const at = rows.indexOf(row);
  const hadKeyboard = hasKeyboard(row);
  take(inbox, row);
  if (isCurrent) choose(inbox, rows[at + 1] ?? rows[at - 1] ?? null, hadKeyboard);
  const { next, place } = inbox;
  if (inbox.shown.size < AHEAD && next !== null && !inbox.isLoading) void place.attempt(() => loadMore(inbox, next));
  decide(place.plugin, proposal, decision).catch((/** @type {unknown} */ error) => {
    together.splice(together.indexOf(proposal), 1);
    giveBack(inbox, row, proposal, error);
  });
}

/**
 * @param {Inbox} inbox
 * @param {HTMLElement} row
 */
function take(inbox, row) {
  inbox.shown.delete(row);
  row.remove();
  inbox.total -= 1;
  updateCount(inbox);
}

/**
 * @param {Inbox} inbox
 * @param {HTMLElement} row
 * @param {Proposal} proposal
 * @param {unknown} error
 */
function giveBack(inbox, row, proposal, error) {
  if (error instanceof Stopped) return;
  const { said, plugin } = inbox.place;
  const why = `${proposal.path}: ${explain(plugin, error)}`;
  said.setText(why);
  row.querySelector(".callout-companion-why")?.setText(sentence(why));
  inbox.list.append(row);
  inbox.shown.set(row, proposal);
  inbox.total += 1;
  updateCount(inbox);
}

/**
 * @param {Inbox} inbox
 * @param {Decision} decision
 */
function decideChosen(inbox, decision) {
  decideAll(inbox, (row) => row.querySelector("input:checked") !== null, decision);
}

/**
 * @param {Inbox} inbox
 * @param {(row: HTMLElement) => boolean} isMeant
 * @param {Decision} decision
 */
function decideAll(inbox, isMeant, decision) {
  const rows = [...inbox.shown.keys()].filter(isMeant);
  inbox.place.said.setText(rows.length ? "" : say("chooseFirst"));
  /** @type {Proposal[]} */
  const together = [];
  for (const row of rows) decideOne(inbox, row, decision, together);
}

/**
 * Take back what was decided here last: one proposal, or those that were chosen together.
 *
 * @param {Inbox} inbox
 */
async function undoLast({ place, decided }) {
  const { plugin, said, refresh } = place;
  let last = decided.pop();
  while (last?.length === 0) last = decided.pop(); // all of them failed
  if (!last) return said.setText(say("noDecision"));
  const made = await Promise.allSettled([...last].reverse().map((one) => decide(plugin, one, { what: "undo" })));
  const failed = made.find((one) => one.status === "rejected");
  if (made.some((one) => one.status === "fulfilled")) await refresh();
  const [path = "", ...others] = new Set(last.map((one) => one.path));
  const told = others.length ? say("undoneNotes", { notes: countNotes(others.length + 1) }) : say("undone", { path });
  said.setText(failed ? explain(plugin, failed.reason) : told);
}

/**
 * @param {Inbox} inbox
 * @param {HTMLElement} row
 */
function open(inbox, row) {
  const { plugin, attempt } = inbox.place;
  const proposal = inbox.shown.get(row);
  if (proposal) void attempt(() => openPlace(plugin, proposal, (decision) => decideOne(inbox, row, decision)));
}
