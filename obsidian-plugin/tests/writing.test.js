/** Notes that are typed in, closed, moved or of another form while a model thinks: no letter is lost. */

import assert from "node:assert/strict";
import { EditorState, StateEffect } from "@codemirror/state";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Host } from "./host/obsidian.js";
import { FILLED, NOTE, answer, fill, offerFor } from "./host/daemon.js";

const FORMS = [
  ["other line ends", (text) => text.replaceAll("\n", "\r\n")],
  ["a byte order mark", (text) => `\ufeff${text}`],
  ["both", (text) => `\ufeff${text.replaceAll("\n", "\r\n")}`],
  ["mixed line ends", (text) => text.replaceAll("\n\n", "\r\n\r")],
];

let host;
let view;
/** Lets the model answer. */
let answerNow;

beforeEach(async () => {
  host = await new Host({ "A.md": NOTE, "B.md": NOTE }).load();
  view = await host.open("A.md");
  const release = host.daemon.hold();
  answerNow = () => (release(), host.pass(0));
});

afterEach(() => host.unload());

/** Have the note enriched, and the model answer. */
async function enrich() {
  await host.command("enrich-note");
  await answerNow();
}

describe("a note that is typed in meanwhile", () => {
  test("keeps what was typed, and gets the edits for it", async () => {
    await host.command("enrich-note");
    view.editor.type(NOTE.length, "Typed while it thinks.");
    await answerNow();
    assert.equal(view.editor.getValue(), fill(`${NOTE}Typed while it thinks.`));
    const asked = host.daemon.asked("POST /outbox/100/edits");
    assert.deepEqual(asked.map(({ body }) => body.text), [`${NOTE}Typed while it thinks.`]);
    view.editor.undo();
    assert.equal(view.editor.getValue(), `${NOTE}Typed while it thinks.`);
  });

  test("is not saved over what a sync client wrote and Obsidian has not merged yet", async () => {
    await host.command("enrich-note");
    const synced = `${NOTE}From the other device.\n`;
    host.files.set("A.md", synced);
    view.editor.type(NOTE.length, "Typed.");
    await answerNow();
    await host.pass(400);
    assert.deepEqual([await host.read("A.md"), view.editor.content], [synced, `${NOTE}Typed.`]);
    view.editor.type(NOTE.length, "From the other device.\n");
    view.lastSavedData = synced;
    await host.pass(400);
    assert.equal(view.editor.content, fill(`${synced}Typed.`));
  });

  test("keeps what was typed between the answer and the writing", async () => {
    await host.command("enrich-note");
    const usual = crypto.subtle.digest;
    crypto.subtle.digest = async (...sent) => {
      const digest = await usual(...sent);
      crypto.subtle.digest = usual;
      view.editor.type(NOTE.length, "x");
      return digest;
    };
    await answerNow();
    assert.equal(view.editor.getValue(), `${NOTE}x`);
    await host.pass(400);
    assert.equal(view.editor.getValue(), fill(`${NOTE}x`));
  });

  test("is not edited where the cursor goes into its property at the last moment", async () => {
    await host.command("enrich-note");
    const usual = host.app.vault.readBinary;
    host.daemon.answers.set("POST /outbox/*/edits", ({ text }) => {
      host.daemon.answers.clear();
      host.app.vault.readBinary = async (file) => {
        host.app.vault.readBinary = usual;
        view.editor.cursor = NOTE.indexOf("description:") + 3;
        return usual.call(host.app.vault, file);
      };
      return { offer: offerFor(text), reason: null };
    });
    await answerNow();
    assert.equal(view.editor.getValue(), NOTE);
    view.editor.cursor = NOTE.length;
    await host.pass(400);
    assert.equal(view.editor.getValue(), FILLED);
  });

  test("is not taken for the note that its tab shows by then", async () => {
    await host.app.vault.modify(host.app.vault.getFileByPath("B.md"), "Another note.\n");
    const usual = host.app.vault.readBinary;
    host.daemon.answers.set("POST /outbox/*/edits", ({ text }) => ({ offer: offerFor(text), reason: null }));
    await host.command("enrich-note");
    host.app.vault.readBinary = async (file) => {
      host.app.vault.readBinary = usual;
      const text = await usual.call(host.app.vault, file);
      await view.leaf.openFile(host.app.vault.getFileByPath("B.md"));
      return text;
    };
    await answerNow();
    await host.pass(400);
    const asked = host.daemon.asked("POST /outbox/100/edits").map(({ body }) => body.text);
    assert.deepEqual([...new Set(asked)], [NOTE]);
    assert.equal(await host.read("B.md"), "Another note.\n");
    assert.equal(await host.read("A.md"), FILLED);
  });

  test("is left alone while it changes all the time", async () => {
    await host.command("enrich-note");
    let typed = "";
    host.daemon.answers.set("POST /outbox/*/edits", ({ text }) => {
      typed += "x";
      view.editor.type(view.editor.content.length, "x");
      return { offer: offerFor(text), reason: null };
    });
    view.editor.type(NOTE.length, "x");
    await answerNow();
    await host.pass(5 * 400);
    assert.equal(view.editor.getValue(), `${NOTE}x${typed}`);
    assert.equal(host.said, "“A” keeps changing, so nothing was written. It is filled once you pause.");
    assert.equal(typed, "xxxxx");
    assert.equal(host.daemon.asked("POST /outbox/100/applied").length, 0);
    host.daemon.answers.clear();
    await host.pass(10_000);
    assert.equal(view.editor.getValue(), fill(`${NOTE}x${typed}`));
    assert.match(host.said, /filledUndo$/, "as was said");
  });

  test("is left alone when the place is gone, with the daemon's reason", async () => {
    await host.command("enrich-note");
    view.editor.setValue("All deleted.\n");
    await answerNow();
    await host.pass(400);
    assert.equal(view.editor.getValue(), "All deleted.\n");
    assert.deepEqual(host.notices, [], "the daemon tells");
  });
});

