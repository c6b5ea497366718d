/** Vault: how far it is filled, by folder; what may be out of date; what is left alone, and why. */

import { useSignal } from "@preact/signals";
import { html, Icon, useAnswer, withCode } from "../dom.js";
import { nameOf } from "../proposal.js";
import { formatNumber, say, showHidden, splitPath } from "../words.js";

/** @import { Signal } from "@preact/signals" */
/** @import { Coverage, FolderCoverage, LeftAlone, OftenRefused, NotePage, Outdated, OutdatedPage, RunShape, Taught } from "../../src/api-types.d.ts" */
/** @import { App } from "../app.js" */
/** @import { Key } from "../words.js" */

/** @typedef {{ filled: number, waiting: number, to_do: number, left_alone: number, notes: number }} Counts */
/** @typedef {{ name: string, path: string, counts: Counts, below: Folder[] }} Folder */

const AT_ONCE = 20; // notes that a click enriches
const LISTED = 50; // notes, and outdated texts

/** @type {[Key, string][]} what the page cannot do, and the command for it */
const COMMANDS = [
  ["whyNotFilled", "companion scan NOTE"],
  ["keepPrivate", "companion config set private.folders FOLDER"],
  ["otherModel", "companion init"],
  ["removeAll", "companion uninstall"],
];

/** @type {Record<LeftAlone["kind"], { title: Key, more: Key }>} */
const KINDS = {
  unsuited: { title: "leftUnsuited", more: "leftUnsuitedMore" },
  marked: { title: "leftMarked", more: "leftMarkedMore" },
  excluded: { title: "leftExcluded", more: "leftExcludedMore" },
  private: { title: "leftPrivate", more: "leftPrivateMore" },
  asked: { title: "leftAsked", more: "leftAskedMore" },
  unfillable: { title: "leftUnfillable", more: "leftUnfillableMore" },
};

/** @param {{ app: App }} props */
export function Vault({ app }) {
  const folder = useSignal(""); // whose notes are listed as to do; empty: the vault's
  const status = app.status.status.value;
  const changed = `${status?.newest_change} ${status?.to_do} ${status?.notes} ${status?.skipped} ${app.inbox.counts.value.all}`;
  const coverage = /** @type {Signal<Coverage | null>} */ (useAnswer(app.api, "/coverage", [changed]));
  const taught = /** @type {Signal<Taught | null>} */ (useAnswer(app.api, "/taught", [changed]));
  const outdated = /** @type {Signal<OutdatedPage | null>} */ (useAnswer(app.api, "/outdated", [changed, status?.outdated_as_of], { limit: LISTED }));
  if (!coverage.value) return html`<div class="cc-empty"><p>${say("oneMoment")}</p></div>`;
  const { total, folders, left_alone: left } = coverage.value;
  const share = total.notes ? Math.floor((100 * total.filled) / total.notes) : 0;
  return html`<div class="cc-column">
    <div class="cc-head"><div><h1>${say("vaultHead", { share, n: total.waiting })}</h1><p>${say(total.to_do ? "vaultMore" : "vaultDone", { notes: say("notesCount", { n: total.notes }), vault: status?.vault ?? "", n: total.to_do })}</p></div>
      ${total.to_do > 0 && html`<button class="cc-btn cc-btn--main" onClick=${() => void enrich(app)}><${Icon} name="sparkles" />${say("enrichNext", { n: Math.min(AT_ONCE, total.to_do) })}</button>`}</div>
    <section class="cc-card cc-stack-card" aria-label=${say("allNotes")}><${Stack} counts=${total} name=${say("vault")} big /><${Legend} counts=${total} /></section>
    <section class="cc-section" aria-labelledby="folders"><h2 id="folders">${say("folders")}</h2>
      <ul class="cc-card cc-folders">${makeTree(folders).map((each) => html`<${FolderRow} key=${each.path} folder=${each} onChoose=${(/** @type {string} */ path) => (folder.value = path)} />`)}</ul></section>
    ${total.to_do > 0 && html`<${ToDoList} key=${folder.value} app=${app} folder=${folder.value} changed=${changed} />`}
    ${(outdated.value?.texts ?? []).length > 0 && html`<${OutdatedList} app=${app} texts=${outdated.value?.texts} />`}
    ${taught.value && html`<${TaughtList} app=${app} taught=${taught.value} onChange=${(/** @type {Taught} */ now) => (taught.value = now)} />`}
    ${left.length > 0 && html`<${LeftAloneList} app=${app} left=${left} />`}
    <section class="cc-section" aria-labelledby="terminal"><h2 id="terminal">${say("inTerminal")}</h2><ul class="cc-card cc-reasons">
      ${COMMANDS.map(([key, command]) => html`<li key=${key} class="cc-stale"><p>${say(key)}</p><code>${command}</code></li>`)}</ul></section></div>`;
}

