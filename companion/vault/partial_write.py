"""Recognise a note that an interrupted write left half old and half new."""

from __future__ import annotations

from itertools import pairwise

SECTOR = 512  # bytes; the smallest unit that a disk writes as a whole


def is_partial_write(data: bytes, before: bytes, after: bytes, step: int = SECTOR) -> bool:
    """Return whether data is what an interrupted write of after over before can leave.

    The write puts down what goes beyond the length of before, then the rest from offset 0, and
    then truncates the file. If the process dies, it stops at any byte; if the power fails, each
    sector, and the length, may be old or new. So data passes if:

    - its length is that of before or of after, or lies between;
    - cut at every sector and at both those lengths, each piece is that of before or that of
      after; beyond the shorter text it may be zeros (length written, content not);
    - at most one piece is mixed: it begins as the one and ends as the other.

    One such text also comes about when a user shortens the longer text at its end. It counts as
    a partial write only if its length is a multiple of `step` bytes, as that of growing files is.
    """
    if not _length_fits(data, before, after, step):
        return False
    shorter = min(len(before), len(after))
    mixed = False
    cuts = {*range(0, len(data), SECTOR), min(len(before), len(data)), min(len(after), len(data))}
    for start, end in pairwise(sorted(cuts | {len(data)})):
        piece, old, new = data[start:end], before[start:end], after[start:end]
        if piece in (old, new) or (start >= shorter and not any(piece)):
            continue
        if mixed or not (_is_joined(piece, new, old) or _is_joined(piece, old, new)):
            return False
        mixed = True
    return True


def _length_fits(data: bytes, before: bytes, after: bytes, step: int) -> bool:
    shorter, longer = sorted((before, after), key=len)
    if len(data) in (len(shorter), len(longer)):
        return True
    if not len(shorter) < len(data) < len(longer):
        return False
    return len(data) % step == 0 or not longer.startswith(data)


def _is_joined(piece: bytes, first: bytes, last: bytes) -> bool:
    """Whether piece begins as first does and, from some offset on, continues as last does."""
    pairs = zip(piece, first, strict=False)
    differ = (at for at, (a, b) in enumerate(pairs) if a != b)
    cut = next(differ, min(len(piece), len(first)))
    return piece[cut:] == last[cut:]
