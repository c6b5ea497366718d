"""AI callouts: found, placed and answered; nothing else in the note changes its meaning."""

import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from companion.errors import NoteRefused
from companion.note.callouts import (
    PLAIN,
    Callout,
    Style,
    answer_callout,
    find_callouts,
    place_callout,
    place_section_callout,
)
from companion.note.edit import Edit, apply_edits
from companion.note.outline import Section, read_outline
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText
from tests.examples import labelled, many
from tests.note.strategies import VARIANTS, bodies, notes, plain_bodies

BODY = ["First.", "", "- one", "- two", "", "```", "code", "```"]
MARKDOWN = MarkdownIt("commonmark")
QUOTES = st.sampled_from(
    ["\n\n> [!ai]\n", "\n> > [!ai] Q\n>\n", "\n- > [!ai]+\r\n\r\n", "> [!ai]", "\n- a\n  > [!ai]\n"]
)


def found(text: str) -> list[Callout]:
    return find_callouts(read_outline(NoteText(text)))


def placed(text: str, body: list[str], style: Style = PLAIN) -> str:
    note = NoteText(text)
    return apply_edits(text, [place_callout(note, read_outline(note), body, style)])


def answered(text: str, body: list[str]) -> str:
    """The note with all its open callouts answered."""
    return apply_edits(text, _answers(NoteText(text), body))


def vary(new: str, old: str, variant: Callable[[str], str]) -> str:
    """The variant of new that is made of that of old: without any line end, `\\n` is taken."""
    return variant(new) if "\n" in old else variant("") + new


def _answers(note: NoteText, body: list[str]) -> list[Edit]:
    lines = read_outline(note)
    return [
        answer_callout(note, lines, callout, body)
        for callout in find_callouts(lines)
        if callout.is_empty and not callout.answered_below
    ]


# Obsidian's help, "Callouts".
TITLES = [
    pytest.param("> [!ai]", [""], id="no title"),
    pytest.param("> [!ai] AI", ["AI"], id="plain title"),
    pytest.param("> [!AI]+ \t Why so? ", ["Why so?"], id="case, fold sign, blanks"),
    pytest.param("> [!Ai]-", [""], id="folded"),
    pytest.param("> [!ai|wide right]- Why?", ["Why?"], id="metadata"),
    pytest.param("> [!ai|]Why?", ["Why?"], id="no blank before the title"),
    pytest.param("> [!ai] Why %% me %%?", ["Why ?"], id="a comment in the title"),
    pytest.param(">[!ai] a\n\n>\t[!ai] b\n\n   >  [!ai] c", ["a", "b", "c"], id="blanks"),
    pytest.param("> a\n> > [!ai] b", ["b"], id="nested"),
    pytest.param("> > [!ai] b", ["b"], id="nested, two at once"),
    pytest.param("- > [!ai] a\n1. > [!ai] b", ["a", "b"], id="in lists"),
    pytest.param("- a\n\n\t> [!ai] b", ["b"], id="in a list item, by a tab"),
    pytest.param("text\n> [!ai] b", ["b"], id="right after text"),
    pytest.param("> a\n\n> [!ai] b", ["b"], id="after another quote"),
    pytest.param("> a\n> [!ai] b", [], id="not in the first line of its quote"),
    pytest.param(">\n> [!ai] b", [], id="after an empty line of its quote"),
    pytest.param("> - [!ai] b", [], id="a list in a quote"),
    pytest.param("> x [!ai] b", [], id="not at the start of the line"),
    pytest.param("> [!aid] b\n\n> [!note] AI\n\n> [ai] c\n\n> \\[!ai]", [], id="other types"),
    pytest.param("[!ai] b", [], id="no quote"),
    pytest.param("text\n    > [!ai] b", [], id="text of a paragraph"),
    pytest.param("    > [!ai] b", [], id="indented code"),
    pytest.param(">     [!ai] b", [], id="indented code in a quote"),
    pytest.param("```\n> [!ai] b\n```", [], id="code"),
    pytest.param("> ```\n> > [!ai] b\n> ```", [], id="code in a quote"),
    pytest.param("- ```\n  > [!ai] b\n  ```", [], id="code in a list"),
    pytest.param("%%\n> [!ai] b\n%%", [], id="comment"),
    pytest.param("<!--\n> [!ai] b\n-->", [], id="HTML comment"),
    pytest.param("<pre>\n> [!ai] b\n</pre>", [], id="HTML"),
    pytest.param("$$\n> [!ai] b\n$$", [], id="formula"),
]


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize(("text", "titles"), TITLES)
def test_callouts_are_found(text: str, titles: list[str], variant: Callable[[str], str]) -> None:
    assert [callout.title for callout in found(variant(text))] == titles


