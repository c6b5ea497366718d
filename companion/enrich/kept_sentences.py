"""The sentences of a small model's callout that are kept: those that what it was shown supports."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from companion.enrich.outcome import SUPPORTED, Evidence
from companion.enrich.statements import is_definition
from companion.enrich.words import find_stems, find_tokens, needs_previous, width

MOST = 3  # sentences of a callout
_FEWEST = 2  # one alone has to name the subject, and the second answer to bring no more
_SHORTEST = 30  # characters of a sentence; a Chinese character counts as 2.5
_COPIED = 0.8  # of a sentence's stems, from which on what keeps the words of the note is supported
_NEW = 0.25  # of a sentence's stems, at least, that those before it do not have

UNSUPPORTED = "nothing that was shown supports it"
REPEATS = "it says over again what is said before"
LEANS = "it refers to a sentence that was left out"
SHORT = "it says too little"
OVER = "there are enough without it"


class KeptSentences:
    """The sentences that are kept of the answers to one need, the first answer and the second.

    names: of the subject. dropped: what was left out, each with the reason.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._kept: list[Evidence] = []
        self._answers = 0
        self._is_last = False
        self.dropped: list[Evidence] = []

    def add(self, answer: Sequence[Evidence], *, is_strict: bool = False) -> None:
        """Add an answer's sentences, each with its evidence.

        is_strict: the model was told to keep the words that it was shown: a sentence of these is
        supported, too.
        """
        self._answers += 1
        self._is_last = is_strict
        is_after_dropped = False
        for each in answer:
            is_supported = each.similarity >= SUPPORTED["prose"] or (
                is_strict and self._share_shown(each) >= _COPIED
            )
            each = each._replace(supported=is_supported)
            reason = self._find_reason(each, is_after_dropped)
            is_after_dropped = bool(reason)
            if reason:
                self.dropped.append(each._replace(dropped=reason))
            else:
                self._kept.append(each)

    @property
    def text(self) -> str:
        """The kept sentences as a paragraph, definitions first; empty: they are too few."""
        ordered = sorted(self._kept, key=lambda each: not self._defines(each))
        is_enough = len(ordered) >= _FEWEST or (self._is_last and any(map(self._names_it, ordered)))
        return " ".join(each.sentence for each in ordered) if is_enough else ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out of the only answer."""
        return self._answers == 1 and not self.dropped

    def _find_reason(self, each: Evidence, is_after_dropped: bool) -> str:
        """Return why the sentence is left out; empty: it is kept."""
        if not each.supported:
            return UNSUPPORTED
        if width(each.sentence) < _SHORTEST:
            return SHORT
        if is_after_dropped and needs_previous(each.sentence):
            return LEANS
        stems = set(find_stems(each.sentence))
        new = stems - self._stems(other.sentence for other in self._kept)
        if len(new) < _NEW * len(stems):
            return REPEATS
        return OVER if len(self._kept) >= MOST else ""

    def _share_shown(self, each: Evidence) -> float:
        """Return the share of the sentence's stems, without the subject's, in what is shown."""
        stems = set(find_stems(each.sentence)) - self._stems([])
        return len(stems & self._stems([each.shown])) / max(1, len(stems))

    def _stems(self, texts: Iterable[str]) -> set[str]:
        return {stem for text in (*self._names, *texts) for stem in find_stems(text)}

    def _names_it(self, each: Evidence) -> bool:
        names = self._stems([]).union(*map(find_tokens, self._names))
        return not names.isdisjoint({*find_tokens(each.sentence), *find_stems(each.sentence)})

    def _defines(self, each: Evidence) -> bool:
        return is_definition(each.sentence, self._names)
