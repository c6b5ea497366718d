/** The set-up as it is shown: one step at a time, with what is run and a button for it. */

import { Platform } from "obsidian";
import installLines from "./install-lines.json";
import { pair } from "./connection.js";
import { agreeTo, describeCommands } from "./program.js";
import { fetchAndFollow, pairByProgram, start } from "./set-up.js";
import { formatBytes, say } from "./words.js";

/** @import { SetUp, State } from "./set-up.js" */
/** @import { ModelShape } from "./api-types.d.ts" */
/** @import { Place } from "./view.js" */
/** @import { Key } from "./words.js" */

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

/**
 * Show the step that comes next.
 *
 * @param {Place} place
 * @param {SetUp} setUp
 */
export function showSetUp(place, setUp) {
  const { parent, plugin } = place;
  parent.createEl("h3", { text: say(HEADINGS[setUp.state]) });
  if (setUp.state === "none") return showInstallation(place);
  if (setUp.state === "unpaired") return showPairing(place, setUp.program);
  if (setUp.state === "model" && setUp.model) return showModel(place, setUp.model);
  if (setUp.program && setUp.state !== "version" && setUp.state !== "trouble") return showStart(place, setUp.program);
  parent.createEl("p", { text: setUp.state === "ready" ? say("setUpDoneMore") : plugin.daemon.words });
  addLookAgain(place);
}

/** @param {Place} place */
function showInstallation(place) {
  const system = Platform.isWin ? "Windows" : Platform.isMacOS ? "macOS" : "Linux";
  const { where, lines } = installLines.find((one) => one.system === system) ?? { where: "", lines: [] };
  place.parent.createEl("p", { text: say("setUpNoneMore", { where }) });
  for (const line of lines) {
    const row = place.parent.createDiv({ cls: "callout-companion-line" });
    row.createEl("code", { text: line });
    const button = row.createEl("button", { text: say("copy"), attr: { "aria-label": say("copyLine", { line }) } });
    button.addEventListener("click", () => {
      void navigator.clipboard.writeText(line).then(() => place.said.setText(say("copied")));
    });
  }
  addLookAgain(place);
  addElsewhere(place);
}

/**
 * @param {Place} place
 * @param {string} program
 */
function showStart(place, program) {
  const { parent, plugin } = place;
  parent.createEl("p", { text: say("setUpStoppedMore") });
  const { serve, pair: paired } = describeCommands(plugin.app, program);
  for (const text of [serve, paired]) parent.createEl("code", { text, cls: "callout-companion-command" });
  addStep(place, say("start"), async () => {
    place.said.setText(say("starting"));
    await start(plugin, program);
  });
  addElsewhere(place);
}

/**
 * @param {Place} place
 * @param {string | null} program null: there is none, so that a code has to be typed
 */
function showPairing(place, program) {
  const { parent, plugin } = place;
  parent.createEl("p", { text: say(program ? "setUpPairMore" : "setUpPairByHand") });
  if (program) {
    const text = describeCommands(plugin.app, program).pair;
    parent.createEl("code", { text, cls: "callout-companion-command" });
    addStep(place, say("pair"), () => pairByProgram(plugin, program));
    return addElsewhere(place);
  }
  const field = addField(parent, say("setCode"));
  addStep(place, say("pair"), async () => {
    await pair(plugin, field.value);
    await plugin.daemon.check();
  });
  addElsewhere(place);
}

/**
 * @param {Place} place
 * @param {ModelShape} model
 */
function showModel(place, model) {
  const entry = model.catalog.find(({ name }) => name === model.name);
  const size = formatBytes(entry?.bytes ?? 0);
  place.parent.createEl("p", { text: say("setUpModelMore", { title: entry?.title ?? model.name }) });
  const bar = place.parent.createEl("progress", { attr: { "aria-label": say("fetchModel", { size }) } });
  bar.hide();
  const follow = () =>
    fetchAndFollow(place.plugin, model.name, ({ fetch }) => {
      const { done, of } = fetch ?? { done: 0, of: 0 };
      bar.show();
      bar.setAttrs({ max: of || 1, value: done });
      place.said.setText(say("fetching", { done: formatBytes(done), of: formatBytes(of) }));
    });
  const button = addStep(place, say("fetchModel", { size }), follow);
  if (model.fetch?.state === "fetching") button.click();
}

/** @param {Place} place */
function addLookAgain(place) {
  addStep(place, say("lookAgain"), () => place.plugin.daemon.check());
}

/**
 * Add a way to name the program's path, on this computer only.
 *
 * @param {Place} place
 */
function addElsewhere(place) {
  const details = place.parent.createEl("details");
  details.createEl("summary", { text: say("programElsewhere") });
  details.createEl("p", { text: say("programElsewhereMore") });
  const field = addField(details, say("setProgram"));
  const inner = { ...place, parent: details };
  addStep(inner, say("useProgram"), () => agreeTo(place.plugin.app, field.value.trim()));
}

/**
 * @param {HTMLElement} parent
 * @param {string} label
 */
function addField(parent, label) {
  return parent.createEl("input", { type: "text", attr: { "aria-label": label } });
}

/**
 * Add a button that takes a step, tells why it fails, and shows what comes next.
 *
 * @param {Place} place
 * @param {string} text
 * @param {() => Promise<void>} act
 */
function addStep({ parent, said, refresh, attempt }, text, act) {
  const button = parent.createEl("button", { text });
  button.addEventListener("click", () => {
    button.disabled = true;
    said.setText("");
    void attempt(act).then(() => {
      button.disabled = false;
      return refresh();
    });
  });
  return button;
}
