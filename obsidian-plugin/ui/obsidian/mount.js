/** Puts the inbox into an element of Obsidian's, and takes it away again. */

import { render } from "preact";
import { App } from "../app.js";
import { html } from "../dom.js";
import { listenToKeys } from "../keys.js";
import { Sidebar } from "./sidebar.js";

/** @import { Api } from "../api.js" */
/** @import { Shell } from "../app.js" */

/**
 * Show the inbox in an element.
 *
 * @param {HTMLElement} parent
 * @param {Api} api
 * @param {Omit<Shell, "isPage" | "root" | "hrefOf" | "noteHref">} shell
 */
export function mountInbox(parent, api, shell) {
  const app = new App(api, { ...shell, isPage: false, root: () => parent, hrefOf: () => "#", noteHref: (target) => `#${encodeURIComponent(target)}` });
  let begun = /** @type {Promise<void> | null} */ (null);
  const follow = async () => {
    begun ??= app.begin();
    await begun.then(() => app.follow()).catch(() => (begun = null)); // the status bar says what is wrong; it is tried again
  };
  const endKeys = listenToKeys(app, parent);
  render(html`<${Sidebar} app=${app} />`, parent);
  begun = app.begin().catch(() => void (begun = null));
  return {
    app,
    follow,
    end() {
      endKeys();
      render(null, parent);
      parent.remove();
    },
  };
}
