/** What is going on: a dot in the header, and behind it what is being done, what waits, and why. */

import { Pause, Play, RotateCw } from "lucide";
import { useId } from "preact/hooks";
import { Button, Fault, html, Meter, useApp, withCode } from "../dom.js";
import { sum } from "../status-store.js";
import { say, showHidden, splitPath } from "../words.js";

/** @import { StatusStore } from "../status-store.js" */

export function StatusButton() {
  const id = useId();
  const app = useApp();
  const { shell, status } = app;
  const { dot, words, long } = status.summary.value;
  return html`<${Button} kind="quiet" class="cc-status" popovertarget=${id} aria-description=${say("goingOn")}>
      <i class=${`cc-dot cc-dot--${dot}`}></i>
      <span>${long && html`<span class="cc-wide">${long} </span>`}<span class="cc-num">${words}</span></span>
    <//>
    <section class="cc-panel" id=${id} popover="auto" aria-label=${say("goingOn")}>
      <${Panel} status=${status} attempt=${app.attempt.bind(app)}>
        ${shell.signOut && html`<${Button} kind="quiet" class="cc-out" onClick=${shell.signOut}>${say("signOut")}<//>`}
      <//>
    </section>`;
}

/**
 * What the daemon is doing. notes: what else there is to say. attempt: does something, and tells why it fails. children: more buttons.
 *
 * @param {{ status: StatusStore, notes?: string[], attempt: (act: () => Promise<unknown>) => void, children?: unknown }} props
 */
export function Panel({ status, notes = [], attempt, children }) {
  const now = status.status.value;
  const run = status.active.value;
  const { title, words } = status.headline.value;
  if (!now || status.isAway.value) return html`<h2>${title}</h2>
    <p class="cc-soft cc-small">${withCode(words)}</p>
    <div class="cc-buttons">${children}</div>`;
  const { background, fault, in_hand: inHand, paused } = now;
  const done = run ? sum(run.counts) : 0;
  const { waiting } = background;
  const facts = [
    inHand.length > 0 && [say("rightNow"), inHand.slice(0, 3).map((path) => splitPath(path).name).join(", ")],
    waiting > 0 && [say("waitingNotes"), say("notesCount", { n: waiting })],
    [say("inBackground"), background.off ? say("off") : say("ofToday", { n: background.notes_today, of: background.notes_a_day })],
    [say("model"), html`<bdi>${showHidden(now.model)}</bdi>, ${say(now.is_embedded || !now.is_remote ? "onThisComputer" : "overNetwork")}`],
  ].filter((each) => each !== false);
  const resume = () => attempt(() => status.change("resume"));
  return html`<h2>${title}</h2>
    ${words && html`<p class="cc-soft cc-small">${words}</p>`}
    ${run && html`<div class="cc-panel__meter">
      <${Meter} of=${run.total ? done / run.total : 0} label=${say("notesDone")} text=${say("doneOf", { n: done, of: run.total })} />
    </div>`}
    ${[...notes, ...status.faults.value].map((why) => html`<${Fault} key=${why}>${withCode(showHidden(why))}<//>`)}
    <dl>${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd dir="auto">${value}</dd></div>`)}</dl>
    ${background.off && !paused && html`<p class="cc-hint">${say("backgroundOff", { why: background.off })}</p>`}
    <div class="cc-buttons">
      ${paused || fault
        ? html`<${Button} icon=${paused ? Play : RotateCw} onClick=${resume}>${say(paused ? "resume" : "tryNow")}<//>`
        : !background.off && html`<${Button} icon=${Pause} onClick=${() => attempt(() => status.change("pause"))}>${say("pause")}<//>`}
      ${run && html`<${Button} kind="quiet" onClick=${() => attempt(() => status.cancel(run.id))}>${say("stopRun")}<//>`}
      ${children}
    </div>`;
}
