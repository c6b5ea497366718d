/** Proposals asked for: what the model gives for a note waits in the inbox. */

import { startRun } from "./daemon.js";
import { notify } from "./dialogs.js";
import { saveOpen } from "./open-notes.js";
import { followRun } from "./runs.js";
import { say, sentence } from "./words.js";
import { showProgress, workOn } from "./work.js";

/** @import { TFile } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */

/**
 * Have a model asked about the note, and what it gives kept for the inbox. The user is notified if
 * there is nothing to propose.
 *
 * @param {CompanionPlugin} plugin
 * @param {TFile} file
 */
export async function proposeNote(plugin, file) {
  const { path, basename: name } = file;
  await workOn(plugin, path, async () => {
    await saveOpen(plugin, path);
    const run = await startRun(plugin, { paths: [path], propose: true, priority: "interactive", on_fault: "stop" });
    for await (const { results, waits, fault } of followRun(plugin, run)) {
      showProgress(plugin, path, waits || say("thinking", { name }));
      if (fault) notify(sentence(fault));
      for (const { status, reason, left } of results) {
        const why = [reason ?? "", ...left].filter(Boolean).map(sentence).join(" ");
        if (status !== "proposed") notify(`${say("leftAsItIs", { name })} ${why || say("needsNothing")}`);
      }
    }
  });
}
