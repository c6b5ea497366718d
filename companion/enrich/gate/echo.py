"""Does an answer give back what the model was told: the instruction, or an example in it?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from companion.enrich.gate.said import Fault, Said
from companion.enrich.gate.tokens import find_tokens, is_unspaced

_WORDS, _SIGNS = 6, 12  # in a row, taken from the prompt
_LONG = 5  # letters of a word that says something
_FEWEST = 5  # such words in an answer that is judged by them
_SHARE = 0.6
_FEWEST_ALL = 3  # such words in an answer that has no others
# What callouts ask and people say, too: "what it is, how it works and why it matters".
_ASKED = {"what", "it", "is", "how", "works", "why", "matters", "and", "when", "one", "needs"}

_RETRY = "Do not repeat the instructions or an example. Write about this note's subject only."


def find_echo(said: Said) -> Fault | None:
    """Return the fault of an answer whose words come from the prompt and not from the note."""
    if taken := _taken_phrase(said):
        return Fault("echo", f"repeats what the model was told (“{taken}”)", _RETRY)
    words = {word for word in said.tokens if len(word) >= _LONG}
    told = {word for word in words & _words_of(said.prompt) if word not in said.source}
    are_most = len(words) >= _FEWEST and len(told) >= _SHARE * len(words)
    if are_most or (len(words) >= _FEWEST_ALL and told == words):
        return Fault("echo", "is made of the words the model was told", _RETRY)
    return None


def _taken_phrase(said: Said) -> str:
    told = _phrases_of(said.prompt)
    for phrase in _phrases(said.tokens):
        is_told = phrase in told and not _ASKED.issuperset(phrase)
        if is_told and not _is_in(phrase, said.title, said.note):
            return ("" if is_unspaced(phrase[0]) else " ").join(phrase)
    return ""


def _is_in(phrase: Sequence[str], *texts: str) -> bool:
    wanted = tuple(phrase)
    return any(wanted in set(_phrases(find_tokens(text))) for text in texts)


@lru_cache(maxsize=32)
def _phrases_of(prompt: str) -> frozenset[tuple[str, ...]]:
    return frozenset(_phrases(find_tokens(prompt)))


@lru_cache(maxsize=32)
def _words_of(prompt: str) -> frozenset[str]:
    return frozenset(find_tokens(prompt))


def _phrases(tokens: Sequence[str]) -> list[tuple[str, ...]]:
    sizes = (_SIGNS if is_unspaced(token) else _WORDS for token in tokens)
    parts = (tuple(tokens[at : at + size]) for at, size in enumerate(sizes))
    return [part for part in parts if len(part) in (_WORDS, _SIGNS)]
