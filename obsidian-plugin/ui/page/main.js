/** The page: its header, its pages by address, and what keeps it up to date. */

import { computed, effect, signal } from "@preact/signals";
import { render } from "preact";
import { App } from "../app.js";
import { Dialogs } from "../components/dialogs.js";
import { History } from "../components/history.js";
import { Inbox } from "../components/inbox.js";
import { Said, Toast } from "../components/notices.js";
import { Spending } from "../components/spending.js";
import { StatusButton } from "../components/status.js";
import { Vault } from "../components/vault.js";
import { html, Icon, withCode } from "../dom.js";
import { NO_FILTERS } from "../inbox-store.js";
import { listenToKeys } from "../keys.js";
import { page as english } from "../languages/en.json";
import { say, setLanguage, showHidden } from "../words.js";
import { api, openSession, readEvents, reason, session, signOut } from "./session.js";

/** @import { Key } from "../words.js" */

/** @type {Record<string, { name: Key, view: (props: { app: App }) => any }>} */
const PAGES = {
  inbox: { name: "inbox", view: Inbox },
  history: { name: "history", view: History },
  vault: { name: "vault", view: Vault },
  spending: { name: "spending", view: Spending },
};
const LANGUAGES = ["de", "es", "fr", "ja", "ko", "pt", "ru", "zh"]; // other than English
const PAUSE = 3000; // milliseconds until events that ended are asked for again

const page = signal(pageOf(location.pathname));
/** @type {App} */
const app = new App(api, { isPage: true, root: () => document.body, hrefOf: (id) => `/inbox?id=${id}`, noteHref, follow, signOut });

/** @param {string} target a note's path, or what a link names */
function noteHref(target) {
  const vault = app.status.status.value?.vault ?? "";
  return `obsidian://open?vault=${encodeURIComponent(vault)}&file=${encodeURIComponent(target.replace(/\.md$/, ""))}`;
}

/** @param {string} path */
function pageOf(path) {
  const name = path.slice(1) || "inbox";
  return name in PAGES ? name : "";
}

/** @param {MouseEvent} event a click on a link to another page */
function follow(event) {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  go();
  /** @type {HTMLElement | null} */ (document.querySelector("#view"))?.focus({ preventScroll: true });
}

function go() {
  app.decisions.toast.value = null;
  page.value = pageOf(location.pathname);
  if (page.peek() === "inbox") readAddress();
}

/** Show what the address of the inbox says: its filters, and the proposal. */
function readAddress() {
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
  if (inbox.order.peek().includes(id) || (id && !inbox.isWhole.peek())) inbox.choose(id);
}

/**
 * Keep the address as what is shown. A list, and a proposal that is opened from it on one pane, are steps of the history.
 */
