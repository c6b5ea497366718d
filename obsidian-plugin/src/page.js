/** The daemon's page: inbox and history. */

import { notify } from "./dialogs.js";
import { showInWebViewer } from "./internals.js";
import { openInBrowser, readAgreed } from "./program.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { PageAddress } from "./api-types.d.ts" */

/** Open the page: in Obsidian's Web viewer where that is on, else in the browser. @param {CompanionPlugin} plugin */
export async function openPage({ app, connection }) {
  /** @type {PageAddress} */
  const { address } = await connection.post("/session/address");
  if (await showInWebViewer(app, address)) return;
  if (readAgreed(app)) await openInBrowser(app);
  else notify("Switch on the core plugin Web viewer to see the page here, or run “companion open” in a terminal.");
}
