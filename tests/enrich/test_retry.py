"""The second question, and what the two answers to it come to."""

from collections.abc import Sequence
from typing import cast

import pytest

from companion.enrich.answers.outcome import NoteAnswers, Outcome, OutcomeKind
from companion.enrich.checks.shape import Fault
from companion.enrich.configured_model import AskMode
from companion.enrich.model_calls import CallPlanner, TokenBudget, send_calls
from companion.errors import AnswerError
from companion.llm.answers import Answer, NoAnswer, Usage
from companion.llm.client import Client, Message, Question
from companion.llm.errors import JsonUnsupported
from companion.note.needs import Need
from companion.prompts import PromptContext, load_prompts

DESCRIPTION = Need("description", None, None, "property", "")
TAGS = Need("tags", None, None, "property", "")
CALLOUT = Need("callout", None, None, "top", "")
PROMPTS = load_prompts()
NOTE = PromptContext("Tea", prose="Tea is brewed.", vocabulary={"tags": ["drink"]})
FAULT = Fault("echo", "repeats the prompt", "Write about tea.")


class StubClient:
    """Records messages, takes no JSON unless told to, and answers or fails always alike."""

    def __init__(self, *, json: bool = True, error: AnswerError | None = None) -> None:
        self.json = json
        self.error = error
        self.messages: list[Sequence[Message]] = []

    def ask(self, question: Question, check: object = None) -> Answer:
        if question.schema and not self.json:
            raise JsonUnsupported("no JSON")
        self.messages.append(question.messages)
        if self.error:
            raise self.error
        properties = question.schema["properties"] if question.schema else ()
        return Answer("Tea.", dict.fromkeys(properties, "Tea."), Usage(1, 1, 1))


def planner(mode: AskMode) -> CallPlanner:
    return CallPlanner(PROMPTS, NOTE, mode, TokenBudget(None))


def unfit(*needs: Need) -> dict[Need, Outcome]:
    return {need: Outcome(need, "bad", "unfit", (), "Bad.", FAULT) for need in needs}


@pytest.mark.parametrize(
    ("mode", "needs", "said"),
    [
        ("together", [DESCRIPTION], ['{"description": "Bad."}', "Write it again."]),
        ("together", [DESCRIPTION, TAGS], ['{"description": "Bad.", "', "Write all of it again."]),
        ("plain", [DESCRIPTION], ["Bad.", "Write it again."]),
    ],
)
def test_the_second_question_is_the_first_with_what_was_wrong(
    mode: AskMode, needs: list[Need], said: list[str]
) -> None:
    first, second = StubClient(), StubClient()
    list(send_calls(planner(mode), needs, cast(Client, first)))
    list(send_calls(planner(mode), needs, cast(Client, second), unfit(*needs)))
    [before], [after] = first.messages, second.messages
    assert after[: len(before)] == before
    assert [message["role"] for message in after[len(before) :]] == ["assistant", "user"]
    answer, told = (message["content"] for message in after[len(before) :])
    assert said[0] in answer and told.endswith(said[1]) and FAULT.retry in told


def test_a_callout_s_second_question_does_not_show_what_must_not_be_copied() -> None:
    client = StubClient()
    list(send_calls(planner("plain"), [CALLOUT], cast(Client, client), unfit(CALLOUT)))
    [messages] = client.messages
    assert messages[-1]["content"].endswith(f"it {FAULT.reason}. {FAULT.retry}")
    assert not any("Bad." in message["content"] for message in messages)


@pytest.mark.parametrize("first_answers", [{}, unfit(DESCRIPTION, TAGS)], ids=["first", "second"])
def test_an_endpoint_without_json_is_asked_in_plain_text(
    first_answers: dict[Need, Outcome],
) -> None:
    client = StubClient(json=False)
    needs = [DESCRIPTION, TAGS]
    given = list(send_calls(planner("together"), needs, cast(Client, client), first_answers))
    assert len(client.messages) == 2
    assert [usage for _, usage in given] == [Usage(1, 1, 1)] * 2
    assert not any(isinstance(answer, Outcome) for answers, _ in given for answer in answers)


def test_an_error_of_one_call_rejects_all_its_needs_and_counts_once() -> None:
    error = NoAnswer(AnswerError("it was cut off"), Usage(5, 5, 1), "cut off")
    client = StubClient(error=error)
    needs = [DESCRIPTION, TAGS]
    [(answers, usage)] = send_calls(planner("together"), needs, cast(Client, client))
    assert answers == [
        Outcome(need, "it was cut off", "no answer", endpoint_fault="cut off") for need in needs
    ]
    assert usage == Usage(5, 5, 1)


def rejected(reason: str, kind: OutcomeKind = "unfit", *proposed: str) -> Outcome:
    return Outcome(TAGS, reason, kind, proposed)


ACCEPTED = Outcome(TAGS, "", "value", value=["tea"])
OTHER = Outcome(DESCRIPTION, "", "value", value="About tea.")


@pytest.mark.parametrize(
    ("second", "merged"),
    [
        pytest.param(ACCEPTED, ACCEPTED, id="accepted"),
        pytest.param(rejected("b"), rejected("b", "unfit", "x"), id="the last reason"),
        pytest.param(rejected("b", "unfit", "y"), rejected("b", "unfit", "y"), id="new ones"),
        pytest.param(rejected("b", "nothing"), rejected("a", "unfit", "x"), id="nothing more"),
        pytest.param(None, rejected("a", "unfit", "x"), id="not asked"),
    ],
)
def test_what_both_answers_come_to(second: Outcome | None, merged: Outcome) -> None:
    first = NoteAnswers((rejected("a", "unfit", "x"), OTHER), Usage())
    answers = first.merge(NoteAnswers((second,) if second else (), Usage()))
    assert sorted(answers.outcomes, key=lambda each: each.need) == [OTHER, merged]