@pytest.mark.parametrize(
    ("title", "question"),
    [("", None), ("AI", None), ("ai", None), ("AI?", "AI?"), ("What?", "What?")],
)
def test_other_titles_are_questions(title: str, question: str | None) -> None:
    assert found(f"> [!ai] {title}")[0].question == question


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        pytest.param("> [!ai]", None, id="no heading"),
        pytest.param("# A\n> [!ai]", None, id="under the title"),
        pytest.param("## B ##\n\ntext\n> [!ai]", "B", id="level 2"),
        pytest.param("# A\n### C\n# D\n> [!ai]", "C", id="another title after it"),
        pytest.param("B\n---\n> [!ai]", "B", id="underlined"),
        pytest.param("> ## B\n\n> [!ai]", None, id="a heading in a quote"),
        pytest.param("```\n## B\n```\n> [!ai]", None, id="a heading in code"),
        pytest.param("##\n> [!ai]", "", id="a heading of no words"),
    ],
)
def test_headings_above(text: str, heading: str | None) -> None:
    assert found(text)[0].heading == heading


STATES = [
    pytest.param("> [!ai] Q", "open", id="header only"),
    pytest.param("> [!ai] Q\n>\n> \n", "open", id="blank lines in the quote"),
    pytest.param("> [!ai] Q\n\ntext", "open", id="text after a blank line"),
    pytest.param("> [!ai] Q\n \t\n> text", "open", id="another quote after a blank line"),
    pytest.param("> [!ai] Q\n# A", "open", id="heading below"),
    pytest.param("> [!ai] Q\n---", "open", id="rule below"),
    pytest.param("> [!ai] Q\n>\n---", "open", id="rule below a blank line of the quote"),
    pytest.param("> [!note]\n> > [!ai] Q\n>\n> text", "open", id="text apart in the outer quote"),
    pytest.param("- > [!ai] Q\n- b", "open", id="next item of its list"),
    pytest.param("> - > [!ai] Q\n> - b", "open", id="next item of its list, in a quote"),
    pytest.param("- a\n  > [!ai] Q\n- b", "open", id="next item below text"),
    pytest.param("- a\n  - b\n    > [!ai] Q\n  - c", "open", id="next item of a nested list"),
    pytest.param("- a\n  - b\n    > [!ai] Q\n- c", "open", id="next item of the outer list"),
    pytest.param("7. a\n   > [!ai] Q\n8. b", "open", id="next item of an ordered list"),
    pytest.param("> [!ai] Q\n- a", "open", id="list below"),
    pytest.param("- > [!ai] Q\n  - a", "open", id="list in the list item"),
    pytest.param("- > [!ai] Q\n  # A", "open", id="heading in the list item"),
    pytest.param("> > [!ai] Q\n> # A", "open", id="heading in the outer quote"),
    pytest.param("- a\n  > [!ai] Q\n* * *", "open", id="rule of stars"),
    pytest.param("- > [!ai] Q\n> a", "open", id="quote below the list"),
    pytest.param("> [!ai] Q\n```\na\n```", "open", id="code below"),
    pytest.param("> [!ai] Q\n>\n    text", "open", id="indented code below"),
    pytest.param("> [!ai] Q\n<div>\na\n</div>", "open", id="HTML block below"),
    pytest.param("> [!ai] Q\n<!-- a -->", "open", id="HTML comment below"),
    pytest.param("> [!ai] Q\n> text", "filled", id="text"),
    pytest.param("> [!ai] Q\n>\n>\n> text", "filled", id="text after blank lines in the quote"),
    pytest.param("> [!ai] Q\n> - a", "filled", id="list"),
    pytest.param("> [!ai] Q\n> ---", "filled", id="rule"),
    pytest.param("> [!ai] Q\n> ```\n> ```", "filled", id="code"),
    pytest.param("> [!ai] Q\n> > [!note]", "filled", id="nested callout"),
    pytest.param("> [!ai] Q\n> %% later %%", "filled", id="comment"),
    pytest.param("> [!ai] Q %% or\n> what? %%", "filled", id="comment that goes on"),
    pytest.param("> [!ai] Q %% or what?", "filled", id="comment never closed"),
    pytest.param("> [!ai] Q\ntext", "left", id="text below"),
    pytest.param("> [!ai] Q\n===", "left", id="no underline, but text"),
    pytest.param("> [!ai] Q\n| a | b |\n|---|---|", "left", id="table row below"),
    pytest.param("> [!ai] Q\n$$\na\n$$", "left", id="formula below"),
    pytest.param("- a\n  > [!ai] Q\nb\n- c", "left", id="text between list items"),
    pytest.param("- > [!ai] Q\n      # A", "left", id="what is no heading so far in"),
    pytest.param("> [!ai] Q\n    text", "left", id="indented text below"),
    pytest.param("> [!ai] Q\n>\ntext", "left", id="text below a blank line of the quote"),
    pytest.param("> > [!ai] Q\n> text", "left", id="text in the outer quote"),
    pytest.param("- > [!ai] Q\n  text", "left", id="text in the list item"),
    pytest.param("> [!ai] Q\n%% a %%", "left", id="comment below"),
    pytest.param("> [!ai] Q\n<b>", "left", id="HTML below"),
]


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize(("text", "state"), STATES)
def test_states(text: str, state: str, variant: Callable[[str], str]) -> None:
    callout = found(variant(text))[0]
    assert callout.is_empty is (state != "filled")
    assert callout.answered_below is (state == "left")


