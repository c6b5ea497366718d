"""The sentence in which a note says what it is about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.enrich.extractive import (
    extract_sentence,
    find_extract,
    is_self_description,
)
from companion.enrich.words import read_paragraphs
from companion.errors import NoteRefused
from companion.llm.encoder import BuiltInEncoder
from companion.note.parsed_note import ParsedNote
from companion.note.sanitize import inert_value
from companion.note.text import NoteText
from tests.examples import labelled

MOST = 160
FIRST = "Bread rises when yeast makes gas in the dough."
JAPANESE = "サワードウは野生の酵母で発酵させるパンです。"
ABOUT = "Sourdough is bread that is raised by wild yeast."
LONG = "Sourdough (SD) is a bread of flour and water that wild yeast raises"

SENTENCES = {
    "the first": (f"{FIRST} More of it.", FIRST),
    "no later one, whatever it has": (f"{FIRST}\n\n{ABOUT}", FIRST),
    "one that leads to a list": (f"{ABOUT[:-1]}:\n\n- One", ABOUT),
    "none that needs its list": (f"{ABOUT[:-1]} as follows:\n\n{FIRST}", FIRST),
    "no heading": (f"# {ABOUT}\n\n{FIRST}", FIRST),
    "no list": (f"- {ABOUT}\n- Two.\n\n{FIRST}", FIRST),
    "no lazy line of a list": (f"- One\n{ABOUT}\n\n{FIRST}", FIRST),
    "no second paragraph of an item": (f"- One\n\n  {ABOUT}\n\n{FIRST}", FIRST),
    "no quote": (f"> {ABOUT}\n\n{FIRST}", FIRST),
    "no callout": (f"> [!note] A\n> {ABOUT}\n\n{FIRST}", FIRST),
    "no code": (f"```\n{ABOUT}\n```\n\n{FIRST}", FIRST),
    "no comment": (f"%%{ABOUT}%%\n\n{FIRST}", FIRST),
    "no HTML comment": (f"<!-- {ABOUT} -->\n\n{FIRST}", FIRST),
    "no table": (f"| a | {ABOUT} |\n|---|---|\n| b | c |\n\n{FIRST}", FIRST),
    "no Dataview field": (f"about:: {ABOUT}\n\n{FIRST}", FIRST),
    "no line of tags": (f"#bread #status/postponed\n\n{FIRST}", FIRST),
    "no tag at the end": (f"{FIRST} #bread", FIRST),
    "no block id": (f"{FIRST} ^id1", FIRST),
    "no embed": (f"![[oven.png]] {FIRST}", FIRST),
    "links, emphasis and code as their words": (
        "[[Bread|Good bread]] rises when [yeast](https://y.example) makes **gas** in `dough`.",
        "Good bread rises when yeast makes gas in dough.",
    ),
    "a sentence over two lines": ("Bread rises when yeast makes gas\nin the dough.", FIRST),
    "abbreviations end no sentence": (
        "Bread rises, e.g. in an oven, by the gas of Dr. Yeast. More.",
        "Bread rises, e.g. in an oven, by the gas of Dr. Yeast.",
    ),
    "no question": (f"Why does bread rise at all, one wonders?\n\n{FIRST}", FIRST),
    "on its own": (f"However, it is not as easy as people think.\n\n{FIRST}", FIRST),
    "says nothing again": (f"In other words, it is not as hard as people think.\n\n{FIRST}", FIRST),
    "no colon": (f"It needs the following things at home:\n\n{FIRST}", FIRST),
    "not too long": (f"{'Much ' * 40}gas.\n\n{FIRST}", FIRST),
    "not too short": (f"Bread rises.\n\n{FIRST}", FIRST),
    "Chinese": (
        "面包。酸面包是用野生酵母发酵的面包，也叫天然酵种面包。",
        "酸面包是用野生酵母发酵的面包，也叫天然酵种面包。",
    ),
    "Chinese over two lines": (
        "酸面包是用野生酵母\n发酵的面包，也叫酵种面包。",
        "酸面包是用野生酵母发酵的面包，也叫酵种面包。",
    ),
    "Japanese": (JAPANESE, JAPANESE),
    "no quotation": (f"{ABOUT} — Anna Bäcker\n\n{FIRST}", FIRST),
    "no verse": (f"春蚕食叶响回廊，禹门已准桃花浪。——辛弃疾（宋代）\n\n{FIRST}", FIRST),
    "no fragment": (f"fed daily by a baker who has the time.\n\n{FIRST}", FIRST),
    "a title in lower case begins it": (
        "sourdough is a bread that wild yeast raises.",
        "sourdough is a bread that wild yeast raises.",
    ),
    "a name with a capital inside begins it": (
        "iOven is a small oven for bread at home.",
        "iOven is a small oven for bread at home.",
    ),
    "no lead-in of a list": (f"The best flours for sourdough are:\n\n{FIRST}", FIRST),
    "nor of a formula": (f"The ratio in sourdough is:\n\n$$a/b$$\n\n{FIRST}", FIRST),
    "nor a German one": (f"Zum Sourdough gehören unter anderem:\n\n{FIRST}", FIRST),
    "nor a Chinese one": (f"做 Sourdough 面包时常用的面粉主要包括：\n\n{FIRST}", FIRST),
    "not of the author": (f"I baked one in the winter. {ABOUT}", ABOUT),
    "nor what goes on with that": (f"I baked one in the winter. {FIRST}", None),
    "nor a contrast to it": (f"I baked one in the winter. However, {ABOUT}", None),
    "nor in Chinese": (f"昨天我烤了一个很大很大的面包。\n\n{ABOUT}", ABOUT),
    "nor what the author adds to a definition": (
        f"{ABOUT[:-1]}; I like it a lot, as my friends do. {FIRST}",
        ABOUT,
    ),
    "behind a bold heading": (
        "**酵种。**酸面包是用野生酵母发酵的面包，也叫酵种面包。",
        "酸面包是用野生酵母发酵的面包，也叫酵种面包。",
    ),
    "behind an English one": (f"***Dough.*** {FIRST} So.", FIRST),
    "a long definition, cut": (f"**{LONG}, which {'bakers ' * 20}like.** {FIRST}", f"{LONG}."),
    "at a semicolon": (f"{LONG}; {'some bakers ' * 12}do not like it. {FIRST}", f"{LONG}."),
    "a German one, at its relative clause": (
        f"Sourdough ist ein Brot aus Mehl und Wasser, das {'viele Bäcker ' * 14}lieben.",
        "Sourdough ist ein Brot aus Mehl und Wasser.",
    ),
    "a Chinese one, at its clause": (
        f"Sourdough 是一种用野生酵母和乳酸菌发酵的面包，它的酵头要{'喂养、' * 70}保存。",
        "Sourdough 是一种用野生酵母和乳酸菌发酵的面包。",
    ),
    "not before it has said what it is": (
        f"Sourdough, which {'bakers like ' * 18}, is bread. {FIRST}",
        FIRST,
    ),
    "not in the middle of a row": (
        f"Sourdough is bread of {'rye, wheat, ' * 18}and oats. {FIRST}",
        FIRST,
    ),
    "a list alone": ("- a\n- b\n", None),
    "no end": ("No whole sentence stands here at all", None),
    "an empty note": ("", None),
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@labelled(("body", "expected"), SENTENCES)
def test_extract_sentence(body: str, expected: str | None, newline: str) -> None:
    text = f"---\ndescription:\n---\n\n{body}\n".replace("\n", newline)
    own = extract_sentence(ParsedNote(NoteText(text)), "Sourdough", MOST)
    assert (own and own.text) == expected


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
        pytest.param("写给面包师的建议", "最近一段时间，脑海中有一些想法。", False, id="preface"),
    ],
)
def test_a_sentence_is_about_the_subject_that_it_names(
    title: str, sentence: str, is_about: bool
) -> None:
    assert extract_sentence(ParsedNote(NoteText(sentence)), title, MOST) == (sentence, is_about)


STARTER = "The starter of a sourdough is flour and water in which yeast lives."
KEEPS = "A loaf of sourdough keeps for a week, as its acids hold mould back."
OVEN = "Sourdough is baked in a hot oven until its crust is dark."
SOUR = "It is called sour bread for the taste that wild yeast and flour give it."
STEPS = "Use sourdough bread for crumbs. These sourdough loaves are raised by wild yeast."
VILLAGE = (
    "In many villages people have baked in common since long ago, whatever grew around them. I bake"
    " on Sundays with my neighbours, who bring their own flour from the mill. Wash the basket by"
    " hand and dry it in the sun before you put it away. Our mill is closed in winter."
)
EXTRACTS = [
    pytest.param(f"{ABOUT} {VILLAGE} {OVEN}", [ABOUT, OVEN], id="the nearest to the text"),
    pytest.param(
        f"{ABOUT} {STARTER} {VILLAGE}\n\n{KEEPS} {OVEN}", [ABOUT, STARTER, OVEN], id="three at most"
    ),
    pytest.param(f"{FIRST} {ABOUT} {OVEN} {VILLAGE}", [ABOUT, OVEN], id="a definition first"),
    pytest.param(
        f"{ABOUT} {VILLAGE}\n\nSourdough is a bread raised by wild yeast.\n\n{OVEN}",
        [ABOUT, OVEN],
        id="nothing twice",
    ),
    pytest.param(
        f"{ABOUT} {SOUR} {VILLAGE}",
        [ABOUT, SOUR],
        id="what leans on the sentence before it",
    ),
    pytest.param(f"{ABOUT} {VILLAGE} {SOUR} {OVEN}", [ABOUT, OVEN], id="alone"),
    pytest.param(
        f"{ABOUT} {VILLAGE} {STEPS} {OVEN}",
        [ABOUT, OVEN],
        id="no step, and nothing that points elsewhere",
    ),
    pytest.param(
        f"{ABOUT}\n\n- {STARTER}\n\n> [!ai]\n> {KEEPS}\n\n{VILLAGE} {OVEN}",
        [ABOUT, OVEN],
        id="no item, and nothing of a model",
    ),
    pytest.param(f"{VILLAGE} {ABOUT} {OVEN}", [], id="none where nothing at the top tells"),
    pytest.param(f"{ABOUT} {STARTER} {KEEPS}", [], id="none of a note that is not longer"),
    pytest.param(f"{ABOUT} {VILLAGE}", [], id="none alone"),
    pytest.param("", [], id="no text"),
]


@pytest.mark.parametrize(("body", "extract"), EXTRACTS)
def test_an_extract_is_two_or_three_sentences_that_tell_what_the_note_is_about(
    encoder: BuiltInEncoder, body: str, extract: list[str]
) -> None:
    view = ParsedNote(NoteText(f"{body}\n"))
    assert find_extract(view, ["Sourdough"], encoder.encode) == extract


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
