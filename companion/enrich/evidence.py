"""The evidence for what a model says: what it was shown that comes closest to each sentence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from companion.enrich.words import find_sentences, find_tokens, is_unspaced, letters
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
    empty: it is from the note itself.
    """

    sentence: str
    shown: str
    similarity: float
    supported: bool = True
    path: str = ""


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
