/** The set-up as it is shown: one step at a time, with what is run and a button for it. */

import { useSignal } from "@preact/signals";
import { Platform } from "obsidian";
import { useEffect, useRef } from "preact/hooks";
import { html } from "../ui/dom.js";
import installLines from "./install-lines.json";
import { pair } from "./connection.js";
import { agreeTo, describeCommands } from "./program.js";
import { fetchAndFollow, pairByProgram, start } from "./set-up.js";
import { formatBytes, say } from "./words.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { SetUp, State } from "./set-up.js" */
/** @import { Key } from "./words.js" */

/**
 * What the set-up is shown in. tell: says what happens, or nothing. take: takes a step, tells why it fails, and
 * shows what comes next; never rejects.
 *
 * @typedef {{ plugin: CompanionPlugin, tell: (words: string) => void, take: (act: () => Promise<unknown>) => Promise<void> }} Place
 */

/** @type {Record<State, Key>} */
const HEADINGS = {
  none: "setUpNone",
  stopped: "setUpStopped",
  another: "setUpAnother",
  other: "setUpOther",
  unpaired: "setUpPair",
  version: "setUpVersion",
  trouble: "setUpTrouble",
  model: "setUpModel",
  ready: "setUpDone",
};

/** @param {{ place: Place, setUp: SetUp }} props */
export function SetUpView({ place, setUp }) {
  return html`<h3>${say(HEADINGS[setUp.state])}</h3><${Step} place=${place} setUp=${setUp} />`;
}

/** @param {{ place: Place, setUp: SetUp }} props the step that comes next */
function Step({ place, setUp: { state, program, model } }) {
  if (state === "none") return html`<${Installation} place=${place} />`;
  if (state === "unpaired") return html`<${Pairing} place=${place} program=${program} />`;
  if (state === "model" && model) return html`<${Model} place=${place} model=${model} />`;
  if (program && state !== "version" && state !== "trouble") return html`<${Start} place=${place} program=${program} />`;
  return html`<p>${state === "ready" ? say("setUpDoneMore") : place.plugin.daemon.words}</p><${LookAgain} place=${place} />`;
}

/** @param {{ place: Place }} props */
function Installation({ place }) {
  const system = Platform.isWin ? "Windows" : Platform.isMacOS ? "macOS" : "Linux";
  const { where, lines } = installLines.find((one) => one.system === system) ?? { where: "", lines: [] };
  const copy = (/** @type {string} */ line) => void navigator.clipboard.writeText(line).then(() => place.tell(say("copied")));
  return html`<p>${say("setUpNoneMore", { where })}</p>
    ${lines.map((line) => html`<div key=${line} class="callout-companion-line"><code>${line}</code><button aria-label=${say("copyLine", { line })} onClick=${() => copy(line)}>${say("copy")}</button></div>`)}
    <${LookAgain} place=${place} /><${Elsewhere} place=${place} />`;
}

/** @param {{ place: Place, program: string }} props */
function Start({ place, program }) {
  const { plugin, tell } = place;
  const { serve, pair: paired } = describeCommands(plugin.app, program);
  const act = () => (tell(say("starting")), start(plugin, program));
  return html`<p>${say("setUpStoppedMore")}</p>
    ${[serve, paired].map((text) => html`<code key=${text} class="callout-companion-command">${text}</code>`)}
    <${Act} place=${place} words=${say("start")} act=${act} /><${Elsewhere} place=${place} />`;
}

/** @param {{ place: Place, program: string | null }} props program: null: there is none, so that a code has to be typed */
function Pairing({ place, program }) {
  const { plugin } = place;
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const pairByCode = async () => {
    await pair(plugin, field.current?.value ?? "");
    await plugin.daemon.check();
  };
  return html`<p>${say(program ? "setUpPairMore" : "setUpPairByHand")}</p>
    ${program ? html`<code class="callout-companion-command">${describeCommands(plugin.app, program).pair}</code>` : html`<input ref=${field} type="text" aria-label=${say("setCode")} />`}
    <${Act} place=${place} words=${say("pair")} act=${program ? () => pairByProgram(plugin, program) : pairByCode} /><${Elsewhere} place=${place} />`;
}

/** @param {{ place: Place, model: NonNullable<SetUp["model"]> }} props */
function Model({ place, model }) {
  const got = useSignal({ done: 0, of: 0 });
  const entry = model.catalog.find(({ name }) => name === model.name);
  const fetched = say("fetchModel", { size: formatBytes(entry?.bytes ?? 0) });
  const follow = () =>
    fetchAndFollow(place.plugin, model.name, (fetch) => {
      got.value = fetch;
      place.tell(say("fetching", { done: formatBytes(fetch.done), of: formatBytes(fetch.of) }));
    });
  const { done, of } = got.value;
  return html`<p>${say("setUpModelMore", { title: entry?.title ?? model.name })}</p>
    ${of > 0 && html`<progress aria-label=${fetched} max=${of} value=${done}></progress>`}
    <${Act} place=${place} words=${fetched} act=${follow} isBegun=${place.plugin.daemon.status?.fetch?.state === "fetching"} />`;
}

/** @param {{ place: Place }} props */
function LookAgain({ place }) {
  return html`<${Act} place=${place} words=${say("lookAgain")} act=${() => place.plugin.daemon.check()} />`;
}

/** @param {{ place: Place }} props a way to name the program's path, on this computer only */
function Elsewhere({ place }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const act = () => agreeTo(place.plugin.app, field.current?.value.trim() ?? "");
  return html`<details><summary>${say("programElsewhere")}</summary><p>${say("programElsewhereMore")}</p>
    <input ref=${field} type="text" aria-label=${say("setProgram")} /><${Act} place=${place} words=${say("useProgram")} act=${act} /></details>`;
}

/** @param {{ place: Place, words: string, act: () => Promise<unknown>, isBegun?: boolean }} props a button that takes a step; isBegun: which was taken already */
function Act({ place, words, act, isBegun = false }) {
  const isBusy = useSignal(false);
  const take = async () => {
    isBusy.value = true;
    await place.take(act);
    isBusy.value = false;
  };
  useEffect(() => void (isBegun && take()), []);
  return html`<button disabled=${isBusy.value} onClick=${() => void take()}>${words}</button>`;
}