/** @param {App} app have the next notes that need something enriched, or proposed, as the settings say */
async function enrich(app) {
  await app.attempt(async () => {
    /** @type {RunShape} */
    const { total } = await app.api.post("/runs", { paths: [""], limit: AT_ONCE });
    app.decisions.announce(say("enrichBegun", { n: total }), false);
  });
}

/** @param {{ counts: Counts, name: string, big?: boolean }} props */
function Stack({ counts, name, big }) {
  const words = say("stackLabel", { name, filled: counts.filled, waiting: counts.waiting, todo: counts.to_do, left: counts.left_alone });
  const part = (/** @type {number} */ number) => html`<i hidden=${!number} style=${{ "--n": number }}></i>`;
  return html`<div class=${`cc-stack${big ? " cc-stack--big" : ""}`} role="img" aria-label=${words}>${part(counts.filled)}${part(counts.waiting)}${part(counts.to_do)}${part(counts.left_alone)}</div>`;
}

/** @param {{ counts: Counts }} props */
function Legend({ counts }) {
  const entry = (/** @type {string} */ cls, /** @type {Key} */ key, /** @type {number} */ number) => html`<li><i class=${`cc-key--${cls}`}></i><span>${say(key)}</span><b>${formatNumber(number)}</b></li>`;
  return html`<ul class="cc-legend">${entry("filled", "filled", counts.filled)}${entry("waiting", "waitingForYou", counts.waiting)}${entry("todo", "toDo", counts.to_do)}${entry("left", "leftAlone", counts.left_alone)}</ul>`;
}

/**
 * @param {FolderCoverage[]} folders
 * @returns {Folder[]} those at the top with all that is in them, most to do first, each with those just below
 */
function makeTree(folders) {
  /** @type {Folder} */
  const root = newFolder("", "");
  for (const one of folders) {
    const [top = "", below] = one.folder.split("/").filter(Boolean);
    const folder = childOf(root, top);
    add(folder.counts, one);
    if (below) add(childOf(folder, below).counts, one);
  }
  const sort = (/** @type {Folder[]} */ all) => all.sort((a, b) => b.counts.to_do - a.counts.to_do || b.counts.notes - a.counts.notes);
  for (const folder of root.below) sort(folder.below);
  return sort(root.below);
}

/** @type {(name: string, path: string) => Folder} */
function newFolder(name, path) {
  return { name, path, counts: { filled: 0, waiting: 0, to_do: 0, left_alone: 0, notes: 0 }, below: [] };
}

/** @type {(folder: Folder, name: string) => Folder} */
function childOf(folder, name) {
  let child = folder.below.find((each) => each.name === name);
  if (!child) folder.below.push((child = newFolder(name, folder.path ? `${folder.path}/${name}` : name)));
  return child;
}

/** @type {(counts: Counts, more: Counts) => void} */
function add(counts, more) {
  for (const name of /** @type {const} */ (["filled", "waiting", "to_do", "left_alone", "notes"])) counts[name] += more[name];
}

