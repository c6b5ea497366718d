/** The page: its header, its pages by address, and what keeps it up to date. */

import { computed, effect, signal } from "@preact/signals";
import { Keyboard } from "lucide";
import { render } from "preact";
import { toQuery } from "../api.js";
import { App } from "../app.js";
import { Dialogs } from "../components/dialogs.js";
import { History } from "../components/history.js";
import { Inbox } from "../components/inbox.js";
import { Said, Toast } from "../components/notices.js";
import { Spending } from "../components/spending.js";
import { StatusButton } from "../components/status.js";
import { AppContext, Button, EmptyState, html, withCode } from "../dom.js";
import { listenToKeys } from "../keys.js";
import { formatNumber, say, setLanguage, showHidden } from "../words.js";
import { api, openSession, followNews, reason, session, signOut } from "./session.js";

/** @import { ProposalPage } from "../../src/api-types.d.ts" */
/** @import { Key, Message } from "../words.js" */

/** @type {Record<string, { name: Key, view: () => any }>} */
const PAGES = {
  inbox: { name: "inbox", view: Inbox },
  history: { name: "history", view: History },
  spending: { name: "spending", view: Spending },
};
const LANGUAGES = ["de", "en", "es", "fr", "ja", "ko", "pt", "ru", "zh"];
const PAUSE = 3000; // milliseconds until the feed is asked again where it did not answer

const page = signal(pageOf(location.pathname));
const hrefOf = (/** @type {number} */ id) => `/inbox?id=${id}`;
/** @type {App} */
const app = new App(api, { isPage: true, root: () => document.body, hrefOf, noteHref, follow, signOut });

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
  if (page.peek() !== "inbox") return;
  readAddress();
  void findNote().catch(() => {});
}

