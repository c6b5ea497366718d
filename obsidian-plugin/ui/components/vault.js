/** Vault: how far it is filled, by folder; what may be out of date; what is left alone, and why. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ChevronRight, Folder as FolderIcon } from "lucide";
import { Button, Column, html, Icon, Loading, Section, SPARKLES, useAnswer, useApp, withCode } from "../dom.js";
import { nameOf } from "../proposal.js";
import { capitalize, formatNumber, say, showHidden, splitPath } from "../words.js";

/** @import { IconNode } from "lucide" */
/** @import { Signal } from "@preact/signals" */
/** @import { FolderCoverage, LeftAlone, RunShape } from "../../src/api-types.d.ts" */
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

export function Vault() {
  const app = useApp();
  const chosen = useSignal(/** @type {string | null} */ (null)); // the folder whose notes are listed as to do; null: the vault's
  const requested = useSignal(/** @type {string[]} */ ([])); // notes and folders that proposals were asked for
  const status = app.status.status.value;
  const changed = `${status?.newest_change} ${status?.to_do} ${status?.notes} ${status?.skipped} ${app.inbox.counts.value.all}`;
  const coverage = useAnswer("/coverage", [changed]);
  if (!coverage.value) return html`<${Loading} />`;
  const { total, folders, left_alone: left } = coverage.value;
  const { filled, notes, to_do: todo, waiting } = total;
  if (!notes) return html`<${Column} title=${say("vault")} words=${say("noNotes")} />`;
  const title = say("vaultHead", { share: Math.floor((100 * filled) / notes), n: waiting });
  const words = say(todo ? "vaultMore" : "vaultDone", { notes: say("notesCount", { n: notes }), vault: status?.vault ?? "", n: todo });
  const action = todo > 0 && html`<${EnrichButton} number=${Math.min(AT_ONCE, todo)} />`;
  return html`<${Column} title=${title} words=${words} action=${action}>
    <section class="cc-card cc-stack-card" aria-label=${say("allNotes")}>
      <${Stack} counts=${total} name=${say("vault")} isBig /><${Legend} counts=${total} />
    </section>
    <${Section} id="folders" title=${say("folders")}>
      <ul class="cc-card cc-folders">
        ${makeTree(folders).map((each) => html`<${FolderRow} key=${each.path} folder=${each} chosen=${chosen} />`)}
      </ul>
    <//>
    ${todo > 0 && html`<${ToDoList} key=${chosen.value} chosen=${chosen} requested=${requested} changed=${changed} />`}
    <${OutdatedList} causes=${[changed, status?.outdated_as_of]} />
    <${TaughtList} changed=${changed} />
    ${left.length > 0 && html`<${LeftAloneList} left=${left} />`}
    <${ListSection} id="terminal" title=${say("inTerminal")}>
      ${COMMANDS.map(([key, command]) => html`<${Entry} key=${key} more=${say(key)} action=${html`<code>${command}</code>`} />`)}
    <//>
  <//>`;
}

/** @param {{ number: number }} props have so many notes that need something enriched, or proposed, as the settings say */
function EnrichButton({ number }) {
  const app = useApp();
  const isAsked = useSignal(false);
  const isOff = isAsked.value || app.status.active.value?.kind === "fill";
  const press = async () => {
    isAsked.value = true;
    await app.attempt(async () => {
      /** @type {RunShape} */
      const run = await app.api.post("/runs", { paths: [""], limit: AT_ONCE });
      app.status.takeRuns([run]);
      app.decisions.announce(say("enrichBegun", { n: run.total }), false);
    });
    isAsked.value = false;
  };
  return html`<${Button} kind="main" icon=${SPARKLES} disabled=${isOff} onClick=${press}>${say("enrichNext", { n: number })}<//>`;
}

/** @param {{ more?: unknown, children: unknown } & Record<string, unknown>} props and those of a section */
function ListSection({ more, children, ...section }) {
  return html`<${Section} ...${section}>
    <ul class="cc-card cc-reasons">${children}</ul>
    ${more && html`<p>${more}</p>`}
  <//>`;
}

