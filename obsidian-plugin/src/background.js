/** Background work paused and resumed, and the backlog: notes that are filled only if the user agrees. */

import { notify, notifyWithButton, showLists } from "./dialogs.js";
import { countNotes, say, sentence } from "./words.js";

/** @import CompanionPlugin from "./main.js" */

/** Notify the user of the backlog, again only when it has grown. @param {CompanionPlugin} plugin */
export function announceBacklog(plugin) {
  const { notes } = findBacklog(plugin);
  if (notes <= plugin.announcedBacklog) return;
  plugin.announcedBacklog = notes;
  const words = say("backlogNotice", { notes: countNotes(notes) });
  notifyWithButton(plugin, words, say("decide"), () => askAboutBacklog(plugin));
}

/** Return the number of notes in the backlog, and what filling them would send and cost, in words. @param {CompanionPlugin} plugin */
export function findBacklog({ daemon }) {
  return daemon.status?.background.backlog ?? { notes: 0, cost: "" };
}

/** Ask the user whether to fill the notes of the backlog. @param {CompanionPlugin} plugin */
export async function askAboutBacklog(plugin) {
  await plugin.daemon.store.load();
  const { notes, cost } = findBacklog(plugin);
  if (!notes) return notify(say("backlogNone"));
  const most = plugin.daemon.status?.background.notes_a_day ?? 0;
  const told = [
    say("backlogTold", { notes: countNotes(notes) }),
    ...(cost ? [sentence(cost)] : []),
    say("backlogRate", { notes: countNotes(most) }),
  ];
  showLists(plugin, say("backlogTitle"), [[say("backlogHead"), told]], [
    [say("backlogYes"), () => decide(plugin, true, notes)],
    [say("backlogNo"), () => decide(plugin, false, notes)],
    [say("backlogLater"), async () => {}],
  ]);
}

/** @type {(plugin: CompanionPlugin, fill: boolean, notes: number) => Promise<void>} */
async function decide(plugin, fill, notes) {
  await plugin.daemon.store.decideBacklog(fill, notes);
  plugin.announcedBacklog = 0;
  notify(say(fill ? "backlogFilled" : "backlogLeft"));
}

/** Pause or resume background work, and notify the user. @type {(plugin: CompanionPlugin, isPaused: boolean) => Promise<void>} */
export async function setPaused(plugin, isPaused) {
  const { store } = plugin.daemon;
  await (isPaused ? store.pause() : store.resume());
  notify(say(isPaused ? "backgroundPaused" : "backgroundResumed"));
}
