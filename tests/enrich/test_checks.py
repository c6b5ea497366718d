"""Answers that may not reach a note, by their fault; and good ones that may."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.enrich.checks import CHECKS, checks_are_on, find_fault, find_good_items, tidy_answer
from companion.enrich.checks.doubts import find_new_facts
from companion.enrich.checks.shape import CheckedAnswer, first_paragraphs, whole_sentences
from companion.prompts import load_prompts
from tests.cases import Case, cases
from tests.enrich.answers import read_answers

PROMPTS = load_prompts()
ANSWERS = read_answers()
KINDS = dict.fromkeys(("refusal", "meta", "voice", "task"), "talk")
NOTES = {language: told["bread"] for language, told in ANSWERS.items()}


def answer_of(text: str, language: str = "en", field: str = "description") -> CheckedAnswer:
    title, note = NOTES[language]
    told = PROMPTS.instructions(PROMPTS.fields[field])
    checked = PROMPTS.fields[field]
    return CheckedAnswer(checked, text, text, title, note, note, told, own=note)


def kind_of(answer: CheckedAnswer) -> str | None:
    fault = find_fault(answer)
    return fault.kind if fault else None


GOOD = [(text, lang) for lang, told in ANSWERS.items() for text in told["good"]["of_bread"]]


@pytest.mark.parametrize(("text", "language"), GOOD)
def test_good(text: str, language: str) -> None:
    assert find_fault(answer_of(text, language)) is None


BAD = [
    (KINDS.get(kind, kind), language, text)
    for language, told in ANSWERS.items()
    for kind, texts in told["faults"].items()
    if kind not in ("numbers", "names")
    for text in texts
]


@pytest.mark.parametrize(
    ("kind", "language", "text"), [pytest.param(*row, id=f"{row[1]} {row[2][:30]}") for row in BAD]
)
def test_bad(kind: str, language: str, text: str) -> None:
    fault = find_fault(answer_of(text, language))
    assert fault and fault.kind == kind and fault.reason and fault.retry.endswith(".")


CALLOUT = (
    "Sourdough bread rises through wild yeast, which lives in a starter of flour and water. "
    "Bacteria in the starter make the dough sour, and keep it from going bad. Nothing is bought"
    " for it: flour brings all that is needed.\n\n"
    "A starter has to be fed, or the yeast starves. In the cold it needs less, so bakers who do not"
    " bake each day keep theirs in the fridge and wake it up the evening before."
)
COPY = "Sourdough is bread raised by wild yeast and bacteria that live in a starter."
FIVE = ["Yeast lives in it.", "Acids make it sour.", "Salt slows it.", "It rests.", "Then bake."]
CALLOUTS = [
    pytest.param(CALLOUT, None, id="two paragraphs"),
    pytest.param(f"{CALLOUT}\n\n- Flour\n- Water", None, id="a list at the end"),
    pytest.param(f"{CALLOUT} See [[Yeast|yeast]] and *more*.", None, id="links and emphasis"),
    pytest.param(f"{CALLOUT} Use `<p>` in code.", None, id="markup in code"),
    pytest.param("It rises.", "length", id="too short"),
    pytest.param(f"{CALLOUT} See the steps listed in the note.", "talk", id="in the note"),
    pytest.param("\n\n".join(f"{c} is one of them." * 9 for c in "abcd"), "repetition", id="loops"),
    pytest.param("\n\n".join(FIVE), "length", id="five paragraphs"),
    pytest.param(CALLOUT.rpartition(" ")[0], "unfinished", id="cut off"),
    pytest.param(f"{CALLOUT}\n\n\\[!ai] AI\nYeast lives in it.", "markup", id="a second header"),
    pytest.param(f"{CALLOUT} \\<b>Now.\\</b>", "markup", id="escaped HTML"),
    pytest.param(f"Sure! Here is your callout.\n\n{CALLOUT}", "talk", id="sure"),
    pytest.param(f"{CALLOUT} This note explains how.", "talk", id="the note, at the end"),
    pytest.param(f"I'm sorry. {CALLOUT}", "talk", id="sorry"),
    pytest.param(f"{COPY} It is sour.", "copied", id="hardly more than the note"),
    pytest.param(f"{COPY} {CALLOUT}", None, id="a sentence of the note first"),
]


def tidied(section: str) -> pytest.MarkDecorator:
    """Run a test for each case of what is made of an answer."""
    return cases("enrich/cases/tidied.md", section, ways=["as written"])


def texts(case: Case) -> tuple[str, str]:
    """Return the texts before and after, which end without a line end."""
    return case.before.removesuffix("\n"), case.after.removesuffix("\n")


@pytest.mark.parametrize(("text", "kind"), CALLOUTS)
def test_callout(text: str, kind: str | None) -> None:
    assert kind_of(answer_of(text, field="callout")) == kind


FACTS = [
    pytest.param("It was first baked in Egypt.", "Egypt", id="a name"),
    pytest.param("It was first baked in 1849.", "1849", id="a number"),
    pytest.param("It is baked in San Francisco.", "", id="a name of the note"),
]


@pytest.mark.parametrize(("text", "fact"), FACTS)
def test_names_and_numbers_are_new(text: str, fact: str) -> None:
    assert find_new_facts(answer_of(text, field="callout")) == ([fact] if fact else [])


def test_a_callout_may_be_short() -> None:
    two = "Wild yeast lets the dough rise. Bacteria make it sour and keep it from going bad."
    assert kind_of(answer_of(two, field="callout")) is None
    assert kind_of(answer_of("Yeast lets it rise.", field="callout")) == "length"


QUESTIONS = [
    pytest.param("In 1849.", None, id="a short answer"),
    pytest.param("This note is about bread.", None, id="about the note"),
    pytest.param("Ein Brot, das durch wilde Hefen aufgeht.", "language", id="in German"),
    pytest.param("I cannot answer that.", "talk", id="a refusal"),
]


@pytest.mark.parametrize(("text", "kind"), QUESTIONS)
def test_answer_to_a_question(text: str, kind: str | None) -> None:
    assert kind_of(replace(answer_of(text, field="callout"), question="What is it?")) == kind


@pytest.mark.parametrize("question", ["Was ist das für ein Brot, und wie?", "And in German?"])
def test_an_answer_may_be_in_the_question_s_language(question: str) -> None:
    answer = answer_of("Ein Brot, das durch wilde Hefen aufgeht.", field="callout")
    assert kind_of(replace(answer, question=question)) is None


def test_every_paragraph_of_a_callout_is_in_the_language() -> None:
    note = NOTES["de"][1]
    german = f"{note} Das ist alles. " * 4
    english = "A sourdough is a dough of flour and water in which wild yeast lives."
    answer = replace(answer_of(f"{german}\n\n{english}", "de", "callout"), note="", words=note)
    assert CHECKS["language"](answer)
    assert CHECKS["language"](replace(answer, text=german)) is None


LISTS = [
    pytest.param(["levain", "wild-yeast bread", "SD", "pain au levain (French)"], None, id="names"),
    pytest.param(["None", "levain"], ["levain"], id="none"),
    pytest.param(['{"aliases": "levain"}', "levain"], ["levain"], id="JSON"),
    pytest.param(["its full form", "a synonym", "levain"], ["levain"], id="what was told"),
    pytest.param(
        ["This note is about bread", "I am a language model", "levain"], ["levain"], id="meta"
    ),
    pytest.param(["There are no other names.", "levain"], ["levain"], id="a sentence"),
    pytest.param(["bread that is raised by a starter of yeast"], [], id="a description"),
    pytest.param(["the the the the", "Humus (aka", "12", "酸面包"], [], id="odd ones"),
]


@pytest.mark.parametrize(("items", "fit"), LISTS)
def test_items_of_a_list(items: list[str], fit: list[str] | None) -> None:
    answer = answer_of("\n".join(items), field="aliases")
    assert find_good_items(answer) == (items if fit is None else fit)


def test_an_alias_may_be_in_latin_letters_everywhere() -> None:
    assert find_good_items(answer_of("Sourdough\n酸种面包", "zh", "aliases")) == [
        "Sourdough",
        "酸种面包",
    ]


@pytest.mark.parametrize("text", ["What raises bread?", "Sourdough: What raises bread?"])
def test_a_heading_is_no_description(text: str) -> None:
    note = "# Sourdough\n\n## What raises bread?\n\nWild yeast.\n"
    assert kind_of(answer_of(text)) is None
    assert kind_of(replace(answer_of(text), note=note)) == "title"


def test_a_note_about_notes_may_speak_of_them() -> None:
    answer = replace(answer_of("This note is yours to keep: a play."), title="This Note Is Yours")
    assert kind_of(answer) is None


def test_markup_that_the_note_shows_is_no_fault() -> None:
    answer = replace(answer_of("How < p> opens a paragraph."), note="`<p>` opens a paragraph.")
    assert kind_of(answer) is None
    entity = replace(answer_of("The entity& nbsp;is a blank."), note="`&nbsp;` is a blank.")
    assert kind_of(entity) == "markup"


def test_a_language_that_is_set_is_the_one_to_write_in() -> None:
    german = "Wie man einen Teig aus Mehl und Wasser jeden Tag in der Küche füttert."
    assert kind_of(replace(answer_of(german), language="German")) is None
    english = "How to feed a starter of flour and water twice a day in the kitchen."
    assert kind_of(replace(answer_of(english), language="German")) == "language"


def test_an_example_in_the_prompt_is_no_answer() -> None:
    told = "Write as in: How bees find their way home by the light of the sky."
    answer = answer_of("How bees find their way home by the light of the sky.")
    assert kind_of(replace(answer, prompt=told)) == "echo"
    assert kind_of(replace(answer, prompt=told, note=f"{answer.note} {answer.text}")) is None


def test_a_sentence_that_stands_twice_is_quoted_as_it_stands() -> None:
    fault = find_fault(answer_of("How to feed it. How to keep it. How to feed it."))
    assert fault and fault.reason == "repeats itself (“How to feed it”)"


@given(st.text(max_size=300))
def test_no_answer_breaks_a_check(text: str) -> None:
    for field in ("description", "callout"):
        answer = replace(answer_of(text, field=field), words="")
        for check in CHECKS.values():
            check(answer)


@given(st.sampled_from([row for row in GOOD if row[0].endswith((".", "。"))]), st.integers(2, 5))
def test_what_is_said_again_never_passes(good: tuple[str, str], times: int) -> None:
    text, language = good
    assert kind_of(answer_of(" ".join([text] * times), language)) is not None


@tidied("A value has whole sentences")
def test_whole_sentences(case: Case) -> None:
    before, after = texts(case)
    assert whole_sentences(before) == after
    assert whole_sentences("") == ""


@tidied("A callout has so many paragraphs")
def test_first_paragraphs(case: Case) -> None:
    before, after = texts(case)
    assert first_paragraphs(before, "Sourdough", PROMPTS.fields["callout"]) == after


def test_paragraphs_that_are_too_long_are_left_out() -> None:
    first, second = f"A.\n\n{'b' * 1200}.", "c" * 1800
    assert first_paragraphs(f"{first}\n\n{second}.", "Bread", PROMPTS.fields["callout"]) == first
    assert first_paragraphs(second, "Bread", PROMPTS.fields["callout"]) == second


@tidied("A callout is tidied")
def test_tidy_answer(case: Case) -> None:
    before, after = texts(case)
    assert tidy(before) == after
    assert tidy("A.\r\n \r\n\r\nB.  \r\n") == "A.\n\nB.", "of each line end the same"


def tidy(text: str) -> str:
    title, note = NOTES["en"]
    return tidy_answer(text, PROMPTS.fields["callout"], title, note)


def test_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not checks_are_on()
    monkeypatch.delenv("COMPANION_CHECKS")
    assert checks_are_on()
