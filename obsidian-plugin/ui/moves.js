/** Notes that are renamed: their proposals in the inbox, and its filters, go along. */

import { batch } from "@preact/signals";
import { ApiError, readList } from "./api.js";

/** @import { Proposal } from "../src/api-types.d.ts" */
/** @import { InboxStore } from "./inbox-store.js" */

/** @typedef {Map<string, string>} Moves where notes are now, by their paths before */

const PAGE = 500; // proposals

/** Have all that is proposed for a note at its new path. @type {(inbox: InboxStore, before: string, path: string) => void} */
export function renameNote(inbox, before, path) {
  if (before !== path) showMoves(inbox, new Map([[before, path]]), [...inbox.proposals.keys()]);
}

/**
 * Read those again that have changed, as those do whose note is renamed. Each goes where it is read to be: another note may have
 * the name by now. Those that were decided on go along, for an undo: where ids are given, they are read as well
 * once another of them has moved; else they go with the others of their note.
 *
 * @param {InboxStore} inbox
 * @param {number[] | null} ids null: any
 */
export async function followMoves(inbox, ids) {
  const open = new Set([...inbox.order.peek(), ...inbox.fresh.peek()]);
  const decided = new Set([...inbox.proposals.keys()].filter((id) => !open.has(id)));
  /** @type {Moves} */
  const moves = new Map();
  const follow = (/** @type {Proposal} */ { id, path }) => {
    const proposal = inbox.get(id);
    decided.delete(id); // as it is where it is read to be
    if (!proposal || proposal.path === path) return;
    if (open.has(id)) moves.set(proposal.path, path);
    inbox.proposals.set(id, { ...proposal, path });
  };
  const read = async (/** @type {number} */ id) => {
    try {
      follow(await inbox.api.get(`/proposals/${id}`));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // else this one is gone, and the others are not
    }
  };
  try {
    for (const id of ids ?? []) if (open.has(id)) await read(id);
    if (ids && moves.size) for (const id of decided) if (ids.includes(id)) await read(id);
    if (ids || !inbox.isWhole.peek()) return; // else they are being read anyway
    for await (const proposal of readList(inbox.api, "/proposals", { limit: PAGE })) follow(/** @type {Proposal} */ (proposal));
  } finally {
    showMoves(inbox, moves, ids ? [] : [...decided]);
  }
}

/** Show notes where they are now. @type {(inbox: InboxStore, moves: Moves, ids: number[]) => void} ids: of proposals that go along */
function showMoves(inbox, moves, ids) {
  for (const id of ids) {
    const proposal = inbox.get(id);
    const path = moves.get(proposal?.path ?? "");
    if (proposal && path !== undefined) inbox.proposals.set(id, { ...proposal, path });
  }
  const paths = new Set(moves.values());
  const moved = inbox.order.peek().filter((id) => paths.has(inbox.get(id)?.path ?? ""));
  const { path, folder } = inbox.filters.peek();
  if (!moved.length && !moves.has(path)) return;
  batch(() => {
    inbox.filters.value = { ...inbox.filters.peek(), path: moves.get(path) ?? path, folder: followFolder(inbox, moves, folder) };
    inbox.putIn(moved);
  });
}

/** Return where a folder is now, if all in it moved with it. @type {(inbox: InboxStore, moves: Moves, folder: string) => string} */
function followFolder(inbox, moves, folder) {
  if (inbox.order.peek().some((id) => inbox.get(id)?.path.startsWith(`${folder}/`))) return folder;
  for (const [before, path] of moves) {
    const name = before.slice(folder.length);
    if (before.startsWith(`${folder}/`) && path.endsWith(name)) return path.slice(0, -name.length);
  }
  return folder;
}