/** @param {{ folder: Folder, onChoose: (path: string) => void }} props */
function FolderRow({ folder, onChoose }) {
  const { below } = folder;
  if (!below.length) return html`<li class="cc-folder"><${FolderLine} folder=${folder} onChoose=${onChoose} icon="folder" /></li>`;
  return html`<li><details><summary><${FolderLine} folder=${folder} onChoose=${onChoose} icon="right" /></summary>
    <ul>${below.map((each) => html`<li key=${each.path} class="cc-folder"><${FolderLine} folder=${each} onChoose=${onChoose} /></li>`)}</ul></details></li>`;
}

/** @param {{ folder: Folder, onChoose: (path: string) => void, icon?: import("../dom.js").IconName }} props */
function FolderLine({ folder, onChoose, icon }) {
  const { counts, name } = folder;
  const words = showHidden(name) || say("topFolder");
  const choose = (/** @type {Event} */ event) => {
    event.preventDefault(); // in a summary a click would open it
    onChoose(folder.path);
  };
  return html`<span class="cc-name">${icon && html`<${Icon} name=${icon} />`}<bdi>${words}</bdi> <small class="cc-num">${formatNumber(counts.notes)}</small></span>
    <${Stack} counts=${counts} name=${words} />
    <span class="cc-todo">${counts.to_do && folder.path ? html`<button class="cc-link" aria-label=${say("toDoIn", { n: counts.to_do, folder: words })} onClick=${choose}>${say("todoCount", { n: counts.to_do })}</button>` : counts.to_do ? say("todoCount", { n: counts.to_do }) : counts.waiting ? say("waitingCount", { n: counts.waiting }) : counts.left_alone === counts.notes ? say("allLeftAlone") : say("done")}</span>`;
}

/** @param {{ app: App, folder: string, changed: string }} props the notes in it that need something, and why */
function ToDoList({ app, folder, changed }) {
  const query = { filter: "to-do", limit: LISTED, ...(folder && { folder }) };
  const page = /** @type {Signal<NotePage | null>} */ (useAnswer(app.api, "/notes", [changed], query));
  const asked = useSignal(new Set());
  if (!page.value?.notes.length) return null;
  const { notes, total } = page.value;
  const propose = async (/** @type {string} */ path) => {
    await app.attempt(async () => {
      await app.api.post("/runs", { paths: [path], propose: true });
      asked.value = new Set(asked.value).add(path);
      app.decisions.announce(say("proposing"), false);
    });
  };
  return html`<section class="cc-section" aria-labelledby="todo"><div class="cc-head"><h2 id="todo">${say("toDo")}${folder && ` · ${showHidden(folder)}`}</h2>
      ${folder && html`<button class="cc-btn" disabled=${asked.value.has(folder)} onClick=${() => void propose(folder)}>${say("proposeAll")}</button>`}</div><ul class="cc-card cc-reasons">
    ${notes.map(({ path, needs }) => html`<li key=${path} class="cc-stale"><p><strong dir="auto">${splitPath(path).name}</strong><br />${showHidden([...new Set(needs.flatMap(({ reason }) => reason.split("; ")))].join("; "))}</p>
      <button class="cc-btn" disabled=${asked.value.has(path) || asked.value.has(folder)} aria-label=${`${say("proposeHere")}: ${splitPath(path).name}`} onClick=${() => void propose(path)}>${say("proposeShort")}</button></li>`)}</ul>
    ${total > notes.length && html`<p>${say("andMore", { n: total - notes.length })}</p>`}</section>`;
}

/** @param {{ app: App, texts: Outdated[] }} props */
function OutdatedList({ app, texts }) {
  const asked = useSignal(new Set());
  const ask = async (/** @type {Outdated} */ { id }) => {
    asked.value = new Set(asked.value).add(id);
    await app.attempt(async () => {
      await app.api.post(`/proposals/${id}/again`);
      app.decisions.announce(say("askedNew"), false);
    });
  };
  return html`<section class="cc-section" aria-labelledby="outdated"><h2 id="outdated">${say("outdated")}</h2><ul class="cc-card cc-reasons">
    ${texts.map((each) => html`<li key=${each.id} class="cc-stale"><p><strong dir="auto">${splitPath(each.path).name}</strong> · ${showHidden(nameOf(each))}<br />${say(each.changed_share > 0.66 ? "mostChanged" : each.changed_share > 0.45 ? "halfChanged" : "muchChanged")}</p>
      <button class="cc-btn" disabled=${asked.value.has(each.id)} aria-label=${`${say("proposeNew")}: ${nameOf(each)}, ${splitPath(each.path).name}`} onClick=${() => void ask(each)}>${say("proposeNew")}</button></li>`)}</ul></section>`;
}