test("a note that is turned from reading to editing meanwhile is filled in its editor", async () => {
  view.setMode("preview");
  await host.command("enrich-note");
  view.setMode("source");
  view.editor.type(NOTE.length, "Typed too.");
  await answerNow();
  assert.equal(view.editor.getValue(), fill(`${NOTE}Typed too.`));
  view.editor.undo();
  assert.equal(view.editor.getValue(), `${NOTE}Typed too.`);
});

describe("a note that does not stay open", () => {
  for (const [name, late] of [["told so", false], ["told so later", true]]) {
    test(`is asked for again when it was renamed before the daemon looked, and we are ${name}`, async () => {
      const rename = () => host.app.vault.rename(view.file, "C.md");
      if (!late) {
        host.daemon.answers.set("POST /runs", async () => {
          host.daemon.answers.clear();
          await rename();
          return answer(422, "There is no A.md.");
        });
      }
      await host.command("enrich-note");
      if (late) await rename();
      await answerNow();
      await host.pass(1000);
      assert.equal(view.editor.getValue(), FILLED);
      assert.deepEqual(host.daemon.asked("POST /runs").map(({ body }) => body.paths[0]), ["A.md", "C.md"]);
      assert.deepEqual(host.notices, ["A: description and callout filledUndo"]);
    });
  }

  test("is confirmed by its new name when it was renamed while the edits waited for the cursor", async () => {
    view.editor.cursor = NOTE.indexOf("description:") + 3;
    await enrich();
    await host.app.vault.rename(view.file, "C.md");
    view.editor.cursor = NOTE.length;
    await host.pass(400);
    assert.equal(view.editor.getValue(), FILLED);
    assert.equal(host.daemon.asked("POST /outbox/100/applied")[0].body.moved_to, "C.md");
  });

  test("is left alone when it was deleted", async () => {
    view.editor.cursor = NOTE.indexOf("description:") + 3;
    await enrich();
    host.files.delete("A.md");
    await host.app.vault.changed("A.md");
    await host.pass(400);
    assert.equal(view.editor.getValue(), NOTE);
    assert.equal(host.said, "“A.md” was deleted; nothing was written.");
  });
});

describe("an open note whose file is not what its editor shows", () => {
  beforeEach(() => answerNow());

  const openAs = async (form) => {
    await host.close(view);
    await host.app.vault.modify(view.file, form(NOTE));
    view = await host.open("A.md");
  };
  for (const [name, form] of FORMS) {
    test(`is filled in its file byte for byte, with ${name}, and taken back there`, async () => {
      await openAs(form);
      await host.command("enrich-note");
      assert.deepEqual([await host.read("A.md"), view.editor.content], [fill(form(NOTE)), FILLED]);
      await host.reply("Undo");
      assert.deepEqual([await host.read("A.md"), view.editor.content], [form(NOTE), NOTE]);
    });

    test(`is edited in its editor once typing gave up ${name}`, async () => {
      await openAs(form);
      view.editor.type(NOTE.length, "Typed.");
      await host.command("enrich-note");
      assert.equal(await host.read("A.md"), fill(`${NOTE}Typed.`));
      view.editor.undo();
      assert.equal(view.editor.content, `${NOTE}Typed.`);
    });

    test(`loses no letter that is typed while ${name} are written`, async () => {
      await openAs(form);
      const usual = host.app.vault.process;
      host.app.vault.process = (...sent) => {
        host.app.vault.process = usual;
        view.editor.type(NOTE.length, "x");
        return usual.apply(host.app.vault, sent);
      };
      await host.command("enrich-note");
      assert.equal(await host.read("A.md"), form(NOTE));
      await host.pass(400);
      assert.equal(await host.read("A.md"), fill(`${NOTE}x`));
    });
  }

  test("loses nothing that a sync client wrote and Obsidian has not shown yet", async () => {
    const synced = `${NOTE}From the other device.\n`;
    host.files.set("A.md", synced);
    await host.command("enrich-note");
    await host.pass(400);
    assert.deepEqual([await host.read("A.md"), view.editor.content], [synced, NOTE]);
    view.editor.reload(synced);
    view.lastSavedData = synced;
    await host.pass(400);
    assert.deepEqual([await host.read("A.md"), view.editor.content], [fill(synced), fill(synced)]);
  });

  test("leaves its tab to another note meanwhile, which keeps its line ends", async () => {
    const other = NOTE.replaceAll("\n", "\r\n");
    await host.app.vault.modify(host.app.vault.getFileByPath("B.md"), other);
    host.files.set("A.md", `${NOTE}From the other device.\n`);
    await host.command("enrich-note");
    await view.leaf.openFile(host.app.vault.getFileByPath("B.md"));
    await host.pass(4_000);
    assert.equal(await host.read("B.md"), other);
  });

  test("is left alone where Obsidian never shows what a sync client wrote", async () => {
    host.files.set("A.md", `${NOTE}From the other device.\n`);
    await host.command("enrich-note");
    await host.pass(4_000);
    assert.equal(host.said, "“A” is not saved yet. Try again in a moment.");
    assert.equal(host.daemon.asked("POST /runs").length, 0);
  });
});

