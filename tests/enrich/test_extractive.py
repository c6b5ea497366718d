"""The sentence in which a note says what it is about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.enrich.context.extractive import extract_sentence, find_extract
from companion.enrich.context.sentences import is_self_description
from companion.errors import NoteRefused
from companion.language.words import read_paragraphs
from companion.llm.encoder import BuiltInEncoder
from companion.note.parsed_note import ParsedNote
from companion.note.sanitize import inert_value
from companion.note.text import NoteText
from tests.cases import Case, cases

MOST = 160
FIRST = "Bread rises when yeast makes gas in the dough."
ABOUT = "Sourdough is bread that is raised by wild yeast."
PAGE = "enrich/cases/extracts.md"


@cases(PAGE, "One sentence", "---\ndescription:\n---\n\n{}")
def test_extract_sentence(case: Case) -> None:
    own = extract_sentence(ParsedNote(NoteText(case.before)), "Sourdough", MOST)
    assert ([own.text] if own else []) == case.told


@pytest.mark.parametrize(
    ("title", "sentence", "is_about"),
    [
        pytest.param("Sourdough", ABOUT, True, id="the title's word"),
        pytest.param("Bread and butter", FIRST, False, id="half of the title"),
        pytest.param("How bread rises", FIRST, True, id="all of it"),
        pytest.param("SD", "Sourdough (SD) is a bread of flour and water.", True, id="short"),
        pytest.param("On cooking", "Learn how to feed a starter at home.", True, id="of the page"),
        pytest.param("", FIRST, False, id="a date, which is no title"),
        pytest.param("Converting files", "Converting of files by converting.", False, id="no more"),
        pytest.param("酸面包", "酸面包是用野生酵母发酵的面包。", True, id="Chinese"),
        pytest.param(
            "Rye",
            "A grain that grows in poor soil and in the cold.",
            True,
            id="what it is, under the title",
        ),
        pytest.param("写给面包师的建议", "最近一段时间，脑海中有一些想法。", False, id="preface"),
    ],
)
def test_a_sentence_is_about_the_subject_that_it_names(
    title: str, sentence: str, is_about: bool
) -> None:
    assert extract_sentence(ParsedNote(NoteText(sentence)), title, MOST) == (sentence, is_about)


@cases(PAGE, "Sentences that sum a note up", ways=["as written"])
@pytest.mark.parametrize("title", ["Sourdough", "Sourdough: A Baker's Introduction"])
def test_an_extract_is_what_the_note_says_of_its_subject(
    encoder: BuiltInEncoder, case: Case, title: str
) -> None:
    view = ParsedNote(NoteText(case.before))
    assert find_extract(view, [title], encoder.encode) == case.told


def test_a_first_sentence_may_define_what_part_of_the_title_names(encoder: BuiltInEncoder) -> None:
    rye = "Rye is a grain that grows in poor soil and in the cold."
    view = ParsedNote(NoteText(f"{rye} {FIRST} Our mill is shut in winter."))
    assert find_extract(view, ["All about Rye"], encoder.encode) == [rye]


@given(st.text(alphabet="Sourdough is bread.。!?*_[]()#>-`|$%<&:^ \n面包", max_size=400))
def test_it_is_inert_and_in_limits(body: str) -> None:
    view = ParsedNote(NoteText(body))
    try:
        found = extract_sentence(view, "Sourdough", MOST)
    except NoteRefused:  # --- that is never closed
        return
    if found is not None:
        text = found.text
        assert text == inert_value(text) and len(text) <= MOST * 1.25 and "\n" not in text


def test_read_paragraphs_is_one_line_a_paragraph() -> None:
    view = ParsedNote(NoteText("# T\n\nOne\ntwo.\n\n- item\n\nThree.\n"))
    assert read_paragraphs(view) == ("One two.", "Three.")


SELF_DESCRIPTIONS = [
    pytest.param("This page lists all shortcuts.", True, id="of the page"),
    pytest.param("Learn how to feed a starter.", True, id="to the reader"),
    pytest.param("With a starter, you can bake bread.", True, id="what the reader can do"),
    pytest.param("How a starter is fed.", True, id="a headline"),
    pytest.param("Diese Seite erklärt den Sauerteig.", True, id="German"),
    pytest.param("Cómo se cuida la masa madre.", True, id="Spanish"),
    pytest.param("Эта страница о закваске.", True, id="Russian"),
    pytest.param("本文介绍酸面包的做法。", True, id="Chinese"),
    pytest.param("この記事ではサワードウを紹介します。", True, id="Japanese"),
    pytest.param("Sourdough is raised by wild yeast.", False, id="of the subject"),
    pytest.param("Howard Carter found the tomb.", False, id="a name that begins so"),
    pytest.param("This bread is sour.", False, id="of something else"),
    pytest.param("With yeast, bread rises.", False, id="no reader"),
    pytest.param("本州は日本の島です。", False, id="a name that begins so, Japanese"),
    pytest.param("This note is about bread.", False, id="what the checks take for a model's"),
]


@pytest.mark.parametrize(("sentence", "expected"), SELF_DESCRIPTIONS)
def test_a_self_description_tells_of_the_page_or_speaks_to_the_reader(
    sentence: str, expected: bool
) -> None:
    assert is_self_description(sentence) is expected
