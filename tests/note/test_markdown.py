"""What a line is, and which tags stand in it."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings

from companion.note.markdown import Line, read_lines
from companion.note.note import ParsedNote
from companion.note.tags import has_only_tags, has_tag
from companion.note.text import NoteText, split_lines
from tests.examples import many
from tests.note.strategies import VARIANTS, bodies

KINDS = {
    "blank": " ",
    "text": "t",
    "heading": "h",
    "rule": "-",
    "code": "c",
    "comment": "%",
    "math": "$",
    "html": "<",
}


def outline(text: str) -> list[Line]:
    return read_lines(NoteText(text))


def kinds(text: str) -> str:
    """One letter a line."""
    return "".join(KINDS[line.kind] for line in outline(text))


# CommonMark 0.31, chapters 4 and 5; Obsidian's help for `%%` and `$$`.
LINES = [
    pytest.param("words\n\nwords", "t t", id="paragraphs"),
    pytest.param("# A\n## B ##\n####### C\n#D\n#\n", "hhtth", id="headings"),
    pytest.param("> # A\n- # B\n  # C\n", "ttt", id="no headings of the note in quotes and lists"),
    pytest.param("A\n===\nB\n---\n", "h-h-", id="underlined headings"),
    pytest.param("#tag\n---\n", "t-", id="tags over a rule stay tags"),
    pytest.param("#tag\n#b #c\n---\n", "tt-", id="lines of tags over a rule"),
    pytest.param("words\n#tag\n---\n", "th-", id="a tag that ends a paragraph is underlined"),
    pytest.param("```js\n# A\n```\n# B", "ccch", id="fence"),
    pytest.param("> ```\n> B\nC", "cct", id="fence ends with its quote"),
    pytest.param("- a\n  ```\n  # B\n  ```\n# C", "tccch", id="fence in a list"),
    pytest.param("    a\n\n\tb\nc", "ccct", id="indented code"),
    pytest.param("-\n\n  a", "  t", id="empty item"),
    pytest.param("%% a %%\nb %% c %% d\n", "%t", id="comments in a line"),
    pytest.param("%%\n# a\n```\n%%\n# b", "%%%%h", id="comment over lines"),
    pytest.param("%%\na\n%% b\nc", "%%tt", id="words after a comment"),
    pytest.param("a %%\n\n# b", "t%%", id="comment never closed"),
    pytest.param("`%%` \\%% a\n# b", "th", id="no comment in code or after a backslash"),
    pytest.param("`%%` a\n\n# b", "t h", id="no comment is opened in code"),
    pytest.param("> %%\n> a\n\n# b", "%% h", id="comment ends with its quote"),
    pytest.param("<!-- a -->\n<!--\nb\n-->\nc", "%%%%t", id="HTML comments"),
    pytest.param("<!-- a --> b\nc", "<t", id="HTML after a comment"),
    pytest.param("<!--\n\na", "%%%", id="HTML comment never closed"),
    pytest.param("a <!-- b\n# c", "th", id="no HTML comment among words if never closed"),
    pytest.param("$$\n# a\n\n$$\n# b", "$$$$h", id="formula"),
    pytest.param("$$a$$\n# b", "th", id="formula in a line"),
    pytest.param("a $$\nb\n$$\n# c", "t$$h", id="formula within a paragraph"),
    pytest.param("It costs $$.\n\n# a\n\n$$\nb\n$$", "t h $$$", id="no formula over paragraphs"),
    pytest.param("$$\n# a", "th", id="formula never closed"),
    pytest.param("<div>\n# a\n\n# b", "<< h", id="HTML to the blank line"),
]


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize(("text", "expected"), LINES)
def test_kinds(text: str, expected: str, variant: Callable[[str], str]) -> None:
    assert kinds(variant(text)) == expected


@pytest.mark.parametrize(
    ("text", "title", "level"),
    [
        pytest.param("# A b", "A b", 1, id="plain"),
        pytest.param("## A ##  ", "A", 2, id="closed"),
        pytest.param("## A#", "A#", 2, id="not closed"),
        pytest.param("# A %% b %%", "A", 1, id="comment"),
        pytest.param("  A b  \n==", "A b", 1, id="underlined"),
        pytest.param("A #b\n--", "A #b", 2, id="underlined, with a tag"),
    ],
)
def test_titles(text: str, title: str, level: int) -> None:
    heading = outline(text)[0]
    assert (heading.kind, heading.title, heading.level) == ("heading", title, level)


@pytest.mark.parametrize(
    ("text", "depths"),
    [
        pytest.param("> a\n>> b\n> c\nd", [(0, 1), (1, 2), (1, 1), (0, 0)], id="lazy lines"),
        pytest.param("- > a\n  > b\n- > c", [(0, 1), (1, 1), (0, 1)], id="in list items"),
        pytest.param("> ```\n> > a\n> ```", [(0, 1), (1, 1), (1, 1)], id="code"),
        pytest.param(">" * 120 + " a", [(0, 100)], id="no more than a hundred"),
    ],
)
def test_quotes(text: str, depths: list[tuple[int, int]]) -> None:
    assert [(line.continued, line.depth) for line in outline(text)] == depths


# Obsidian's help, "Tags".
TAGS = [
    pytest.param("#a #b", ["a", "b"], id="tags"),
    pytest.param("#Status/Post-poned_1", ["Status/Post-poned_1"], id="as written"),
    pytest.param("#1984 #y1984 #1984a", ["y1984", "1984a"], id="not digits alone"),
    pytest.param("#日本語 #été #🎉", ["日本語", "été", "🎉"], id="every language"),
    pytest.param("#a, #b. (#c) #d! #e'f", ["a", "b", "d", "e"], id="punctuation"),
    pytest.param("x#a /#b", [], id="no blank before"),
    pytest.param("#a#b", ["a", "b"], id="right after another"),
    pytest.param("# a ## #", [], id="heading signs"),
    pytest.param("## A #b", ["b"], id="in a heading"),
    pytest.param("##b", [], id="two signs"),
    pytest.param("- #a\n> #b\n1. [ ] #c", ["a", "b", "c"], id="in lists and quotes"),
    pytest.param("| #a | b #c|", ["a", "c"], id="in a table"),
    pytest.param("\\#a", [], id="after a backslash"),
    pytest.param("`x #a` ``y ` #b`` #c", ["c"], id="not in inline code"),
    pytest.param("`x #a", ["a"], id="after a backtick alone"),
    pytest.param("```\n#a\n```\n\n    #b\n", [], id="not in code"),
    pytest.param("%% #a %% #b <!-- #c -->", ["b"], id="not in comments"),
    pytest.param("%%\n#a\n%%\n<!--\n#b\n-->", [], id="not in comments over lines"),
    pytest.param("%%x%%#a #b%%x%%", ["b"], id="comments beside"),
    pytest.param("$x #a$ $$\ny #b\n$$", [], id="not in formulas"),
    pytest.param("for $5 #a and $6", ["a"], id="prices are no formula"),
    pytest.param('[[x #a]] [x #b](y) [x](y "#c") [x #d][y]', [], id="not in links"),
    pytest.param("https://x.y/#a <https://x.y/ #b>", [], id="not in URLs"),
    pytest.param("<div>\n#a\n</div>", [], id="not in HTML"),
    pytest.param("<b title=' #a'>#b</b> #c", ["c"], id="not in HTML among words"),
]


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize(("text", "expected"), TAGS)
def test_tags(text: str, expected: list[str], variant: Callable[[str], str]) -> None:
    assert ParsedNote(NoteText(variant(text))).inline_tags == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(" #a\t#b ", True, id="tags"),
        pytest.param("#a#b", True, id="tags side by side"),
        pytest.param("#a %% later %%", True, id="tag and comment"),
        pytest.param("#a b", False, id="words"),
        pytest.param("#a, #b", False, id="comma"),
        pytest.param("- #a", False, id="list"),
        pytest.param("> #a", False, id="quote"),
        pytest.param("# #a", False, id="heading"),
        pytest.param("#1984", False, id="number"),
        pytest.param("", False, id="blank"),
    ],
)
def test_lines_of_tags(text: str, expected: bool) -> None:
    assert all(has_only_tags(line) for line in outline(f"{text}\n")) is expected


@pytest.mark.parametrize(
    ("tags", "wanted", "expected"),
    [
        pytest.param(["Status/Postponed"], "status/postponed", True, id="case"),
        pytest.param(["status/postponed/soon"], "status/postponed", True, id="nested"),
        pytest.param(["status"], "status/postponed", False, id="its parent"),
        pytest.param(["status/postponed2"], "status/postponed", False, id="longer"),
        pytest.param(["a"], "#A", True, id="with its sign"),
        pytest.param([], "a", False, id="none"),
    ],
)
def test_has_tag(tags: list[str], wanted: str, expected: bool) -> None:
    assert has_tag(tags, wanted) is expected


def test_what_is_shown_has_no_comments() -> None:
    text = "\n# A\n\nb %% secret %% c\n%%\nsecret\n%%\n<!-- secret -->\n```\ncode\n```\n$$\nx\n$$\n"
    shown = [line.visible for line in outline(text) if line.kind != "comment"]
    assert "\n".join(shown).strip("\n") == "# A\n\nb  c\n```\ncode\n```\n$$\nx\n$$"


@settings(max_examples=many(250))
@given(bodies)
def test_lines_are_the_note(text: str) -> None:
    note = NoteText(f"\n{text}")
    lines = read_lines(note)
    assert [note.text[line.start : line.next] for line in lines] == split_lines(note.text)
    assert all(line.text == note.text[line.start : line.end] for line in lines)
    assert all(
        0 <= line.continued <= line.depth and line.content <= len(line.text) for line in lines
    )


def test_a_comment_below_a_fence_that_its_list_item_ends_is_hidden() -> None:
    note = NoteText("- ```\n  code\n\nText %%secret%% after\n")
    assert [line.visible for line in read_lines(note)][-1] == "Text  after"
