"""Proposals: what models gave is kept, decided on by one, and never asked for twice."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from companion.errors import ProposalDecided
from companion.store.journal import Change, Journal
from companion.store.proposals import ALL, Flag, Origin, Proposal, ProposalState, Selection
from tests.store.stub_note import (
    CALLOUT,
    DESCRIPTION,
    ENRICHED,
    NOTE,
    SECTION,
    TAGS,
    new_change,
    offer,
    record,
)

RUN = Origin(model="m", run="run-1")
TEXT = Proposal("Stub.md", DESCRIPTION, "What a stub is.", origin=RUN)
PROSE = Proposal("Stub.md", CALLOUT, ["Prose."], origin=RUN)
NOTHING = Proposal("Stub.md", TAGS, None, "rejected", reason="no tag fits", origin=RUN)


def add(journal: Journal, *new: Proposal) -> list[int]:
    """Store proposals made from the note; return their ids."""
    return [each.id for each in journal.proposals.add(new, NOTE)]


def _states(journal: Journal, *ids: int) -> list[ProposalState]:
    return [each.state for each in journal.proposals.get_all(ids)]


def _accepting(change: Change, *ids: int, by: str = "user") -> Change:
    return replace(change, proposals=ids, decided_by=by)


def _get(journal: Journal, number: int) -> Proposal:
    found = journal.proposals.get(number)
    assert found
    return found


def test_keeps_all_of_a_proposal(tmp_path: Path) -> None:
    new = Proposal(
        path="a/b.md",
        need=SECTION,
        value=["A “use”.", "", "- another"],
        flags=("new-value", "unsupported"),
        remark="a remark",
        origin=RUN,
        waits=True,
    )
    with Journal(tmp_path / "journal.sqlite3") as journal:
        [stored] = journal.proposals.add([new], NOTE)
    with Journal(tmp_path / "journal.sqlite3") as journal:
        kept = _get(journal, stored.id)
        assert journal.proposals.source(kept) == NOTE
    assert kept == stored == replace(new, id=1, origin=kept.origin)
    assert kept.origin[:2] == RUN[:2] and kept.origin.made_at
    assert kept.text == "A “use”.\n\n- another"


def test_the_newest_open_one_is_the_latest(journal: Journal) -> None:
    first, nothing = add(journal, TEXT, NOTHING)
    [second] = add(journal, replace(TEXT, value="Another."))
    [worse] = add(journal, replace(TEXT, value=None, state="rejected"))
    assert _states(journal, first, second, worse) == ["superseded", "open", "rejected"]
    latest = journal.proposals.latest("Stub.md")
    assert {need: each.id for need, each in latest.items()} == {
        "description": second,
        "tags": nothing,
    }
    assert journal.proposals.latest_of_all() == {"Stub.md": latest}
    assert journal.proposals.latest("other.md") == {}


def test_a_closed_one_may_be_asked_for_again(journal: Journal) -> None:
    [number] = add(journal, TEXT)
    assert journal.proposals.decide([number], "closed", "need", "filled by hand") == [number]
    assert journal.proposals.latest("Stub.md") == {}


SELECTIONS = [
    pytest.param(ALL, [5, 4, 3, 2, 1], id="all"),
    pytest.param(Selection(paths=[""]), [5, 4, 3, 2, 1], id="the vault"),
    pytest.param(Selection(paths=["a"]), [3, 2], id="a folder"),
    pytest.param(Selection(paths=["a/b.md", "Stub.md"]), [5, 4, 2, 1], id="notes"),
    pytest.param(Selection(paths=[]), [], id="nothing"),
    pytest.param(Selection(paths=["a/b"]), [], id="the beginning of a name"),
    pytest.param(Selection(kind="callout"), [4], id="a field"),
    pytest.param(Selection(states=["rejected", "refused"]), [5], id="states"),
    pytest.param(Selection(flagged=True), [3], id="flagged"),
    pytest.param(Selection(flagged=False), [5, 4, 2, 1], id="unflagged"),
    pytest.param(Selection(flag="new-value"), [3], id="a flag"),
    pytest.param(Selection(flag="undone"), [], id="another flag"),
    pytest.param(Selection(text="C/D.MD"), [3], id="words of a path"),
    pytest.param(Selection(text="100%"), [], id="words that stand nowhere"),
    pytest.param(Selection(run="run-2"), [2], id="a run"),
    pytest.param(Selection(before=3), [2, 1], id="before"),
    pytest.param(Selection(["a"], "description", ["open"], run="run-1"), [3], id="several"),
]


@pytest.mark.parametrize(("selection", "wanted"), SELECTIONS)
def test_selects(journal: Journal, selection: Selection, wanted: list[int]) -> None:
    other = replace(TEXT, path="a/b.md", origin=Origin(run="run-2"))
    flagged = replace(TEXT, path="a/c/d.md", flags=("new-value",))
    add(journal, TEXT, other, flagged, PROSE, NOTHING)
    assert [each.id for each in journal.proposals.select(selection)] == wanted
    assert [each.id for each in journal.proposals.select(selection, limit=2)] == wanted[:2]
    assert journal.proposals.count(selection) == len(wanted)


def test_unknown_ids_are_left_out(journal: Journal) -> None:
    [number] = add(journal, TEXT)
    assert [p.id for p in journal.proposals.get_all([0, number, 99, 1 << 70, -1])] == [number]
    assert journal.proposals.decide([99, 1 << 70], "refused", "user") == []


def test_of_many_who_decide_one_does(journal: Journal) -> None:
    ids = add(journal, *(replace(TEXT, path=f"{n}.md") for n in range(50)))

    def decide(number: int) -> list[int]:
        return journal.proposals.decide(ids, "refused", f"agent:{number}")

    with ThreadPoolExecutor(8) as pool:
        decided = list(pool.map(decide, range(8)))
    assert sorted(number for each in decided for number in each) == ids


# --- with changes


def test_a_change_accepts_its_proposals(journal: Journal) -> None:
    ids = add(journal, TEXT, PROSE)
    number = journal.begin(_accepting(new_change(), *ids), NOTE, ENRICHED)
    assert _states(journal, *ids) == ["accepted", "accepted"]
    journal.done(number)
    kept = _get(journal, ids[0])
    assert (kept.state, kept.change, kept.decided_by) == ("accepted", number, "user")
    assert journal.change(number).proposals == tuple(ids)  # type: ignore[union-attr]
    assert journal.proposals.count() == 2


UNDOS: list[tuple[list[str], list[ProposalState]]] = [
    (["done"], ["accepted", "accepted"]),
    (["abandon"], ["open", "open"]),
    (["done", "undo"], ["open", "open"]),
    (["done", "undo", "redo"], ["accepted", "accepted"]),
    (["done", "undo", "redo", "undo again"], ["open", "open"]),
]


@pytest.mark.parametrize(("steps", "states"), UNDOS, ids=[steps[-1] for steps, _ in UNDOS])
def test_follows_its_change(
    journal: Journal, steps: list[str], states: list[ProposalState]
) -> None:
    ids = add(journal, TEXT, PROSE)
    number = journal.begin(_accepting(new_change(), *ids), NOTE, ENRICHED)
    for step in steps:
        if step == "abandon":
            journal.abandon(number, "it was edited")
            continue
        if step != "done":
            texts = (ENRICHED, NOTE) if step.startswith("undo") else (NOTE, ENRICHED)
            undo = replace(new_change(*texts), kind="undo", undoes=number, needs=())
            number = journal.begin(undo, *texts)
        journal.done(number)
    assert _states(journal, *ids) == states
    assert list(journal.proposals.latest("Stub.md")) == ["callout:top", "description"]


def test_an_abandoned_one_is_superseded_by_a_newer(journal: Journal) -> None:
    [first] = add(journal, TEXT)
    number = journal.begin(_accepting(new_change(), first), NOTE, ENRICHED)
    [second] = add(journal, TEXT)
    journal.abandon(number)
    assert _states(journal, first, second) == ["superseded", "open"]


@pytest.mark.parametrize("to", ["refused", "closed", "rejected"])
def test_what_was_decided_is_not_written(journal: Journal, to: ProposalState) -> None:
    ids = add(journal, TEXT, PROSE)
    journal.proposals.decide(ids[1:], to, "user")
    with pytest.raises(ProposalDecided, match=f"proposal {ids[1]} is already {to}"):
        journal.begin(_accepting(new_change(), *ids), NOTE, ENRICHED)
    assert journal.changes() == []
    assert _states(journal, *ids) == ["open", to]
    wanted = replace(_accepting(new_change(), *ids), states=("open", to))
    journal.done(journal.begin(wanted, NOTE, ENRICHED))
    assert _states(journal, *ids) == ["accepted", "accepted"]


def test_what_is_being_written_is_not_decided(journal: Journal) -> None:
    ids = add(journal, TEXT, PROSE)
    journal.begin(_accepting(new_change(), *ids), NOTE, ENRICHED)
    assert journal.proposals.decide(ids, "refused", "user") == []


def test_a_client_that_made_the_edits_accepts(journal: Journal) -> None:
    ids = add(journal, TEXT, PROSE)
    edits = offer(journal, _accepting(new_change(), *ids), NOTE, ENRICHED)
    assert _states(journal, *ids) == ["open", "open"]
    number = journal.outbox.confirm(*edits)
    assert {(p.state, p.change) for p in journal.proposals.get_all(ids)} == {("accepted", number)}


def test_what_is_left_of_an_undone_change_stays_accepted(journal: Journal) -> None:
    ids = add(journal, TEXT, PROSE)
    number = record(journal, _accepting(new_change(), *ids), NOTE, ENRICHED)
    part = new_change(ENRICHED, NOTE)
    half = ENRICHED.replace(b" What a stub is.", b" ")
    part = replace(part, edits=part.edits[:1], undoes=number, parts=(0,), needs=())
    record(journal, part, ENRICHED, half)
    assert _states(journal, *ids) == ["accepted", "accepted"]


DECIDERS = [
    pytest.param("user", "open", ("undone",), id="a person: it waits again, flagged"),
    pytest.param("setting", "refused", (), id="written at once: that is a refusal"),
    pytest.param("agent:helper", "refused", (), id="an agent"),
]


@pytest.mark.parametrize(("by", "state", "flags"), DECIDERS)
def test_an_undone_change_opens_what_a_person_accepted(
    journal: Journal,
    by: str,
    state: ProposalState,
    flags: tuple[Flag, ...],
) -> None:
    [number] = add(journal, TEXT)
    journal.proposals.edit_value(number, "Mine.")
    made = record(journal, replace(_accepting(new_change(), number), decided_by=by), NOTE, ENRICHED)
    undo = replace(new_change(ENRICHED, NOTE), undoes=made, parts=None, needs=())
    undone = record(journal, undo, ENRICHED, NOTE)
    kept = _get(journal, number)
    assert (kept.state, kept.flags, kept.reason) == (state, flags, f"change {made} was undone")
    assert kept.value == "Mine."
    redo = replace(new_change(NOTE, ENRICHED), undoes=undone, parts=None, needs=())
    record(journal, redo, NOTE, ENRICHED)
    kept = _get(journal, number)
    assert (kept.state, kept.flags, kept.value) == ("accepted", (), "Mine.")


# --- moved, forgotten, lost


def test_follow_a_note_that_is_moved(journal: Journal) -> None:
    old, there = add(journal, TEXT, replace(TEXT, path="New.md"))
    journal.move("Stub.md", "New.md")
    assert _states(journal, old, there) == ["open", "superseded"]
    assert [asked.id for asked in journal.proposals.latest("New.md").values()] == [old]
    assert journal.proposals.latest("Stub.md") == {}


def _bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


def test_forgets_the_text_of_notes(journal: Journal, tmp_path: Path) -> None:
    secret = replace(TEXT, value="Xylophone.")
    ids = [each.id for each in journal.proposals.add([secret], b"Xylophones " * 9)]
    ids += add(journal, replace(TEXT, path="other.md"))
    assert b"Xylophone" in _bytes_of(tmp_path / "state")
    assert journal.proposals.forget(["Stub.md"], "its text was deleted") == 1
    forgotten = _get(journal, ids[0])
    assert (forgotten.value, forgotten.state) == (None, "refused")
    assert journal.proposals.source(forgotten) is None
    assert forgotten.origin.source_sha256
    assert list(journal.proposals.latest("Stub.md")) == ["description"]
    assert journal.proposals.source(_get(journal, ids[1])) == NOTE
    assert b"Xylophone" not in _bytes_of(tmp_path / "state")


def test_forgets_notes_as_they_were_before_changes_and_offers(
    journal: Journal, tmp_path: Path
) -> None:
    before, after = NOTE + b"Xylophone.\n", ENRICHED + b"Xylophone.\n"
    journal.done(journal.begin(new_change(before, after), before, after))
    offer(journal, new_change(before, after), before, after)
    offer(journal, new_change(path="other.md"), NOTE, ENRICHED)
    assert b"Xylophone" in _bytes_of(tmp_path / "state")
    journal.forget(["Stub.md"])
    assert [offered.path for offered in journal.offered()] == ["other.md"]
    assert b"Xylophone" not in _bytes_of(tmp_path / "state")


def test_purges_the_text_of_what_was_decided(journal: Journal) -> None:
    ids = add(journal, TEXT, PROSE, replace(NOTHING))
    journal.proposals.decide(ids[:1], "refused", "user", "no")
    assert journal.proposals.purge(older_than=3600) == 0
    assert journal.proposals.purge(older_than=-1) == 1
    assert [each.value for each in journal.proposals.get_all(ids)] == [None, ["Prose."], None]
    assert journal.proposals.source(_get(journal, ids[1])) == NOTE
    assert {a.reason for a in journal.proposals.latest("Stub.md").values()} == {
        "no",
        "",
        "no tag fits",
    }


def test_what_was_added_outlives_a_kill(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from companion.store.journal import Journal
from tests.store.test_proposals import PROSE, TEXT
journal = Journal(Path(sys.argv[1]))
first, second = journal.proposals.add([TEXT, PROSE])
journal.proposals.decide([second.id], "refused", "user", "no")
os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
"""
    file = tmp_path / "journal.sqlite3"
    subprocess.run([sys.executable, "-c", code, str(file)], check=False)
    with Journal(file) as journal:
        assert [(each.value, each.state) for each in journal.proposals.select()] == [
            (["Prose."], "refused"),
            ("What a stub is.", "open"),
        ]
