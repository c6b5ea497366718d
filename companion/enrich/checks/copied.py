"""Answers that repeat the note or the prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.checks.shape import LIST_OR_TABLE
from companion.enrich.sentences import find_sentences, needs_previous
from companion.enrich.words import find_tokens, is_unspaced, letters
from companion.note.sanitize_inline import without_links

_WORDS, _SIGNS = 10, 25  # in a row
_NEARLY = 0.7  # of a sentence's runs; with one word of twelve changed, so many are left
_FEWEST = 5  # runs, of shorter sentences
_NO_BLANK_AFTER = ("。", "！", "？", "」", "』", "）", "。”", "！”", "？”")
_ECHO_WORDS, _ECHO_SIGNS = 6, 12  # in a row that are taken from the prompt
_LONG = 5  # letters of a word that counts
_SHARE = 0.6  # of the words that count, in an answer made of the prompt
_FEWEST_ALL = 3  # such words in an answer that has no others
# What callouts ask and people say, too: "what it is, how it works and why it matters".
_ASKED = {"what", "it", "is", "how", "works", "why", "matters", "and", "when", "one", "needs"}

_RETRY = "Do not repeat the instructions or an example. Write about this note's subject only."


def find_copied(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of a callout with ten words in a row from the note, or 25 signs.

    The answer to a question may quote the note, but not consist of a quotation.
    """
    if answer.question and letters(answer.text) in letters(answer.note):
        retry = "This stands in the note already. Answer the question that is asked."
        return Fault("copied", "says what stands in the note already", retry)
    if not answer.is_prose or answer.question:
        return None
    run = next(_find_copied_runs(answer.text, _join_words(answer.note)), None)
    if run is None:
        return None
    shown = ("" if is_unspaced(run[0]) else " ").join(run)
    retry = "Do not repeat the note's sentences: explain the subject in words of your own."
    return Fault("copied", f"copies the note (“{shown}”)", retry)


def without_copies(text: str, note: str) -> str:
    """Return a callout's text without the sentences that repeat the note or the callout itself.

    A sentence with a word or two changed repeats it, too. Sentences stay where the next one needs
    them, and paragraphs with a list or a table stay as they are.
    """
    earlier = _EarlierText(note)
    paragraphs = (_drop_copies(block, earlier) for block in text.split("\n\n"))
    return "\n\n".join(filter(None, paragraphs))


def _drop_copies(block: str, earlier: _EarlierText) -> str:
    if any(map(LIST_OR_TABLE.match, block.split("\n"))):
        return block
    sentences = list(find_sentences([block]))
    kept: list[str] = []
    for sentence, following in zip(sentences, [*sentences[1:], ""], strict=False):
        if needs_previous(following) or not earlier.has(sentence, kept[-1:]):
            kept.append(sentence)
            earlier.add(sentence)
    if len(kept) == len(sentences):
        return block
    ends = ("" if each.endswith(_NO_BLANK_AFTER) else " " for each in kept)
    return "".join(each + end for each, end in zip(kept, ends, strict=True)).rstrip()


class _EarlierText:
    """The text an answer may not repeat: the note, and the callout up to here."""

    def __init__(self, note: str) -> None:
        self._note = _join_words(note)
        self._runs = set(_find_short_runs(note))

    def add(self, sentence: str) -> None:
        self._runs.update(_find_short_runs(sentence))

    def has(self, sentence: str, before: Sequence[str]) -> bool:
        """Return whether most of the sentence stands here, or ten words in a row of the note.

        The words may begin in the sentence before, unless that has ten of the note itself.
        """
        if any(_find_copied_runs(" ".join(before), self._note)):
            before = []
        if any(_find_copied_runs(" ".join([*before, sentence]), self._note)):
            return True
        runs = _find_short_runs(sentence)
        return sum(run in self._runs for run in runs) >= _NEARLY * max(_FEWEST, len(runs))


def _find_short_runs(text: str) -> list[tuple[str, ...]]:
    """Return all runs of three words, or four signs, by which similar sentences are found."""
    tokens = find_tokens(_replace_links(text))
    ends = (at + (4 if is_unspaced(token) else 3) for at, token in enumerate(tokens))
    return [tuple(tokens[at:end]) for at, end in enumerate(ends) if end <= len(tokens)]


def _find_copied_runs(text: str, source: str) -> Iterator[Sequence[str]]:
    tokens = find_tokens(_replace_links(text))
    for start, token in enumerate(tokens):
        size = _SIGNS if is_unspaced(token) else _WORDS
        run = tokens[start : start + size]
        if len(run) == size and _join(run) in source:
            yield run


def _join_words(note: str) -> str:
    """Return the words of the note as find_copied looks runs up in them."""
    return _join(find_tokens(_replace_links(note)))


def _replace_links(text: str) -> str:
    """Return text with links as a reader sees them."""
    return "\n".join(without_links(line) for line in text.split("\n"))


def _join(tokens: Sequence[str]) -> str:
    return f" {' '.join(tokens)} "


def find_echo(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer whose words come from the prompt and not from the note."""
    if taken := _find_prompt_run(answer):
        return Fault("echo", f"repeats what the model was told (“{taken}”)", _RETRY)
    words = {word for word in answer.tokens if len(word) >= _LONG}
    told = {word for word in words & _words_of_prompt(answer.prompt) if word not in answer.source}
    are_most = len(words) >= _FEWEST and len(told) >= _SHARE * len(words)
    if are_most or (len(words) >= _FEWEST_ALL and told == words):
        return Fault("echo", "is made of the words the model was told", _RETRY)
    return None


def _find_prompt_run(answer: CheckedAnswer) -> str:
    told = _runs_of_prompt(answer.prompt)
    for phrase in _find_runs(answer.tokens):
        is_told = phrase in told and not _ASKED.issuperset(phrase)
        own = (answer.title, answer.note) if is_told else ()
        if is_told and not any(phrase in _find_runs(find_tokens(text)) for text in own):
            return ("" if is_unspaced(phrase[0]) else " ").join(phrase)
    return ""


@lru_cache(maxsize=32)
def _runs_of_prompt(prompt: str) -> frozenset[tuple[str, ...]]:
    return frozenset(_find_runs(find_tokens(prompt)))


@lru_cache(maxsize=32)
def _words_of_prompt(prompt: str) -> frozenset[str]:
    return frozenset(find_tokens(prompt))


def _find_runs(tokens: Sequence[str]) -> list[tuple[str, ...]]:
    sizes = (_ECHO_SIGNS if is_unspaced(token) else _ECHO_WORDS for token in tokens)
    parts = (tuple(tokens[at : at + size]) for at, size in enumerate(sizes))
    return [part for part in parts if len(part) in (_ECHO_WORDS, _ECHO_SIGNS)]
