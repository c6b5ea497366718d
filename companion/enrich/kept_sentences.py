"""The sentences of a small model's callout that are kept: those that what it was shown supports."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from companion.enrich.outcome import SUPPORTED, Evidence
from companion.enrich.statements import is_definition
from companion.enrich.words import find_stems, needs_previous

MOST = 3  # sentences of a callout
_FEWEST = 2  # one alone has to define the subject
_NEW = 0.25  # of a sentence's stems, at least, that those before it do not have

UNSUPPORTED = "nothing that was shown supports it"
REPEATS = "it says over again what is said before"
LEANS = "it refers to a sentence that was left out"
OVER = "there are enough without it"


class KeptSentences:
    """The sentences that are kept of the answers to one need, the first answer and the second.

    names: of the subject. dropped: what was left out, each with the reason.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._kept: list[Evidence] = []
        self._answers = 0
        self.dropped: list[Evidence] = []

    def add(self, answer: Sequence[Evidence]) -> None:
        """Add an answer's sentences, each with its evidence."""
        self._answers += 1
        is_after_dropped = False
        for each in answer:
            reason = self._find_reason(each, is_after_dropped)
            is_after_dropped = bool(reason)
            if reason:
                is_supported = each.similarity >= SUPPORTED["prose"]
                self.dropped.append(each._replace(supported=is_supported, dropped=reason))
            else:
                self._kept.append(each)

    @property
    def text(self) -> str:
        """The kept sentences as a paragraph, definitions first; empty: they are too few."""
        ordered = sorted(self._kept, key=lambda each: not self._defines(each))
        is_enough = len(ordered) >= _FEWEST or (
            self._answers > 1 and any(map(self._defines, ordered))
        )
        return " ".join(each.sentence for each in ordered) if is_enough else ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out of the only answer."""
        return self._answers == 1 and not self.dropped

    def _find_reason(self, each: Evidence, is_after_dropped: bool) -> str:
        """Return why the sentence is left out; empty: it is kept."""
        if each.similarity < SUPPORTED["prose"]:
            return UNSUPPORTED
        if is_after_dropped and needs_previous(each.sentence):
            return LEANS
        stems = set(find_stems(each.sentence))
        new = stems - self._stems(other.sentence for other in self._kept)
        if len(new) < _NEW * len(stems):
            return REPEATS
        return OVER if len(self._kept) >= MOST else ""

    def _stems(self, texts: Iterable[str]) -> set[str]:
        return {stem for text in (*self._names, *texts) for stem in find_stems(text)}

    def _defines(self, each: Evidence) -> bool:
        return is_definition(each.sentence, self._names)
