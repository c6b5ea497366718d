/** What is said in each language: no message and no placeholder is missing, and each can be had. */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { afterEach, describe, test } from "node:test";
import { Host, settle } from "./host/obsidian.js";

const SOURCES = new URL("../src/", import.meta.url);
const FILES = new URL("../ui/languages/", import.meta.url);
const readAll = async (name) => JSON.parse(await readFile(new URL(`${name}.json`, FILES), "utf8"));
const read = async (name) => (await readAll(name)).plugin;
const LANGUAGES = ["de", "en", "es", "fr", "ja", "ko", "pt", "ru", "zh"];
const english = await read("en");

/** @type {Host | null} */
let host = null;

afterEach(async () => {
  await host?.unload();
  host = null;
});

/** The forms of a message, and the placeholders in all of them. */
function look(message) {
  const forms = typeof message === "string" ? { other: message } : message;
  const names = new Set(Object.values(forms).flatMap((text) => text.match(/\{\w+\}/g) ?? []));
  return { forms, names: [...names].sort() };
}

test("there is a file for each language, and none else", async () => {
  const files = await readdir(FILES);
  assert.deepEqual(files.sort(), LANGUAGES.map((name) => `${name}.json`));
});

test("each message is said somewhere", async () => {
  const files = (await readdir(SOURCES)).filter((name) => name.endsWith(".js"));
  const code = (await Promise.all(files.map((name) => readFile(new URL(name, SOURCES), "utf8")))).join("\n");
  assert.deepEqual(Object.keys(english).filter((key) => !code.includes(`"${key}"`)), []);
});

test("what the view says has the placeholders of the English, in each language that has it", async () => {
  const readView = async (name) => (await readAll(name)).view;
  const words = await readView("en");
  const others = await Promise.all(LANGUAGES.filter((name) => name !== "en").map(readView));
  for (const messages of others) {
    assert.deepEqual(Object.keys(messages), Object.keys(others[0]));
    for (const [key, message] of Object.entries(messages)) assert.deepEqual(look(message).names, look(words[key]).names, key);
  }
});

for (const language of LANGUAGES) {
  describe(language, () => {
    test("has all messages, and no other", async () => {
      assert.deepEqual(Object.keys(await read(language)), Object.keys(english));
    });

    test("has the placeholders of each", async () => {
      const messages = await read(language);
      for (const [key, message] of Object.entries(english)) {
        assert.deepEqual(look(messages[key]).names, look(message).names, key);
        for (const text of Object.values(look(messages[key]).forms)) assert.ok(text.trim(), key);
      }
    });

    test("has a form for each of its plural categories that a small number falls in", async () => {
      const rules = new Intl.PluralRules(language);
      const wanted = new Set(Array.from({ length: 200 }, (_, number) => rules.select(number)));
      for (const [key, message] of Object.entries(await read(language))) {
        if (typeof message === "string") continue;
        const forms = new Set(Object.keys(message));
        assert.deepEqual([...wanted].filter((name) => !forms.has(name)), [], key);
      }
    });

    test("is spoken where Obsidian speaks it", async () => {
      host = new Host();
      host.language = language;
      await host.load();
      const { name } = host.findCommand("pause");
      assert.equal(name, `Callout Companion: ${(await read(language)).toggleBackground}`);
    });
  });
}

const CHOICES = [
  ["pt-BR", "Pausar ou retomar o trabalho em segundo plano"],
  ["zh-TW", "暂停或恢复后台工作"],
  ["en-GB", "Pause or resume background work"],
  ["nl", "Pause or resume background work"],
];
for (const [language, name] of CHOICES) {
  test(`of ${language} the nearest is spoken`, async () => {
    host = new Host();
    host.language = language;
    await host.load();
    assert.equal(host.findCommand("pause").name, `Callout Companion: ${name}`);
  });
}

test("numbers choose the form", async () => {
  host = new Host();
  host.language = "ru";
  await host.load();
  await host.open("A.md");
  host.status.click();
  await settle();
  assert.equal(host.modal.titleEl.textContent, "Notes: 40 заметок, к заполнению: 5");
  assert.match(host.modal.contentEl.textContent, /В очереди2 заметки/);
});
