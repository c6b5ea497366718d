"""What a model is context of a note beside its prose."""

from __future__ import annotations

import pytest

from companion.enrich.context import make_prompt_context, subject_properties
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText
from companion.prompts import Ask, load_prompts


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
def test_subject_properties(yaml: str, told: list[str]) -> None:
    assert subject_properties(ParsedNote(NoteText(f"---\n{yaml}\n---\n"))) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("---\ntitle: Spoofing\n---\n# More\n", "# Spoofing\n"),
        ("# Spoofing\n", "# Spoofing\n"),
        ("---\naliases: [Spoofing]\n---\n", "# Spoofing\n"),
        ("text\n", "(no text yet)"),
    ],
)
def test_a_prompt_names_what_the_note_does_not_the_files_id(text: str, told: str) -> None:
    context = make_prompt_context(ParsedNote(NoteText(text)), "A/202402111200.md", {})
    prompts = load_prompts()
    asks = [Ask(name, prompts.fields[name]) for name in ("description", "aliases", "callout")]
    prompt = prompts.messages(asks, context, json=True)[1]["content"]
    assert told in prompt
    assert "202402111200" not in prompt
