"""Sentences that describe their note already, and those that only speak of the subject."""

from __future__ import annotations

import pytest

from companion.enrich.context import make_prompt_context
from companion.enrich.extractive import is_self_description
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText
from companion.prompts import load_prompts

SENTENCES = [
    pytest.param("This page lists all shortcuts.", True, id="of the page"),
    pytest.param("Learn how to feed a starter.", True, id="to the reader"),
    pytest.param("With a starter, you can bake bread.", True, id="what the reader can do"),
    pytest.param("How a starter is fed.", True, id="a headline"),
    pytest.param("Diese Seite erklärt den Sauerteig.", True, id="German"),
    pytest.param("Cómo se cuida la masa madre.", True, id="Spanish"),
    pytest.param("Эта страница о закваске.", True, id="Russian"),
    pytest.param("本文介绍酸面包的做法。", True, id="Chinese"),
    pytest.param("この記事ではサワードウを紹介します。", True, id="Japanese"),
    pytest.param("Sourdough is raised by wild yeast.", False, id="of the subject"),
    pytest.param("Howard Carter found the tomb.", False, id="a name that begins so"),
    pytest.param("This bread is sour.", False, id="of something else"),
    pytest.param("With yeast, bread rises.", False, id="no reader"),
    pytest.param("本州は日本の島です。", False, id="a name that begins so, Japanese"),
    pytest.param("This note is about bread.", False, id="what the gate takes for a model's"),
]


@pytest.mark.parametrize(("sentence", "expected"), SENTENCES)
def test_a_self_description_tells_of_the_page_or_speaks_to_the_reader(
    sentence: str, expected: bool
) -> None:
    assert is_self_description(sentence) is expected


@pytest.mark.parametrize(
    ("opening", "repeated"),
    [
        pytest.param("Learn how to feed a sourdough starter.", True, id="is asked for once more"),
        pytest.param("A sourdough starter is fed with flour.", False, id="is what to begin with"),
    ],
)
def test_the_prompt_has_a_self_description_written_once_more(opening: str, repeated: bool) -> None:
    context = make_prompt_context(ParsedNote(NoteText(f"{opening}\n")), "Starter.md", {})
    instruction = load_prompts().fields["description"].instruction(context)
    assert (opening in instruction) is repeated
