/** The state of work in the header, today's spending, the way to pause, and behind it what is being done, what waits, and why. */

import { Pause, Play } from "lucide";
import { Button, Fault, html, Meter, useApp } from "../dom.js";
import { describeRun, describeSpending, doneOf } from "../status-store.js";
import { count, formatNumber, showHidden, splitPath } from "../words.js";

const IN_HAND = 3; // notes that are named

export function StatusButton() {
  const { status } = useApp();
  const now = status.status.value;
  const { dot, words } = status.summary.value;
  return html`
    ${now && !status.isAway.value && html`<span class="cc-spent cc-num" title="Spent today">${describeSpending(now.today)}</span>`}
    <${Button} kind="quiet" class="cc-status" popovertarget="cc-panel" aria-description="What’s happening">
      <i class=${`cc-dot cc-dot--${dot}`}></i><span class="cc-num">${words}</span>
    <//>
    <${PauseButton} />
    <section class="cc-panel" id="cc-panel" popover="auto" aria-label="What’s happening"><${Panel} /></section>`;
}

function PauseButton() {
  const app = useApp();
  const { status } = app;
  const now = status.status.value;
  if (!now || status.isAway.value || (!now.background.enabled && !now.paused)) return null;
  const [what, label, icon] = now.paused ? /** @type {const} */ (["resume", "Resume background work", Play]) : /** @type {const} */ (["pause", "Pause background work", Pause]);
  const act = () => void app.attempt(() => status.change(what));
  return html`<${Button} kind="quiet icon" icon=${icon} aria-label=${label} title=${label} onClick=${act} />`;
}

function Panel() {
  const app = useApp();
  const { status } = app;
  const now = status.status.value;
  const run = status.active.value;
  if (!now || status.isAway.value) {
    return html`<h2>Companion isn’t running</h2>
      <p class="cc-soft cc-small">Start it from Obsidian, or with <code>companion serve</code>; this page picks up again by itself.</p>`;
  }
  const { background, in_hand: inHand, model, to_do: todo } = now;
  const where = now.is_embedded || !now.is_remote ? "on this computer" : "over the network";
  const facts = [
    inHand.length > 0 && ["Right now", inHand.slice(0, IN_HAND).map((path) => splitPath(path).name).join(", ")],
    ["Still to do", count(todo, "note")],
    ["In the background", background.off ? (now.paused ? "paused" : "off") : `${formatNumber(background.notes_today)} of ${formatNumber(background.notes_a_day)} today`],
    ["Spent", describeSpending(now.today)],
    ["Model", html`<bdi>${showHidden(model)}</bdi>, ${where}`],
  ].filter((each) => each !== false);
  return html`<h2>${run ? describeRun(run) : status.summary.value.words}</h2>
    ${run && html`<${Meter} of=${run.total ? doneOf(run) / run.total : 0} label="Notes done" />`}
    ${status.faults.value.map(({ words, ...own }) => html`<${Fault} key=${words} ...${own}>${showHidden(words)}<//>`)}
    <dl>${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd dir="auto">${value}</dd></div>`)}</dl>
    ${run && html`<${Button} onClick=${() => void app.attempt(() => status.cancel(run.id))}>Stop this run<//>`}`;
}
