"""Marks that keep a note back: any doubt whether a note bears one counts."""

from collections.abc import Callable

import pytest
from hypothesis import given

from companion.note.facts import find_marks
from companion.note.note import ParsedNote
from companion.note.properties import Properties, PropertyValue
from companion.note.text import NoteText
from tests.note.strategies import VARIANTS, notes

TAGGED = [
    pytest.param("a #geheim b", id="a tag"),
    pytest.param("#GEHEIM/familie", id="case, nested"),
    pytest.param("[Discord #geheim](https://x.y)", id="in a link's text"),
    pytest.param("[a #geheim][ref]", id="in a reference's text"),
    pytest.param("![a #geheim](x.png) [[a|b #geheim]]", id="in an image's or a wikilink's"),
    pytest.param("x _#geheim_ y", id="in italics"),
    pytest.param("x __#geheim__ **#geheim** ~~#geheim~~", id="in bold"),
    pytest.param("snake_case_#geheim", id="after an underscore"),
    pytest.param("a|b\n-|-\n|#geheim|text|", id="in a table without blanks"),
    pytest.param("(#geheim) x", id="in parentheses"),
    pytest.param("x\ufeff#geheim\ufeffy", id="between byte order marks"),
    pytest.param("#a#geheim", id="right after another"),
    pytest.param("日本#geheim", id="after a letter that is none of ASCII"),
    pytest.param("##geheim", id="after a sign"),
    pytest.param("\\\\#geheim", id="after a backslash that is escaped"),
    pytest.param("%% #geheim %%", id="in a comment"),
    pytest.param("%%\n#geheim\n%%", id="in a comment over lines"),
    pytest.param("<!-- #geheim -->", id="in an HTML comment"),
    pytest.param("<div>\n#geheim\n</div>", id="in HTML"),
    pytest.param("<div>`#geheim`</div>", id="in what is no code in HTML"),
    pytest.param("$$\n#geheim\n$$", id="in a formula"),
    pytest.param("https://x.y/#geheim", id="in a URL"),
    pytest.param("`#geheim` x\n\n    #geheim\n```\n#geheim\n```", id="in code"),
    pytest.param("---\na: 1 #geheim\n---\n", id="in a comment of the properties"),
    pytest.param("---\nsee: '#geheim'\n---\n", id="in another property"),
    pytest.param("---\ntags: [a, Geheim/x]\n---\n", id="property"),
    pytest.param("---\ntags:\n- a, geheim\n---\n", id="several in an item"),
    pytest.param("---\nTag: '#geheim'\n---\n", id="the older name"),
    pytest.param("---\ntags:\n- [[geheim]]\n---\n", id="nested lists"),
    pytest.param("---\ntags: {geheim}\n---\n", id="braces"),
]


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("text", TAGGED)
def test_tag_keeps_back(text: str, variant: Callable[[str], str]) -> None:
    assert marks(variant(text), "a/b", "geheim") == ("is tagged #geheim",)


NOT_TAGGED = [
    pytest.param("geheim # geheim", id="no sign"),
    pytest.param("#geheimnis #geheim-x #geheim_x #geheim2 #a/geheim", id="other tags"),
    pytest.param("x#geheim https://x.y/a#geheim [[Note#geheim]]", id="within a word"),
    pytest.param("\\#geheim", id="escaped"),
    pytest.param("---\ntags: [a]\nstatus: geheim\n---\n", id="another property"),
]


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("text", NOT_TAGGED)
def test_tag_that_is_surely_not_there(text: str, variant: Callable[[str], str]) -> None:
    assert marks(variant(text), "geheim") == ()


SPELLINGS = [
    pytest.param("übel", "#u\u0308bel", id="accents"),
    pytest.param("u\u0308bel", "---\ntags: übel\n---\n", id="accents in the settings"),
    pytest.param("🔒", "#🔒\ufe0f", id="style of an emoji"),
    pytest.param("straße", "#STRASSE", id="case of one letter that is two"),
    pytest.param("geheim_", "#geheim_", id="its own underscore"),
]


@pytest.mark.parametrize(("tag", "text"), SPELLINGS)
def test_spelling_of_a_tag(tag: str, text: str) -> None:
    assert marks(text, tag) == (f"is tagged #{tag}",)


@given(notes)
def test_tags_that_are_surely_there_keep_back(text: str) -> None:
    view = ParsedNote(NoteText(text))
    tags = tuple(dict.fromkeys((*view.inline_tags, *view.properties.tags)))
    assert find_marks(view, tags, ()) == tuple(f"is tagged #{tag}" for tag in tags)


VALUES = [
    pytest.param("true", "true", True, id="true"),
    pytest.param("true", "True", True, id="its case"),
    pytest.param("true", "yes", True, id="yes"),
    pytest.param("true", "On", True, id="on"),
    pytest.param("true", "y", True, id="y"),
    pytest.param("true", "1", True, id="1"),
    pytest.param("true", "'true '", True, id="text"),
    pytest.param("true", "[no, yes]", True, id="in a list"),
    pytest.param("true", "{a: [{b: yes}]}", True, id="deep in it"),
    pytest.param("true", "", False, id="nothing"),
    pytest.param("true", "no", False, id="no"),
    pytest.param("true", "truely", False, id="another word"),
    pytest.param("yes", "true", True, id="yes is true"),
    pytest.param("No", "off", True, id="off is no"),
    pytest.param("false", "true", False, id="false is not true"),
    pytest.param("Ü", "u\u0308", True, id="accents"),
    pytest.param("3", "3", True, id="number"),
]


@pytest.mark.parametrize(("wanted", "written", "bears"), VALUES)
def test_value_keeps_back(wanted: str, written: str, bears: bool) -> None:
    found = find_marks(view(f"---\nPrivate: {written}\n---\n"), (), (("private", wanted),))
    assert found == ((f"says private: {wanted}",) if bears else ())


def test_each_spelling_of_a_name_counts() -> None:
    text = "---\nprivate: no\nPRIVATE: yes\n---\n"
    assert find_marks(view(text), (), (("private", "true"),)) == ("says private: true",)


def test_values_that_aliases_repeat_are_looked_at_once() -> None:
    value: PropertyValue = "x"
    for _ in range(100):
        value = [value, value]
    seen = view("")
    seen.properties = Properties({"private": value, "tags": value})
    assert find_marks(seen, ("geheim",), (("private", "true"),)) == ()


def view(text: str) -> ParsedNote:
    return ParsedNote(NoteText(text))


def marks(text: str, *tags: str) -> tuple[str, ...]:
    return find_marks(ParsedNote.decode(text.encode()), tags, ())
