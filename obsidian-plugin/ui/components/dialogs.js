/** Windows of the page: the keys, and what asks before many notes are written or taken back. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { Button, html, Icon, iconOf, instead, useApp } from "../dom.js";
import { linesOf, nameOf, titleOf } from "../proposal.js";
import { count, formatNumber, showHidden } from "../words.js";

const SAMPLE = 5;
const NO_WORDS = html`<span></span>`; // which keeps the buttons at the end

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
function Dialog({ title, words, aside = NO_WORDS, yes, act, children }) {
  const app = useApp();
  const close = () => (app.dialog.value = null);
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    element?.showModal();
    return () => {
      if (element?.open) element.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  const go = () => {
    close(); // how far it is, is shown elsewhere
    act?.();
  };
  return html`<dialog class="cc-dialog" ref=${dialog} aria-labelledby="cc-dialog-title" onCancel=${instead(close)}>
    <div class="cc-dialog__head"><h2 id="cc-dialog-title" tabindex="-1" autofocus>${title}</h2><p>${words}</p></div>
    ${children && html`<div class="cc-dialog__body" tabindex="0" role="region" aria-label=${title}>${children}</div>`}
    <div class="cc-dialog__foot">
      ${aside}
      <${Button} kind="big" onClick=${close}>${act ? "Cancel" : "Close"}<//>
      ${act && html`<${Button} kind="big main" onClick=${go}>${yes}<//>`}
    </div>
  </dialog>`;
}

/** @param {{ title: string, words: string, yes: string, act: () => Promise<unknown> }} props */
function Confirm({ act, ...question }) {
  const app = useApp();
  return html`<${Dialog} ...${question} act=${() => void app.attempt(act)} />`;
}

/** @param {{ ids: number[] }} props */
function Bulk({ ids }) {
  const app = useApp();
  const { inbox } = app;
  const proposals = ids.map((id) => inbox.get(id)).filter((each) => each !== null);
  const notes = new Set(proposals.map(({ path }) => path)).size;
  const stay = inbox.shown.value.length - ids.length;
  const step = Math.max(1, Math.floor(proposals.length / SAMPLE));
  const sample = proposals.slice(0, SAMPLE).map((_, index) => proposals[index * step]);
  const aside = html`<span class="cc-soft cc-small">${stay > 0 && `${count(stay, "flagged or edited one stays", "flagged or edited ones stay")} here.`}</span>`;
  const words = "None of them is flagged. Your own words stay as they are, and one undo takes it all back.";
  const many = { title: `Write ${count(ids.length, "value")} into ${count(notes, "note")}?`, yes: `Write ${count(ids.length, "value")}`, words, aside };
  return html`<${Dialog} ...${many} act=${() => void app.decisions.acceptMany(ids)}>
    <p class="cc-tally cc-small">
      <strong>${sample.length === 1 ? "This one" : `${formatNumber(sample.length)} of them`}</strong>
    </p>
    <ul class="cc-sample">
      ${sample.filter((each) => each !== undefined).map((each) => html`<li key=${each.id}>
        <${Icon} icon=${iconOf(each.kind)} />
        <span><b dir="auto">${titleOf(each)}</b> <small>${nameOf(each)}</small></span>
        <p dir="auto">${showHidden(Array.isArray(each.text) && each.kind !== "callout" ? each.text.join(", ") : linesOf(each))}</p>
      </li>`)}
    </ul>
  <//>`;
}

/** @type {[string, [string, string[]][]][]} */
const KEYS = [
  ["Decide", [["Accept", ["A"]], ["Edit", ["E"]], ["Refuse", ["R"]], ["Undo", ["U"]]]],
  ["Move", [["Next", ["↓"]], ["Previous", ["↑"]], ["Open from the list", ["↵"]], ["Search", ["/"]], ["These keys", ["?"]]]],
  ["While editing", [["Accept your words", ["Ctrl", "↵"]], ["Leave as it was", ["Esc"]]]],
];

function Keys() {
  const app = useApp();
  const set = (/** @type {any} */ { target }) => app.setKeys(target.checked);
  const aside = html`<label class="cc-check"><input type="checkbox" checked=${app.hasKeys.value} onChange=${set} />Use single keys</label>`;
  return html`<${Dialog} title="Keys" words="They act on the proposal in sight, whenever you are not typing." aside=${aside}>
    <div class="cc-keys">
      ${KEYS.map(([name, keys]) => html`<div key=${name}><h3>${name}</h3><ul>
        ${keys.map(([words, caps]) => html`<li key=${words}>${words}<span>${caps.map((cap) => html`<kbd class="cc-kbd">${cap}</kbd>`)}</span></li>`)}
      </ul></div>`)}
    </div>
  <//>`;
}
