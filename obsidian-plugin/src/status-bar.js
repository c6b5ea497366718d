/** The status bar item: the state of the daemon and of this window's work in a few words. */

import { setTooltip } from "obsidian";
import { say } from "./words.js";

/** @import CompanionPlugin from "./main.js" */

/**
 * Add the element that updateStatusBar fills.
 *
 * @param {CompanionPlugin} plugin
 * @param {() => Promise<void>} open called when it is clicked, or Enter or Space is pressed on it
 */
export function addStatusBar(plugin, open) {
  const element = plugin.addStatusBarItem();
  element.addClass("mod-clickable");
  element.setAttrs({ role: "button", tabindex: 0 });
  plugin.registerDomEvent(element, "click", () => void open());
  plugin.registerDomEvent(element, "keydown", (event) => {
    if (!["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    void open();
  });
  return element;
}

/** Show the current state in the status bar. @param {CompanionPlugin} plugin */
export function updateStatusBar(plugin) {
  const { statusBar } = plugin;
  if (!statusBar) return;
  const [words, more] = describe(plugin);
  const seen = words ? `Companion: ${words}` : "Companion";
  statusBar.setText(seen);
  // its accessible name, which has to begin with the visible text (WCAG 2.5.3, "Label in Name")
  setTooltip(statusBar, `Callout ${seen}${more && `; ${more}`}`, { placement: "top" });
}

/** Return the visible text and more for the tooltip, either of which may be empty. @type {(plugin: CompanionPlugin) => [string, string]} */
function describe({ work, daemon }) {
  const { status } = daemon;
  const wait = [...work.waits].at(-1);
  const own = wait ? say("waitingUntil", { what: wait.what }) : [...work.doing.values()].at(-1)?.();
  if (own) return [`${own}…`, status ? "" : daemon.words];
  if (!status) return [daemon.state, daemon.words];
  const today = say("barToday", { n: status.today.notes });
  const all = say("todoCount", { n: status.to_do });
  if (status.paused) return [say("barPaused", { today }), all];
  if (status.fault) return [say("barWaiting", { today }), status.fault.reason];
  return [status.in_hand.length ? say("barAtWork", { today }) : today, all];
}
