"""Globs of notes that are left alone, as the configuration has them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator


def read_pattern(written: str) -> str:
    """Return the glob as it is.

    Raises ValueError, saying what to write instead, where it cannot match what it is meant to:
    it begins with `./`, or is empty.
    """
    if not written.strip():
        raise ValueError("an empty glob; name notes, as Journal/**, or leave it out")
    if written.startswith(("./", ".\\")):
        plain = written[2:].lstrip("/\\")
        raise ValueError(f'{written!r} begins with "./"; write it from the vault on, as "{plain}"')
    return written


Pattern = Annotated[str, AfterValidator(read_pattern)]
"""a glob of notes in the vault"""
