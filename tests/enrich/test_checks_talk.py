"""Talk of the note, the answer or the model, and refusals, in six languages; and what is none."""

from dataclasses import replace

import pytest

from companion.enrich.checks import CHECKS
from companion.enrich.checks.shape import CheckedAnswer
from companion.prompts import load_prompts
from tests.enrich.answers import read_answers

PROMPTS = load_prompts()
ANSWERS = read_answers()
NOTES: dict[str, tuple[str, str]] = {
    language: (told["note"][0], told["note"][1]) for language, told in ANSWERS.items()
}
TALK = ("talk", "echo")


TALKING = [
    (language, text)
    for language, told in ANSWERS.items()
    for kind in ("frames", "models", "refusals", "labels", "more")
    for text in told["talk"][kind]
]
ENDING = [(lang, text) for lang, told in ANSWERS.items() for text in told["talk"]["ends"]]


def answer_of(text: str, title: str, note: str = "", field: str = "description") -> CheckedAnswer:
    told = PROMPTS.instructions(PROMPTS.fields[field])
    return CheckedAnswer(PROMPTS.fields[field], text, text, title, note, note, told)


def talk_in(answer: CheckedAnswer) -> str | None:
    faults = (CHECKS[kind](answer) for kind in TALK)
    return next((fault.kind for fault in faults if fault), None)


def good(kind: str) -> pytest.MarkDecorator:
    """Run a test for each good text of a kind, in every language."""
    rows = [row for told in ANSWERS.values() for row in told["good"].get(kind, [])]
    names = ("title", "text", "note")[: len(rows[0])]
    return pytest.mark.parametrize(names, rows, ids=[row[1][:30] for row in rows])


@pytest.mark.parametrize(("language", "text"), TALKING)
def test_no_description(language: str, text: str) -> None:
    assert talk_in(answer_of(text, *NOTES[language]))


@pytest.mark.parametrize(("language", "text"), ENDING)
def test_no_end_of_a_callout(language: str, text: str) -> None:
    title, note = NOTES[language]
    assert talk_in(answer_of(f"{note}\n\n{text}", title, note, "callout"))
    assert talk_in(answer_of(f"{note} {text}", title, note, "callout"))


@good("descriptions")
def test_a_good_description(title: str, text: str) -> None:
    assert talk_in(answer_of(text, title, "I do it; ich auch.")) is None


@good("voices")
def test_no_voice_of_the_models_own(text: str, title: str, note: str) -> None:
    assert CHECKS["talk"](answer_of(text, title, note)) is None


@good("callouts")
def test_a_good_callout(title: str, text: str) -> None:
    first = "One thing is worth knowing."
    assert talk_in(answer_of(f"{first} {text}", title, field="callout")) is None


def test_what_the_note_says_is_no_talk() -> None:
    said = "This document describes a protocol."
    assert talk_in(answer_of(said, "Abstract", "This document describes TCP.")) is None
    assert talk_in(answer_of(said, "Compost", NOTES["en"][1]))


def test_a_model_never_speaks_of_itself() -> None:
    note = "An AI language model is asked. As an AI language model, I cannot, it says."
    for text in ("As an AI language model, I cannot say.", "I am an AI language model."):
        assert talk_in(answer_of(text, "AI", note)) == "talk"


@pytest.mark.parametrize("text", ["The note does not say.", "In the note, it takes three months."])
def test_what_answers_a_question_may_speak_of_the_note(text: str) -> None:
    answer = answer_of(text, *NOTES["en"], field="callout")
    assert talk_in(replace(answer, question="How long does it take?")) is None
