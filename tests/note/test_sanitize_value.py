"""A property's value from a model: one line of words, and nothing in it that acts."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from companion.note.sanitize import inert_value
from tests.examples import labelled, many
from tests.note.activity import value_activity
from tests.note.test_sanitize import hostile

# None: the text stays as it is.
EXAMPLES = {
    "nothing": ("", ""),
    "no words": (" \n---\n***\n", ""),
    "prose stays": ("How C# differs: 5 < 6, #1, a_b, $5, (x^2), arr[1] & a@b.c.", None),
    "signs in a name": ("C++", None),
    "one line": ("a\nb\r\n c\u2028\td\x85e", "a b c d e"),
    "invisible characters": ("a\u202eb\u200bc", "abc"),
    "joiners": (
        "م\u200c\u200ca\u200d می\u200cشود क्\u200dष 👩\u200d🔬",
        "مa می\u200cشود क्\u200dष 👩\u200d🔬",
    ),
    "quotes": ('"A text."', "A text."),
    "German quotes": ("„A“", "A"),
    "English quotes": ("“A”", "A"),
    "guillemets": ("«A»", "A"),
    "Japanese quotes": ("「A」", "A"),
    "single quotes": ("‘A’", "A"),
    "apostrophe inside": ("'It's A'", "It's A"),
    "quotes in emphasis": ("**“A”**", "A"),
    "two quotes stay": ("“A” and “B”", None),
    "two single quotes stay": ("'A' and 'B'", None),
    "blocks": ("- [ ] # > A\n- B", "A B"),
    "number": ("1. # A", "1. A"),
    "callout": ("> [!ai]+ A", "A"),
    "emphasis and code": ("**A** and *b* in `c`", "A and b in c"),
    "queries": ("`= 1` `$= 1`", "= 1 $= 1"),
    "links": ("[[A]] [[B|c]] ![[D]] [e](u) ![f](u)", "A c D e f"),
    "half links": ("[[[[a]](u)", "[ [a(u)"),
    "escapes": (r"\[a\] \*b", "[a] *b"),
    "tags": ("#tag (#b) F#", "tag (b) F#"),
    "URLs": ("https://www.a.b/c ftp://d", "a.b/c ftp: //d"),
    "schemes": ("javascript:x obsidian://y www.z", "javascript: x obsidian: //y www. z"),
    "HTML": ("<b>a</b> <script> b<c", "a < script> b< c"),
    "addresses": (
        "<.me@a.b> <1a@b.c> <#@a.b> <{@a.b> 1 <2@",
        "< .me@a.b> < 1a@b.c> < #@a.b> < {@a.b> 1 < 2@",
    ),
    "entities": ("&lt; &#x202e;", "& lt; & # x202e;"),
    "inline fields": ("key:: v a::b", "key: v a: :b"),
    "templates": ("{{a}} %%b%% <% c %> {% d", "a % %b% % < % c % > { % d"),
    "block id": ("a ^id", "a ^ id"),
    "math": ("$5 or $6", "$ 5 or $ 6"),
    "footnote": ("a[^1]", "a"),
}


@labelled(("text", "expected"), EXAMPLES)
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
