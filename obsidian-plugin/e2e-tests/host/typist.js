/**
 * Types at random places and times in an open note, and knows which of its letters are the user's: what the note held
 * and what was typed, not what the plugin's transactions brought.
 */

import { Annotation } from "@codemirror/state";

const typed = Annotation.define();
const LINK = "a [[Bread flour]] ";
const WORDS = ["ä", "word ", "x", "two words ", "日本", "🎉", "- item\n", "\n", LINK, "%"];

export class Typist {
  edits = 0;
  /** By UTF-16 code units: the user's own letter, or nothing for one that was brought. */
  #own;
  #removed = "";

  /** where: `body` or `anywhere`. */
  constructor(view, seed, where) {
    this.view = view;
    this.where = where;
    this.random = randomNumbers(seed);
    this.#own = view.editor.getValue().split("");
  }

  /** What of the user's own others took away; all of it where the note's text changed without a transaction. */
  get lost() {
    const text = this.view.editor.getValue();
    const isFollowed = text.length === this.#own.length && this.#own.every((letter, at) => !letter || letter === text[at]);
    return isFollowed ? this.#removed : this.#own.join("");
  }

  /** How many letters of the note are not the user's. */
  get brought() {
    return this.#own.filter((letter) => !letter).length;
  }

  /** Make that many edits, with pauses of up to `longest` milliseconds. */
  async type(count, longest) {
    for (let number = 0; number < count; number += 1) {
      await new Promise((done) => setTimeout(done, this.random() * longest));
      this.#edit();
    }
  }

  /** Follow a transaction of the note's editor. */
  watch(transaction) {
    const isTyped = transaction.annotation(typed) === true;
    const before = transaction.startState.doc;
    const changes = [];
    transaction.changes.iterChanges((start, end, _, __, inserted) => {
      changes.push(trim({ from: start, to: end, text: inserted.toString() }, before.sliceString(start, end)));
    });
    for (const { from, to, text } of changes.reverse()) {
      const removed = this.#own.splice(from, to - from, ...text.split("").map((letter) => (isTyped ? letter : "")));
      if (!isTyped) this.#removed += removed.join("");
    }
  }

  #edit() {
    const { cm } = this.view.editor;
    const { doc } = cm.state;
    const least = this.where === "body" ? bodyStart(doc.toString()) : 0;
    const from = whole(doc, least + Math.floor(this.random() * (doc.length - least + 1)));
    const to = this.random() < 0.25 ? this.#ownRun(from) : from;
    const text = to > from ? "" : WORDS[Math.floor(this.random() * WORDS.length)];
    const selection = { anchor: from + text.length };
    const annotations = typed.of(true);
    const userEvent = text ? "input.type" : "delete.forward";
    cm.dispatch({ changes: { from, to, insert: text }, selection, annotations, userEvent });
    this.edits += 1;
  }

  /** Where a few letters of the user's own end; `from` where the next is not one of them. */
  #ownRun(from) {
    const { doc } = this.view.editor.cm.state;
    let to = from;
    while (to < Math.min(from + 3, doc.length) && this.#own[to]) to += 1;
    to = whole(doc, to);
    return this.where === "body" && doc.sliceString(from, to).includes("#") ? from : Math.max(to, from);
  }
}

/** The offset, or the one before it where it would cut a surrogate pair in two. */
function whole(doc, offset) {
  const unit = doc.sliceString(offset, offset + 1).charCodeAt(0);
  return unit >= 0xdc00 && unit <= 0xdfff ? offset - 1 : offset;
}

/** Without what the change leaves as it was at its two ends. */
function trim({ from, to, text }, before) {
  let start = 0;
  while (start < Math.min(text.length, before.length) && text[start] === before[start]) start += 1;
  let end = 0;
  const longest = Math.min(text.length, before.length) - start;
  while (end < longest && text.at(-1 - end) === before.at(-1 - end)) end += 1;
  return { from: from + start, to: to - end, text: text.slice(start, text.length - end) };
}

function bodyStart(text) {
  const found = /^---\n[\s\S]*?\n---\n/.exec(text);
  return found ? found[0].length : 0;
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
