"""Tags of a body without its outline: as a quick look tells them."""

from __future__ import annotations

import pytest

from companion.note.tag import is_tag, likely_tags

TEXTS = [
    pytest.param("# Title\n\n#a and #b/c, no#d\n#e", ["a", "b/c", "e"], id="in the text"),
    pytest.param("%% #a %% #b <!-- #c\n#d --> #e", ["b", "e"], id="comments"),
    pytest.param("```\n#a\n```\n`#b` #c\n\n    #d\n~~~\n#e", ["c"], id="code"),
    pytest.param("$$\n #a\n$$ #b [[#c]] <p #d> #12", ["b"], id="formulas, links, HTML, digits"),
    pytest.param("#a\r\n#b\r\n", ["a", "b"], id="CRLF"),
    pytest.param("nothing", [], id="none"),
]


@pytest.mark.parametrize(("text", "tags"), TEXTS)
def test_likely_tags(text: str, tags: list[str]) -> None:
    assert likely_tags(text, 0) == tags
    assert likely_tags(f"#no\n{text}", 4) == tags


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("a", True), ("a/b-c_1", True), ("日本", True), ("12", False), ("C++", False), ("a b", False)],
)
def test_is_tag(name: str, is_one: bool) -> None:
    assert is_tag(name) == is_one
