"""Globs of notes that are left alone, as the configuration has them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_ONE_OF = re.compile(r"\[[!^]?\]?[^\]/]*\]")  # as companion.vault.ignore reads it


def read_pattern(written: str) -> str:
    """Return the glob as it is.

    Raises ValueError, saying what to write instead, where it cannot match what it is meant to:
    it begins with `./`, has a `[` that nothing closes, or is empty.
    """
    if not written.strip():
        raise ValueError("an empty glob; name notes, as Journal/**, or leave it out")
    if written.startswith(("./", ".\\")):
        plain = written[2:].lstrip("/\\")
        raise ValueError(f'{written!r} begins with "./"; write it from the vault on, as "{plain}"')
    if "[" in _ONE_OF.sub("", written):
        raise ValueError(
            f"{written!r} has a [ that no ] closes within a name; write [[] for the sign itself"
        )
    return written


Pattern = Annotated[str, AfterValidator(read_pattern)]
"""a glob of notes in the vault"""
