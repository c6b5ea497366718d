"""A change that a client made itself: in the journal at once, and never unfinished."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from companion.vault.journal import Journal, NewChange
from tests.vault.stub_note import ENRICHED, NOTE, record

NewChangeOf = Callable[..., NewChange]


def test_is_what_a_change_begun_and_done_is(journal: Journal, change: NewChangeOf) -> None:
    journal.done(journal.begin(change(path="a.md"), NOTE, ENRICHED))
    record(journal, change(path="b.md"), NOTE, ENRICHED)
    done, recorded = (vars(journal.changes(path)[0]) for path in ("a.md", "b.md"))
    own = {"id", "path", "made_at"}
    assert {k: v for k, v in recorded.items() if k not in own} == {
        k: v for k, v in done.items() if k not in own
    }
    assert recorded["state"] == "done"
    assert journal.images(recorded["id"]) == (NOTE, ENRICHED)
    outcomes = {
        path: {need: (a.state, a.reason) for need, a in journal.proposals.latest(path).items()}
        for path in ("a.md", "b.md")
    }
    assert outcomes["b.md"] == outcomes["a.md"] != {}
    assert {a.change for a in journal.proposals.latest("b.md").values()} == {recorded["id"]}


def test_is_on_the_disk_and_never_pending(tmp_path: Path, change: NewChangeOf) -> None:
    file = tmp_path / "journal.sqlite3"
    with Journal(file) as journal:
        before = journal.commits
        number = record(journal, change(), NOTE, ENRICHED)
        assert journal.commits == before + 2  # of the offer, and of what came of it
        with Journal(file, read_only=True) as reader:
            assert [(c.id, c.state) for c in reader.changes()] == [(number, "done")]
            assert reader.pending() == []


def test_marks_what_it_undoes(journal: Journal, change: NewChangeOf) -> None:
    first = record(journal, change(), NOTE, ENRICHED)
    second = record(
        journal,
        change(ENRICHED, NOTE)._replace(kind="undo", undoes=first, needs=()),
        ENRICHED,
        NOTE,
    )
    undone = journal.change(first)
    assert undone is not None
    assert (undone.state, undone.undone_by) == ("undone", second)
    third = record(journal, change()._replace(kind="undo", undoes=second), NOTE, ENRICHED)
    assert [(c.id, c.state) for c in journal.changes()] == [
        (third, "done"),
        (second, "undone"),
        (first, "done"),
    ]


def test_does_not_wait_for_a_change_that_is_pending(journal: Journal, change: NewChangeOf) -> None:
    pending = journal.begin(change(), NOTE, ENRICHED)
    record(journal, change(), NOTE, ENRICHED)
    assert [c.id for c in journal.pending()] == [pending]


def test_refuses_edits_that_do_not_make_the_change(journal: Journal, change: NewChangeOf) -> None:
    with pytest.raises(ValueError, match="do not turn the old text into the new one"):
        record(journal, change(), NOTE, ENRICHED + b"more")
    assert journal.changes() == []


def test_its_image_is_pruned(journal: Journal, change: NewChangeOf) -> None:
    number = record(journal, change(), NOTE, ENRICHED)
    assert journal.prune_images(older_than=-1) == 1
    assert journal.images(number) is None
