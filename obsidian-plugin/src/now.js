/** What the daemon is doing: each run with its progress, which can be cancelled, and the background. */

import { countSeen } from "./runs.js";
import { countNotes, describeModel, describeSettings, describeVault, say, sentence } from "./words.js";

/** @import { RunState } from "./shapes.js" */
/** @import { Place } from "./view.js" */

const PAUSE = 1_000; // milliseconds between two looks while the page is shown

/**
 * Show the runs in progress, and follow them for as long as the page is shown.
 *
 * @param {Place} place
 */
export async function showNow(place) {
  const head = place.parent.createEl("p");
  const list = place.parent.createDiv();
  await draw(place, head, list);
  void place.attempt(async () => {
    for (;;) {
      await place.plugin.timers.pause(PAUSE);
      if (!place.isCurrent()) return;
      await draw(place, head, list);
    }
  });
}

/**
 * @param {Place} place
 * @param {HTMLElement} head
 * @param {HTMLElement} list
 */
async function draw(place, head, list) {
  const { status } = place.plugin.daemon;
  if (status) head.setText(`${describeVault(status)}. ${describeModel(status)}. ${describeSettings(status)}`.trim());
  const runs = (await place.plugin.api.readRuns()).filter(({ state }) => state === "queued" || state === "running");
  const known = new Map([...list.children].map((row) => [row.getAttr("data-run"), row]));
  for (const run of runs) {
    const row = known.get(run.id) ?? addRow(place, list, run.id);
    known.delete(run.id);
    row.querySelector("p")?.setText(describeRun(run));
    row.querySelector("progress")?.setAttrs({ max: run.total || 1, value: countSeen(run.counts) });
  }
  for (const row of known.values()) row.remove();
  if (!runs.length) list.createEl("p", { text: say("nowNothing") });
}

/**
 * @param {Place} place
 * @param {HTMLElement} list
 * @param {string} run
 */
function addRow({ plugin, attempt }, list, run) {
  const row = list.createDiv({ cls: "callout-companion-change", attr: { "data-run": run } });
  row.createEl("p");
  row.createEl("progress", { attr: { "aria-label": say("tabNow") } });
  const button = row.createEl("button", { text: say("cancel") });
  button.addEventListener("click", () => {
    button.disabled = true;
    void attempt(() => plugin.api.cancelRuns([run]).catch((error) => {
      button.disabled = false;
      throw error;
    }));
  });
  return row;
}

/** @param {RunState} run */
function describeRun(run) {
  const told = say("runTitle", { done: countSeen(run.counts), notes: countNotes(run.total) });
  return [sentence(told), run.waits && sentence(run.waits)].filter(Boolean).join(" ");
}
