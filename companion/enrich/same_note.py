"""Is a note still the one that the model was asked about?"""

from __future__ import annotations

import re

from companion.enrich.gate.tokens import find_tokens
from companion.errors import NoteChanged
from companion.note.text import NoteText

_TAG = re.compile(r"(?<!\S)#[^\s#]+")


class NoteRewritten(NoteChanged):
    """Little is left of the note that the model was asked about; its answer is of no use."""


def require_same_note(asked: bytes, now: bytes, path: str) -> None:
    """Raise NoteRewritten when most of what the model was asked about has gone from the note.

    Of its lines, and of the words of its body: stubs made from one template share most lines.
    """
    for parts in (_lines, _words):
        old = parts(asked)
        if len(old & parts(now)) * 2 < len(old):
            reason = "it was rewritten while the model was thinking; enrich it again"
            raise NoteRewritten(reason, path)


def _lines(data: bytes) -> set[str]:
    return {line.strip() for line in data.decode("utf-8", "replace").splitlines()} - {""}


def _words(data: bytes) -> set[str]:
    """Return the words of the note's body, without those of tags."""
    return set(find_tokens(_TAG.sub("", NoteText.decode(data).body)))
