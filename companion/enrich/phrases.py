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
_FIRST = ("en", "de", "es", "ru", "zh", "ja")
"""Languages whose phrases are tried before those of the others."""

_LIST = re.compile(r"<([a-z_.]+)\.([a-z_]+)>")
_PART = re.compile(r"\{([a-z_]+)\}")
NOTHING = "(?!)"
"""A pattern that matches nowhere."""


def find_phrases(section: str, name: str) -> list[str]:
    """Return the entries of a list in all languages; section: `task.sure` is a table in a table.

    Each `{part}` is replaced by the entry of [parts] in the same file. Raises KeyError where the
    file has no such part.
    """
    return [phrase for code in load_languages() for phrase in _read_list(code, section, name)]


@cache
def compile_phrases(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Return the pattern compiled, each `<section.list>` in it standing for any entry of the list.

    Raises re.error where an entry is no pattern.
    """
    return re.compile(_LIST.sub(lambda m: f"(?:{join_phrases(m[1], m[2])})", pattern), flags)


def join_phrases(section: str, name: str) -> str:
    """Return a pattern that matches any entry of the list, in any language; NOTHING without one."""
    return "|".join(find_phrases(section, name)) or NOTHING


@cache
def find_words(section: str, name: str) -> frozenset[str]:
    """Return the words of a list in all languages."""
    return frozenset(find_phrases(section, name))


@cache
def load_languages() -> Mapping[str, Mapping[str, Any]]:
    """Return what the files hold, by the code of the language, in the order they are tried in."""
    files = {path.stem: path for path in sorted(_FOLDER.glob("*.toml"))}
    codes = [*filter(files.__contains__, _FIRST), *(code for code in files if code not in _FIRST)]
    return {code: tomllib.loads(files[code].read_text(encoding="utf-8")) for code in codes}


def _read_list(code: str, section: str, name: str) -> list[str]:
    language = load_languages()[code]
    table: Mapping[str, Any] = language
    for key in section.split("."):
        table = table.get(key, {})
    return [_fill_in(phrase, language.get("parts", {})) for phrase in table.get(name, [])]


def _fill_in(phrase: str, parts: Mapping[str, str]) -> str:
    return _PART.sub(lambda part: _fill_in(parts[part[1]], parts), phrase)
