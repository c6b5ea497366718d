/** Important lines of src/, each removed from a copy: the tests must notice. Run by hand. */

import { spawnSync } from "node:child_process";
import { cp, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPlugin as build } from "../build.mjs";

const PLUGIN = fileURLToPath(new URL("../", import.meta.url));
const MUTATIONS = [
  ["note-text.js", " || editor.getValue() !== before", "", "writes over what was typed"],
  ["note-text.js", "      if (!isSame) throw new Error(); // so that nothing is written\n", "", "writes over a file that changed"],
  ["note-text.js", "if (!view || !isPlain(before)) return editFile", "if (!view) return editFile", "edits in an editor that drops line ends"],
  ["open-notes.js", "if (isPlain(text) || view.getViewData() !== toEditorText(text)) await view.save();", "await view.save();", "saves away line ends"],
  ["note-text.js", "const mark = before.startsWith(BOM) ? BOM : \"\";", "const mark = \"\";", "drops a byte order mark"],
  ["editor.js", "    annotations: isolateHistory.of(\"full\"),\n", "", "joins what is typed to its step of undo"],
  ["editor.js", "    selection: EditorSelection.create(ranges, selection.mainIndex),\n", "", "leaves the cursor in the callout"],
  ["user-activity.js", "      if (edit) return", "      if (!edit) return", "fills a property that the cursor is in"],
  ["user-activity.js", " + (isProperty ? 1 : 0)", "", "fills a property that a blank below goes on with"],
  ["user-activity.js", "if (isRequested && !isProperty) return false;", "", "holds up an answer for the cursor behind its question"],
  ["user-activity.js", ".filter((one) => hasCursor(app, one))", "", "waits for a cursor without the focus"],
  ["user-activity.js", "canRedo(editor) || ", "", "destroys the steps that can be made again"],
  ["user-activity.js", " || isInVimMode(editor)", "", "gets into what Vim repeats"],
  ["writing.js", "      await awaitUser(plugin, application, \"\", []);\n", "", "saves a card while somebody composes in it"],
  ["writing.js", "if (!wait.isCancelled) continue;", "continue;", "waits on after it was cancelled"],
  ["editor.js", "leaveLines(text, edits, head)", "head", "puts the cursor into the line below what is taken out"],
  ["user-activity.js", " && !isEditing", "", "sees only what is typed in the editor"],
  ["note-text.js", ' && one.getMode() === "source"', "", "writes in a view that only reads"],
  ["writing.js", "    if (!isAllowed()) throw new NoteUnavailable(\"the user types\");\n", "", "writes while the user types"],
  ["writing.js", "  if (!isRequested) throw new NoteUnavailable(words);\n", "", "holds up what nobody asked for"],
  ["outbox.js", "this.#isResting(row) && ", "", "begins to write while the user types"],
  ["outbox.js", " && !this.#plugin.work.doing.has(file.path)", "", "writes into what is being done with the note"],
  ["runs.js", "  await saveOpen(plugin, file.path);\n", "", "does not save before it asks"],
  ["heartbeat.js", "    this.#isTold = isTold;\n", "    this.#isTold = Boolean(this.status);\n", "lets presence hang on the status"],
  ["writing.js", "!== offer.new_sha256", '=== ""', "trusts edits that make another text"],
  ["connection.js", "delete plugin.settings.code", "plugin.settings", "leaves the code in data.json"],
  ["settings.js", "(?:127\\.0\\.0\\.1|localhost):([1-9]\\d{0,4})$", ".*:(\\d+)$", "asks any server"],
  ["connection.js", "told.token === (await prove(token, port, nonce))", "told.token", "sends the token to whoever takes the port"],
  ["connection.js", "callout-companion\\n${port}\\n", "callout-companion\\n27182\\n", "lets a proof be passed on"],
  ["connection.js", "crypto.getRandomValues(new Uint8Array(NONCE))", "new Uint8Array(NONCE)", "lets a proof be repeated"],
  ["connection.js", "told.place === (await prove(id, port, nonce))", "told.place", "gives the code to whoever takes the port"],
  ["connection.js", 'return address.replace("localhost", "127.0.0.1");', "return address;", "dials a name that leads elsewhere"],
  ["runs.js", "if (isPassing && failures < MOST_FAILURES)", "if (false)", "ends following at the first poll that fails"],
  ["http.js", "throw: false", "throw: true", "lets requestUrl throw"],
  ["http.js", 'throw new ConsentMissing(detail)', "throw new Refused(detail)", "does not ask before it costs much"],
  ["enrich.js", 'priority: "request", agreed }', 'priority: "request", agreed: true }', "agrees unasked"],
  ["main.js", "    this.timers.stopAll(); // from now on nothing is sent\n", "", "works on after it was switched off"],
  ["connection.js", "  if (plugin.timers.isStopped) throw new Stopped();\n", "", "sends what was under way after it was switched off"],
  ["connection.js", "if (!(error instanceof WrongCode)) throw error;", "", "throws a code away that could not be taken"],
  ["main.js", "    void this.daemon.reportNoneOpen();\n", "", "seems present after it was switched off"],
  ["heartbeat.js", "Math.min(this.#delay * 2, SELDOM)", "OFTEN", "asks as often while the daemon is away"],
  ["open-notes.js", "if (!looks) await save();", "if (!looks) await null;", "does not save what is typed on a canvas"],
  ["note-text.js", "(await isOutdated(app, file)) || ", "", "overwrites what a sync client wrote"],
  ["main.js", '  plugin.registerEvent(vault.on("rename", tell));\n', "", "reports a renamed note under its old name"],
  ["editor.js", "  if (transaction.newDoc.toString() !== after)", "  if (false)", "lets another plugin change the edits"],
  ["writing.js", "      await saveOpen(plugin, file.path);", "", "writes over what is typed in a card"],
  ["undo.js", "if (!(error instanceof ChangeNotInNote)) throw error;", "throw error;", "retries a change that is gone"],
  ["settings.js", "takeOver === true", "takeOver !== false", "fills open notes unasked"],
  ["work.js", "    if (doing.has(path))", "  if (false)", "works on a note twice at a time"],
];