/** @param {{ title?: unknown, about?: string, more: string, action?: unknown }} props about: what stands beside the title */
function Entry({ title, about, more, action }) {
  return html`<li class="cc-stale">
    <p dir="auto">${title && html`<strong dir="auto">${title}</strong>${about && ` · ${about}`}<br />`}${more}</p>
    ${action}
  </li>`;
}

/**
 * A button to ask for something once; again only if that fails. name: as it is read out. said: once it is asked.
 *
 * @param {{ words: string, name?: string, said: string, isAsked?: boolean, ask: () => Promise<unknown> }} props
 */
function AskButton({ words, name, said, isAsked = false, ask }) {
  const app = useApp();
  const isOff = useSignal(false);
  const press = () => app.attempt(async () => {
    isOff.value = true;
    await ask().catch((/** @type {unknown} */ error) => {
      isOff.value = false;
      throw error;
    });
    app.decisions.announce(said, false);
  });
  return html`<${Button} disabled=${isAsked || isOff.value} aria-label=${name} onClick=${press}>${words}<//>`;
}

/** @type {[keyof Counts, Key, string][]} what the bar of a folder shows, the word for it, and its colour */
const PARTS = [
  ["filled", "filled", "filled"],
  ["waiting", "waitingForYou", "waiting"],
  ["to_do", "toDo", "todo"],
  ["left_alone", "leftAlone", "left"],
];

/** @param {{ counts: Counts, name: string, isBig?: boolean }} props */
function Stack({ counts, name, isBig }) {
  const { filled, waiting, to_do: todo, left_alone: left } = counts;
  const words = say("stackLabel", { name, filled, waiting, todo, left });
  return html`<div class=${isBig ? "cc-stack cc-stack--big" : "cc-stack"} role="img" aria-label=${words}>
    ${PARTS.map(([part]) => html`<i hidden=${!counts[part]} style=${{ "--n": counts[part] }}></i>`)}
  </div>`;
}

/** @param {{ counts: Counts }} props */
function Legend({ counts }) {
  return html`<ul class="cc-legend">
    ${PARTS.map(([part, key, name]) => html`<li key=${name}>
      <i class=${`cc-key--${name}`}></i><span>${say(key)}</span><b>${formatNumber(counts[part])}</b>
    </li>`)}
  </ul>`;
}

/**
 * @param {FolderCoverage[]} folders
 * @param {number} [depth] of those that are returned, counted from 1
 * @returns {Folder[]} with all that is in them, most to do first; those at the top with those just below
 */
function makeTree(folders, depth = 1) {
  const groups = Map.groupBy(folders, ({ folder }) => folder.split("/").slice(0, depth).join("/"));
  const tree = [...groups].map(([path, all]) => {
    const below = depth === 1 ? makeTree(all.filter(({ folder }) => folder !== path), 2) : [];
    return { name: path.split("/").at(-1) ?? "", path, counts: addUp(all), below };
  });
  return tree.sort((a, b) => b.counts.to_do - a.counts.to_do || b.counts.notes - a.counts.notes);
}

/** @param {Counts[]} all */
function addUp(all) {
  const sum = { filled: 0, waiting: 0, to_do: 0, left_alone: 0, notes: 0 };
  for (const name of /** @type {(keyof Counts)[]} */ (Object.keys(sum))) sum[name] = all.reduce((total, each) => total + each[name], 0);
  return sum;
}

/**
 * A folder; those in it unfold. Its link stands beside what does that.
 *
 * @param {{ folder: Folder, chosen: Signal<string | null>, icon?: IconNode | null }} props
 */
