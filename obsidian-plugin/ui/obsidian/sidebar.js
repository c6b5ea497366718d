/** The inbox in a narrow view of Obsidian's: what stands above it, one proposal at a time, and its list. */

import { render } from "preact";
import { App } from "../app.js";
import { Dialogs } from "../components/dialogs.js";
import { Empty } from "../components/ends.js";
import { DecidedOne, Reading } from "../components/inbox.js";
import { Decided, Fresh, List, Progress, Row, Tabs } from "../components/list.js";
import { Said, Toast } from "../components/notices.js";
import { AppContext, html, Loading, useApp } from "../dom.js";
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
  const noteHref = (/** @type {string} */ target) => `#${encodeURIComponent(target)}`;
  const app = new App(api, { ...shell, isPage: false, root: () => parent, hrefOf: () => "#", noteHref }, status);
  const endKeys = listenToKeys(app, parent);
  render(html`<${AppContext.Provider} value=${app}><${Sidebar} /><${Toast} /><${Dialogs} /><${Said} /><//>`, parent);
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

function Sidebar() {
  const { inbox, isListShown, tab } = useApp();
  const { all } = inbox.counts.value;
  const isListed = tab.value === "review" && isListShown.value; // which says what is new, too
  let shown = html`<${Shown} />`;
  if (!inbox.isLoaded.value) shown = html`<${Loading} />`;
  else if (!all && tab.value !== "decided") shown = html`<${Empty} />`;
  return html`<div class="cc-narrow">
    <div class="cc-narrow__head"><${Tabs} />${all > 0 && html`<${Progress} />`}${all > 0 && !isListed && html`<${Fresh} />`}</div>
    ${shown}
  </div>`;
}

function Shown() {
  const { inbox, tab, isListShown } = useApp();
  const isDecided = tab.value === "decided";
  if (isDecided && isListShown.value) return html`<div class="cc-list"><${Decided} /></div>`;
  if (isDecided) return html`<${DecidedOne} />`;
  if (tab.value === "review" && isListShown.value) return html`<${List} />`;
  const ids = inbox.shown.value;
  const row = (/** @type {number} */ id) => html`<li key=${id}><${Row} id=${id} title="" isCurrent=${inbox.currentId.value === id} /></li>`;
  const isOfNote = tab.value === "note" && ids.length > 1;
  return html`${isOfNote && html`<section class="cc-group" aria-label=${say("thisNote")}><ul>${ids.map(row)}</ul></section>`}
    <${Reading} />`;
}
