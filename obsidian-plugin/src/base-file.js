/** A base (https://help.obsidian.md/bases/syntax) of the vault's stubs, postponed and filled notes. */

import { notify } from "./dialogs.js";
import { say } from "./words.js";

/** @import CompanionPlugin from "./main.js" */

const PATH = "Callout Companion.base";
const makeNotes = () => `filters:
  and:
    - file.ext == "md"
views:
  - type: table
    name: ${say("baseStubs")}
    filters:
      and:
        - file.hasProperty("description")
        - description.isEmpty()
    order: [file.name, file.folder, file.mtime]
  - type: table
    name: ${say("basePostponed")}
    filters:
      or:
        - file.hasTag("status/postponed")
        - status == "postponed"
    order: [file.name, file.folder, description]
  - type: table
    name: ${say("baseFilled")}
    filters:
      and:
        - "!description.isEmpty()"
    order: [file.name, description, file.mtime]
`;

/** Create the base in the vault's folder unless it is there, and open it. @param {CompanionPlugin} plugin */
export async function makeBase({ app }) {
  const { vault, workspace } = app;
  const known = vault.getFileByPath(PATH);
  const file = known ?? (await vault.create(PATH, makeNotes()));
  notify(say(known ? "baseThere" : "baseMade", { path: PATH }));
  await workspace.getLeaf("tab").openFile(file);
}
