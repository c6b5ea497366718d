/** Single keys: they act once a press, when nobody types, and by position where the layout is not Latin. */

/** @import { App } from "./app.js" */

const FIELDS = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true]"; // to type into
const JUST_CAME = 1000; // milliseconds after the window got the focus, in which a key was meant for another one

/**
 * Have keys act, in whatever window the target is moved to.
 *
 * @param {App} app
 * @param {Document | HTMLElement} target
 * @param {() => boolean} [isMeant] whether keys are for it now
 * @returns {() => void} ends it
 */
export function listenToKeys(app, target, isMeant = () => true) {
  const stop = new AbortController();
  const { signal } = stop;
  /** @type {Set<Window | null>} */
  const windows = new Set();
  let cameAt = -Infinity;
  const noticeFocus = () => void (cameAt = performance.now());
  const followWindow = () => {
    const { defaultView } = target.ownerDocument ?? target;
    if (windows.has(defaultView)) return;
    defaultView?.addEventListener("focus", noticeFocus, { signal });
    if (windows.size) noticeFocus(); // it was moved there
    windows.add(defaultView);
  };
  const press = (/** @type {any} */ event) => {
    const act = isMeant() ? findAct(app, event) : null;
    if (!act) return;
    event.preventDefault();
    if (!event.repeat && performance.now() - cameAt > JUST_CAME) act();
  };
  followWindow();
  target.addEventListener("keydown", press, { signal });
  target.addEventListener("focusin", followWindow, { signal });
  return () => stop.abort();
}

/** @type {(app: App, event: KeyboardEvent) => (() => void) | null} */
function findAct(app, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return null;
  if (isTyped(event.target) || app.dialog.peek()) return null;
  const key = nameOf(event);
  const isArrow = key.startsWith("Arrow");
  const scrolls = event.target instanceof Element && event.target.closest("summary, .cc-read__scroll") !== null;
  if ((isArrow && scrolls) || (!isArrow && !app.hasKeys.peek())) return null;
  if (app.inbox.mode.peek() === "edit" || (app.tab.peek() === "decided" && !OF_DECIDED.has(key))) return null;
  return ACTS[key] ? () => ACTS[key]?.(app) : null;
}

/** @param {EventTarget | null} target */
function isTyped(target) {
  return target instanceof Element && target.closest(FIELDS) !== null;
}

/** @param {KeyboardEvent} event the key, or the one at its place on a Latin keyboard */
function nameOf({ key, code, shiftKey }) {
  if (/^[\x20-\x7e]$/.test(key) || key.length > 1) return key;
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  if (letter) return shiftKey ? letter : letter.toLowerCase();
  return code === "Slash" ? (shiftKey ? "?" : "/") : key;
}

/** @type {Record<string, (app: App) => void>} */
const ACTS = {
  a: (app) => app.decide("accept"),
  A: (app) => app.decide("accept", true),
  r: (app) => app.decide("refuse"),
  e: (app) => app.startEditing(),
  i: (app) => app.toggleAgain(),
  u: undo,
  j: (app) => listOf(app).step(1),
  k: (app) => listOf(app).step(-1),
  ArrowDown: (app) => listOf(app).step(1),
  ArrowUp: (app) => listOf(app).step(-1),
  s: (app) => (app.asSource.value = !app.asSource.peek()),
  f: (app) => app.inbox.filter({ flagged: !app.inbox.filters.peek().flagged }),
  "/": (app) => /** @type {HTMLElement | null} */ (app.shell.root().querySelector("input[type=search]"))?.focus(),
  "?": (app) => (app.dialog.value = { name: "keys" }),
};

/** Keys for what is decided already. */
const OF_DECIDED = new Set(["u", "j", "k", "ArrowDown", "ArrowUp", "?"]);

/** @param {App} app */
function undo(app) {
  const decided = app.tab.peek() === "decided" ? app.decided.current.peek() : null;
  void (decided ? app.reopen(decided) : app.decisions.undo());
}

/** @param {App} app */
function listOf({ tab, decided, inbox }) {
  return tab.peek() === "decided" ? decided : inbox;
}
