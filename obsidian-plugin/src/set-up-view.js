/** The set-up as it is shown: one step at a time, with what is run and a button for it. */

import { useSignal } from "@preact/signals";
import { Platform } from "obsidian";
import { useEffect, useRef } from "preact/hooks";
import { html } from "../ui/dom.js";
import installLines from "./install-lines.json";
import { agreeTo, describeServe } from "./program.js";
import { fetchAndFollow, start } from "./set-up.js";
import { formatBytes, say } from "./words.js";

/** @import CompanionPlugin from "./main.js" */
/** @import { SetUp } from "./set-up.js" */
/** @import { Key } from "./words.js" */

/**
 * What the set-up is shown in. tell: says what happens, or nothing. take: takes a step, tells why it fails, and
 * shows what comes next; never rejects.
 *
 * @typedef {{ plugin: CompanionPlugin, tell: (words: string) => void, take: (act: () => Promise<unknown>) => Promise<void> }} Place
 */

/** @typedef {{ place: Place } & Omit<SetUp, "state">} Props of a step */

/**
 * The heading of each step, and the step.
 *
 * @type {Partial<Record<SetUp["state"], [Key, (props: Props) => unknown]>>}
 */
const STEPS = {
  notInstalled: ["setUpNone", Installation],
  away: ["setUpStopped", Start],
  model: ["setUpModel", Model],
};

/** @param {{ place: Place, setUp: SetUp }} props */
export function SetUpView({ place, setUp: { state, ...about } }) {
  const [heading, step] = STEPS[state] ?? ["setUpTrouble", Trouble];
  return html`<h3>${say(heading)}</h3><${step} place=${place} ...${about} />`;
}

/** @param {Props} props */
function Installation({ place }) {
  const system = Platform.isWin ? "Windows" : Platform.isMacOS ? "macOS" : "Linux";
  const { where, lines } = installLines.find((one) => one.system === system) ?? { where: "", lines: [] };
  const copy = (/** @type {string} */ line) => void navigator.clipboard.writeText(line).then(() => place.tell(say("copied")));
  return html`<p>${say("setUpNoneMore", { where })}</p>
    ${lines.map(
      (line) => html`<div key=${line} class="callout-companion-line">
        <code>${line}</code><button aria-label=${say("copyLine", { line })} onClick=${() => copy(line)}>${say("copy")}</button>
      </div>`,
    )}
    <${LookAgain} place=${place} /><${Elsewhere} place=${place} />`;
}

/** @param {Props} props */
function Start({ place, program }) {
  const { plugin, tell } = place;
  const path = program ?? "";
  const act = () => (tell(say("starting")), start(plugin, path));
  return html`<p>${say("setUpStoppedMore")}</p>
    <code class="callout-companion-command">${describeServe(plugin.app, path)}</code>
    <${Act} place=${place} words=${say("start")} act=${act} /><${Elsewhere} place=${place} />`;
}

/** @param {Props} props */
function Model({ place, model }) {
  const { plugin, tell } = place;
  const { name = "", catalog = [] } = model ?? {};
  const { title, bytes } = catalog.find((entry) => entry.name === name) ?? { title: name, bytes: 0 };
  const got = useSignal({ done: 0, of: 0 });
  const words = say("fetchModel", { size: formatBytes(bytes) });
  const follow = () =>
    fetchAndFollow(plugin, name, (fetch) => {
      got.value = fetch;
      tell(say("fetching", { done: formatBytes(fetch.done), of: formatBytes(fetch.of) }));
    });
  const { done, of } = got.value;
  return html`<p>${say("setUpModelMore", { title })}</p>
    ${of > 0 && html`<progress aria-label=${words} max=${of} value=${done}></progress>`}
    <${Act} place=${place} words=${words} act=${follow} isBegun=${plugin.daemon.status?.fetch?.state === "fetching"} />`;
}

/** @param {Props} props what is wrong, which no button mends */
function Trouble({ place }) {
  return html`<p>${place.plugin.daemon.words}</p><${LookAgain} place=${place} />`;
}

/** @param {{ place: Place }} props */
function LookAgain({ place }) {
  return html`<${Act} place=${place} words=${say("lookAgain")} act=${() => place.plugin.daemon.check()} />`;
}

/** @param {{ place: Place }} props a way to name the program's path, on this computer only */
function Elsewhere({ place }) {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const act = () => agreeTo(place.plugin.app, field.current?.value.trim() ?? "");
  return html`<details>
    <summary>${say("programElsewhere")}</summary>
    <p>${say("programElsewhereMore")}</p>
    <input ref=${field} type="text" aria-label=${say("setProgram")} /><${Act} place=${place} words=${say("useProgram")} act=${act} />
  </details>`;
}

/**
 * A button that takes a step.
 *
 * @param {{ place: Place, words: string, act: () => Promise<unknown>, isBegun?: boolean }} props isBegun: whether it was taken already
 */
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
