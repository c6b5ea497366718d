"""What a place in a note belongs to: a property, a callout, or the text itself."""

from __future__ import annotations

import pytest

from companion.note.edit_name import name_place

NOTE = (
    "---\ndescription: What a stub is.\n'note-type': x\naliases:\n  - short note\n  - b: c\n---\n"
    "# Stub\n\n#status/postponed\n\n> [!ai]- AI\n> Prose.\n\n- > [!ai] Why: so?\n  > Because.\n"
)
PLACES = [
    pytest.param("What a stub is.", "description", id="a value"),
    pytest.param("'note-type': x\n", "note-type", id="a property"),
    pytest.param("  - short note\n", "aliases", id="an item"),
    pytest.param(
        "is.\n'note-type': x\naliases:\n", "description, note-type, aliases", id="several"
    ),
    pytest.param("> [!ai]- AI\n> Prose.\n\n", "callout", id="a callout"),
    pytest.param("> Prose.\n", "callout", id="the body of a callout"),
    pytest.param("  > Because.\n", "callout “Why: so?”", id="an answer in a list"),
    pytest.param("#status/postponed\n", "“#status/postponed”", id="a mark"),
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(("place", "name"), PLACES)
def test_name_place(place: str, name: str, newline: str) -> None:
    text, place = NOTE.replace("\n", newline), place.replace("\n", newline)
    start = text.index(place)
    assert name_place(text, start, start + len(place)) == name
    assert name_place("\ufeff" + text, start + 1, start + 1 + len(place)) == name


def test_properties_that_are_never_closed_are_text() -> None:
    assert name_place("---\na: b\n", 4, 8) == "“a: b”"
