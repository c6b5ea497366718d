"""Which calls ask for what a note needs: as few as there is room for."""

from __future__ import annotations

import pytest

from companion.enrich.ask import Room, Way, plan_calls
from companion.enrich.shown import show_note
from companion.note.needs import Need
from companion.note.text import NoteText
from companion.note.view import NoteView
from companion.prompts import NoteView as Shown
from companion.prompts import load_prompts

PROMPTS = load_prompts()
NOTE = Shown("Tea", prose="Tea is brewed. " * 20, vocabulary={"tags": ["drink"]})
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
    pytest.param(asking(6), "together", 2048, [3, 3], id="six questions, 2048"),
    pytest.param([*STUB, *asking(2)], "together", 2048, [5, 1], id="a stub with questions"),
    pytest.param(asking(3, 1000), "together", 2048, [2, 1], id="long questions"),
    pytest.param([], "together", 4096, [], id="nothing"),
]


@pytest.mark.parametrize(("needs", "way", "context", "sizes"), GROUPS)
def test_calls_fit_the_context(
    needs: list[Need], way: Way, context: int | None, sizes: list[int]
) -> None:
    calls, hopeless = plan_calls(needs, PROMPTS, NOTE, way, Room(context))
    assert ([len(call.asked) for call in calls], hopeless) == (sizes, {})
    assert [asked.need for call in calls for asked in call.asked] == needs
    assert all(call.max_tokens <= 4096 for call in calls)
    assert context is None or all(call.estimate_tokens() <= context for call in calls)


@pytest.mark.parametrize("kept", [Room(4096, prose=512), Room(4096, spare=300)])
def test_room_is_kept_for_what_comes_later(kept: Room) -> None:
    calls, _ = plan_calls(asking(10), PROMPTS, NOTE, "together", kept)
    most = max(len(call.asked) * kept.spare + call.estimate_tokens() for call in calls)
    assert len(calls) > 2 - bool(kept.prose) and most <= 4096 - kept.prose


REFUSED = [
    pytest.param(asking(1, 1001), None, "has 1,001 letters, and 1,000 are the most", id="long"),
    pytest.param(asking(1), 600, "takes about 7.. tokens, .* context_tokens is 600", id="no room"),
    pytest.param(STUB[3:], 600, "asking for the callout takes about", id="no room for a callout"),
]


@pytest.mark.parametrize("way", ["together", "apart", "plain"])
@pytest.mark.parametrize(("needs", "context", "reason"), REFUSED)
def test_what_cannot_be_asked(
    needs: list[Need], context: int | None, reason: str, way: Way
) -> None:
    calls, hopeless = plan_calls([STUB[0], *needs], PROMPTS, NOTE, way, Room(context))
    assert [asked.need for call in calls for asked in call.asked] == STUB[:1]
    with pytest.raises(Exception, match=reason):
        raise hopeless[needs[0]]


def test_a_note_that_leaves_no_room_is_no_reason_to_refuse() -> None:
    shown = Shown("Tea", prose="Tea is brewed. " * 200)
    calls, hopeless = plan_calls(asking(2), PROMPTS, shown, "together", Room(1024))
    assert ([len(call.asked) for call in calls], hopeless) == ([1, 1], {})


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
    shown = show_note(NoteView(NoteText(f"---\n{name}:\n{yaml}---\n")), "Tea.md", {})
    found = list(getattr(shown, name))
    assert found == (names[:kept] if isinstance(kept, int) else kept)


def test_a_heading_that_others_read_like_is_told_apart() -> None:
    need = Need("callout", "Log", None, "section", "", at=2, of=3)
    [call], _ = plan_calls([need], PROMPTS, NOTE, "together", Room(None))
    said = call.messages[-1]["content"]
    assert 'Explain "Log (number 2 of the 3 headings that read so)"' in said


def test_a_long_heading_is_cut() -> None:
    need = Need("callout", "Brewing " * 900, None, "section", "")
    [call], _ = plan_calls([need], PROMPTS, NOTE, "together", Room(None))
    assert sum(len(message["content"]) for message in call.messages) < 3000
