/** The inbox in a narrow view of Obsidian's: what stands above it, one proposal at a time, and its list. */

import { render } from "preact";
import { App } from "../app.js";
import { Dialogs } from "../components/dialogs.js";
import { Empty } from "../components/ends.js";
import { DecidedOne, Reading } from "../components/inbox.js";
import { Decided, Fresh, List, Progress, Row, Tabs } from "../components/list.js";
import { Said, Toast } from "../components/notices.js";
import { html } from "../dom.js";
import { listenToKeys } from "../keys.js";
import { say } from "../words.js";

/** @import { Api } from "../api.js" */
/** @import { Shell } from "../app.js" */
/** @import { StatusStore } from "../status-store.js" */

/**
 * Show the inbox in an element.
 *
 * @param {HTMLElement} parent
 * @param {Api} api
 * @param {StatusStore} status
 * @param {Omit<Shell, "isPage" | "root" | "hrefOf" | "noteHref">} shell
 */
export function mountInbox(parent, api, status, shell) {
  const whole = { ...shell, isPage: false, root: () => parent, hrefOf: () => "#", noteHref: (/** @type {string} */ target) => `#${encodeURIComponent(target)}` };
  const app = new App(api, whole, status);
  const endKeys = listenToKeys(app, parent);
  render(html`<${Sidebar} app=${app} />`, parent);
  app.follow().catch(() => {}); // the status bar says what is wrong; it is tried again with what is told next
  return {
    app,
    end() {
      endKeys();
      render(null, parent);
      parent.remove();
    },
  };
}

/** @param {{ app: App }} props */
function Sidebar({ app }) {
  const { inbox, tab } = app;
  const { all } = inbox.counts.value;
  const isIdle = inbox.isLoaded.value && !all && tab.value !== "decided";
  const isListed = tab.value === "review" && app.isListShown.value; // which has them, too
  let shown = html`<${Shown} app=${app} />`;
  if (!inbox.isLoaded.value) shown = html`<div class="cc-empty"><p>${say("oneMoment")}</p></div>`;
  else if (isIdle) shown = html`<${Empty} app=${app} />`;
  return html`<div class="cc-narrow"><div class="cc-narrow__head"><${Tabs} app=${app} />${all > 0 && html`<${Progress} app=${app} />`}${all > 0 && !isListed && html`<${Fresh} app=${app} />`}</div>${shown}</div>
    <${Toast} app=${app} /><${Dialogs} app=${app} /><${Said} app=${app} />`;
}

/** @param {{ app: App }} props */
function Shown({ app }) {
  const { inbox, tab, isListShown } = app;
  if (tab.value === "decided") return isListShown.value ? html`<div class="cc-list cc-list--whole"><${Decided} app=${app} /></div>` : html`<${DecidedOne} app=${app} />`;
  if (tab.value === "review" && isListShown.value) return html`<${List} app=${app} isBare />`;
  const ids = inbox.shown.value;
  const isOfNote = tab.value === "note" && ids.length > 1;
  return html`${isOfNote && html`<section class="cc-group" aria-label=${say("thisNote")}><ul>${ids.map((id) => html`<li key=${id}><${Row} app=${app} id=${id} title="" isCurrent=${inbox.currentId.value === id} /></li>`)}</ul></section>`}
    <${Reading} app=${app} />`;
}
