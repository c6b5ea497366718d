/** Proposals asked for: what the model gives for the active note waits in the inbox. */

import { startRun } from "./daemon.js";
import { notify, notifyOfErrors } from "./dialogs.js";
import { saveOpen } from "./open-notes.js";
import { followRun } from "./runs.js";
import { say, sentence } from "./words.js";
import { showProgress, workOn } from "./work.js";

/** @import CompanionPlugin from "./main.js" */

/**
 * Have a model asked about the active note, and what it gives kept for the inbox. Notifies the user
 * of errors, and if there is nothing to propose.
 *
 * @param {CompanionPlugin} plugin
 */
export async function proposeNote(plugin) {
  const file = plugin.app.workspace.getActiveFile();
  if (!file) return notify(say("openNoteFirst"));
  await notifyOfErrors(plugin, () =>
    workOn(plugin, file.path, async () => {
      await saveOpen(plugin, file.path);
      const run = await startRun(plugin, { paths: [file.path], propose: true, priority: "interactive", on_fault: "stop" });
      for await (const { results, waits, fault } of followRun(plugin, run)) {
        showProgress(plugin, file.path, waits || say("thinking", { name: file.basename }));
        const [result] = results;
        if (fault) notify(sentence(fault));
        if (!result || result.status === "proposed") continue;
        const why = [result.reason ?? "", ...result.left].filter(Boolean).map(sentence).join(" ");
        notify(`${say("leftAsItIs", { name: file.basename })} ${why || say("needsNothing")}`);
      }
    }),
  );
}
