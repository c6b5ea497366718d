"""Is an item of a list, such as an alias, a name: no sentence, and nothing said about names?"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from companion.enrich.gate.language import script_of
from companion.enrich.gate.said import Fault, Said
from companion.enrich.gate.tokens import find_tokens, fold, is_unspaced

_MOST_WORDS, _FEWEST = 6, 2  # words of a name, letters
_SENTENCE = re.compile(r"\w\S*(?:\s+\S+){3,}[.!?。！？]$|[。！？]$")
_PAIRS = ("()", "[]", "（）", "「」", "“”")


def without_bad_names(said: Said, check: Callable[[Said], Fault | None]) -> list[str]:
    """Return the items of a list, one a line of the value, that are names and pass the check."""
    items = (replace(said, text=item, raw=item) for item in said.text.split("\n"))
    return [item.text for item in items if _is_name(item) and not check(item)]


def _is_name(item: Said) -> bool:
    text = item.text
    words = [token for token in item.tokens if not is_unspaced(token)]
    if len(words) > _MOST_WORDS or _SENTENCE.search(text) or sum(map(str.isalpha, text)) < _FEWEST:
        return False
    if any(text.count(pair[0]) != text.count(pair[1]) for pair in _PAIRS):
        return False
    return fold(text) in item.source or not (_is_told(item) or _is_of_another_script(item))


def _is_told(item: Said) -> bool:
    """Return whether the instruction itself has the words: `its full form`."""
    told = f" {' '.join(find_tokens(item.prompt))} "
    return f" {' '.join(item.tokens)} " in told


def _is_of_another_script(item: Said) -> bool:
    """Return whether it is in a script that the note is not; Latin letters are everywhere."""
    script = script_of(item.text)
    return script not in (None, "Latin letters", script_of(f"{item.title}\n{item.words}"))
