"""Words and phrases of languages by which answers are checked, a TOML file a language.

The files are `checks/phrases/<code>.toml`; `en.toml` says what is in them. They are read once, when
a check first needs them. A language without a file, a section or a list is no error.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "checks" / "phrases"
_LIST = re.compile(r"<([a-z]+)\.([a-z_]+)>")
_PART = re.compile(r"\{([a-z_]+)\}")


def find_phrases(section: str, name: str) -> list[str]:
    """Return the entries of a list in all languages.

    Each `{part}` is replaced by the entry of [parts] in the same file. Raises KeyError where the
    file has no such part.
    """
    return [
        _fill_in(phrase, language.get("parts", {}))
        for language in load_languages().values()
        for phrase in language.get(section, {}).get(name, [])
    ]


@cache
def compile_phrases(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Return the pattern compiled, with any entry of the list for each `<section.list>` in it."""

    def join(found: re.Match[str]) -> str:
        return f"(?:{'|'.join(find_phrases(*found.groups())) or '(?!)'})"

    return re.compile(_LIST.sub(join, pattern), flags)


@cache
def find_words(section: str, name: str) -> frozenset[str]:
    """Return the words of a list in all languages."""
    return frozenset(find_phrases(section, name))


@cache
def load_languages() -> Mapping[str, Mapping[str, Any]]:
    """Return what the files hold, by the code of the language."""
    files = sorted(_FOLDER.glob("*.toml"))
    return {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in files}


def _fill_in(phrase: str, parts: Mapping[str, str]) -> str:
    return _PART.sub(lambda part: _fill_in(parts[part[1]], parts), phrase)
