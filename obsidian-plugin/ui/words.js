/** Wording for people: numbers, plurals, moments, and names made safe to show. */

const BRITISH = "en-GB"; // no comma before `and`, and the day before the month
const HIDDEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g;
const DAY = 86_400_000; // milliseconds

/** Return how many there are of something, as `1 note` or `1,200 notes`. */
export function count(/** @type {number} */ number, /** @type {string} */ one, many = `${one}s`) {
  return `${formatNumber(number)} ${number === 1 ? one : many}`;
}

/** Return the words with a capital letter. @param {string} words */
export function capitalize(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Return the words as one sentence, with a capital letter and a full stop. @param {string} words */
export function toSentence(words) {
  const text = capitalize(words.trim());
  return /[.!?…]$/.test(text) ? text : `${text}.`;
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
  return number.toLocaleString("en", style);
}

/** @param {number} dollars */
export function formatDollars(dollars) {
  return formatNumber(dollars, { style: "currency", currency: "USD", maximumFractionDigits: dollars && dollars < 0.01 ? 4 : 2 });
}

/** @param {string[]} names */
export function joinNames(names) {
  return new Intl.ListFormat(BRITISH).format(names);
}

/** @type {(moment: string | Date, style: Intl.DateTimeFormatOptions) => string} */
export function formatMoment(moment, style) {
  return new Date(moment).toLocaleString(BRITISH, { hourCycle: "h23", ...style });
}

/** Return a moment as `10:41`. @param {string | Date} moment */
export function formatTime(moment) {
  return formatMoment(moment, { hour: "2-digit", minute: "2-digit" });
}

/** Return a day as `Today`, `Yesterday` or `11 February 2024`. @param {string | Date} moment */
export function formatDay(moment) {
  const day = new Date(moment);
  const ago = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(day).setHours(0, 0, 0, 0)) / DAY);
  if (ago < 2) return ago < 1 ? "Today" : "Yesterday";
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
