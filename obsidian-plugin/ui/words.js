/** Wording for people: messages of one language, with placeholders and plurals; names made safe to show. */

/** @typedef {string | Record<string, string>} Message one text, or one for each plural category of the language */
/** @typedef {Record<string, string | number>} Values of the placeholders; `n` chooses the plural category */
/** @typedef {typeof import("./languages/en.json")} English */
/** @typedef {keyof English["view"] | keyof English["page"]} Key the name of a message of the page and the view */

const BRITISH = "en-GB"; // no comma before `and`, and the day before the month

/** @type {{ language: string, messages: Record<string, Message>, plural: Intl.PluralRules }} */
const chosen = { language: "en", messages: {}, plural: new Intl.PluralRules("en") };

const HIDDEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g;

/** Speak a language from now on, as Intl names it. @type {(language: string, messages: Record<string, Message>) => void} */
export function setLanguage(language, messages) {
  Object.assign(chosen, { language, messages, plural: new Intl.PluralRules(language) });
}

/** Return a message, with its placeholders filled in. @type {(key: string, values?: Values) => string} */
export function tell(key, values = {}) {
  const message = chosen.messages[key] ?? "";
  const text = typeof message === "string" ? message : (message[chosen.plural.select(Number(values.n))] ?? message.other ?? "");
  return text.replace(/\{(\w+)\}/g, (_, /** @type {string} */ name) => {
    const value = values[name] ?? "";
    return typeof value === "number" ? formatNumber(value) : showHidden(value);
  });
}

/** The same for the messages of the page and the view, whose names are checked. @type {(key: Key, values?: Values) => string} */
export const say = tell;

/** Return the words with a capital letter. @param {string} words */
export function capitalize(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * Return the text with its control, bidirectional and zero-width characters as `<U+202E>`, so that no name
 * reads as another one. The joiners stay, which some scripts and emoji need.
 *
 * @param {string} text
 */
export function showHidden(text) {
  return text.replace(HIDDEN, (sign) => `<U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}>`);
}

/** @type {(number: number, style?: Intl.NumberFormatOptions) => string} */
export function formatNumber(number, style) {
  return number.toLocaleString(chosen.language, style);
}

function locale() {
  return chosen.language === "en" ? BRITISH : chosen.language;
}

/** @param {string[]} names */
export function joinNames(names) {
  return new Intl.ListFormat(locale()).format(names);
}

/** @type {(moment: string | Date, style: Intl.DateTimeFormatOptions) => string} */
export function formatMoment(moment, style) {
  return new Date(moment).toLocaleString(locale(), { hourCycle: "h23", ...style });
}

/** Return a moment as `10:41`. @param {string | Date} moment */
export function formatTime(moment) {
  return formatMoment(moment, { hour: "2-digit", minute: "2-digit" });
}

/** Return a day as `Today`, `Yesterday` or `11 February 2024`. @param {string | Date} moment */
export function formatDay(moment) {
  const day = new Date(moment);
  const ago = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(day).setHours(0, 0, 0, 0)) / 86_400_000);
  if (ago === 0) return say("today");
  if (ago === 1) return say("yesterday");
  return formatMoment(day, { day: "numeric", month: "long", year: "numeric" });
}

/**
 * Return a path's name without its ending, and its folder; empty: the vault itself.
 *
 * @param {string} path of a note
 */
export function splitPath(path) {
  const at = path.lastIndexOf("/");
  return { name: showHidden(path.slice(at + 1).replace(/\.md$/i, "")), folder: showHidden(path.slice(0, Math.max(at, 0))) };
}
