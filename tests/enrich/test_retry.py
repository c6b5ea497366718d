"""The second question, what the two answers come to, and when the same fault ends a run."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import cast

import pytest

from companion.enrich.asker import RepeatedFaults, choose_better
from companion.enrich.checks.shape import Fault
from companion.enrich.configured_model import AskMode
from companion.enrich.model_calls import (
    Answers,
    CallPlanner,
    TokenBudget,
    send_calls,
    split_answer,
)
from companion.errors import AnswerError
from companion.llm.answers import Answer, NoAnswer, Usage
from companion.llm.client import Client, Message, Question
from companion.llm.errors import JsonUnsupported, ModelUnfit
from companion.note.needs import Need
from companion.prompts import PromptContext, load_prompts, make_ask
from companion.store.proposals import Flag, Origin, Proposal, ProposalState

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


def unfit(*needs: Need) -> dict[Need, tuple[Fault, object]]:
    return dict.fromkeys(needs, (FAULT, "Bad."))


def send(
    mode: AskMode,
    needs: list[Need],
    client: StubClient,
    unfit: Mapping[Need, tuple[Fault, object]] | None = None,
) -> list[tuple[Answers, Usage]]:
    plan = planner(mode)
    return list(send_calls(plan, plan.plan(needs)[0], cast(Client, client), unfit))


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
    send(mode, needs, first)
    send(mode, needs, second, unfit(*needs))
    [before], [after] = first.messages, second.messages
    assert after[: len(before)] == before
    assert [message["role"] for message in after[len(before) :]] == ["assistant", "user"]
    answer, told = (message["content"] for message in after[len(before) :])
    assert said[0] in answer and told.endswith(said[1]) and FAULT.retry in told


def test_a_callout_s_second_question_does_not_show_what_must_not_be_copied() -> None:
    client = StubClient()
    send("plain", [CALLOUT], client, unfit(CALLOUT))
    [messages] = client.messages
    assert messages[-1]["content"].endswith(f"it {FAULT.reason}. {FAULT.retry}")
    assert not any("Bad." in message["content"] for message in messages)


@pytest.mark.parametrize("first_answers", [{}, unfit(DESCRIPTION, TAGS)], ids=["first", "second"])
def test_an_endpoint_without_json_is_asked_in_plain_text(
    first_answers: dict[Need, tuple[Fault, object]],
) -> None:
    client = StubClient(json=False)
    needs = [DESCRIPTION, TAGS]
    given = send("together", needs, client, first_answers)
    assert len(client.messages) == 2
    assert [usage for _, usage in given] == [Usage(1, 1, 1)] * 2
    assert [answer for answers, _ in given for _, answer in answers] == ["Tea."] * 2


def test_an_error_of_one_call_rejects_all_its_needs_and_counts_once() -> None:
    error = NoAnswer(AnswerError("it was cut off"), Usage(5, 5, 1), "cut off")
    client = StubClient(error=error)
    needs = [DESCRIPTION, TAGS]
    [(answers, usage)] = send("together", needs, client)
    assert [(ask.need, answer) for ask, answer in answers] == [(need, error) for need in needs]
    assert usage == Usage(5, 5, 1)


def test_what_an_answer_was_cut_off_before_is_no_answer() -> None:
    asks = [make_ask(need, PROMPTS.field_of(need.kind), 1) for need in (DESCRIPTION, TAGS)]
    given = Answer("", {asks[0].key: "Tea."}, Usage(5, 5, 1))
    answers, usage = split_answer(asks, lambda: given, True)
    assert (answers[0][1], usage) == ("Tea.", Usage(5, 5, 1))
    assert isinstance(answers[1][1], NoAnswer) and "cut off" in str(answers[1][1])


def made(value: str | None, fault: str = "", *flags: Flag, model: str = "m") -> Proposal:
    """Return a proposal with that value, or a rejected one, whose reason is the fault."""
    state: ProposalState = "open" if value else "rejected"
    return Proposal("a.md", TAGS, value, state, flags, fault, origin=Origin(model), fault=fault)


NEW = made("x", "", "new-value")
UNFIT, CUT, EMPTY = made(None, "unfit"), made(None, "cut off"), made(None, "is empty")
NOTHING, REFUSED = made(None), made(None, "no answer")
GOOD = made("About tea.")
DOUBTFUL, ALSO_DOUBTFUL = made("Ada's tea.", "", "unsupported"), made("Bo's", "", "unsupported")


@pytest.mark.parametrize(
    ("first", "second", "better"),
    [
        pytest.param(UNFIT, GOOD, GOOD, id="accepted"),
        pytest.param(UNFIT, CUT, CUT, id="the last reason"),
        pytest.param(NEW, UNFIT, NEW, id="a new value"),
        pytest.param(NEW, GOOD, GOOD, id="then a better one"),
        pytest.param(UNFIT, NOTHING, UNFIT, id="nothing more"),
        pytest.param(DOUBTFUL, GOOD, GOOD, id="one without a doubt"),
        pytest.param(DOUBTFUL, UNFIT, DOUBTFUL, id="doubtful, but not lost"),
        pytest.param(DOUBTFUL, ALSO_DOUBTFUL, DOUBTFUL, id="both doubtful"),
    ],
)
def test_what_both_answers_come_to(first: Proposal, second: Proposal, better: Proposal) -> None:
    assert choose_better(first, second) is better


CHOSEN, NONE_ALIKE = made("tea", model=""), made(None, model="")


@pytest.mark.parametrize(
    ("proposals", "ends"),
    [
        pytest.param([CUT] * 3, True, id="the same three times"),
        pytest.param([CUT] * 2, False, id="twice"),
        pytest.param([CUT, EMPTY, CUT, EMPTY], False, id="another each time"),
        pytest.param([CUT, REFUSED, CUT, CUT], True, id="what counts neither way"),
        pytest.param([CUT, CHOSEN, CUT, NONE_ALIKE, CUT], True, id="what no model was asked for"),
        pytest.param([REFUSED] * 20, False, id="the model refuses"),
        pytest.param([CUT, CUT, NOTHING, *[CUT] * 9], False, id="after an answer, nine"),
        pytest.param([GOOD, *[CUT] * 10], True, id="after an answer, ten"),
        pytest.param([*[CUT] * 2, UNFIT, CUT], False, id="a bad answer begins anew"),
    ],
)
def test_the_same_fault_in_note_after_note_ends_the_run(
    proposals: list[Proposal], ends: bool
) -> None:
    faults = RepeatedFaults()
    *before, last = [[each] for each in proposals]
    for each in before:
        faults.count(each)
    with pytest.raises(ModelUnfit, match="for the same reason: ") if ends else nullcontext():
        faults.count(last)