/** Show what the address of the inbox says: its filters, and the proposal. */
function readAddress() {
  const { inbox } = app;
  const query = new URLSearchParams(location.search);
  const text = (/** @type {string} */ name) => (query.get(name) ?? "").slice(0, 4096);
  const texts = { kind: text("kind"), folder: text("folder"), search: text("search"), path: text("note") };
  inbox.filter({ ...texts, flagged: query.has("flagged") });
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

/** Have the filter go to where its note is now, if that was renamed since the address was made. */
async function findNote() {
  const { path } = app.inbox.filters.peek();
  if (!path) return;
  /** @type {ProposalPage} */
  const { proposals: [one] } = await api.get("/proposals", { path, state: "all", limit: 1 });
  if (one) app.rename(path, one.path);
}

/**
 * Keep the address as what is shown. A list, and a proposal that is opened from it on one pane, are steps of the history.
 */
function writeAddress() {
  const { filters, currentId, isLoaded } = app.inbox;
  const { flagged, kind, folder, search, path } = filters.value;
  const isDecided = app.tab.value === "decided";
  const id = isDecided ? app.decided.currentId.value : currentId.value;
  const list = app.isListShown.value ? 1 : 0;
  if (page.value !== "inbox" || !isLoaded.value) return;
  const query = { show: isDecided ? "decided" : "", flagged: flagged ? 1 : 0, kind, folder, search, note: path, list, id: id ?? 0 };
  const address = `/inbox${toQuery(Object.fromEntries(Object.entries(query).filter(([, value]) => value)))}`;
  if (address === location.pathname + location.search) return;
  const wasList = new URLSearchParams(location.search).has("list");
  if (wasList && !list && location.pathname === "/inbox") history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}

function Mark() {
  return html`<svg class="cc-mark" viewBox="0 0 28 28" aria-hidden="true">
    <rect width="28" height="28" rx="8" fill="var(--cc-accent-fill)" />
    <path d="M12.5 7.5c.8 4 2.7 5.9 6.7 6.7-4 .8-5.9 2.7-6.7 6.7-.8-4-2.7-5.9-6.7-6.7 4-.8 5.9-2.7 6.7-6.7z" fill="#fff" />
    <path d="M20.5 5.2c.35 1.7 1 2.35 2.7 2.7-1.7.35-2.35 1-2.7 2.7-.35-1.7-1-2.35-2.7-2.7 1.7-.35 2.35-1 2.7-2.7z" fill="#fffb" />
  </svg>`;
}

/** Whether there is no session, and nothing was typed that would be lost: then nothing of the vault is shown. */
const isLeft = computed(() => session.value === "out" && !app.inbox.hasDrafts() && !app.isWriting.value);

function Header() {
  const isIn = !isLeft.value && session.value !== "opening";
  const waiting = isIn ? app.inbox.counts.value.all + app.inbox.fresh.value.length : 0;
  const vault = (isIn && app.status.status.value?.vault) || "Companion";
  const showKeys = () => (app.dialog.value = { name: "keys" });
  return html`<header class="cc-header">
    <a class="cc-skip" href="#view">${say("skipToContent")}</a>
    <div class="cc-brand"><${Mark} /><span dir="auto">${showHidden(vault)}</span></div>
    <nav class="cc-tabs" aria-label=${say("pages")} onClick=${follow}>
      ${Object.entries(PAGES).map(([name, { name: key }]) => html`
        <a key=${name} href=${`/${name}`} aria-current=${page.value === name ? "page" : undefined}>
          ${say(key)}${name === "inbox" && waiting > 0 && html`<span class="cc-count">${formatNumber(waiting)}</span>`}
        </a>`)}
    </nav>
    ${isIn && html`<div class="cc-header__end">
      <${StatusButton} />
      <${Button} kind="quiet icon" class="cc-help" icon=${Keyboard} aria-label=${say("keys")} onClick=${showKeys} />
    </div>`}
  </header>`;
}

/** What is said above the pages while they may not be up to date. */
function Banner() {
  const isOut = session.value === "out";
  if (!isOut && session.value !== "away") return null;
  const words = withCode(say(isOut ? "outBanner" : "awayBanner"));
  return html`<p class="cc-banner" role="status"><i class="cc-dot"></i><span>${words}</span></p>`;
}

function Page() {
  return html`<${AppContext.Provider} value=${app}>
    <${Header} />
    <main class="cc-view" id="view" tabindex="-1">${!isLeft.value && html`<${Banner} />`}<${Shown} /></main>
    ${!isLeft.value && html`<${Toast} /><${Dialogs} /><${Said} />`}
  <//>`;
}

/** One of the pages, or what stands in its place. */
function Shown() {
  const View = PAGES[page.value]?.view;
  const isAway = session.value === "away";
  if (isLeft.value) {
    return html`<${EmptyState} title=${say("signInTitle")} words=${reason.value}>
      <p>${say("signInHow")}</p><p><code>companion open</code></p>
    <//>`;
  }
  if (session.value === "opening") return html`<${EmptyState} title=${say("oneMoment")} />`;
  if (isAway && !app.inbox.isLoaded.value) return html`<${EmptyState} title=${say("awayTitle")} words=${withCode(say("awayMore"))} />`;
  if (View) return html`<${View} />`;
  return html`<${EmptyState} title=${say("notThere")} words=${say("notThereMore")}>
    <${Button} kind="big" href="/inbox" onClick=${follow}>${say("toInbox")}<//>
  <//>`;
}

/** Follow what changes while the page is in sight; the first news tell how things are, and which proposals to read. */
async function keepUp() {
  for (;;) {
    if (!document.hidden && session.peek() !== "out" && session.peek() !== "opening") {
      await followNews((news) => (app.status.takeNews(news), app.take(news)));
    }
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}

/** Speak the first of the browser's languages that there is a file of, else English. */
async function chooseLanguage() {
  const languages = navigator.languages.map((each) => each.split("-")[0] ?? "");
  const language = languages.find((each) => LANGUAGES.includes(each)) ?? "en";
  const messages = await readMessages(language);
  document.documentElement.lang = language;
  document.body.textContent = "";
  setLanguage(language, messages);
}

/** Read the messages of a language, once the daemon has them. @param {string} language @returns {Promise<Record<string, Message>>} */
async function readMessages(language) {
  for (;;) {
    const answer = await fetch(`/static/${language}.min.json`).catch(() => null);
    const messages = answer?.ok && (await answer.json().catch(() => null));
    if (messages) return messages;
    document.body.textContent = "Companion isn’t answering. This page continues once companion serve runs again.";
    await new Promise((done) => setTimeout(done, PAUSE));
  }
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
effect(() => void (app.status.isAway.value = session.value === "away"));
effect(writeAddress);
render(html`<${Page} />`, document.body);
readAddress();
await openSession();
void keepUp();
for (const answer of [findNote(), app.follow()]) answer.catch(() => {});
