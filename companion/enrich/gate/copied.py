"""Is a callout the note over again?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from companion.enrich.gate.said import Fault, Said
from companion.enrich.gate.shape import LIST_OR_TABLE
from companion.enrich.gate.tokens import find_tokens, is_unspaced, letters
from companion.enrich.sentence import find_sentences, leans_back
from companion.note.inert_line import without_links

_WORDS, _SIGNS = 10, 25  # in a row
_NEARLY = 0.7  # of a sentence's parts; one word changed in twelve leaves so many
_FEWEST = 5  # parts that can tell
_NO_BLANK_AFTER = ("。", "！", "？", "」", "』", "）", "。”", "！”", "？”")


def find_copied(said: Said) -> Fault | None:
    """Return the fault of a callout that takes ten words in a row from the note.

    What answers a question may quote, but not say what another callout says.
    """
    if said.question and letters(said.text) in letters(said.note):
        retry = "This stands in the note already. Answer the question that is asked."
        return Fault("copied", "says what stands in the note already", retry)
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

    Or that stand in the callout before, a word or two apart. They stay where the next sentence
    needs them, and around lists and tables.
    """
    said = _SaidBefore(note)
    paragraphs = (_without_copies(block, said) for block in text.split("\n\n"))
    return "\n\n".join(filter(None, paragraphs))


def _without_copies(block: str, said: _SaidBefore) -> str:
    if any(map(LIST_OR_TABLE.match, block.split("\n"))):
        return block
    sentences = list(find_sentences([block]))
    kept: list[str] = []
    for sentence, following in zip(sentences, [*sentences[1:], ""], strict=False):
        if leans_back(following) or not said.has(sentence, kept[-1:]):
            kept.append(sentence)
            said.add(sentence)
    return _join_sentences(kept) if len(kept) < len(sentences) else block


def _join_sentences(sentences: Sequence[str]) -> str:
    ends = ("" if each.endswith(_NO_BLANK_AFTER) else " " for each in sentences)
    return "".join(each + end for each, end in zip(sentences, ends, strict=True)).rstrip()


class _SaidBefore:
    """What has been said before: by the note, and by a callout so far."""

    def __init__(self, note: str) -> None:
        self._note = _plain(note)
        self._parts = set(_parts(note))

    def add(self, sentence: str) -> None:
        self._parts.update(_parts(sentence))

    def has(self, sentence: str, before: Sequence[str]) -> bool:
        """Return whether the sentence is one of these, nearly, or has ten words of the note.

        Also with the one before it, unless that has them alone.
        """
        if any(_copied_runs(" ".join(before), self._note)):
            before = []
        if any(_copied_runs(" ".join([*before, sentence]), self._note)):
            return True
        parts = _parts(sentence)
        return sum(part in self._parts for part in parts) >= _NEARLY * max(_FEWEST, len(parts))


def _parts(text: str) -> list[tuple[str, ...]]:
    """Return all runs of three words, or four signs, to tell sentences that are nearly the same."""
    tokens = find_tokens(_shown(text))
    ends = (at + (4 if is_unspaced(token) else 3) for at, token in enumerate(tokens))
    return [tuple(tokens[at:end]) for at, end in enumerate(ends) if end <= len(tokens)]


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
    return "\n".join(without_links(line) for line in text.split("\n"))


def _join(tokens: Sequence[str]) -> str:
    return f" {' '.join(tokens)} "
