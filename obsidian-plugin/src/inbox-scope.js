/** Which proposals the inbox shows, of the note, its folder or the vault; and the button that asks for more. */

import { notify, notifyOfErrors } from "./dialogs.js";
import { proposeNote } from "./enrich.js";
import { say } from "./words.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { Place } from "./view.js" */
/** @import { Key } from "./words.js" */

/** @typedef {"note" | "folder" | "vault"} Scope */

/** @type {Record<Scope, Key>} */
const SCOPES = { note: "scopeNote", folder: "scopeFolder", vault: "scopeVault" };

/** @param {Place} place */
export function addScope({ parent, plugin, refresh }) {
  const row = parent.createDiv({ cls: "callout-companion-buttons" });
  const choice = row.createEl("select", { cls: "dropdown", attr: { "aria-label": say("scope") } });
  for (const [value, key] of Object.entries(SCOPES)) choice.createEl("option", { value, text: say(key) });
  choice.value = plugin.scope;
  choice.addEventListener("change", () => {
    plugin.scope = choice.value === "note" || choice.value === "folder" ? choice.value : "vault";
    void refresh();
  });
  const button = row.createEl("button", { text: say("propose") });
  button.addEventListener("click", () => {
    const file = plugin.app.workspace.getActiveFile();
    if (!file) return notify(say("openNoteFirst"));
    button.disabled = true;
    void notifyOfErrors(plugin, () => proposeNote(plugin, file)).then(refresh);
  });
}

/**
 * Return the part of the query that says which proposals are shown.
 *
 * @param {CompanionPlugin} plugin
 */
export function findScope({ app, scope }) {
  const file = app.workspace.getActiveFile();
  if (scope === "vault" || !file) return {};
  if (scope === "note") return { path: file.path };
  return file.parent && !file.parent.isRoot() ? { folder: file.parent.path } : {};
}
