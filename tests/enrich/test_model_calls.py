"""Which calls ask for what a note needs: as few as there is room for."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from companion.enrich.configured_model import AskMode
from companion.enrich.context.excerpt import make_prompt_context
from companion.enrich.model_calls import CallPlanner, ModelCall, TokenBudget
from companion.note.needs import Need
from companion.note.note import ParsedNote
from companion.note.text import NoteText
from companion.prompts import Ask, PromptContext, load_prompts

PROMPTS = load_prompts()
NOTE = PromptContext("Tea", prose="Tea is brewed. " * 20, vocabulary={"tags": ["drink"]})
STUB = [
    Need("description", None, None, "property", ""),
    Need("aliases", None, None, "property", ""),
    Need("tags", None, None, "property", ""),
    Need("callout", None, None, "top", ""),
]


def asking(number: int, length: int = 20) -> list[Need]:
    """That many questions, each of so many letters."""
    return [
        Need("callout", None, f"{each} {'why ' * length}"[:length], "request", "")
        for each in range(number)
    ]


# The needs, what the model reads and writes, and how many needs are asked for in each call.
GROUPS = [
    pytest.param(STUB, "together", None, [4], id="a stub"),
    pytest.param(STUB, "together", 2048, [4], id="a stub, 2048"),
    pytest.param(STUB, "apart", 2048, [1, 1, 1, 1], id="a stub, apart"),
    pytest.param(asking(10), "together", None, [7, 3], id="ten questions"),
    pytest.param(asking(10), "together", 100_000, [7, 3], id="ten questions, room for all"),
    pytest.param(asking(10), "together", 4096, [6, 4], id="ten questions, 4096"),
    pytest.param(asking(6), "together", 2048, [2, 2, 2], id="six questions, 2048"),
    pytest.param([*STUB, *asking(2)], "together", 2048, [4, 2], id="a stub with questions"),
    pytest.param(asking(3, 1000), "together", 2048, [2, 1], id="long questions"),
    pytest.param([], "together", 4096, [], id="nothing"),
]


@pytest.mark.parametrize(("needs", "mode", "context", "sizes"), GROUPS)
def test_calls_fit_the_context(
    needs: list[Need], mode: AskMode, context: int | None, sizes: list[int]
) -> None:
    calls, unaskable = CallPlanner(PROMPTS, NOTE, mode, TokenBudget(context)).plan(needs)
    assert ([len(call.asks) for call in calls], unaskable) == (sizes, {})
    assert [each.need for call in calls for each in call.asks] == needs
    assert all(call.question.max_tokens <= 4096 for call in calls)
    assert context is None or all(call.estimate_tokens() <= context for call in calls)


def test_of_very_many_needs_few_are_tried_in_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = list[int]()
    make = CallPlanner._make_call

    def count(planner: CallPlanner, asks: Sequence[Ask]) -> ModelCall:
        sizes.append(len(asks))
        return make(planner, asks)

    monkeypatch.setattr(CallPlanner, "_make_call", count)
    calls, _ = CallPlanner(PROMPTS, NOTE, "together", TokenBudget(None)).plan(asking(150))
    assert sum(len(call.asks) for call in calls) == 150
    assert max(sizes) <= 50


@pytest.mark.parametrize("budget", [TokenBudget(4096, note=512), TokenBudget(4096, each_need=300)])
def test_room_is_kept_for_what_comes_later(budget: TokenBudget) -> None:
    calls, _ = CallPlanner(PROMPTS, NOTE, "together", budget).plan(asking(10))
    most = max(len(call.asks) * budget.each_need + call.estimate_tokens() for call in calls)
    assert len(calls) > 2 - bool(budget.note) and most <= 4096 - budget.note


REFUSED = [
    pytest.param(asking(1, 1001), None, "has 1,001 letters, and 1,000 are the most", id="long"),
    pytest.param(
        asking(1), 600, "takes about [89].. tokens, .* context_tokens is 600", id="no room"
    ),
    pytest.param(STUB[3:], 600, "asking for the callout takes about", id="no room for a callout"),
]


@pytest.mark.parametrize("mode", ["together", "apart", "plain"])
@pytest.mark.parametrize(("needs", "context", "reason"), REFUSED)
def test_what_cannot_be_asked(
    needs: list[Need], context: int | None, reason: str, mode: AskMode
) -> None:
    planner = CallPlanner(PROMPTS, NOTE, mode, TokenBudget(context))
    calls, unaskable = planner.plan([STUB[0], *needs])
    assert [each.need for call in calls for each in call.asks] == STUB[:1]
    assert list(unaskable) == needs[:1]
    assert re.search(reason, unaskable[needs[0]])


def test_a_note_that_leaves_no_room_is_no_reason_to_refuse() -> None:
    context = PromptContext("Tea", prose="Tea is brewed. " * 200)
    calls, unaskable = CallPlanner(PROMPTS, context, "together", TokenBudget(1024)).plan(asking(2))
    assert ([len(call.asks) for call in calls], unaskable) == ([1, 1], {})


LISTS = [
    pytest.param(["a", "b"], ["a", "b"], id="few"),
    pytest.param([f"name-{n:04}" for n in range(5000)], 36, id="thousands"),
    pytest.param(["x" * 401, "b"], ["b"], id="one too long"),
    pytest.param([chr(0x8336 + n) * 20 for n in range(20)], 7, id="Chinese"),
]


@pytest.mark.parametrize("name", ["aliases", "tags"])
@pytest.mark.parametrize(("names", "kept"), LISTS)
def test_few_aliases_and_tags_are_shown(name: str, names: list[str], kept: int | list[str]) -> None:
    yaml = "".join(f"- {each}\n" for each in names)
    parsed = ParsedNote(NoteText(f"---\n{name}:\n{yaml}---\n"))
    found = list(getattr(make_prompt_context(parsed, "Tea.md", {}), name))
    assert found == (names[:kept] if isinstance(kept, int) else kept)


def test_a_heading_that_others_read_like_is_told_apart() -> None:
    need = Need("callout", "Log", None, "section", "", at=2, of=3)
    [call], _ = CallPlanner(PROMPTS, NOTE, "together", TokenBudget(None)).plan([need])
    said = call.question.messages[-1]["content"]
    assert 'On "Log (number 2 of the 3 headings that read so)"' in said


def test_a_long_heading_is_cut() -> None:
    need = Need("callout", "Brewing " * 900, None, "section", "")
    [call], _ = CallPlanner(PROMPTS, NOTE, "together", TokenBudget(None)).plan([need])
    assert sum(len(message["content"]) for message in call.question.messages) < 3000


def test_a_small_model_may_copy_a_sentence_of_another_note_but_not_of_this_one() -> None:
    need = Need("callout", None, None, "blank", "")
    said = ("Tea is the most drunk of all drinks but water, and keeps people awake.",)
    for note, most in ((NOTE, 8), (replace(NOTE, prose="", backlinks=said, small=True), 32)):
        [call], _ = CallPlanner(PROMPTS, note, "apart", TokenBudget(None)).plan([need])
        assert call.question.longest_copy == most
