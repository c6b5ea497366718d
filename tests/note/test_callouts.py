"""AI callouts: found, placed and answered; nothing else in the note changes its meaning."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from companion.errors import NoteRefused
from companion.note.callouts import (
    PLAIN,
    Callout,
    Section,
    Style,
    answer_callout,
    find_callouts,
    place_callout,
    place_section_callout,
)
from companion.note.edits import Edit, apply_edits
from companion.note.markdown import read_lines
from companion.note.note import ParsedNote
from companion.note.text import NoteText
from tests.cases import Case, cases
from tests.examples import many
from tests.note.strategies import bodies, notes, plain_bodies

PAGE = "note/cases/callouts.md"
BODY = ["First.", "", "- one", "- two", "", "```", "code", "```"]
MARKDOWN = MarkdownIt("commonmark")
QUOTES = st.sampled_from(
    ["\n\n> [!ai]\n", "\n> > [!ai] Q\n>\n", "\n- > [!ai]+\r\n\r\n", "> [!ai]", "\n- a\n  > [!ai]\n"]
)


def found(text: str) -> list[Callout]:
    return find_callouts(read_lines(NoteText(text)))


def placed(text: str, body: list[str], style: Style = PLAIN) -> str:
    note = NoteText(text)
    return apply_edits(text, [place_callout(note, read_lines(note), body, style)])


def answered(text: str, body: list[str]) -> str:
    """The note with all its open callouts answered."""
    return apply_edits(text, _answers(NoteText(text), body))


def _answers(note: NoteText, body: list[str]) -> list[Edit]:
    lines = read_lines(note)
    return [
        answer_callout(note, lines, callout, body)
        for callout in find_callouts(lines)
        if callout.is_empty and not callout.answered_below
    ]


@cases(PAGE, "Titles")
def test_callouts_are_found(case: Case) -> None:
    assert [callout.title for callout in found(case.before)] == case.told


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


@cases(PAGE, "Empty callouts")
def test_empty_callouts(case: Case) -> None:
    callout = found(case.before)[0]
    assert callout.is_empty and not callout.answered_below


@cases(PAGE, "Filled callouts")
def test_filled_callouts(case: Case) -> None:
    callout = found(case.before)[0]
    assert not callout.is_empty and not callout.answered_below


@cases(PAGE, "Callouts with text below them")
def test_callouts_with_text_below_them(case: Case) -> None:
    callout = found(case.before)[0]
    assert callout.is_empty and callout.answered_below


@cases(PAGE, "Answers")
def test_answers(case: Case) -> None:
    assert answered(case.before, ["Because."]) == case.after
    assert answered(case.after, ["Because."]) == case.after


def _kinds(text: str) -> list[tuple[object, ...]]:
    lines = read_lines(NoteText(text))
    return [(line.text, line.kind, line.level, line.depth, line.starts_block) for line in lines]


@pytest.mark.parametrize("body", [["Because."], BODY, [*BODY, "", "1. one"]])
@cases(PAGE, "Empty callouts", ways=["as written"])
def test_what_stands_below_an_answer_is_what_it_was(case: Case, body: list[str]) -> None:
    edits = _answers(note := NoteText(case.before), body)
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


@cases(PAGE, "Where the callout goes")
def test_places(case: Case) -> None:
    assert placed(case.before, ["x"]) == case.after


@cases(PAGE, "Where the callout of a section goes")
def test_section_places(case: Case) -> None:
    note = NoteText(case.before)
    edit = place_section_callout(note, read_lines(note), Section("## B"), ["x"], Style(fold="+"))
    assert apply_edits(note.text, [edit]) == case.after


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
        place_section_callout(note, read_lines(note), Section("B"), ["x"], Style())


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
    edit = place_callout(note, read_lines(note), BODY, PLAIN)
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
        lines = read_lines(note)
    except NoteRefused:
        return
    for edits in (_answers(note, BODY), [place_callout(note, lines, BODY, PLAIN)]):
        assert all(edit.start == edit.end for edit in edits)
        new = apply_edits(text, edits)
        filled = [callout for callout in found(new) if not callout.is_empty]
        before = [callout for callout in find_callouts(lines) if not callout.is_empty]
        assert len(filled) == len(before) + len(edits)
