"""Which model says how close two texts are: for English, for other languages, or none at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from companion.llm.encoder import BuiltInEncoder

Array = NDArray[np.float32]
GRAMS = 3  # characters


class Embedding(Protocol):
    """Makes of each text a vector of length 1."""

    name: str

    def encode(self, texts: Sequence[str]) -> Array:
        """Return a row for each text."""


class CharacterGrams:
    """Counts of the sequences of one to three characters: likeness of letters, not of meaning."""

    name = "character n-grams, 1 to 3"

    def encode(self, texts: Sequence[str]) -> Array:
        """Return a row for each text; rows of one call can be compared with each other only."""
        counts = [_count_grams(text) for text in texts]
        places = {
            gram: place for place, gram in enumerate(dict.fromkeys(g for c in counts for g in c))
        }
        rows = np.zeros((len(texts), len(places)), np.float32)
        for row, count in zip(rows, counts, strict=True):
            for gram, times in count.items():
                row[places[gram]] = times
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        made: Array = rows / np.maximum(lengths, 1e-9)
        return made


def choose_embedding(name: str, language: str) -> Embedding:
    """Return the embedding of that name; auto: the one for the language, as `en`."""
    if name == "auto":
        name = "minilm" if language == "en" else "use"
    if name == "minilm":
        from benchmarks.quality.minilm import MiniLM

        return MiniLM()
    return BuiltInEncoder() if name == "use" else CharacterGrams()


def cosines(pairs: Sequence[tuple[str, str]], embedding: Embedding) -> list[float]:
    """Return how close the two texts of each pair are, -1 to 1; 0 where one says nothing."""
    texts = list(dict.fromkeys(text for pair in pairs for text in pair if text.strip()))
    if not texts:
        return [0.0] * len(pairs)
    rows = dict(zip(texts, embedding.encode(texts), strict=True))
    return [float(rows[a] @ rows[b]) if a in rows and b in rows else 0.0 for a, b in pairs]


def _count_grams(text: str) -> Counter[str]:
    words = " ".join(text.casefold().split())
    return Counter(
        words[start : start + size]
        for size in range(1, GRAMS + 1)
        for start in range(len(words) - size + 1)
    )
