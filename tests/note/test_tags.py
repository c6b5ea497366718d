"""Tags of a body without its outline: as a quick look tells them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.note.note import ParsedNote
from companion.note.tags import is_tag
from companion.note.text import NoteText

TEXTS = [
    pytest.param("# Title\n\n#a and #b/c, no#d\n#e", ["a", "b/c", "e"], id="in the text"),
    pytest.param("%% #a %% #b <!-- #c\n#d --> #e", ["b", "e"], id="comments"),
    pytest.param("```\n#a\n```\n`#b` #c\n\n    #d\n~~~\n#e\n~~~", ["c"], id="code"),
    pytest.param("$$\n #a\n$$ #b [[#c]] #12", ["b"], id="formulas, links, digits"),
    pytest.param("#a\r\n#b\r\n", ["a", "b"], id="CRLF"),
    pytest.param("#a#b/c #1#d", ["a", "b/c", "d"], id="one right after another"),
    pytest.param("nothing", [], id="none"),
]


@pytest.mark.parametrize(("text", "tags"), TEXTS)
def test_likely_tags(text: str, tags: list[str]) -> None:
    assert ParsedNote(NoteText(text)).likely_tags == tags
    assert ParsedNote(NoteText(f"---\na: 1 #no\n---\n{text}")).likely_tags == tags
    assert ParsedNote(NoteText(f"\ufeff{text}")).likely_tags == tags


PIECES = [
    "\ufeff", "#a", "#b/1", "#2", "\\", " ", "\n", "\r", "`", "%%", "<!--", "-->", "$", "[[", "]]",
    "> ",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_all_tags_are_like_tags(text: str) -> None:
    view = ParsedNote(NoteText(text))
    assert set(view.inline_tags) <= set(view.tag_candidates)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("a", True), ("a/b-c_1", True), ("日本", True), ("12", False), ("C++", False), ("a b", False)],
)
def test_is_tag(name: str, is_one: bool) -> None:
    assert is_tag(name) == is_one