ANSWERS = {
    "answers a request": ("> [!ai] Why?\n", "> [!ai] Why?\n> Because.\n"),
    "adds no final newline": ("> [!ai] Why?", "> [!ai] Why?\n> Because."),
    "keeps blanks": ("> [!ai]  \n\nb", "> [!ai]  \n> Because.\n\nb"),
    "no blank after the sign": (">[!ai]\n# b", ">[!ai]\n> Because.\n# b"),
    "indented, with a tab": ("  >\t[!ai]\n", "  >\t[!ai]\n  > Because.\n"),
    "above blank lines": ("> [!ai]\n>\n>", "> [!ai]\n> Because.\n>\n>"),
    "nested": ("> > [!ai]\n>\n> b", "> > [!ai]\n> > Because.\n>\n> b"),
    "nested, no blanks": (">>[!ai]\n", ">>[!ai]\n>> Because.\n"),
    "in a list": ("- > [!ai]\n- b", "- > [!ai]\n  > Because.\n- b"),
    "in a numbered list": ("10.\t> [!ai]\n", "10.\t> [!ai]\n   \t> Because.\n"),
    "in a list, by a tab": ("- a\n\n\t> [!ai]\n", "- a\n\n\t> [!ai]\n\t> Because.\n"),
    "in a tight list": ("- a\n  > [!ai]\n- b\n", "- a\n  > [!ai]\n  > Because.\n- b\n"),
    "nested lists": (
        "1. a\n   - b\n\t > [!ai]\n2. c",
        "1. a\n   - b\n\t > [!ai]\n\t > Because.\n2. c",
    ),
    "list in a quote": ("> - > [!ai]\n", "> - > [!ai]\n>   > Because.\n"),
    "above a rule": ("> [!ai]\n---\n", "> [!ai]\n> Because.\n---\n"),
    "two": ("> [!ai] a\n\n> [!ai] b", "> [!ai] a\n> Because.\n\n> [!ai] b\n> Because."),
    "leaves code alone": ("```\n> [!ai] Why?\n```\n", "```\n> [!ai] Why?\n```\n"),
    "leaves what is answered below": ("> [!ai]\ntext\n", "> [!ai]\ntext\n"),
    "leaves what is filled": ("> [!ai]\n> text\n", "> [!ai]\n> text\n"),
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@labelled(("text", "new"), ANSWERS)
def test_answers(text: str, new: str, variant: Callable[[str], str]) -> None:
    assert answered(variant(text), ["Because."]) == vary(new, text, variant)


def _kinds(text: str) -> list[tuple[object, ...]]:
    lines = read_outline(NoteText(text))
    return [(line.text, line.kind, line.level, line.depth, line.starts_block) for line in lines]


@pytest.mark.parametrize("body", [["Because."], BODY, [*BODY, "", "1. one"]])
@pytest.mark.parametrize("text", [case.values[0] for case in STATES if case.values[1] == "open"])
def test_what_stands_below_an_answer_is_what_it_was(text: str, body: list[str]) -> None:
    edits = _answers(note := NoteText(str(text)), body)
    new = apply_edits(note.text, edits)
    [callout] = found(note.text)
    added = range(callout.first + 1, callout.first + 1 + len(body))
    kept = [line for number, line in enumerate(_kinds(new)) if number not in added]
    assert kept == _kinds(note.text)
    assert not found(new)[0].is_empty and _answers(NoteText(new), body) == []


# What a title may leave open, and a body, inert by itself, that would close it.
OPEN_TITLES = [
    pytest.param("What does ` do?", "It runs `<img src=x onerror=y>` here.", id="code"),
    pytest.param("What is [ for?", "It ends ](https://example.com) here.", id="link"),
    pytest.param("![", "x](https://example.com)", id="image"),
    pytest.param("Explain <img", "src=x onerror=alert(1)> now", id="HTML"),
    pytest.param("Is it <", "b>", id="end of a line"),
    pytest.param("A *star", "and* more", id="emphasis"),
    pytest.param("An _underscore", "and_ more", id="emphasis by underscores"),
    pytest.param("$5", "or $6", id="formula"),
    pytest.param("==a", "b==", id="mark"),
    pytest.param("~~a", "b~~", id="strike"),
]


@pytest.mark.parametrize(("title", "body"), OPEN_TITLES)
def test_what_a_title_opens_is_not_closed_in_the_body(title: str, body: str) -> None:
    text = f"- > [!ai] {title}\n"
    new = answered(text, [body])
    assert new == f"{text}  >\n  > {body}\n"
    assert placed("", [body], Style(title)) == f"> [!ai] {title}\n>\n> {body}\n"
    assert not found(new)[0].is_empty and answered(new, ["x"]) == new


@pytest.mark.parametrize("title", [": a", "(a", "|wide](a"])
def test_a_title_makes_no_link_of_the_type(title: str) -> None:
    opening = title if title.startswith("|") else f"]{title}"
    new = answered(f"> [!ai{opening}\n", ["b)", "> c"])
    assert new.startswith(f"> [!ai{opening}\n>\n> b)")


@pytest.mark.parametrize("title", ["Why (so)?", "a_b, 5 = 5: so", "10 %", " (a)"])
def test_a_plain_title_stays_right_above_the_body(title: str) -> None:
    assert answered(f"> [!ai]{title}\n", ["b"]) == f"> [!ai]{title}\n> b\n"


def test_blank_lines_of_an_answer_stay_in_the_quote() -> None:
    expected = "> [!ai]\n> First.\n>\n> - one\n> - two\n>\n> ```\n> code\n> ```\n"
    assert answered("> [!ai]\n", BODY) == expected


def test_the_line_end_is_the_one_in_use() -> None:
    assert answered("a\r\n> [!ai]\nb\r", ["x"]) == "a\r\n> [!ai]\nb\r"
    assert answered("a\r\n> [!ai]\n\nb\r", ["x"]) == "a\r\n> [!ai]\n> x\n\nb\r"
    assert answered("a\n\r\n> [!ai]\r", ["x"]) == "a\n\r\n> [!ai]\r> x\r"


# {} stands for the callout.
PLACES = {
    "empty note": ("", "{}\n"),
    "properties only": ("---\na: 1\n---\n", "---\na: 1\n---\n{}\n"),
    "properties only, no final newline": ("---\na: 1\n---", "---\na: 1\n---\n{}"),
    "properties and a blank line": ("---\na: 1\n---\n\n", "---\na: 1\n---\n\n{}\n"),
    "no title": ("---\na: 1\n---\ntext\n", "---\na: 1\n---\n{}\n\ntext\n"),
    "no properties": ("text", "{}\n\ntext"),
    "blank lines first": ("\n\ntext", "\n{}\n\ntext"),
    "title": ("# A\n\ntext\n", "# A\n\n{}\n\ntext\n"),
    "title only": ("# A", "# A\n\n{}"),
    "title only, with a newline": ("# A\n", "# A\n\n{}\n"),
    "trailing blank lines": ("# A\n\n\n\n", "# A\n\n{}\n\n\n"),
    "trailing blanks": ("# A\n  ", "# A\n  \n{}"),
    "text right below the title": ("# A\ntext", "# A\n\n{}\n\ntext"),
    "underlined title": ("A\n===\ntext", "A\n===\n\n{}\n\ntext"),
    "underlined title of two lines": ("A\nB\n===\n", "{}\n\nA\nB\n===\n"),
    "tags": ("# A\n\n#b #c\n\ntext", "# A\n\n#b #c\n\n{}\n\ntext"),
    "in any order": ("#b\n#c\n# A\n---\ntext", "#b\n#c\n# A\n---\n\n{}\n\ntext"),
    "tags over a rule": ("# A\n\n#b\n---\n\ntext", "# A\n\n#b\n---\n\n{}\n\ntext"),
    "rules first": ("\n---\n\n***\n# A\n\nb", "\n---\n\n***\n# A\n\n{}\n\nb"),
    "comment beside tags": ("#b %% c %%\n\nd", "#b %% c %%\n\n{}\n\nd"),
    "second title": ("# A\n# B\n", "# A\n\n{}\n\n# B\n"),
    "section": ("# A\n## B\n", "# A\n\n{}\n\n## B\n"),
    "underlined section": ("A\n---\nb\n", "{}\n\nA\n---\nb\n"),
    "before a quote": ("# A\n\n> b\n", "# A\n\n{}\n\n> b\n"),
    "before a quote's blank line": ("# A\n>\n> b\n", "# A\n\n{}\n\n>\n> b\n"),
    "before a quote, first of all": ("> b\n", "{}\n\n> b\n"),
    "before a list": ("- b\n", "{}\n\n- b\n"),
    "before an empty list item": ("-\n", "{}\n\n-\n"),
    "before indented code": ("    code\n", "{}\n\n    code\n"),
    "before indented code, blank line": ("\n    code\n", "\n{}\n\n    code\n"),
    "before code": ("```\n# A\n```\n", "{}\n\n```\n# A\n```\n"),
    "before a comment": ("%% a %%\n# A\n", "{}\n\n%% a %%\n# A\n"),
    "before an HTML comment": ("<!-- a -->\n# A\n", "{}\n\n<!-- a -->\n# A\n"),
    "before HTML": ("<div>\na\n</div>\n", "{}\n\n<div>\na\n</div>\n"),
    "before a formula": ("$$\na\n$$\n", "{}\n\n$$\na\n$$\n"),
    "before an embed": ("![[a]]\n", "{}\n\n![[a]]\n"),
    "a banner above the title": ("![[a.png]]\n# A\n\nb", "![[a.png]]\n# A\n\n{}\n\nb"),
    "banners, a rule and tags above an underlined title": (
        "\n![[a.png|200]] ![x](<y z.png>)\n\n---\n#c\n\nA\n===\n",
        "\n![[a.png|200]] ![x](<y z.png>)\n\n---\n#c\n\nA\n===\n\n{}\n",
    ),
    "a badge above it": ("[![x](y)](z)\n# A\n#b\n\nc", "[![x](y)](z)\n# A\n#b\n\n{}\n\nc"),
    "an embed above a section": ("![[a]]\n## A\n", "{}\n\n![[a]]\n## A\n"),
    "an embed and text above": ("![[a]]\nb\n# A\n", "{}\n\n![[a]]\nb\n# A\n"),
    "a quoted embed above": ("> ![[a]]\n\n# A\n", "{}\n\n> ![[a]]\n\n# A\n"),
    "an embed below the title": ("# A\n![[a]]\n", "# A\n\n{}\n\n![[a]]\n"),
    "before text with a tag": ("#b text\n", "{}\n\n#b text\n"),
    "tags right above text": ("# A\n\n#b\ntext\n", "# A\n\n#b\n\n{}\n\ntext\n"),
    "tags right above a quote": ("#b\n> c\n", "#b\n\n{}\n\n> c\n"),
    "tags above a list": ("#b\n\n2. c\n", "#b\n\n{}\n\n2. c\n"),
    "indented text of a tag": ("#b\n    c\n", "{}\n\n#b\n    c\n"),
    "no list below tags": ("# A\n#a\n#b\n2. c", "# A\n\n{}\n\n#a\n#b\n2. c"),
    "block id of tags": ("# A\n\n\n#b\n^c", "# A\n\n{}\n\n#b\n^c"),
    "no target below tags": ("\n#b\n[1]: c", "\n{}\n\n#b\n[1]: c"),
    "no HTML block below tags": ("#a\n\n#b\n<b>", "#a\n\n{}\n\n#b\n<b>"),
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@labelled(("text", "new"), PLACES)
def test_places(text: str, new: str, variant: Callable[[str], str]) -> None:
    expected = vary(new.replace("{}", "> [!ai] AI\n> x"), text, variant)
    assert placed(variant(text), ["x"]) == expected


SECTIONS = [
    pytest.param("## B\ntext", "## B\n\n{}\n\ntext", id="text right below"),
    pytest.param("## B\n\ntext", "## B\n\n{}\n\ntext", id="blank line below"),
    pytest.param("## B", "## B\n\n{}", id="nothing below"),
    pytest.param("## A\n## B\n## C\n", "## A\n## B\n\n{}\n\n## C\n", id="next heading below"),
    pytest.param("B\n---\n---\n", "B\n---\n\n{}\n\n---\n", id="underlined"),
    pytest.param("# a\n### b ##\n> c", "# a\n### b ##\n\n{}\n\n> c", id="case and closing signs"),
]


@pytest.mark.parametrize(("text", "new"), SECTIONS)
def test_section_places(text: str, new: str) -> None:
    note = NoteText(text)
    edit = place_section_callout(note, read_outline(note), Section("## B"), ["x"], Style(fold="+"))
    assert apply_edits(text, [edit]) == new.replace("{}", "> [!ai]+ AI\n> x")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("## A\n## C", "no heading reads “B”; it has “A”, “C”", id="others"),
        pytest.param("> ## B", "no heading reads “B”; it has none", id="none"),
        pytest.param("## B\n# b", "2 headings read “B”; make them differ", id="two"),
    ],
)
def test_sections_that_are_not_there(text: str, reason: str) -> None:
    note = NoteText(text)
    with pytest.raises(NoteRefused, match=reason):
        place_section_callout(note, read_outline(note), Section("B"), ["x"], Style())


