"""The measures of benchmarks.quality that need no model: words, runs, names, sentences, blanks."""

import pytest

from benchmarks.quality.first_sentence import first_sentence
from benchmarks.quality.measures import absent_names, find_names, longest_copied, rouge_l
from benchmarks.quality.references import take_out
from companion.errors import NoteRefused
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        pytest.param("the cat sat", "the cat sat", 1.0, id="the same"),
        pytest.param("The cat!", "the cat", 1.0, id="case and punctuation do not count"),
        pytest.param(
            "police killed the gunman", "police kill the gunman", 0.75, id="Lin's example"
        ),
        pytest.param("the gunman kill police", "police kill the gunman", 0.5, id="order counts"),
        pytest.param("数据库的表", "数据库", 0.75, id="each Chinese sign is a word"),
        pytest.param("", "police", 0.0, id="nothing said"),
    ],
)
def test_rouge_l(answer: str, reference: str, expected: float) -> None:
    assert rouge_l(answer, reference) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("answer", "source", "expected"),
    [
        pytest.param("so one two three go", "one two three four", "one two three", id="a run"),
        pytest.param("one [[Two|two]] three", "**one** two three", "one two three", id="markup"),
        pytest.param("nothing here", "else there", "", id="none"),
    ],
)
def test_longest_copied(answer: str, source: str, expected: str) -> None:
    assert " ".join(longest_copied(answer, source)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "Notes by Ada Lovelace. She wrote.", ["Ada", "Lovelace"], id="capitals inside"
        ),
        pytest.param("GitHub and iOS are names", ["GitHub", "iOS"], id="capitals within a word"),
        pytest.param("In 1843 I wrote 1,000 words", ["1843", "1,000"], id="numbers"),
        pytest.param("It is made with HTML5", ["HTML5"], id="a digit makes a name, no number"),
        pytest.param("使用 docker部署的方法", ["docker"], id="Latin letters among Chinese signs"),
        pytest.param("It is plain. Nothing is named.", [], id="beginnings of sentences"),
    ],
)
def test_names(text: str, expected: list[str]) -> None:
    assert find_names(text) == expected


@pytest.mark.parametrize(
    ("answer", "source", "expected"),
    [
        pytest.param("It uses Docker's images", "docker", [], id="case and genitive"),
        pytest.param("They are PDFs", "a PDF", [], id="plural"),
        pytest.param("It began in 202", "in 2024", ["202"], id="a part of a number"),
        pytest.param("It uses Go", "google", ["Go"], id="a part of a word"),
        pytest.param("It is by Alan Turing", "Turing's test", ["Alan"], id="one of two names"),
    ],
)
def test_absent_names(answer: str, source: str, expected: list[str]) -> None:
    assert absent_names(answer, source) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("# Title\n\n#tag\n\nOne [[A|b]]. Two.\n", "One b.", id="below headings"),
        pytest.param("> quoted\n\n- item\n\nIt is **so**.\n", "It is so.", id="no quote, no list"),
        pytest.param("See e.g. this one. More.\n", "See e.g. this one.", id="abbreviation"),
        pytest.param("关系模型。它用于描述。\n", "关系模型。", id="Chinese"),
        pytest.param("- only\n- lists\n", "only", id="no running text"),
        pytest.param("# Title\n", "", id="nothing"),
    ],
)
def test_first_sentence(body: str, expected: str) -> None:
    assert first_sentence(ParsedNote(NoteText(body))) == expected


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(" Plain text", id="plain"),
        pytest.param(" 'quoted: text'", id="quoted"),
        pytest.param(" >-\n  folded\n  text", id="folded"),
        pytest.param(" plain on\n  two lines", id="two lines"),
    ],
)
def test_take_out(value: str) -> None:
    text = f"---\na: 1\ndescription:{value}\nb: 2\n---\n\nBody.\n"
    assert take_out(text, "description") == "---\na: 1\ndescription:\nb: 2\n---\n\nBody.\n"


def test_take_out_of_nothing() -> None:
    with pytest.raises(NoteRefused):
        take_out("Body.\n", "description")