function FolderRow({ folder, chosen, icon = FolderIcon }) {
  const { below, counts } = folder;
  const link = html`<${ToDoLink} folder=${folder} chosen=${chosen} />`;
  if (!below.length) return html`<li class="cc-folder"><${FolderLine} folder=${folder} icon=${icon} />${link}</li>`;
  return html`<li>
    <details>
      <summary>
        <${FolderLine} folder=${folder} icon=${ChevronRight} /><span class="cc-todo" aria-hidden="true">${describeRest(counts)}</span>
      </summary>
      <ul>${below.map((each) => html`<${FolderRow} key=${each.path} folder=${each} chosen=${chosen} icon=${null} />`)}</ul>
    </details>
    ${link}
  </li>`;
}

/** @param {{ folder: Folder, icon: IconNode | null }} props */
function FolderLine({ folder: { counts, name }, icon }) {
  const words = showHidden(name) || say("topFolder");
  return html`<span class="cc-name">
      ${icon && html`<${Icon} icon=${icon} class=${icon === ChevronRight ? "cc-icon--right" : ""} />`}
      <bdi>${words}</bdi> <small class="cc-num">${formatNumber(counts.notes)}</small>
    </span>
    <${Stack} counts=${counts} name=${words} />`;
}

/** @param {{ folder: Folder, chosen: Signal<string | null> }} props what is left in a folder; a click lists its notes */
function ToDoLink({ folder: { counts, name, path }, chosen }) {
  const words = describeRest(counts);
  if (!counts.to_do) return html`<span class="cc-todo">${words}</span>`;
  const label = say("toDoIn", { n: counts.to_do, folder: name || say("topFolder") });
  const isChosen = chosen.value === path;
  const press = { "aria-pressed": String(isChosen), onClick: () => (chosen.value = isChosen ? null : path) };
  return html`<span class="cc-todo"><button class="cc-link" aria-label=${label} ...${press}>${words}</button></span>`;
}

/** @param {Counts} counts */
function describeRest({ to_do: todo, waiting, left_alone: left, notes }) {
  if (todo) return say("todoCount", { n: todo });
  if (waiting) return say("waitingCount", { n: waiting });
  return say(left === notes ? "allLeftAlone" : "done");
}

/**
 * The notes in the chosen folder that need something, and why.
 *
 * @param {{ chosen: Signal<string | null>, requested: Signal<string[]>, changed: string }} props
 */
function ToDoList({ chosen, requested, changed }) {
  const app = useApp();
  const folder = chosen.value;
  const query = { filter: "to-do", limit: LISTED, folder: folder ?? "", below: folder === "" ? "false" : "true" };
  const page = useAnswer("/notes", [changed], query);
  const isLoaded = page.value !== null;
  useEffect(() => {
    if (folder !== null && isLoaded) document.getElementById("todo")?.closest("section")?.scrollIntoView({ block: "nearest" });
  }, [isLoaded]);
  const isDone = page.value?.total === 0;
  useEffect(() => {
    if (isDone) chosen.value = null; // its link is gone
  }, [isDone]);
  if (!page.value?.notes.length) return null;
  const { notes, total } = page.value;
  const askFor = (/** @type {string} */ path) => ({
    said: say("proposing"),
    isAsked: requested.value.some((each) => path === each || path.startsWith(`${each}/`)),
    async ask() {
      await app.api.post("/runs", { paths: [path], propose: true });
      requested.value = [...requested.peek(), path];
    },
  });
  const title = folder === null ? say("toDo") : `${say("toDo")} · ${showHidden(folder) || say("topFolder")}`;
  const action = folder && html`<${AskButton} words=${say("proposeAll")} ...${askFor(folder)} />`;
  const more = total > notes.length && say("andMore", { n: total - notes.length });
  return html`<${ListSection} id="todo" title=${title} action=${action} more=${more}>
    ${notes.map(({ path, needs }) => {
      const { name } = splitPath(path);
      const reasons = new Set(needs.flatMap(({ reason }) => reason.split("; ")));
      const label = `${say("proposeHere")}: ${name}`;
      const button = html`<${AskButton} words=${say("proposeShort")} name=${label} ...${askFor(path)} />`;
      return html`<${Entry} key=${path} title=${name} more=${showHidden(capitalize([...reasons].join("; ")))} action=${button} />`;
    })}
  <//>`;
}