/** Whether the tests pass on a build of the copy. */
async function survives(root) {
  const main = join(root, "built.js");
  await writeFile(main, await build(root));
  const tests = (await readdir(join(PLUGIN, "tests"))).filter((name) => /(?<!package)\.test\.js$/.test(name));
  const files = tests.map((name) => join(PLUGIN, "tests", name));
  const env = { ...process.env, COMPANION_MAIN: main };
  return spawnSync(process.execPath, ["--test", ...files], { env, stdio: "ignore", timeout: 600_000 }).status === 0;
}

async function tryOne([file, from, to, name]) {
  const root = await mkdtemp(join(tmpdir(), "companion-mutation-"));
  try {
    for (const folder of ["src", "ui"]) await cp(join(PLUGIN, folder), join(root, folder), { recursive: true });
    await symlink(join(PLUGIN, "node_modules"), join(root, "node_modules"));
    await cp(join(PLUGIN, "tsconfig.json"), join(root, "tsconfig.json"));
    const path = join(root, "src", file);
    const code = await readFile(path, "utf8");
    if (!code.includes(from)) throw new Error(`${file} has no “${from.trim()}” any more`);
    await writeFile(path, code.replace(from, to));
    const isNoticed = !(await survives(root));
    process.stdout.write(`${isNoticed ? "noticed" : "MISSED "}  ${name} (${file})\n`);
    return isNoticed;
  } finally {
    await rm(root, { recursive: true });
  }
}

const only = process.argv.slice(2);
const chosen = MUTATIONS.filter(([, , , name]) => !only.length || only.some((word) => name.includes(word)));
let missed = 0;
for (const mutation of chosen) missed += (await tryOne(mutation)) ? 0 : 1;
process.stdout.write(`${chosen.length - missed} of ${chosen.length} were noticed\n`);
process.exitCode = missed ? 1 : 0;
