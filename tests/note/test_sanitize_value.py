"""A property's value from a model: one line of words, and nothing in it that acts."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.note.sanitize import inert_value
from tests.examples import many
from tests.note.activity import value_activity
from tests.note.test_sanitize import hostile

# None: the text stays as it is.
EXAMPLES = [
    pytest.param("", "", id="nothing"),
    pytest.param(" \n---\n***\n", "", id="no words"),
    pytest.param(
        "How C# differs: 5 < 6, #1, a_b, $5, (x^2), arr[1] & a@b.c.", None, id="prose stays"
    ),
    pytest.param("C++", None, id="signs in a name"),
    pytest.param("a\nb\r\n c\u2028\td\x85e", "a b c d e", id="one line"),
    pytest.param("a\u202eb\u200bc", "abc", id="invisible characters"),
    pytest.param('"A text."', "A text.", id="quotes"),
    pytest.param("„A“", "A", id="German quotes"),
    pytest.param("“A”", "A", id="English quotes"),
    pytest.param("«A»", "A", id="guillemets"),
    pytest.param("「A」", "A", id="Japanese quotes"),
    pytest.param("‘A’", "A", id="single quotes"),
    pytest.param("'It's A'", "It's A", id="apostrophe inside"),
    pytest.param("**“A”**", "A", id="quotes in emphasis"),
    pytest.param("“A” and “B”", None, id="two quotes stay"),
    pytest.param("'A' and 'B'", None, id="two single quotes stay"),
    pytest.param("- [ ] # > A\n- B", "A B", id="blocks"),
    pytest.param("1. # A", "1. A", id="number"),
    pytest.param("> [!ai]+ A", "A", id="callout"),
    pytest.param("**A** and *b* in `c`", "A and b in c", id="emphasis and code"),
    pytest.param("`= 1` `$= 1`", "= 1 $= 1", id="queries"),
    pytest.param("[[A]] [[B|c]] ![[D]] [e](u) ![f](u)", "A c D e f", id="links"),
    pytest.param("[[[[a]](u)", "[ [a(u)", id="half links"),
    pytest.param(r"\[a\] \*b", "[a] *b", id="escapes"),
    pytest.param("#tag (#b) F#", "tag (b) F#", id="tags"),
    pytest.param("https://www.a.b/c ftp://d", "a.b/c ftp: //d", id="URLs"),
    pytest.param(
        "javascript:x obsidian://y www.z", "javascript: x obsidian: //y www. z", id="schemes"
    ),
    pytest.param("<b>a</b> <script> b<c", "a < script> b< c", id="HTML"),
    pytest.param(
        "<.me@a.b> <1a@b.c> <#@a.b> <{@a.b> 1 <2@",
        "< .me@a.b> < 1a@b.c> < #@a.b> < {@a.b> 1 < 2@",
        id="addresses",
    ),
    pytest.param("&lt; &#x202e;", "& lt; & # x202e;", id="entities"),
    pytest.param("key:: v a::b", "key: v a: :b", id="inline fields"),
    pytest.param("{{a}} %%b%% <% c %> {% d", "a % %b% % < % c % > { % d", id="templates"),
    pytest.param("a ^id", "a ^ id", id="block id"),
    pytest.param("$5 or $6", "$ 5 or $ 6", id="math"),
    pytest.param("a[^1]", "a", id="footnote"),
]


@pytest.mark.parametrize(("text", "expected"), EXAMPLES)
def test_examples(text: str, expected: str | None) -> None:
    value = inert_value(text)
    assert value == (text if expected is None else expected)
    assert value_activity(value) == []


@settings(max_examples=many(500))
@given(hostile)
def test_nothing_stays_active(text: str) -> None:
    assert value_activity(inert_value(text)) == []


@settings(max_examples=many(200))
@given(st.text(max_size=60))
def test_nothing_stays_active_in_any_text(text: str) -> None:
    assert value_activity(inert_value(text)) == []


@settings(max_examples=many(150))
@given(st.lists(st.text("abcé 12.,;:!?()'\"-/_", min_size=1, max_size=20), max_size=8))
def test_no_word_is_lost(lines: list[str]) -> None:
    text = "\n".join(lines)
    words = re.findall(r"[^\W_]+", text)
    assert re.findall(r"[^\W_]+", inert_value(text)) == words