/** @param {{ causes: unknown[] }} props */
function OutdatedList({ causes }) {
  const app = useApp();
  const page = useAnswer("/outdated", causes, { limit: LISTED });
  if (!page.value?.texts.length) return null;
  return html`<${ListSection} id="outdated" title=${say("outdated")}>
    ${page.value.texts.map((text) => {
      const { id, path, changed_share: share } = text;
      const [{ name }, what] = [splitPath(path), nameOf(text)];
      const more = say(share > 0.66 ? "mostChanged" : share > 0.45 ? "halfChanged" : "muchChanged");
      const ask = () => app.api.post(`/proposals/${id}/again`);
      const label = `${say("proposeNew")}: ${what}, ${name}`;
      const button = html`<${AskButton} words=${say("proposeNew")} name=${label} said=${say("askedNew")} ask=${ask} />`;
      return html`<${Entry} key=${id} title=${name} about=${what} more=${more} action=${button} />`;
    })}
  <//>`;
}

/** @param {{ changed: string }} props */
function TaughtList({ changed }) {
  const app = useApp();
  const taught = useAnswer("/taught", [changed]);
  const { descriptions = "", corrections = [], refused = [] } = taught.value ?? {};
  if (!descriptions && !corrections.length && !refused.length) return null;
  return html`<${ListSection} id="taught" title=${say("taught")} words=${withCode(say("taughtMore"))}>
    ${refused.map(({ folder, kind, times }) => {
      const stop = async () => (taught.value = await app.api.post("/unfilled", { folder, kind }));
      const said = say("stopped", { name: kind, folder });
      const button = html`<${AskButton} words=${say("stop")} name=${`${say("stop")}: ${kind}, ${folder}`} said=${said} ask=${stop} />`;
      const title = showHidden(say("stopFilling", { name: kind, folder }));
      return html`<${Entry} key=${`${folder}/${kind}`} title=${title} more=${say("stopFillingMore", { n: times })} action=${button} />`;
    })}
    ${descriptions && html`<${Entry} more=${say("taughtDescriptions", { style: descriptions })} />`}
    ${corrections.map(({ path, kind, was, now }) => {
      const words = say("taughtCorrection", { name: kind, note: splitPath(path).name, was, now });
      return html`<${Entry} key=${`${path}/${kind}/${was}`} more=${words} />`;
    })}
  <//>`;
}

/** @param {{ left: LeftAlone[] }} props */
function LeftAloneList({ left }) {
  const useNotes = (/** @type {string} */ filter) => useAnswer("/notes", [left], { filter, limit: LISTED }).value?.notes ?? [];
  const all = [...useNotes("skipped"), ...useNotes("left")];
  const names = (/** @type {string} */ reason) =>
    all.filter((note) => note.skipped === reason || note.left.includes(reason)).map(({ path }) => splitPath(path).name).join(", ");
  const kinds = Object.entries(KINDS).map(([kind, words]) => {
    const reasons = left.filter((each) => each.kind === kind);
    return { kind, words, reasons, count: reasons.reduce((sum, { notes }) => sum + notes, 0) };
  });
  const shown = kinds.filter(({ count }) => count).sort((a, b) => b.count - a.count);
  return html`<${ListSection} id="left" title=${say("leftWhy")}>
    ${shown.map(({ kind, words, reasons, count }) => html`<li key=${kind}><details>
      <summary>
        <b>${formatNumber(count)}</b><p><strong>${say(words.title)}</strong><br />${withCode(say(words.more))}</p>
        <${Icon} icon=${ChevronRight} class="cc-icon--right" />
      </summary>
      <ul class="cc-why">${reasons.map(({ reason, notes }) => html`<li key=${reason}>
        <span class="cc-num">${formatNumber(notes)}</span> <bdi>${showHidden(reason)}</bdi> <small dir="auto">${names(reason)}</small>
      </li>`)}</ul>
    </details></li>`)}
  <//>`;
}
