"""Is a callout the note over again?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from companion.enrich.gate.said import Fault, Said
from companion.enrich.gate.shape import LIST_OR_TABLE
from companion.enrich.gate.tokens import find_tokens, is_unspaced
from companion.enrich.sentence import find_sentences
from companion.note.inert_line import words

_WORDS, _SIGNS = 10, 25  # in a row
# How a sentence begins that needs the one before it.
_LEANS = re.compile(
    r"(?:it|its|they|their|this|that|these|those|he|she|here|there|such|both|er|sie|es|dies\w*"
    r"|ell[oa]s?|est[aeo]s?|он|она|оно|они|это\w*)\b|它|他|她|这|其|それ|これ",
    re.IGNORECASE,
)


def find_copied(said: Said) -> Fault | None:
    """Return the fault of a callout that takes ten words in a row from the note.

    What answers a question may quote.
    """
    if not said.is_prose or said.question:
        return None
    run = next(_copied_runs(said.text, _plain(said.note)), None)
    if run is None:
        return None
    shown = ("" if is_unspaced(run[0]) else " ").join(run)
    retry = "Do not repeat the note's sentences: explain the subject in words of your own."
    return Fault("copied", f"copies the note (“{shown}”)", retry)


def without_copies(text: str, note: str) -> str:
    """Return a callout's text without the sentences that stand in the note below it anyway.

    They stay where the next sentence needs them, and in lists, tables and code.
    """
    source = _plain(note)
    paragraphs = (_without_copies(block, source) for block in text.split("\n\n"))
    return "\n\n".join(filter(None, paragraphs))


def _without_copies(block: str, source: str) -> str:
    if LIST_OR_TABLE.match(block) or "```" in block:
        return block
    sentences = list(find_sentences([block]))
    kept: list[str] = []
    for sentence, following in zip(sentences, [*sentences[1:], ""], strict=True):
        if _LEANS.match(following) or not _continues_copy(kept[-1:], sentence, source):
            kept.append(sentence)
    return " ".join(kept) if len(kept) < len(sentences) else block


def _continues_copy(before: Sequence[str], sentence: str, source: str) -> bool:
    """Return whether the sentence is copied, or makes a copy of the one before, if that is not."""
    if any(_copied_runs(" ".join(before), source)):
        before = []
    return any(_copied_runs(" ".join([*before, sentence]), source))


def _copied_runs(text: str, source: str) -> Iterator[Sequence[str]]:
    tokens = find_tokens(_shown(text))
    for start, token in enumerate(tokens):
        size = _SIGNS if is_unspaced(token) else _WORDS
        run = tokens[start : start + size]
        if len(run) == size and _join(run) in source:
            yield run


def _plain(note: str) -> str:
    """Return the note's words, to look runs up in."""
    return _join(find_tokens(_shown(note)))


def _shown(text: str) -> str:
    """Return text with links as they are read."""
    return "\n".join(words(line, lambda _target: None) for line in text.split("\n"))


def _join(tokens: Sequence[str]) -> str:
    return f" {' '.join(tokens)} "
