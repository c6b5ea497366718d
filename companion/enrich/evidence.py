"""Evidence: for each sentence of a proposal the sentence of what was shown that comes closest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from companion.enrich.sentences import find_sentences
from companion.llm.encoder import Encoder

UNSUPPORTED = 0.32
"""The similarity under which a sentence has no evidence.

It flags a fifth of the true sentences that people wrote, and nine in ten about another subject. A
false name or number in a sentence that else is right it does not find: enrich/checks does.
"""


class Evidence(NamedTuple):
    """What a sentence rests on.

    shown: the sentence that comes closest, or two that follow each other; empty: nothing was
    shown. similarity: -1 to 1.
    """

    sentence: str
    shown: str
    similarity: float

    @property
    def is_unsupported(self) -> bool:
        """Whether nothing that was shown says nearly the same."""
        return self.similarity < UNSUPPORTED


def find_evidence(
    proposal: Sequence[str], shown: Sequence[str], encoder: Encoder
) -> list[Evidence]:
    """Return the evidence for each sentence of the paragraphs of a proposal.

    shown: the paragraphs that the model was shown, of the note and of the vault.

    Raises EndpointError, AnswerError, Cancelled.
    """
    sentences = list(find_sentences(proposal))
    sources = _sources(shown)
    if not sentences or not sources:
        return [Evidence(sentence, "", -1.0) for sentence in sentences]
    vectors = encoder.encode([*sentences, *sources])
    likeness = vectors[: len(sentences)] @ vectors[len(sentences) :].T
    best = likeness.argmax(axis=1)
    return [
        Evidence(sentence, sources[place], float(row[place]))
        for sentence, place, row in zip(sentences, best, likeness, strict=True)
    ]


def _sources(shown: Sequence[str]) -> list[str]:
    """Return the sentences that were shown, each once, and those that follow each other."""
    sources: list[str] = []
    for paragraph in shown:
        found = list(find_sentences([paragraph]))
        sources += [*found, *(f"{one} {other}" for one, other in pairwise(found))]
    return list(dict.fromkeys(sources))
