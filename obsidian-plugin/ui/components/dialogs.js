/** Windows of the page: the keys, and what asks before many notes are written or taken back. */

import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Button, html, Icon, iconOf, instead, useApp } from "../dom.js";
import { nameOf, summaryOf, titleOf } from "../proposal.js";
import { say, showHidden } from "../words.js";

/** @import { Key } from "../words.js" */

const SAMPLE = 5;

/** The window that is open. */
export function Dialogs() {
  const open = useApp().dialog.value;
  const View = { keys: Keys, bulk: Bulk, confirm: Confirm }[open?.name ?? ""];
  return View && html`<${View} ...${open} />`;
}

/**
 * Focuses its heading, and gives the focus back. act: what its main button does.
 *
 * @param {{ title: string, words: string, aside?: unknown, yes?: string, act?: () => void, children?: unknown }} props
 */
function Dialog({ title, words, aside, yes, act, children }) {
  const app = useApp();
  const close = () => (app.dialog.value = null);
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
  return html`<dialog class="cc-dialog" ref=${dialog} aria-labelledby="cc-dialog-title" onCancel=${instead(close)}>
    <div class="cc-dialog__head"><h2 id="cc-dialog-title" tabindex="-1" autofocus>${title}</h2><p>${words}</p></div>
    ${children && html`<div class="cc-dialog__body">${children}</div>`}
    <div class="cc-dialog__foot">
      ${aside}
      <${Button} kind=${act && "big"} onClick=${close}>${say(act ? "cancel" : "close")}<//>
      ${act && html`<${Button} kind="big main" onClick=${act}>${yes}<//>`}
    </div>
  </dialog>`;
}

/** @param {{ title: string, words: string, yes: string, act: () => Promise<unknown> }} props */
function Confirm({ act, ...question }) {
  const app = useApp();
  const go = () => {
    app.dialog.value = null; // how far it is, is shown elsewhere; another window may be open once it ends
    void app.attempt(act);
  };
  return html`<${Dialog} ...${question} aside=${html`<span></span>`} act=${go} />`;
}

/** @param {{ ids: number[] }} props */
function Bulk({ ids }) {
  const from = useSignal(0);
  const app = useApp();
  const { inbox } = app;
  const proposals = ids.map((id) => inbox.get(id)).filter((each) => each !== null);
  const notes = new Set(proposals.map(({ path }) => path)).size;
  const stay = inbox.shown.value.length - ids.length;
  const go = () => {
    app.dialog.value = null;
    void app.decisions.decide("accept", ids, true).then(() => app.follow()).catch(() => {});
  };
  const step = Math.max(1, Math.floor(proposals.length / SAMPLE));
  const sample = proposals.slice(0, SAMPLE).map((_, index) => proposals[(index * step + from.value) % proposals.length]);
  const aside = html`<span class="cc-soft cc-small">${stay > 0 && say("flaggedStay", { n: stay })}</span>`;
  const title = say("writeMany", { n: ids.length, notes });
  const yes = say("writeValues", { n: ids.length });
  return html`<${Dialog} title=${title} words=${say("writeManyMore")} yes=${yes} aside=${aside} act=${go}>
    <p class="cc-tally cc-small">
      <strong>${say("someOfThem", { n: sample.length })}</strong>
      ${proposals.length > SAMPLE && html`<${Button} kind="plain small" onClick=${() => (from.value += 1)}>${say("showOthers")}<//>`}
    </p>
    <ul class="cc-sample">
      ${sample.filter((each) => each !== undefined).map((each) => html`<li key=${each.id}>
        <${Icon} icon=${iconOf(each.kind)} />
        <span><b dir="auto">${titleOf(each)}</b> <small>${nameOf(each)}</small></span>
        <p dir="auto">${showHidden(summaryOf(each)).slice(0, 200)}</p>
      </li>`)}
    </ul>
  <//>`;
}

/** @type {["decide" | "move" | "whileEditing", Key, string[]][]} */
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

function Keys() {
  const app = useApp();
  const part = (/** @type {"decide" | "move" | "whileEditing"} */ name) => html`<h3>${say(name)}</h3><ul>
    ${KEYS.filter(([where]) => where === name).map(([, key, caps]) => html`<li key=${key}>
      ${say(key)}<span>${caps.map((cap) => html`<kbd class="cc-kbd">${cap}</kbd>`)}</span>
    </li>`)}
  </ul>`;
  const set = (/** @type {any} */ { target }) => app.setKeys(target.checked);
  const aside = html`<label class="cc-check">
    <input type="checkbox" checked=${app.hasKeys.value} onChange=${set} />${say("singleKeys")}
  </label>`;
  return html`<${Dialog} title=${say("keys")} words=${say("keysMore")} aside=${aside}>
    <div class="cc-keys"><div>${part("decide")}</div><div>${part("move")}${part("whileEditing")}</div></div>
  <//>`;
}
