/**
 * Types at random places and times in an open note, and knows what the user's text must then be.
 *
 * Each letter of the note is the user's or not: what the note held and what was typed is, what the
 * plugin's transactions brought is not. The model is a string beside it, changed by the typing alone.
 */

import { Annotation } from "@codemirror/state";

const typed = Annotation.define();
const LINK = "a [[Bread flour]] ";
const WORDS = ["ä", "word ", "x", "two words ", "日本", "🎉", "- item\n", "\n", LINK, "%"];

export class Typist {
  edits = 0;
  /** Whose each letter is, by UTF-16 code units. */
  #owned;

  /** where: `body` or `anywhere`. */
  constructor(view, seed, where) {
    this.view = view;
    this.where = where;
    this.random = randomNumbers(seed);
    this.model = view.editor.getValue();
    this.#owned = new Array(this.model.length).fill(true);
  }

  /** What of the note is the user's now. */
  get kept() {
    const text = this.view.editor.getValue();
    return this.#owned.map((isOwn, at) => (isOwn ? text[at] : "")).join("");
  }

  /** How many letters of the note are not the user's. */
  get brought() {
    return this.#owned.filter((isOwn) => !isOwn).length;
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
    transaction.changes.iterChanges((from, to, _, __, inserted) => {
      changes.push({ from, to, text: inserted.toString() });
    });
    for (const change of changes.reverse()) {
      if (isTyped) this.#follow(change);
      else this.#mark(trim(change, before.sliceString(change.from, change.to)), false);
    }
  }

  #follow(change) {
    const { from, to, text } = change;
    const ownBefore = this.#count(0, from);
    const end = ownBefore + this.#count(from, to);
    this.model = this.model.slice(0, ownBefore) + text + this.model.slice(end);
    this.#mark(change, true);
  }

  #mark({ from, to, text }, isOwn) {
    this.#owned.splice(from, to - from, ...new Array(text.length).fill(isOwn));
  }

  #count(from, to) {
    return this.#owned.slice(from, to).filter(Boolean).length;
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
    while (to < Math.min(from + 3, doc.length) && this.#owned[to]) to += 1;
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
