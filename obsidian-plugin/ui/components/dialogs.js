/** Windows of the page: the keys, and what asks before many notes are written or taken back. */

import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { html, Icon, iconOf } from "../dom.js";
import { nameOf, summaryOf, titleOf } from "../proposal.js";
import { say, showHidden } from "../words.js";

/** @import { App } from "../app.js" */

const SAMPLE = 5;

/** @param {{ app: App }} props the window that is open */
export function Dialogs({ app }) {
  const open = app.dialog.value;
  if (open?.name === "keys") return html`<${Keys} app=${app} />`;
  if (open?.name === "bulk") return html`<${Bulk} app=${app} ids=${open.ids} />`;
  if (open?.name === "confirm") return html`<${Confirm} app=${app} ...${open} />`;
  return null;
}

/** @param {{ onClose: () => void, title: string, words?: unknown, children?: unknown, foot: unknown }} props focuses its heading, and gives the focus back */
function Dialog({ onClose, title, words, children, foot }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => {
    const element = dialog.current;
    const before = element?.ownerDocument.activeElement;
    element?.showModal();
    return () => {
      if (element?.open) element.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  return html`<dialog class="cc-dialog" ref=${dialog} aria-labelledby="cc-dialog-title" onCancel=${(/** @type {Event} */ event) => (event.preventDefault(), onClose())}>
    <div class="cc-dialog__head"><h2 id="cc-dialog-title" tabindex="-1" autofocus>${title}</h2>${words && html`<p>${words}</p>`}</div>
    ${children && html`<div class="cc-dialog__body">${children}</div>`}
    <div class="cc-dialog__foot">${foot}</div></dialog>`;
}

/** @param {{ app: App, title: string, words: string, yes: string, act: () => Promise<unknown> }} props */
function Confirm({ app, title, words, yes, act }) {
  const isBusy = useSignal(false);
  const close = () => (app.dialog.value = null);
  const go = async () => {
    isBusy.value = true;
    await act().catch((/** @type {Error} */ error) => app.decisions.announce(error.message, true));
    close();
  };
  return html`<${Dialog} onClose=${close} title=${title} words=${words} foot=${html`<span></span><button class="cc-btn cc-btn--big" onClick=${close}>${say("cancel")}</button><button class="cc-btn cc-btn--big cc-btn--main" disabled=${isBusy.value} onClick=${() => void go()}>${yes}</button>`} />`;
}

/** @param {{ app: App, ids: number[] }} props */
function Bulk({ app, ids }) {
  const from = useSignal(0);
  const { inbox } = app;
  const proposals = ids.map((id) => inbox.get(id)).filter((each) => each !== null);
  const notes = new Set(proposals.map(({ path }) => path)).size;
  const stay = inbox.shown.value.length - ids.length;
  const close = () => (app.dialog.value = null);
  const go = () => {
    close();
    void app.decisions.decide("accept", ids, true).then(() => app.follow()).catch(() => {});
  };
  const step = Math.max(1, Math.floor(proposals.length / SAMPLE));
  const sample = Array.from({ length: Math.min(SAMPLE, proposals.length) }, (_, index) => proposals[(index * step + from.value) % proposals.length]).filter((each) => each !== undefined);
  return html`<${Dialog} onClose=${close} title=${say("writeMany", { n: ids.length, notes })} words=${say("writeManyMore")}
    foot=${html`<span class="cc-soft cc-small">${stay > 0 && say("flaggedStay", { n: stay })}</span><button class="cc-btn cc-btn--big" onClick=${close}>${say("cancel")}</button><button class="cc-btn cc-btn--big cc-btn--main" onClick=${go}>${say("writeValues", { n: ids.length })}</button>`}>
    <p class="cc-tally cc-small"><strong>${say("someOfThem", { n: sample.length })}</strong>${proposals.length > SAMPLE && html`<button class="cc-btn cc-btn--plain cc-btn--small" onClick=${() => (from.value += 1)}>${say("showOthers")}</button>`}</p>
    <ul class="cc-sample">${sample.map((each) => html`<li key=${each.id}><${Icon} name=${iconOf(each.kind)} /><span><b dir="auto">${titleOf(each)}</b> <small>${showHidden(nameOf(each))}</small></span><p dir="auto">${showHidden(summaryOf(each)).slice(0, 200)}</p></li>`)}</ul>
  <//>`;
}

/** @type {[string, import("../words.js").Key, string[]][]} */
const KEYS = [
  ["decide", "accept", ["A"]],
  ["decide", "acceptWholeNote", ["⇧", "A"]],
  ["decide", "edit", ["E"]],
  ["decide", "refuse", ["R"]],
  ["decide", "skipForNow", ["J"]],
  ["decide", "againButLabel", ["I"]],
  ["decide", "undo", ["U"]],
  ["move", "nextOne", ["J", "↓"]],
  ["move", "previousOne", ["K", "↑"]],
  ["move", "noteOrSource", ["S"]],
  ["move", "search", ["/"]],
  ["move", "onlyFlagged", ["F"]],
  ["move", "theseKeys", ["?"]],
  ["whileEditing", "acceptYours", ["Ctrl", "↵"]],
  ["whileEditing", "leaveAsWas", ["Esc"]],
];

/** @param {{ app: App }} props */
function Keys({ app }) {
  const close = () => (app.dialog.value = null);
  const part = (/** @type {"decide" | "move" | "whileEditing"} */ name) => html`<h3>${say(name)}</h3><ul>
    ${KEYS.filter(([where]) => where === name).map(([, key, caps]) => html`<li key=${key}>${say(key)}<span>${caps.map((cap) => html`<kbd class="cc-kbd">${cap}</kbd>`)}</span></li>`)}</ul>`;
  return html`<${Dialog} onClose=${close} title=${say("keys")} words=${say("keysMore")}
    foot=${html`<label class="cc-check"><input type="checkbox" checked=${app.hasKeys.value} onChange=${(/** @type {any} */ { target }) => app.setKeys(target.checked)} />${say("singleKeys")}</label><button class="cc-btn" onClick=${close}>${say("close")}</button>`}>
    <div class="cc-keys"><div>${part("decide")}</div><div>${part("move")}${part("whileEditing")}</div></div><//>`;
}
