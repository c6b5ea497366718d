"""What of a note's properties a model is shown, where there is little else."""

from __future__ import annotations

import pytest

from companion.enrich.shown import telling_properties
from companion.note.text import NoteText
from companion.note.view import NoteView


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        ("artist: '[[Paul Chambers]]'\nyear: 1957", ["artist: Paul Chambers", "year: 1957"]),
        ("genre:\n  - '[[Jazz|jazz]]'\n  - Hard bop", ["genre: jazz, Hard bop"]),
        ("description:\naliases: [BoT]\ntags: [music]\nai: true\nstatus: new", []),
        ("created: 2023-09-12\nrating: 7\nisbn: 9780262033848", []),
        ("url: https://example.org/x\ncover: a/b.png", []),
        ("mail: me@example.org\nphone: +49 30 1234567", []),
        ("summary: " + "many words " * 9, []),
        ("person:\n  name: Ada\nempty:\ndone: false", []),
        ("\n".join(f"p{n}: {'x' * 50}" for n in range(9)), [f"p{n}: {'x' * 50}" for n in range(4)]),
    ],
)  # fmt: skip
def test_telling_properties(yaml: str, told: list[str]) -> None:
    assert telling_properties(NoteView(NoteText(f"---\n{yaml}\n---\n"))) == told
