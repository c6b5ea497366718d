/** Word diffs: what a new text adds to an old one and takes from it, for people to read. */

/** @typedef {{ mark: "same" | "del" | "ins", text: string }} Part */

const MOST = 1_000; // words of a text; longer ones are shown as replaced as a whole

/**
 * Return the parts of both texts in order, with what they have in common once.
 *
 * @param {string} before
 * @param {string} after
 * @returns {Part[]}
 */
export function diffWords(before, after) {
  const [old, now] = [split(before), split(after)];
  if (old.length > MOST || now.length > MOST) return joinParts([part("del", before), part("ins", after)]);
  const common = measure(old, now);
  /** @type {Part[]} */
  const parts = [];
  let [row, column] = [0, 0];
  while (row < old.length || column < now.length) {
    const isSame = row < old.length && old[row] === now[column];
    const down = common[row + 1]?.[column] ?? -1;
    const right = common[row]?.[column + 1] ?? -1;
    if (isSame) {
      parts.push(part("same", old[row]));
      row += 1;
      column += 1;
    } else if (row < old.length && (column === now.length || down >= right)) parts.push(part("del", old[row++]));
    else parts.push(part("ins", now[column++]));
  }
  return joinParts(parts);
}

/**
 * Return the number of words in common from each pair of places on.
 *
 * @param {string[]} old
 * @param {string[]} now
 */
function measure(old, now) {
  const common = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
  for (let row = old.length - 1; row >= 0; row--) {
    const [here, below] = [common[row], common[row + 1]];
    for (let column = now.length - 1; here && below && column >= 0; column--) {
      const [same, down, right] = [below[column + 1] ?? 0, below[column] ?? 0, here[column + 1] ?? 0];
      here[column] = old[row] === now[column] ? same + 1 : Math.max(down, right);
    }
  }
  return common;
}

/** @param {string} text */
function split(text) {
  return text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
}

/**
 * @param {Part["mark"]} mark
 * @param {string} [text]
 * @returns {Part}
 */
function part(mark, text = "") {
  return { mark, text };
}

/** @param {Part[]} parts */
function joinParts(parts) {
  /** @type {Part[]} */
  const joined = [];
  for (const one of parts) {
    const last = joined.at(-1);
    if (!one.text) continue;
    if (last?.mark === one.mark) last.text += one.text;
    else joined.push({ ...one });
  }
  return joined;
}