def test_a_section_ends_at_the_next_heading() -> None:
    parsed = ParsedNote(NoteText("> [!ai]\n\n## A\n> [!ai]\n\n### B\n> [!ai]\n"))
    assert [callout.heading for callout in parsed.section_callouts(Section("A"))] == ["A"]


def test_style() -> None:
    assert placed("", ["x"], Style("", "-")) == "> [!ai]-\n> x\n"


def _without_quote(tokens: list[Token], line: int) -> Iterator[Token]:
    """The tokens without the quote of depth 0 that begins in the line."""
    inside = False
    for token in tokens:
        if token.level == 0 and token.type == "blockquote_open" and token.map:
            inside = inside or token.map[0] == line
        if not inside:
            yield token
        if token.level == 0 and token.type == "blockquote_close":
            inside = False


def _render(tokens: list[Token]) -> str:
    return str(MARKDOWN.renderer.render(tokens, MARKDOWN.options, {}))


@settings(max_examples=many(250))
@given(plain_bodies)
def test_a_placed_callout_changes_the_meaning_of_nothing_else(body: str) -> None:
    note = NoteText(f"\n{body}")
    edit = place_callout(note, read_outline(note), BODY, PLAIN)
    new = apply_edits(note.text, [edit])
    apart = apply_edits(note.text, [edit._replace(text="\n\n")])  # tags and text below may be one
    header = NoteText(new).line_number(edit.start + edit.text.index(">")) - 1
    assert _render([*_without_quote(MARKDOWN.parse(new), header)]) == MARKDOWN.render(apart)


@settings(max_examples=many(250))
@given(st.tuples(plain_bodies, QUOTES, plain_bodies).map("".join))
@example(">- > [!ai]")
def test_an_answer_stands_in_its_quote_and_changes_nothing_else(body: str) -> None:
    note = NoteText(f"\n{body}")
    new = apply_edits(note.text, _answers(note, ["xyz"]))
    html = re.sub(r"[ \t]*(?:<br />)?\n(?:xyz|<p>xyz</p>)", "", MARKDOWN.render(new))
    assert html == MARKDOWN.render(note.text)


@settings(max_examples=many(250))
@given((notes | bodies).filter(lambda text: text.rstrip() != "---"))  # one more line opens that
def test_edits_are_insertions_that_fill(text: str) -> None:
    try:
        note = NoteText(text)
        lines = read_outline(note)
    except NoteRefused:
        return
    for edits in (_answers(note, BODY), [place_callout(note, lines, BODY, PLAIN)]):
        assert all(edit.start == edit.end for edit in edits)
        new = apply_edits(text, edits)
        filled = [callout for callout in found(new) if not callout.is_empty]
        before = [callout for callout in find_callouts(lines) if not callout.is_empty]
        assert len(filled) == len(before) + len(edits)
