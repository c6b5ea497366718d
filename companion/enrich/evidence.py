"""The evidence for what a model says: what it was shown that comes closest to each sentence.

From a small model's callout, only sentences with enough evidence are kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from companion.enrich.statements import is_definition
from companion.enrich.words import (
    find_sentences,
    find_stems,
    find_tokens,
    is_unspaced,
    letters,
    needs_previous,
    width,
)
from companion.llm.encoder import Encoder

SUPPORTED = {"text": 0.6, "prose": 0.7}
"""The least similarity at which a small model's sentence is taken to be true, by kind of field.

About nine in ten of those above it are true, which is not enough to write them at once: they wait.
Many true ones are below it, too; no measure tells them from the false ones. See
benchmarks/HISTORY.md.
"""


class Evidence(NamedTuple):
    """The evidence for a sentence.

    shown: the closest sentence, or two consecutive ones; empty: nothing was shown. similarity: -1
    to 1. supported: whether that is enough, see SUPPORTED. path: of the other note that it is from;
    empty: it is from the note itself. dropped: why the sentence was left out of the proposal;
    empty: it is in it.
    """

    sentence: str
    shown: str
    similarity: float
    supported: bool = True
    path: str = ""
    dropped: str = ""


def find_evidence(
    proposal: Sequence[str], shown: Sequence[str], encoder: Encoder
) -> list[Evidence]:
    """Return the evidence for each sentence of the paragraphs of a proposal.

    shown: the paragraphs that the model was shown, of the note and of the vault.

    Raises EndpointError, AnswerError, Cancelled.
    """
    sentences = list(find_sentences(proposal))
    lines = list(find_sentences(shown))
    pairs = (f"{one} {other}" for one, other in pairwise(lines))
    sources = list(dict.fromkeys([*lines, *pairs]))
    if not sentences or not sources:
        return [Evidence(sentence, "", -1.0) for sentence in sentences]
    vectors = encoder.encode([*sentences, *sources])
    likeness = vectors[: len(sentences)] @ vectors[len(sentences) :].T
    best = likeness.argmax(axis=1)
    return [
        Evidence(sentence, sources[place], float(row[place]))
        for sentence, place, row in zip(sentences, best, likeness, strict=True)
    ]


def find_name_evidence(names: Sequence[str], title: str, shown: Sequence[str]) -> list[Evidence]:
    """Return the evidence for items of a list that are to name the subject: 1 or -1, all or none.

    It is a sentence that has the name and, beside it, the title or a long word of it; or the title,
    if the name is its initials or has the same letters. Initials that nobody uses are considered
    made up. shown: as in find_evidence.
    """
    own = _phrase(title)
    words = {token for token in find_tokens(title) if len(token) > 3 or is_unspaced(token)}
    sentences = [(each, _phrase(each)) for each in find_sentences(shown)]
    evidence = []
    for name in names:
        phrase, others = _phrase(name), words.difference(find_tokens(name))
        is_same = letters(name) == letters(title)
        places = [title] if is_same or _is_initials(title, name) else []
        places += [
            sentence
            for sentence, said in sentences
            if phrase in said.replace(own, "  ")
            and (own in said or not others.isdisjoint(said.split()))
        ]
        evidence.append(Evidence(name, places[0], 1.0) if places else Evidence(name, "", -1.0))
    return evidence


def _phrase(text: str) -> str:
    """Return the words of text between blanks, to look for a name in."""
    return f" {' '.join(find_tokens(text))} "


def _is_initials(short: str, name: str) -> bool:
    """Return whether short is the first letters of the words of name, or the plural of these."""
    initials = "".join(token[0] for token in find_tokens(name))
    return len(initials) > 1 and letters(short) in (initials, f"{initials}s")


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
    """The sentences that are kept from the answers to one need, the first answer and the second.

    names: of the subject. dropped: sentences left out, each with the reason.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._kept: list[Evidence] = []
        self._answers = 0
        self._is_last = False
        self.dropped: list[Evidence] = []

    def add(self, answer: Sequence[Evidence], *, is_strict: bool = False) -> None:
        """Add an answer's sentences, each with its evidence.

        is_strict: the model was told to keep to the words it was shown, so a sentence made of these
        is supported, too.
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
        """The kept sentences as a paragraph, definitions first; empty if they are too few."""
        ordered = sorted(self._kept, key=lambda each: not self._defines(each))
        is_enough = len(ordered) >= _FEWEST or (self._is_last and any(map(self._names_it, ordered)))
        return " ".join(each.sentence for each in ordered) if is_enough else ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out of the only answer."""
        return self._answers == 1 and not self.dropped

    def _find_reason(self, each: Evidence, is_after_dropped: bool) -> str:
        """Return why the sentence is left out; empty if it is kept."""
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
