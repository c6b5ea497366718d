"""What an interrupted write in place can leave behind, told apart from what a user writes."""

from __future__ import annotations

from itertools import pairwise

SECTOR = 512  # bytes; the least that a disk writes whole


def is_mix(data: bytes, before: bytes, after: bytes, step: int = SECTOR) -> bool:
    """Return whether data is what a write of after over before can leave when it is cut short.

    The write puts down what after has more than before, then the rest from offset 0, then
    truncates. It can stop at any byte when the process dies, and when the power goes, each
    sector, and the length, may be old or new. So, of data:

    - its length is that of before, that of after, or lies between;
    - cut at every sector and at both those lengths, each piece is that of before or that of
      after; beyond the shorter one it may be zeros (length written, content not);
    - one piece may be cut itself: it begins as the one and ends as the other.

    One such text is also natural to write: someone shortens the longer one at its end. It counts
    as a mix only where it ends at a multiple of `step` bytes, as files that grow do.
    """
    if not _length_fits(data, before, after, step):
        return False
    shorter = min(len(before), len(after))
    cut_already = False
    for start, end in _pieces(len(data), len(before), len(after)):
        piece, old, new = data[start:end], before[start:end], after[start:end]
        if piece in (old, new) or (start >= shorter and not any(piece)):
            continue
        if cut_already or not (_joins(piece, new, old) or _joins(piece, old, new)):
            return False
        cut_already = True
    return True


def _length_fits(data: bytes, before: bytes, after: bytes, step: int) -> bool:
    shorter, longer = sorted((before, after), key=len)
    if len(data) in (len(shorter), len(longer)):
        return True
    if not len(shorter) < len(data) < len(longer):
        return False
    return len(data) % step == 0 or not longer.startswith(data)


def _pieces(length: int, *lengths: int) -> list[tuple[int, int]]:
    cuts = sorted({*range(0, length, SECTOR), *(n for n in lengths if n < length), length})
    return list(pairwise(cuts))


def _joins(piece: bytes, first: bytes, last: bytes) -> bool:
    """Whether piece begins as first and goes on, at the same place, as last."""
    pairs = zip(piece, first, strict=False)
    differ = (at for at, (a, b) in enumerate(pairs) if a != b)
    cut = next(differ, min(len(piece), len(first)))
    return piece[cut:] == last[cut:]
