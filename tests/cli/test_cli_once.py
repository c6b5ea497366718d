"""Companion asks once for each need: what was taken out again or came to nothing is left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.user import FILLED, STUB, User
from tests.examples import labelled

EDITED, EDITED_FILLED = STUB + "On the road.\n", FILLED + "On the road.\n"
COPY = "Stub (Phone's conflicted copy 2026-05-01).md"


def conflict(user: User, copy: str = COPY, ours: str = FILLED, theirs: str = EDITED) -> None:
    """Have a sync client let the other device's version keep the note's name."""
    user.note(copy, ours)
    user.note("Stub.md", theirs)


def lose_twice(user: User) -> None:
    conflict(user)
    user.run("enrich", ".")
    conflict(user, COPY.replace("01", "02"), user.read("Stub.md"))


def come_back(user: User, text: str) -> None:
    """Have the note be missing for a while, as far as the daemon sees."""
    with user.open() as space:
        space.scan()
        (user.vault / "Stub.md").unlink()
        space.scan()
    user.note("Stub.md", text)


def mount_again_and_delete(user: User) -> None:
    come_back(user, FILLED)
    user.run("enrich", ".")
    user.note("Stub.md", EDITED)


def undo_beside_a_copy(user: User) -> None:
    user.note(COPY, FILLED)
    user.run("undo")


WRITTEN, WAITS, TAKEN_OUT = ("accepted", ()), ("open", ("lost",)), ("accepted", ())
LOSSES = {
    "an older version took its place": (conflict, EDITED_FILLED, WRITTEN),
    "twice": (lose_twice, EDITED, WAITS),
    "may be a copy of mine": (lambda u: conflict(u, "Stub 2.md"), EDITED, WAITS),
    "both were edited": (lambda u: conflict(u, ours=FILLED + "At home.\n"), EDITED, WAITS),
    "deleted and written again": (lambda u: come_back(u, EDITED), EDITED, WAITS),
    "missing, then deleted by hand": (mount_again_and_delete, EDITED, TAKEN_OUT),
    "one value emptied by hand beside a copy": (
        lambda u: conflict(u, theirs=FILLED.replace("What a stub is.", "")),
        FILLED.replace("What a stub is.", ""),
        TAKEN_OUT,
    ),
    "a copy without it": (lambda u: conflict(u, ours=EDITED, theirs=STUB), STUB, TAKEN_OUT),
    "undone beside a copy": (undo_beside_a_copy, STUB, ("refused", ())),
}


@pytest.mark.parametrize("named", [".", "Stub.md"])
@labelled(("past", "text", "proposal"), LOSSES)
def test_what_a_sync_conflict_took_out_opens_again(
    user: User,
    past: Callable[[User], None],
    text: str,
    proposal: tuple[str, tuple[str, ...]],
    named: str,
) -> None:
    user.note("Stub.md")
    user.run("enrich", ".")
    past(user)
    is_lost = (text, proposal) == (EDITED_FILLED, WRITTEN) or proposal == WAITS
    if not is_lost and named != ".":
        return  # naming the note asks again
    assert ("lost in a sync conflict" in user.run("scan").out) == is_lost
    assert user.run("enrich", named).status == 0
    assert (user.read("Stub.md"), user.calls()) == (text, 1)
    assert {(each.state, each.flags) for each in user.kept()} == {proposal}
    assert user.run("enrich", ".").status == 0 and user.read("Stub.md") == text
    if proposal == WAITS:
        assert user.run("apply", "--all", "--flagged").status == 0
        assert user.read("Stub.md") == EDITED_FILLED
