/** What was changed, newest first, and undoing it: each change, and all of a run. */

import { showNote } from "./open-notes.js";
import { undoChange, undoRun } from "./undo.js";
import { joinNames, kindOf, say } from "./words.js";

/** @import { Change } from "./shapes.js" */
/** @import { Place } from "./view.js" */

const PAGE = 30; // changes shown at once

/**
 * Show the newest changes of the vault, with a button for more.
 *
 * @param {Place} place
 */
export async function showHistory(place) {
  const list = place.parent.createEl("ul", { cls: "callout-companion-list" });
  const count = await addChanges(place, list, null);
  if (!count) place.parent.createEl("p", { text: say("historyNone") });
}

/**
 * Add a page of changes, and a button for the next one. Return how many they are.
 *
 * @param {Place} place
 * @param {HTMLElement} list
 * @param {number | null} before
 * @returns {Promise<number>}
 */
async function addChanges(place, list, before) {
  const { changes, next } = await place.plugin.api.readChangePage({}, PAGE, before);
  let run = list.lastElementChild?.getAttr("data-run");
  for (const change of changes) {
    showChange(place, list, change, change.run !== run);
    run = change.run;
  }
  if (next === null) return changes.length;
  const more = place.parent.createEl("button", { text: say("more") });
  more.addEventListener("click", () => {
    more.remove();
    void place.attempt(() => addChanges(place, list, next));
  });
  return changes.length;
}

/**
 * @param {Place} place
 * @param {HTMLElement} list
 * @param {Change} change
 * @param {boolean} isFirst whether it is the first shown of its run
 */
function showChange(place, list, change, isFirst) {
  const { plugin } = place;
  const { id, path, run } = change;
  const row = list.createEl("li", { cls: "callout-companion-change", attr: { "data-run": run } });
  const link = row.createEl("a", { text: path, cls: "internal-link", href: "#" });
  link.addEventListener("click", (event) => {
    event.preventDefault();
    void place.attempt(() => showNote(plugin, path, event));
  });
  const kinds = [...new Set(change.needs.map(kindOf))];
  const when = new Date(change.made_at).toLocaleString();
  row.createEl("p", { text: [joinNames(kinds), when].filter(Boolean).join(" · "), cls: "callout-companion-quiet" });
  const reason = findReason(change);
  if (reason) {
    row.createEl("p", { text: reason, cls: "callout-companion-quiet" });
    return;
  }
  const buttons = row.createDiv({ cls: "callout-companion-buttons" });
  addButton(place, buttons, say("undo"), path, () => undoChange(plugin, id, path));
  if (isFirst && run) addButton(place, buttons, say("undoRun"), path, () => undoRun(plugin, run));
}

/**
 * Return why the change cannot be undone, empty if it can.
 *
 * @param {Change} change
 */
function findReason({ state, undoes, left }) {
  if (undoes !== null) return say("stateUndo");
  if (left?.length) return say("stateInPart", { left: joinNames(left) });
  if (state === "undone") return say("stateUndone");
  return state === "done" ? "" : say("stateFailed");
}

/**
 * @param {Place} place
 * @param {HTMLElement} parent
 * @param {string} text
 * @param {string} path
 * @param {() => Promise<void>} act
 */
function addButton(place, parent, text, path, act) {
  const button = parent.createEl("button", { text, attr: { "aria-label": `${text}, ${path}` } });
  button.addEventListener("click", () => {
    button.disabled = true;
    place.said.setText("");
    void place.attempt(act).then(place.refresh);
  });
}
