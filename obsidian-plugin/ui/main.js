/** The page: its header, inbox and history by address, and what keeps it up to date. */

import { computed, effect } from "@preact/signals";
import { Keyboard } from "lucide";
import { render } from "preact";
import { App } from "./app.js";
import { Dialogs } from "./components/dialogs.js";
import { History } from "./components/history.js";
import { Inbox } from "./components/inbox.js";
import { Said, Toast } from "./components/notices.js";
import { StatusButton } from "./components/status.js";
import { AppContext, Button, EmptyState, html } from "./dom.js";
import { bringInSight, listenToKeys } from "./keys.js";
import { api, followNews, openSession, reason, session, toQuery } from "./api.js";
import { formatNumber, showHidden } from "./words.js";

const PAGES = /** @type {const} */ ({ inbox: ["Inbox", Inbox], history: ["History", History] });

const app = new App(api);

/** Whether there is no session, and nothing was typed that would be lost: then nothing of the vault is shown. */
const isLeft = computed(() => session.value === "out" && !app.inbox.drafts.value.size);

/** Show what the address says: a page; of the inbox, the list or a proposal. */
function readAddress() {
  app.decisions.toast.value = null;
  app.page.value = location.pathname === "/history" ? "history" : "inbox";
  if (app.page.peek() !== "inbox") return;
  const query = new URLSearchParams(location.search);
  app.isListShown.value = query.has("list");
  const id = Number(query.get("id"));
  if (id && (app.inbox.order.peek().includes(id) || !app.inbox.isLoaded.peek())) app.inbox.choose(id);
}

/** Keep the address as what is shown. A proposal that is opened from the list on one pane is a step of the history. */
function writeAddress() {
  const [id, list] = [app.inbox.currentId.value, app.isListShown.value];
  if (app.page.value !== "inbox" || !app.inbox.isLoaded.value) return;
  const address = `/inbox${toQuery({ ...(list && { list: 1 }), ...(id !== null && { id }) })}`;
  if (address === location.pathname + location.search) return;
  const wasList = location.pathname === "/inbox" && new URLSearchParams(location.search).has("list");
  if (wasList && !list) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}

function Mark() {
  return html`<svg class="cc-mark" viewBox="0 0 28 28" aria-hidden="true">
    <rect width="28" height="28" rx="8" fill="var(--cc-accent-fill)" />
    <path d="M12.5 7.5c.8 4 2.7 5.9 6.7 6.7-4 .8-5.9 2.7-6.7 6.7-.8-4-2.7-5.9-6.7-6.7 4-.8 5.9-2.7 6.7-6.7z" fill="#fff" />
    <path d="M20.5 5.2c.35 1.7 1 2.35 2.7 2.7-1.7.35-2.35 1-2.7 2.7-.35-1.7-1-2.35-2.7-2.7 1.7-.35 2.35-1 2.7-2.7z" fill="#fffb" />
  </svg>`;
}

function Header() {
  const isIn = !isLeft.value && session.value !== "opening";
  const waiting = isIn ? app.inbox.counts.value.all : 0;
  const vault = (isIn && app.status.status.value?.vault) || "Companion";
  const go = (/** @type {any} */ event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    app.go(event.currentTarget.href);
  };
  return html`<header class="cc-header">
    <a class="cc-skip" href="#view">Skip to the content</a>
    <div class="cc-brand"><${Mark} /><span dir="auto">${showHidden(vault)}</span></div>
    <nav class="cc-tabs" aria-label="Pages">
      ${Object.entries(PAGES).map(([name, [words]]) => html`
        <a key=${name} href=${`/${name}`} onClick=${go} aria-current=${app.page.value === name ? "page" : undefined}>
          ${words}${name === "inbox" && waiting > 0 && html`<span class="cc-count">${formatNumber(waiting)}</span>`}
        </a>`)}
    </nav>
    ${isIn && html`<div class="cc-header__toast"><${Toast} /></div>
      <div class="cc-header__end">
        <${StatusButton} />
        <${Button} kind="quiet icon" class="cc-help" icon=${Keyboard} aria-label="Keys" title="Keys" onClick=${() => (app.dialog.value = { name: "keys" })} />
      </div>`}
  </header>`;
}

/** What is said above the pages while they may not be up to date. */
function Banner() {
  if (session.value !== "out" && session.value !== "away") return null;
  const words = session.value === "out"
    ? html`You’re signed out. Open the page from Obsidian, or run <code>companion open</code>; what you typed is still here.`
    : "Companion isn’t answering. Once it runs, this page picks up again by itself; what you typed is still here.";
  return html`<p class="cc-banner" role="status"><i class="cc-dot"></i><span>${words}</span></p>`;
}

/** What stands where nobody has a session: how to get one, and why there is none any more. */
function SignedOut() {
  return html`<${EmptyState} title=${reason.value ? "You’re signed out" : "Open this page from Companion"} words=${reason.value}>
    <p>It shows your notes to you alone, so it opens from Obsidian: click Companion in the status bar. Or run this in a terminal:</p>
    <p><code>companion open</code></p>
  <//>`;
}

function Shown() {
  if (isLeft.value) return html`<${SignedOut} />`;
  if (session.value === "opening") return html`<${EmptyState} words="One moment …" />`;
  if (session.value === "away" && !app.inbox.isLoaded.value) {
    return html`<${EmptyState} title="Companion isn’t running" words="Start it from Obsidian, or with companion serve. This page picks up by itself." />`;
  }
  return html`<${PAGES[app.page.value][1]} />`;
}

function Page() {
  return html`<${AppContext.Provider} value=${app}>
    <${Header} />
    <main class="cc-view" id="view" tabindex="-1">${!isLeft.value && html`<${Banner} />`}<${Shown} /></main>
    ${!isLeft.value && html`<${Dialogs} /><${Said} />`}
  <//>`;
}

addEventListener("popstate", readAddress);
addEventListener("resize", bringInSight);
addEventListener("beforeunload", (event) => {
  if (app.inbox.drafts.peek().size) event.preventDefault();
});
listenToKeys(app, () => !isLeft.peek() && session.peek() !== "opening");
effect(() => {
  const vault = isLeft.value ? "" : showHidden(app.status.status.value?.vault ?? "");
  document.title = [PAGES[app.page.value][0], vault, "Companion"].filter(Boolean).join(" · ");
});
effect(() => void (app.status.isAway.value = session.value === "away"));
effect(writeAddress);
render(html`<${Page} />`, document.body);
readAddress();
await openSession();
void followNews((news, isBack) => app.take(news, isBack));
if (session.peek() === "open") void app.refresh();