/** @param {{ app: App, taught: Taught, onChange: (now: Taught) => void }} props */
function TaughtList({ app, taught, onChange }) {
  const { descriptions, corrections, refused } = taught;
  if (!descriptions && !corrections.length && !refused.length) return null;
  const stop = async (/** @type {OftenRefused} */ { folder, kind }) => {
    await app.attempt(async () => {
      onChange(await app.api.post("/unfilled", { folder, kind }));
      app.decisions.announce(say("stopped", { name: kind, folder }), false);
    });
  };
  return html`<section class="cc-section" aria-labelledby="taught"><h2 id="taught">${say("taught")}</h2><p class="cc-soft">${withCode(say("taughtMore"))}</p><ul class="cc-card cc-reasons">
    ${refused.map((each) => html`<li key=${`${each.folder}/${each.kind}`} class="cc-stale"><p><strong dir="auto">${showHidden(say("stopFilling", { name: each.kind, folder: each.folder }))}</strong><br />${say("stopFillingMore", { n: each.times })}</p>
      <button class="cc-btn" aria-label=${`${say("stop")}: ${each.kind}, ${each.folder}`} onClick=${() => void stop(each)}>${say("stop")}</button></li>`)}
    ${descriptions && html`<li class="cc-stale"><p>${showHidden(say("taughtDescriptions", { style: descriptions }))}</p></li>`}
    ${corrections.map(({ path, kind, was, now }) => html`<li key=${`${path}/${kind}/${was}`} class="cc-stale"><p dir="auto">${showHidden(say("taughtCorrection", { name: kind, note: splitPath(path).name, was, now }))}</p></li>`)}</ul></section>`;
}

/** @param {{ app: App, left: LeftAlone[] }} props */
function LeftAloneList({ app, left }) {
  const useNotes = (/** @type {string} */ filter) => {
    const page = /** @type {Signal<NotePage | null>} */ (useAnswer(app.api, "/notes", [left], { filter, limit: LISTED }));
    return page.value?.notes ?? [];
  };
  const notes = [...useNotes("skipped"), ...useNotes("left")];
  const names = (/** @type {string} */ reason) => {
    const these = notes.filter((note) => note.skipped === reason || note.left.includes(reason));
    return these.map(({ path }) => splitPath(path).name).join(", ");
  };
  const kinds = Object.entries(KINDS).map(([kind, words]) => ({ kind, words, reasons: left.filter((each) => each.kind === kind) }));
  const count = (/** @type {LeftAlone[]} */ all) => all.reduce((sum, { notes }) => sum + notes, 0);
  const shown = kinds.filter(({ reasons }) => reasons.length).sort((a, b) => count(b.reasons) - count(a.reasons));
  return html`<section class="cc-section" aria-labelledby="left"><h2 id="left">${say("leftWhy")}</h2><ul class="cc-card cc-reasons cc-reasons--fold">
    ${shown.map(({ kind, words, reasons }) => html`<li key=${kind}><details><summary><b>${formatNumber(count(reasons))}</b><p><strong>${say(words.title)}</strong><br />${withCode(say(words.more))}</p><${Icon} name="right" /></summary>
      <ul class="cc-why">${reasons.map(({ reason, notes }) => html`<li key=${reason}><span class="cc-num">${formatNumber(notes)}</span> <bdi>${showHidden(reason)}</bdi> <small dir="auto">${names(reason)}</small></li>`)}</ul></details></li>`)}</ul></section>`;
}
