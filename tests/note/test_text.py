"""Where properties and body lie, and that bytes survive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.errors import NoteRefused
from companion.note.text import NoteText, show_hidden, split_lines


@pytest.mark.parametrize(
    ("text", "yaml", "body"),
    [
        pytest.param("", "", "", id="empty"),
        pytest.param("\ufeff", "", "", id="byte order mark only"),
        pytest.param("words\n", "", "words\n", id="no properties"),
        pytest.param("---\na: 1\n---\nwords", "a: 1\n", "words", id="properties"),
        pytest.param("---\r\na: 1\r\n---\r\nwords", "a: 1\r\n", "words", id="CRLF"),
        pytest.param("---\ra: 1\r---\rwords", "a: 1\r", "words", id="CR"),
        pytest.param("---\na: 1\r\n---\rwords", "a: 1\r\n", "words", id="mixed ends"),
        pytest.param("\ufeff---\na: 1\n---\nwords", "a: 1\n", "words", id="byte order mark"),
        pytest.param("---\na: 1\n---", "a: 1\n", "", id="no final newline"),
        pytest.param("---\n---\n", "", "", id="no property"),
        pytest.param("---  \na: 1\n---\t\nb", "a: 1\n", "b", id="blanks after the rules"),
        pytest.param("---\na: |\n  ---\n---\n", "a: |\n  ---\n", "", id="indented rule"),
        pytest.param("---\na: 1\n---x\n---\n", "a: 1\n---x\n", "", id="no rule"),
        pytest.param("\n---\na: 1\n---\n", "", "\n---\na: 1\n---\n", id="not in the first line"),
        pytest.param(" ---\na: 1\n---\n", "", " ---\na: 1\n---\n", id="indented opening"),
        pytest.param("----\na: 1\n---\n", "", "----\na: 1\n---\n", id="four dashes"),
        pytest.param("---", "", "---", id="a rule alone"),
    ],
)
def test_parts(text: str, yaml: str, body: str) -> None:
    note = NoteText(text)
    assert (note.yaml, note.body) == (yaml, body)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("---\na: 1\n", id="never closed"),
        pytest.param("---\na: 1\n--- x\n", id="words after the rule"),
        pytest.param("\ufeff---\r\n", id="opened at the end"),
    ],
)
def test_never_closed_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused, match="never closed") as refusal:
        _ = NoteText(text).body_start
    assert refusal.value.line == 1


def test_other_encodings_are_refused_with_the_line() -> None:
    with pytest.raises(NoteRefused, match="not UTF-8") as refusal:
        NoteText.decode(b"a\nb\nc\xff")
    assert refusal.value.line == 3


@pytest.mark.parametrize(
    ("text", "offset", "newline"),
    [
        pytest.param("", 0, "\n", id="none"),
        pytest.param("a\r\nb", 4, "\r\n", id="CRLF before"),
        pytest.param("a\r\nb", 3, "\r\n", id="CRLF right before"),
        pytest.param("a\rb", 2, "\r", id="CR before"),
        pytest.param("a\r\nb\nc", 5, "\n", id="the last one before"),
        pytest.param("a\nb\r\nc", 5, "\r\n", id="the last one before, CRLF"),
        pytest.param("a\r\nb", 0, "\r\n", id="the first one after"),
        pytest.param("\r\r\n", 1, "\r", id="CR before CRLF"),
        pytest.param("\n\r\n", 3, "\r\n", id="LF before CRLF"),
        pytest.param("\na\r\n", 1, "\n", id="LF first of all"),
    ],
)
def test_newline_in_use(text: str, offset: int, newline: str) -> None:
    assert NoteText(text).newline_at(offset) == newline


@pytest.mark.parametrize(
    ("offset", "line"),
    [pytest.param(0, 1), pytest.param(2, 2), pytest.param(5, 3), pytest.param(8, 5)],
)
def test_lines_count_from_one(offset: int, line: int) -> None:
    assert NoteText("a\nb\r\nc\r\rd").line_number(offset) == line


@given(st.text(st.sampled_from("a \r\n\u2028\x85\v-")))
def test_lines_end_at_cr_and_lf_only(text: str) -> None:
    lines = split_lines(text)
    assert "".join(lines) == text
    assert all(line.rstrip("\r\n").isascii() or "\n" not in line[:-1] for line in lines)
    assert len(lines) == len(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")) - (
        not text or text[-1] in "\r\n"
    )


@given(st.binary())
def test_bytes_survive_or_are_refused(data: bytes) -> None:
    try:
        assert NoteText.decode(data).text.encode() == data
    except NoteRefused as refusal:
        assert refusal.line


SHOWN = [
    ("a\u202egnp.md.md", "a<U+202E>gnp.md.md"),
    ("A\u200b.md", "A<U+200B>.md"),
    ("\x1b[2J", "<U+001B>[2J"),
    ("\ttwo\nlines\u2029", "\ttwo\nlines<U+2029>"),
    ("عربى Crème 👩\u200d🔬", "عربى Crème 👩\u200d🔬"),
]


@pytest.mark.parametrize(("text", "expected"), SHOWN)
def test_hidden_characters_are_shown(text: str, expected: str) -> None:
    assert show_hidden(text) == expected
