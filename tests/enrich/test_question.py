"""The one question about a note, the second one, and when the same fault ends a run."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, cast

import pytest

from companion.enrich.accept import Acceptor
from companion.enrich.checks.shape import Fault
from companion.enrich.configured_model import ModelFacts
from companion.enrich.context.vault_context import EmbeddedText, PromptNote
from companion.enrich.question import NoteQuestion, choose_better
from companion.enrich.repeats import RepeatedFaults
from companion.llm.answers import Answer, NoAnswer, Usage
from companion.llm.client import Client
from companion.llm.errors import EndpointDown, LastingFault
from companion.llm.request import Question
from companion.note.needs import Need
from companion.note.note import ParsedNote
from companion.note.text import NoteText
from companion.prompts import Ask, PromptContext, load_prompts
from companion.store.proposals import Flag, Origin, Proposal, ProposalState

PROMPTS = load_prompts()
NOTE = PromptContext("Tea", vocabulary={"tags": ["drink"]})
DESCRIPTION = Need("description", None, None, "property", "")
TAGS = Need("tags", None, None, "property", "")
CALLOUT = Need("callout", None, None, "top", "")
STUB = [DESCRIPTION, Need("aliases", None, None, "property", ""), TAGS, CALLOUT]
FAULT = Fault("echo", "repeats the prompt", "Write about tea.")


class StubAcceptor:
    """Accepts what a model says, but not `Bad.`, which is worth asking for once more."""

    def __init__(self) -> None:
        self.ask_again: dict[Need, Fault] = {}

    def accept(self, ask: Ask, answer: object) -> Proposal:
        if answer == "Bad.":
            self.ask_again[ask.need] = FAULT
        value = answer if isinstance(answer, str) and answer != "Bad." else None
        fault = getattr(answer, "fault", "no answer") if value is None else ""
        return Proposal("a.md", ask.need, value, "open" if value else "rejected", fault=fault)


class StubClient:
    """Says in turn what it is given, for each value or by its key, or raises it."""

    def __init__(self, *said: str | dict[str, Any] | Exception) -> None:
        self.said = list(said)
        self.questions: list[Question] = []

    def ask(self, question: Question, check: object = None) -> Answer:
        self.questions.append(question)
        said = self.said.pop(0)
        if isinstance(said, Exception):
            raise said
        assert question.schema
        keys = question.schema["properties"]
        data = said if isinstance(said, dict) else dict.fromkeys(keys, said)
        return Answer("", data, Usage(1, 1, 1))


def about(
    needs: Sequence[Need],
    limit: int | None = None,
    text: str = "Tea is brewed.\n\n" * 20,
    context: PromptContext = NOTE,
    *,
    is_small: bool = False,
) -> NoteQuestion:
    """The question about a note; the model reads and writes so many tokens."""
    parsed = ParsedNote(NoteText(text))
    note = PromptNote("a.md", PROMPTS, parsed, needs, context, None, EmbeddedText(parsed))
    return NoteQuestion(
        note, needs, ModelFacts("m", limit, None, is_small), cast(Acceptor, StubAcceptor())
    )


def asking(number: int, length: int = 20) -> list[Need]:
    """That many questions, each of so many letters."""
    return [
        Need("callout", None, f"{each} {'why ' * length}"[:length], "request", "")
        for each in range(number)
    ]


# The needs, what the model reads and writes, and for how many needs there is room.
ROOM = [
    pytest.param(STUB, None, 4, id="a stub"),
    pytest.param(STUB, 2048, 4, id="a stub, 2048"),
    pytest.param(asking(10), None, 7, id="ten questions"),
    pytest.param(asking(10), 4096, 5, id="ten questions, 4096"),
    pytest.param(asking(2000), None, 7, id="very many"),
    pytest.param([*STUB, *asking(2)], 2048, 4, id="a stub with questions"),
    pytest.param([], 4096, 0, id="nothing"),
    pytest.param(STUB, 300, 0, id="no room"),
]


@pytest.mark.parametrize(("needs", "limit", "number"), ROOM)
def test_one_call_asks_for_what_there_is_room_for(
    needs: list[Need], limit: int | None, number: int
) -> None:
    note = about(needs, limit, "Tea is brewed with water.\n\n" * 900)
    assert list(note.unaskable) == needs[number:]
    if number == 0:
        assert note.question is None
        assert all("300 tokens" in why for why in note.unaskable.values())
        return
    question = note.question
    assert question and question.schema and len(question.schema["properties"]) == number
    assert question.max_tokens <= 4096
    if limit:
        assert limit * 0.8 < question.estimate_tokens() + question.max_tokens <= limit
    assert all(f"room for {number} of" in why for why in note.unaskable.values())


def test_a_heading_that_others_read_like_is_told_apart_and_a_long_one_is_cut() -> None:
    for heading, shown in (("Log", '"Log (number 2 of the 3'), ("Brewing " * 900, "Brewing")):
        need = Need("callout", heading.strip(), None, "section", "", at=2, of=3)
        question = about([need], text=f"## {heading}\n\n" * 3).question
        assert question
        _, _, asked = question.messages[-1]["content"].partition("</note>")
        assert shown in asked and len(asked) < 1500


def test_a_small_model_may_copy_a_sentence_of_another_note_but_not_of_this_one() -> None:
    said = ("Tea is the most drunk of all drinks but water, and keeps people awake.",)
    for note, most in ((NOTE, 8), (replace(NOTE, backlinks=said, small=True), 32)):
        question = about(STUB, text="", context=note).question
        assert question and question.longest_copy == most


def test_a_second_call_asks_for_all_that_was_unfit_and_says_why() -> None:
    client = StubClient("Bad.", "Tea.")
    note = about([DESCRIPTION, CALLOUT])
    [made] = note.ask(cast(Client, client))
    first, second = client.questions
    told = second.messages[-1]["content"].removeprefix(first.messages[-1]["content"])
    for key in ("description", "callout"):
        assert f'"{key}" {FAULT.reason}. {FAULT.retry}' in told
    assert ([each.value for each in made], note.usage) == (["Tea.", "Tea."], Usage(2, 2, 2))


def test_what_was_fit_is_yielded_before_a_second_call_that_fails() -> None:
    client = StubClient({"description": "Bad.", "tags": "drink"}, EndpointDown("gone"))
    made = about([DESCRIPTION, TAGS]).ask(cast(Client, client))
    assert [each.need for each in next(made)] == [TAGS]
    with pytest.raises(EndpointDown):
        list(made)


def test_an_error_of_the_call_rejects_all_its_needs_and_counts_once() -> None:
    error = NoAnswer("it was cut off", Usage(5, 5, 1), "cut off")
    note = about([DESCRIPTION, TAGS])
    [made] = note.ask(cast(Client, StubClient(error)))
    assert [each.fault for each in made] == ["cut off"] * 2
    assert note.usage == Usage(5, 5, 1)


def test_what_an_answer_was_cut_off_before_is_no_answer() -> None:
    note = about([DESCRIPTION, TAGS])
    given = Answer("", {"description": "Tea."}, Usage(5, 5, 1))
    made = note.accept_later(["description", "tags"], lambda schema: given)
    assert [(each.value, each.fault) for each in made] == [("Tea.", ""), (None, "cut off")]


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
    with pytest.raises(LastingFault, match="for the same reason: ") if ends else nullcontext():
        faults.count(last)


def test_of_a_title_alone_a_small_model_is_asked_nothing() -> None:
    assert list(about(STUB, text="# Tea\n", is_small=True).unaskable) == STUB
    told = replace(NOTE, backlinks=["Tea is made of leaves."])
    assert list(about(STUB, text="# Tea\n", context=told, is_small=True).unaskable) == [CALLOUT]
