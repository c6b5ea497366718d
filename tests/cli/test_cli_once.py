"""Companion asks once for each need: what was taken out again or came to nothing is left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.user import FILLED, STUB, User


def undo(user: User) -> None:
    user.run("enrich", ".")
    user.run("undo")


def delete(user: User) -> None:
    user.run("enrich", ".")
    user.note("Stub.md", STUB)


def empty(user: User) -> None:
    user.run("enrich", ".")
    user.note("Stub.md", FILLED.replace("description: What a stub is.", 'description: ""'))


def reject(user: User) -> None:
    user.says(description=5, callout=None)
    user.run("enrich", ".")


def refuse(user: User) -> None:
    user.says(description="word " * 500, callout="word " * 5000)
    user.run("enrich", ".")


def say_nothing(user: User) -> None:
    user.says(description=" ", callout="\n")
    user.run("enrich", ".")


HISTORIES = [
    pytest.param(undo, "description, callout “AI”: filled once and taken out again", id="undone"),
    pytest.param(delete, "filled once and taken out again", id="deleted"),
    pytest.param(empty, "description: filled once and taken out again", id="emptied"),
    pytest.param(reject, "asked for once, without a usable answer (", id="unusable answer"),
    pytest.param(refuse, "asked for once, without a usable answer (the ", id="unfit values"),
    pytest.param(say_nothing, "asked for once, and there was nothing to say", id="nothing"),
]


@pytest.mark.parametrize(("past", "reason"), HISTORIES)
def test_folder_runs_leave_what_was_asked_for(
    user: User, past: Callable[[User], None], reason: str
) -> None:
    user.note("Stub.md")
    past(user)
    text, calls = user.read("Stub.md"), user.calls()
    user.says()
    ran = user.run("enrich", ".")
    assert (ran.status, user.calls(), user.read("Stub.md")) == (0, calls, text)
    told = user.run("scan").out
    assert reason in told and "name the note, or use --retry, to ask again" in told
    assert any(reason in why for why in user.run("scan", "--json").objects[0]["left"])
    every = user.run("enrich", ".", "--all", "--json").objects
    assert user.calls() == calls and any(reason in why for why in every[0]["left"])


def test_a_new_note_that_is_like_one_deleted_before_it_is_not_that(user: User) -> None:
    user.note("Old.md", STUB)
    user.run("enrich", "Old.md")
    user.run("undo")
    (user.vault / "Old.md").unlink()
    user.note("A.md", STUB)
    user.note("B.md", STUB)
    assert user.run("enrich", ".").status == 0
    assert (user.read("A.md"), user.read("B.md")) == (FILLED, FILLED)


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
LOSSES = [
    pytest.param(conflict, EDITED_FILLED, WRITTEN, id="an older version took its place"),
    pytest.param(lose_twice, EDITED, WAITS, id="twice"),
    pytest.param(lambda u: conflict(u, "Stub 2.md"), EDITED, WAITS, id="may be a copy of mine"),
    pytest.param(
        lambda u: conflict(u, ours=FILLED + "At home.\n"), EDITED, WAITS, id="both were edited"
    ),
    pytest.param(lambda u: come_back(u, EDITED), EDITED, WAITS, id="deleted and written again"),
    pytest.param(mount_again_and_delete, EDITED, TAKEN_OUT, id="missing, then deleted by hand"),
    pytest.param(
        lambda u: conflict(u, theirs=FILLED.replace("What a stub is.", "")),
        FILLED.replace("What a stub is.", ""),
        TAKEN_OUT,
        id="one value emptied by hand beside a copy",
    ),
    pytest.param(
        lambda u: conflict(u, ours=EDITED, theirs=STUB), STUB, TAKEN_OUT, id="a copy without it"
    ),
    pytest.param(undo_beside_a_copy, STUB, ("refused", ()), id="undone beside a copy"),
]


@pytest.mark.parametrize("named", [".", "Stub.md"])
@pytest.mark.parametrize(("past", "text", "proposal"), LOSSES)
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
