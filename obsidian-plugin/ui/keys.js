/** Single keys: they act once a press, when nobody types, on what is in sight, and by position where the layout is not Latin. */

/** @import { App } from "./app.js" */

const FIELDS = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true]"; // to type into
const LEAST = 12; // pixels of a proposal that have to be seen

/** Have keys act. @type {(app: App, isMeant: () => boolean) => void} isMeant: whether keys are for it now */
export function listenToKeys(app, isMeant) {
  document.addEventListener("keydown", (event) => {
    const act = isMeant() ? findAct(app, event) : null;
    if (!act) return;
    event.preventDefault();
    if (!event.repeat || event.key.startsWith("Arrow")) act();
  });
}

/** @type {(app: App, event: KeyboardEvent) => (() => unknown) | null} */
function findAct(app, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return null;
  const { target } = event;
  if (!(target instanceof Element) || target.closest(FIELDS) || app.dialog.peek() || document.querySelector(":popover-open")) return null;
  const key = nameOf(event);
  const isNamed = key.length > 1;
  if (!isNamed && !app.hasKeys.peek()) return null;
  if (key === "?") return () => (app.dialog.value = { name: "keys" });
  if (key === "/") return () => app.startSearch();
  if (app.page.peek() !== "inbox") return null;
  if (key === "u") return () => app.undo();
  if (key === "ArrowDown" || key === "ArrowUp") {
    if (target.closest("summary, .cc-read__scroll")) return null; // which scrolls
    return () => step(app, key === "ArrowDown" ? 1 : -1);
  }
  if (key === "Enter" && target === document.body && app.isListShown.peek()) return () => (app.isListShown.value = false);
  if (app.inbox.mode.peek() === "edit") return null;
  const act = { a: () => app.decide("accept"), r: () => app.decide("refuse"), e: () => app.setMode("edit") }[key];
  if (!act) return null;
  return isInSight() ? act : bringInSight;
}

/** Go up or down in the list, with the focus if that is there. @type {(app: App, by: number) => void} */
function step(app, by) {
  const list = document.activeElement?.closest(".cc-groups");
  app.inbox.step(by);
  if (list) requestAnimationFrame(() => /** @type {HTMLElement | null} */ (list.querySelector("[aria-current=true]"))?.focus());
}

/** @param {KeyboardEvent} event the key, or the one at its place on a Latin keyboard */
function nameOf({ key, code, shiftKey }) {
  if (/^[\x20-\x7e]$/.test(key) || key.length > 1) return key;
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  if (letter) return shiftKey ? letter : letter.toLowerCase();
  return code === "Slash" ? (shiftKey ? "?" : "/") : key;
}

/** Return what is decided on, as it is shown: the value, or where it goes in the source. @returns {HTMLElement | null} */
function findProposed() {
  return document.querySelector("[data-proposed]");
}

/** Return whether what is decided on can be seen: not in a hidden pane, not scrolled away, not below something else. */
function isInSight() {
  const proposed = findProposed();
  if (!proposed) return false;
  const { top, bottom, left, right } = proposed.getBoundingClientRect();
  const head = document.querySelector(".cc-header")?.getBoundingClientRect().bottom ?? 0;
  const foot = document.querySelector(".cc-foot")?.getBoundingClientRect().top ?? innerHeight;
  const [from, to] = [Math.max(top, head), Math.min(bottom, foot)];
  if (to - from < Math.min(LEAST, bottom - top)) return false;
  const seen = document.elementFromPoint((left + right) / 2, (from + to) / 2);
  return seen !== null && (proposed.contains(seen) || seen.contains(proposed));
}

/** Decide by a button; where the proposal is scrolled away, it is shown first. @type {(app: App, what: "accept" | "refuse") => void} */
export function decideByButton(app, what) {
  const wasInSight = isInSight();
  bringInSight();
  if (wasInSight || !isInSight()) void app.decide(what);
}

/** Scroll to what is decided on, unless it is in sight; a pane that is hidden stays so. */
export function bringInSight() {
  if (!isInSight()) findProposed()?.scrollIntoView({ block: "start" });
}
