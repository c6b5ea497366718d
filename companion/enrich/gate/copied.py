"""Is a callout the note over again?"""

from __future__ import annotations

from companion.enrich.gate.said import Fault, Said
from companion.enrich.gate.tokens import find_tokens, is_unspaced

_WORDS, _SIGNS = 10, 25  # in a row


def find_copied(said: Said) -> Fault | None:
    """Return the fault of a callout that takes ten words in a row from the note.

    What answers a question may quote.
    """
    if not said.is_prose or said.question:
        return None
    note = _join(find_tokens(said.note))
    for start, token in enumerate(said.tokens):
        size = _SIGNS if is_unspaced(token) else _WORDS
        run = said.tokens[start : start + size]
        if len(run) == size and _join(run) in note:
            shown = ("" if is_unspaced(token) else " ").join(run)
            retry = "Do not repeat the note's sentences: explain the subject in words of your own."
            return Fault("copied", f"copies the note (“{shown}”)", retry)
    return None


def _join(tokens: list[str]) -> str:
    return f" {' '.join(tokens)} "