describe("edits", () => {
  test("are not made when they make another text than the daemon says", async () => {
    host.daemon.answers.set("POST /outbox/*/edits", ({ text }) => {
      const offer = offerFor(text);
      offer.edits[0].text = " Another note.";
      return { offer, reason: null };
    });
    await enrich();
    assert.equal(view.editor.getValue(), NOTE);
    assert.match(host.said, /seems to be another version of Callout Companion/);
  });

  test("of one place are made in their order", async () => {
    const at = NOTE.indexOf("\ndescription:") + "\ndescription:".length;
    const edits = [" A", " note", "."].map((text) => ({ start: at, end: at, text }));
    host.daemon.answers.set("POST /outbox/*/edits", { offer: { ...offerFor(NOTE, [0]), edits }, reason: null });
    await enrich();
    assert.equal(view.editor.getValue(), fill(NOTE, [0]));
  });

  test("are not made when another plugin's extension changes them", async () => {
    const { cm } = view.editor;
    const filter = (made) => (made.isUserEvent("companion") ? [made, { changes: { from: 0, insert: "!" }, sequential: true }] : made);
    cm.dispatch({ effects: StateEffect.appendConfig.of(EditorState.transactionFilter.of(filter)) });
    await enrich();
    assert.equal(view.editor.getValue(), NOTE);
    assert.equal(host.daemon.asked("POST /outbox/100/applied").length, 0);
    assert.equal(host.said, "Another plugin changes these edits, so they were not made.");
  });

  test("are reported when another plugin edits the note right after them", async () => {
    const { cm } = view.editor;
    const usual = cm.dispatch.bind(cm);
    cm.dispatch = (...sent) => {
      usual(...sent);
      usual({ changes: { from: 0, insert: "!" } });
    };
    await enrich();
    assert.equal(view.editor.getValue(), `!${FILLED}`);
    assert.equal(host.daemon.asked("POST /outbox/100/applied").length, 1);
    assert.match(host.said, / filledUndo$/);
  });

  test("are not made in an editor without CodeMirror's view, which the status says from the start", async () => {
    delete view.editor.cm;
    await enrich();
    assert.equal(host.daemon.asked("POST /outbox/100/applied").length, 0);
    assert.match(host.said, /^This version of Obsidian has no editor\.cm/);
    host.plugin.unload();
    await host.load();
    assert.match(Object.keys(await host.openStatus()).join(), /This version of Obsidian has no editor\.cm, so/);
  });

  test("are made once where two panes edit the note", async () => {
    const other = await host.open("A.md");
    await enrich();
    assert.deepEqual([view, other].map(({ editor }) => editor.getValue()), [FILLED, FILLED]);
  });

  test("are made in the view that edits, not in the one that reads", async () => {
    await host.close(view);
    const reading = await host.open("A.md", "preview");
    const editing = await host.open("A.md");
    host.active = reading;
    await enrich();
    assert.equal(editing.editor.getValue(), FILLED);
    assert.equal(reading.editor.content, NOTE);
  });
});

test("a plugin that is switched off stops, cancels its runs, and says nothing", async () => {
  await host.command("enrich-note");
  const before = host.notices.length;
  await host.unload();
  const [{ body }] = host.daemon.asked("POST /runs");
  assert.equal(host.daemon.asked(`POST /runs/${body.id}/cancel`).length, 1);
  await answerNow();
  await host.pass(60_000);
  assert.equal(view.editor.getValue(), NOTE);
  assert.equal(host.notices.length, before);
});

test("a note that is too large to be sent is told of as that", async () => {
  host.daemon.answers.set("POST /runs", answer(413, "A body has at most 1,048,576 bytes."));
  await host.command("enrich-note");
  await host.pass(200);
  assert.equal(host.said, "The note is too large. Notes of up to 1 MB are filled.");
});

test("an answer that is no JSON, or none of ours, is told in words", async () => {
  for (const given of [{ status: 200, text: "<html>" }, { status: 500, text: "no" }]) {
    host.daemon.answers.set("POST /runs", given);
    await host.command("enrich-note");
    assert.equal(host.said, "What answered seems to be another version of Callout Companion. Update both.");
  }
});
