/** The status bar: what is being done, in a line that opens a menu, and how many proposals wait, which opens the next. */

import { Menu, setTooltip } from "obsidian";
import { ask, notifyOfErrors, notifyWithButtons } from "./dialogs.js";
import { cancelAll } from "./enrich.js";
import { openPage } from "./program.js";
import { requireDaemon } from "./set-up.js";
import { count } from "./words.js";

/** @import { Status } from "./api-types.d.ts" */
/** @import CompanionPlugin from "./main.js" */

/** Add the elements that updateStatusBar fills. @param {CompanionPlugin} plugin */
export function addStatusBar(plugin) {
  const line = addItem(plugin, (event) => openMenu(plugin, event));
  const waiting = addItem(plugin, () => void notifyOfErrors(plugin, () => plugin.review.openNext()));
  return { line, waiting };
}

/** @type {(plugin: CompanionPlugin, open: (event: MouseEvent | KeyboardEvent) => void) => HTMLElement} */
function addItem(plugin, open) {
  const element = plugin.addStatusBarItem();
  element.addClass("mod-clickable");
  element.setAttrs({ role: "button", tabindex: 0 });
  plugin.registerDomEvent(element, "click", open);
  plugin.registerDomEvent(element, "keydown", (event) => {
    if (!["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    open(event);
  });
  return element;
}

/** Show the current state in the status bar. @param {CompanionPlugin} plugin */
export function updateStatusBar({ feed, outbox, statusBar }) {
  if (!statusBar) return;
  const number = feed.status?.proposals ?? 0;
  const toReview = `${number} to review`;
  const wait = [...outbox.waits].at(-1);
  const words = wait ? `waiting until ${wait.what}…` : feed.line;
  name(statusBar.line, !words || words === toReview ? "Companion" : `Companion: ${words}`, feed.missing);
  name(statusBar.waiting, toReview, "show the next");
  statusBar.waiting.toggle(number > 0);
}

/** Its accessible name has to begin with the visible text (WCAG 2.5.3, "Label in Name"). @type {(element: HTMLElement, text: string, more: string) => void} */
function name(element, text, more) {
  if (element.textContent !== text) element.setText(text);
  setTooltip(element, more ? `${text}; ${more}` : text, { placement: "top" });
}

/** What goes on, and what can be done about it. @type {(plugin: CompanionPlugin, event: MouseEvent | KeyboardEvent) => void} */
function openMenu(plugin, event) {
  const { feed, outbox } = plugin;
  const { status } = feed;
  const menu = new Menu();
  const tell = (/** @type {string} */ words) => menu.addItem((item) => item.setTitle(words).setIsLabel(true));
  const add = (/** @type {string} */ title, /** @type {string} */ icon, /** @type {() => unknown} */ act) =>
    menu.addItem((item) => item.setTitle(title).setIcon(icon).onClick(() => void notifyOfErrors(plugin, act)));
  for (const { name: note, what } of outbox.waits) tell(`“${note}” waits until ${what}`);
  tell(feed.line || "Ready");
  for (const words of [feed.missing, describeToday(status), describeLosses(plugin)]) if (words) tell(words);
  if (!status) add("Start Callout Companion …", "play", () => requireDaemon(plugin));
  if (status?.proposals) add("Review next", "inbox", () => plugin.review.openNext());
  if (countBacklog(status)) add(`Decide about ${count(countBacklog(status), "older note")} …`, "list-todo", () => askAboutBacklog(plugin));
  if (outbox.waits.size || feed.active.length) add("Cancel", "circle-stop", () => cancelAll(plugin));
  if (status) add(status.paused ? "Resume background work" : "Pause background work", status.paused ? "play" : "pause", () => togglePause(plugin));
  if (status) add("Open inbox and history", "globe", () => openPage(plugin));
  if (event.instanceOf(MouseEvent)) menu.showAtMouseEvent(event);
  else {
    const { left: x, top: y } = /** @type {HTMLElement} */ (event.currentTarget ?? event.target).getBoundingClientRect();
    menu.showAtPosition({ x, y });
  }
}

/** What was done today, and what it cost. @param {Status | null} status */
function describeToday(status) {
  if (!status) return "";
  const { dollars, is_free: isFree, notes } = status.today;
  const cost = isFree ? "free" : dollars === null ? "price unknown" : `$${dollars.toFixed(2)}`;
  return `Today: ${count(notes, "note")}, ${cost}`;
}

/** @param {CompanionPlugin} plugin */
function describeLosses({ missing }) {
  return missing.length ? `This version of Obsidian has no ${missing.join(", ")}, so edits may get in the way of your typing.` : "";
}

/** Pause background work, or resume it. @param {CompanionPlugin} plugin */
export async function togglePause(plugin) {
  const { connection, feed } = plugin;
  /** @type {Status} */
  const status = await connection.post(feed.status?.paused ? "/resume" : "/pause");
  feed.status = status;
  updateStatusBar(plugin);
}

/** Return how many notes are filled only if the user agrees. @param {Status | null} status */
function countBacklog(status) {
  return status?.background.backlog.notes ?? 0;
}

/** Notify the user of notes that were here before, again only when there are more. @param {CompanionPlugin} plugin */
export function announceBacklog(plugin) {
  const notes = countBacklog(plugin.feed.status);
  if (notes <= plugin.announcedBacklog) return;
  plugin.announcedBacklog = notes;
  const words = `${count(notes, "note")} here before Companion, or arrived all at once, may need something. They stay as they are until you say so.`;
  notifyWithButtons(plugin, words, ["Decide", () => askAboutBacklog(plugin)]);
}

/** @param {CompanionPlugin} plugin */
function askAboutBacklog(plugin) {
  const { background } = plugin.feed.status ?? {};
  if (!background) throw plugin.feed.error;
  const { cost, notes } = background.backlog;
  const decide = async (/** @type {boolean} */ fill) => {
    plugin.feed.status = await plugin.connection.post("/backlog", { fill, notes });
    plugin.announcedBacklog = 0;
    updateStatusBar(plugin);
  };
  const words = `${cost} In the background at most ${background.notes_a_day} a day. Notes that you write or edit are filled either way.`;
  ask(plugin, `Enrich ${count(notes, "note")} that were here before?`, words.trim(), ["Yes, enrich them", () => decide(true)], ["No, leave them alone", () => decide(false)]);
}
