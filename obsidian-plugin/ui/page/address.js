/** The address of the inbox: its filters, and the proposal that is shown. */

import { NO_FILTERS } from "../inbox-store.js";

/** @import { App } from "../app.js" */

/** @param {number} id of a proposal */
export function hrefOf(id) {
  return `/inbox?id=${id}`;
}

/** Show what the address says. @param {App} app */
export function readAddress(app) {
  const { inbox } = app;
  const query = new URLSearchParams(location.search);
  const text = (/** @type {string} */ name) => (query.get(name) ?? "").slice(0, 4096);
  inbox.filter({ ...NO_FILTERS, flagged: query.has("flagged"), kind: text("kind"), folder: text("folder"), search: text("search"), path: text("note") });
  app.isListShown.value = query.has("list");
  const id = Number(query.get("id"));
  if (query.get("show") === "decided") {
    if (app.tab.peek() !== "decided") app.showTab("decided");
    if (id) app.decided.currentId.value = id;
    return;
  }
  app.tab.value = "review";
  if (inbox.order.peek().includes(id)) inbox.choose(id);
  else if (id && !inbox.isWhole.peek()) inbox.wantedId = id;
}

/**
 * Keep the address as what is shown. A list, and a proposal that is opened from it on one pane, are steps of the history.
 *
 * @type {(app: App, page: string) => void}
 */
export function writeAddress(app, page) {
  const { filters, currentId, isLoaded } = app.inbox;
  const { flagged, kind, folder, search, path } = filters.value;
  const isDecided = app.tab.value === "decided";
  const id = isDecided ? app.decided.currentId.value : currentId.value;
  const isList = app.isListShown.value;
  if (page !== "inbox" || !isLoaded.value || app.inbox.wantedId !== null) return;
  const query = new URLSearchParams();
  if (isDecided) query.set("show", "decided");
  if (flagged) query.set("flagged", "1");
  for (const [name, value] of Object.entries({ kind, folder, search, note: path })) if (value) query.set(name, value);
  if (isList) query.set("list", "1");
  if (id !== null) query.set("id", String(id));
  const address = `/inbox${query.size ? `?${query.toString()}` : ""}`;
  if (address === location.pathname + location.search) return;
  const wasList = new URLSearchParams(location.search).has("list");
  if (wasList && !isList && location.pathname === "/inbox") history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}