function writeAddress() {
  const { filters, currentId, isLoaded } = app.inbox;
  const { flagged, kind, folder, search, path } = filters.value;
  const isDecided = app.tab.value === "decided";
  const id = isDecided ? app.decided.currentId.value : currentId.value;
  const isList = app.isListShown.value;
  if (page.value !== "inbox" || !isLoaded.value) return;
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

function Mark() {
  return html`<svg class="cc-mark" viewBox="0 0 28 28" aria-hidden="true"><rect width="28" height="28" rx="8" fill="var(--cc-accent-fill)" /><path d="M12.5 7.5c.8 4 2.7 5.9 6.7 6.7-4 .8-5.9 2.7-6.7 6.7-.8-4-2.7-5.9-6.7-6.7 4-.8 5.9-2.7 6.7-6.7z" fill="#fff" /><path d="M20.5 5.2c.35 1.7 1 2.35 2.7 2.7-1.7.35-2.35 1-2.7 2.7-.35-1.7-1-2.35-2.7-2.7 1.7-.35 2.35-1 2.7-2.7z" fill="#fff" opacity=".75" /></svg>`;
}

/** Whether there is no session, and nothing was typed that would be lost: then nothing of the vault is shown. */
const isLeft = computed(() => session.value === "out" && !app.inbox.hasDrafts() && !app.isWriting.value);

function Header() {
  const isIn = !isLeft.value && session.value !== "opening";
  const waiting = isIn ? app.inbox.counts.value.all + app.inbox.fresh.value.length : 0;
  const vault = (isIn && app.status.status.value?.vault) || "Companion";
  return html`<header class="cc-header"><a class="cc-skip" href="#view">${say("skipToContent")}</a>
    <div class="cc-brand"><${Mark} /><span dir="auto">${showHidden(vault)}</span></div>
    <nav class="cc-tabs" aria-label=${say("pages")} onClick=${follow}>${Object.entries(PAGES).map(([name, { name: key }]) => html`<a key=${name} href=${`/${name}`} aria-current=${page.value === name ? "page" : undefined}>${say(key)}${name === "inbox" && waiting > 0 && html`<span class="cc-count">${waiting}</span>`}</a>`)}</nav>
    ${isIn && html`<div class="cc-header__end"><${StatusButton} app=${app} />
      <button class="cc-btn cc-btn--quiet cc-btn--icon cc-help" aria-label=${say("keys")} onClick=${() => (app.dialog.value = { name: "keys" })}><${Icon} name="help" large /></button></div>`}
  </header>`;
}

/** What is shown in place of the pages while there is no session, and above them once it has ended. */
function SignedOut() {
  return html`<section class="cc-empty"><h1>${say("signInTitle")}</h1><p>${reason.value}</p><p>${say("signInHow")}</p><p><code>companion open</code></p></section>`;
}

function Banner() {
  if (session.value === "away") return html`<p class="cc-banner" role="status"><i class="cc-dot"></i><span>${withCode(say("awayBanner"))}</span></p>`;
  if (session.value === "out" && !isLeft.value) return html`<p class="cc-banner" role="status"><i class="cc-dot"></i><span>${withCode(say("outBanner"))}</span></p>`;
  return null;
}

function Page() {
  const view = PAGES[page.value]?.view;
  let shown = view ? html`<${view} app=${app} />` : html`<${NotThere} />`;
  if (isLeft.value) shown = html`<${SignedOut} />`;
  else if (session.value === "opening" || (session.value === "away" && !app.status.status.value)) shown = html`<section class="cc-empty"><h1>${say(session.value === "away" ? "awayTitle" : "oneMoment")}</h1>${session.value === "away" && html`<p>${withCode(say("awayMore"))}</p>`}</section>`;
  return html`<${Header} /><main class="cc-view" id="view" tabindex="-1"><${Banner} />${shown}</main>
    ${!isLeft.value && html`<${Toast} app=${app} /><${Dialogs} app=${app} /><${Said} app=${app} />`}`;
}

function NotThere() {
  return html`<section class="cc-empty"><h1>${say("notThere")}</h1><p>${say("notThereMore")}</p><a class="cc-btn cc-btn--big" href="/inbox" onClick=${follow}>${say("toInbox")}</a></section>`;
}

/** Follow what changes while the page is in sight; the first events tell how things are, and which proposals to read. */
async function keepUp() {
  for (;;) {
    if (!document.hidden && session.peek() !== "out" && session.peek() !== "opening") {
      await readEvents((event) => (app.status.takeEvent(event), app.take(event)));
      app.status.isAway.value = session.peek() === "away";
    }
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}

/** Speak the first of the browser's languages that there is a file of; English is in this script. */
async function chooseLanguage() {
  const languages = navigator.languages.map((each) => each.split("-")[0] ?? "");
  const language = languages.find((each) => each === "en" || LANGUAGES.includes(each)) ?? "en";
  const read = async () => (await fetch(`/static/${language}.min.json`)).json();
  const messages = language === "en" ? null : await read().catch(() => null);
  document.documentElement.lang = messages ? language : "en";
  setLanguage(document.documentElement.lang, messages ?? english);
}

await chooseLanguage();
addEventListener("popstate", go);
addEventListener("beforeunload", (event) => {
  if (app.inbox.hasDrafts()) event.preventDefault();
});
listenToKeys(app, document, () => page.peek() === "inbox" && session.peek() !== "opening");
effect(() => {
  const title = say(PAGES[page.value]?.name ?? "notThere");
  document.title = [title, isLeft.value ? "" : showHidden(app.status.status.value?.vault ?? ""), "Companion"].filter(Boolean).join(" · ");
});
effect(writeAddress);
render(html`<${Page} />`, document.body);
readAddress();
void openSession().then(() => Promise.all([keepUp(), app.follow().catch(() => {})]));
