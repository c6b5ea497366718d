import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.enrich.context.excerpt import LEFT_OUT, excerpt
from companion.llm.endpoint import estimate_tokens
from companion.note.note import ParsedNote
from companion.note.text import NoteText

LONG = "Words of it. " * 40
NOTE = f"First.\n\n{LONG}\n\n## A\n\nOpening of A.\n\n{LONG}\n\n## B\n\nOpening of B.\n\n{LONG}"


def cut(text: str, budget: int | None) -> str:
    return excerpt(ParsedNote(NoteText(text)).lines, budget)


EXAMPLES = [
    pytest.param("A.\n\nB.\n", None, "A.\n\nB.", id="all of it"),
    pytest.param("A.\n\n\n\nB. %%no%%\n", 100, "A.\n\nB. ", id="it fits: but for blank lines"),
    pytest.param("", 10, "", id="no text"),
    pytest.param(
        "[[Tea|Green]] [tea](https://x.org) ![[Pot]]\n\n```\n[[Tea]]\n```\n",
        None,
        "Green tea Pot\n\n```\n[[Tea]]\n```",
        id="links as words, but in code",
    ),
    pytest.param(
        "Press ![[gear.svg#icon]] *Go* ![[a b.PNG|120]] ![[pot.jpg|A pot]] ![tea](cup.svg)\n",
        None,
        "Press  *Go*  A pot tea",
        id="pictures as their words, not their names",
    ),
    pytest.param(
        "[![GitHub stars](https://img.shields.io/github/stars/a/b)](https://x.org) Pot ![tea](c)\n",
        None,
        " Pot tea",
        id="no badges",
    ),
    pytest.param(
        f"Short.\n\n{LONG}",
        20,
        f"Short.\n\n{'Words of it. ' * 2}Words of it.\n\n{LEFT_OUT}",
        id="at a sentence",
    ),
    pytest.param(
        f"One of it. {'Words ' * 6}of Dr. {LONG}",
        20,
        f"One of it.\n\n{LEFT_OUT}",
        id="at no abbreviation",
    ),
    pytest.param("长" * 9 + "。" + "句" * 900, 24, "长" * 9 + f"。\n\n{LEFT_OUT}", id="in Chinese"),
]


@pytest.mark.parametrize(("text", "budget", "expected"), EXAMPLES)
def test_cuts(text: str, budget: int | None, expected: str) -> None:
    assert cut(text, budget) == expected


def test_all_sections_open_before_one_goes_on() -> None:
    shown = cut(NOTE, 100)
    parts = ["First.", "## A", "Opening of A.", LEFT_OUT, "## B", "Opening of B.", LEFT_OUT]
    places = [shown.index(parts[0])]
    for part in parts[1:]:
        places.append(shown.index(part, places[-1] + 1))
    assert estimate_tokens(shown) <= 100


def test_what_stands_around_a_question_comes_first() -> None:
    sentence = "It is fed at {}."
    text = NOTE + "".join(f"\n\n{sentence.format(n)}" for n in range(99)) + f"\n\n## C\n\n{LONG}\n"
    lines = ParsedNote(NoteText(text)).lines
    at = next(n for n, line in enumerate(lines) if line.text == sentence.format(70))
    shown = excerpt(lines, 150, [at])
    assert all(sentence.format(n) in shown for n in (69, 70, 71))
    assert "## C" in shown and shown.count(LEFT_OUT) >= 4 and estimate_tokens(shown) <= 150


def test_more_headings_than_text_are_left_to_the_frame() -> None:
    text = "".join(f"## A heading with many words {n}\n\nText {n}.\n\n" for n in range(50))
    shown = cut(text, 60)
    assert shown.startswith("Text 0.\n\nText 1.") and "##" not in shown


_WORDS = st.sampled_from(
    ["# H", "## Title", "A word.", LONG, "- item", "```", "code", "", "长句。"]
)


@given(st.lists(_WORDS, max_size=20), st.integers(20, 400))
def test_keeps_to_the_budget_and_to_the_note(lines: list[str], budget: int) -> None:
    whole, shown = cut("\n".join(lines), None), cut("\n".join(lines), budget)
    assert estimate_tokens(shown) <= budget + 2
    position = 0
    for line in shown.split("\n"):
        if line.strip() and line != LEFT_OUT:
            position = whole.index(line, position)
