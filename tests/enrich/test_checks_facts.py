"""What the checks may not take for a fault in good answers, nor miss in bad ones."""

import pytest

from companion.enrich.checks import CHECKS
from companion.enrich.checks.doubts import find_doubt, find_new_facts, find_new_names
from companion.enrich.checks.shape import CheckedAnswer, whole_sentences
from companion.prompts import load_prompts
from tests.cases import Case, cases

PROMPTS = load_prompts()


def answer_of(title: str, note: str, text: str, field: str = "description") -> CheckedAnswer:
    told = PROMPTS.instructions(PROMPTS.fields[field])
    return CheckedAnswer(PROMPTS.fields[field], text, text, title, note, note, told)


def found(check: str, answer: CheckedAnswer) -> bool:
    return CHECKS[check](answer) is not None


def check(name: str, section: str = "") -> pytest.MarkDecorator:
    """Run a test for each case of a check."""
    return cases("enrich/cases/checks.md", section or name, ways=["as written"])


def require(name: str, case: Case, title: str = "Notes") -> None:
    answer, *fault = case.told
    assert found(name, answer_of(title, case.before, answer)) is bool(fault)


@check("unfinished")
def test_unfinished(case: Case) -> None:
    require("unfinished", case, "Compost")


@check("unfinished", "unfinished callouts")
def test_unfinished_callout(case: Case) -> None:
    answer = answer_of("Compost", "", case.before.removesuffix("\n"), "callout")
    assert found("unfinished", answer) is bool(case.told)


def test_text_without_full_stops_is_whole() -> None:
    text = "ปุ๋ยหมัก พ.ศ. 2540 ทำจากใบไม้"
    assert whole_sentences(text) == text


@check("repetition")
def test_repetition(case: Case) -> None:
    require("repetition", case, "Machine learning")


@check("markup")
def test_markup(case: Case) -> None:
    require("markup", case)


@check("language")
def test_language(case: Case) -> None:
    require("language", case, "Compost")


@check("numbers")
def test_numbers(case: Case) -> None:
    require_fact(case)


@check("names")
def test_names(case: Case) -> None:
    require_fact(case)


def require_fact(case: Case) -> None:
    answer, *fault = case.told
    new = find_new_facts(answer_of("Notes", case.before, answer))
    assert bool(new) is bool(fault), new


@check("doubts")
def test_doubts(case: Case) -> None:
    answer, *doubt = case.told
    checked = answer_of("Garden gnome", case.before, answer, "callout")
    assert [find_doubt(checked)] == (doubt or [""])


def test_a_name_stands_in_the_note_or_is_made_of_its_title() -> None:
    names = ["BGP", "border-gateway protocol", "EGP", "Bgps", "routers"]
    answer = answer_of("Border Gateway Protocol", "Routers talk.", "\n".join(names), "aliases")
    assert find_new_names(names, answer) == ["EGP"]
