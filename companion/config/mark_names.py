"""Tags and properties as the configuration names them, for notes that bear them to be kept back."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from companion.note.tag import is_tag


def read_tag(written: str) -> str:
    """Return the tag without `#`, and without blanks and slashes around it.

    Raises ValueError, saying what to write instead: a glob, or what Obsidian takes for no tag.
    What matches nothing would keep no note back.
    """
    tag = written.strip().removeprefix("#").strip("/")
    if "*" in tag or "?" in tag:
        plain = tag.rstrip("/*")
        instead = f'write "{plain}"' if is_tag(plain) else "name each tag"
        raise ValueError(
            f"{written!r} is a glob, and a tag stands for all that are nested in it; {instead}"
        )
    if not is_tag(tag):
        raise ValueError(
            f"{written!r} is no tag; one has letters, digits, _, - and /, and not digits alone"
        )
    return tag


def read_values(written: dict[str, str]) -> dict[str, str]:
    """Return the properties, each with its value, without blanks around them.

    Raises ValueError, saying what to write instead: nothing, or a glob.
    """
    return {_read(name, name): _read(name, value) for name, value in written.items()}


def _read(name: str, part: str) -> str:
    """Return the part of a property, its name or its value, as it is compared."""
    if not part.strip():
        raise ValueError(
            f'{name!r} lacks its name or its value, so no note has it; write {{ name = "value" }}'
        )
    if "*" in part:
        raise ValueError(
            f"{part!r} is a glob, and names and values are compared as they stand; name each"
        )
    return part.strip()


TagName = Annotated[str, AfterValidator(read_tag)]
"""a tag, without `#`"""
PropertyValues = Annotated[dict[str, str], AfterValidator(read_values)]
"""properties, each with its value"""
