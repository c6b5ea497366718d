/** What is said in each language: no message and no placeholder is missing, and each can be had. */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { afterEach, test } from "node:test";
import { Host } from "./host/obsidian.js";

const SOURCES = new URL("../src/", import.meta.url);
const FILES = new URL("../ui/languages/", import.meta.url);
const read = async (name) => JSON.parse(await readFile(new URL(`${name}.json`, FILES), "utf8"));
const LANGUAGES = ["de", "en", "es", "fr", "ja", "ko", "pt", "ru", "zh"];
const ENGLISH = await read("en");

let host = null;

afterEach(() => host?.unload());

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

test("the page asks for those that there are", async () => {
  const [, list] = /const LANGUAGES = (\[.*\]);/.exec(await readFile(new URL("../ui/page/main.js", import.meta.url), "utf8"));
  assert.deepEqual(JSON.parse(list), LANGUAGES);
});

test("each message is said somewhere", async () => {
  const files = (await readdir(SOURCES)).filter((name) => name.endsWith(".js"));
  const code = (await Promise.all(files.map((name) => readFile(new URL(name, SOURCES), "utf8")))).join("\n");
  assert.deepEqual(Object.keys(ENGLISH.plugin).filter((key) => !code.includes(`"${key}"`)), []);
});

for (const language of LANGUAGES) {
  test(`${language} has all messages and no other, with their placeholders and the plural forms of small numbers`, async () => {
    const messages = await read(language);
    const parts = Object.keys(ENGLISH);
    assert.deepEqual(Object.keys(messages), parts);
    for (const part of parts) assert.deepEqual(Object.keys(messages[part]), Object.keys(ENGLISH[part]));
    const rules = new Intl.PluralRules(language);
    const categories = new Set(Array.from({ length: 200 }, (_, number) => rules.select(number)));
    for (const [part, key, message] of parts.flatMap((each) => Object.entries(messages[each]).map((entry) => [each, ...entry]))) {
      const { forms, names } = look(message);
      assert.deepEqual(names, look(ENGLISH[part][key]).names, key);
      for (const text of Object.values(forms)) assert.ok(text.trim() || key === "numbers", key);
      if (typeof message !== "string") assert.deepEqual([...categories].filter((name) => !(name in forms)), [], key);
    }
  });
}

const NEAREST = [...LANGUAGES.map((name) => [name, name]), ["pt-BR", "pt"], ["zh-TW", "zh"], ["en-GB", "en"], ["nl", "en"]];
for (const [language, nearest] of NEAREST) {
  test(`where Obsidian speaks ${language}, ${nearest} is spoken`, async () => {
    host = new Host();
    window.hostNode.language = language;
    await host.load();
    assert.equal(host.plugin.commands__.get("pause").name, (await read(nearest)).plugin.toggleBackground);
  });
}

test("numbers choose the form", async () => {
  host = new Host();
  window.hostNode.language = "ru";
  await host.load();
  await host.open("A.md");
  await host.openStatus();
  assert.equal(host.modal.titleEl.textContent, "Notes: 40 заметок, к заполнению: 5");
  assert.match(host.modal.contentEl.textContent, /В очереди2 заметки/);
});
