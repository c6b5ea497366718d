/** Puts the inbox into an element of Obsidian's, and takes it away again. */

import { render } from "preact";
import { App } from "../app.js";
import { html } from "../dom.js";
import { listenToKeys } from "../keys.js";
import { Sidebar } from "./sidebar.js";

/** @import { Api } from "../api.js" */
/** @import { Shell } from "../app.js" */

const PAUSE = 3000; // milliseconds between two looks whether something has changed

/**
 * Show the inbox in an element.
 *
 * @param {HTMLElement} parent
 * @param {Api} api
 * @param {Omit<Shell, "isPage" | "root" | "hrefOf" | "noteHref">} shell
 */
export function mountInbox(parent, api, shell) {
  const app = new App(api, { ...shell, isPage: false, root: () => parent, hrefOf: () => "#", noteHref: () => "#" });
  let isBusy = false;
  let hasBegun = false;
  const follow = async () => {
    if (isBusy || !parent.offsetParent) return;
    isBusy = true;
    await (hasBegun ? app.follow() : app.begin()).then(
      () => (hasBegun = true),
      () => {}, // the status bar says what is wrong; it is tried again
    );
    isBusy = false;
  };
  const endKeys = listenToKeys(app, parent);
  const timer = window.setInterval(() => void follow(), PAUSE);
  render(html`<${Sidebar} app=${app} />`, parent);
  void follow();
  return {
    app,
    follow,
    end() {
      window.clearInterval(timer);
      endKeys();
      render(null, parent);
    },
  };
}
