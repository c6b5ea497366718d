"""What Companion wrote: written anew, beside the old text or by --force, and told if outdated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event

import pytest

from companion.app.decider import Decider
from companion.app.types.decisions import Acceptance
from companion.app.types.runs import RunOptions
from companion.app.written_texts import find_outdated, find_rewrites
from companion.enrich.asker import Asker
from companion.enrich.configured_model import open_client
from companion.enrich.context import VaultContext
from companion.enrich.enricher import Enricher
from companion.enrich.result import Result
from tests.cli.user import STUB, User


def rewrite(user: User, kind: str | None = None) -> list[Result]:
    """Ask once more for what was written. kind: of the needs; None: all."""
    with user.open() as space, open_client(space.config, Event()) as client:
        asker = Asker(space, VaultContext(space.scan()))
        enricher = Enricher(asker, client, "again")
        jobs = find_rewrites(space, RunOptions(paths=[""], mode="rewrite"), kind)
        return [enricher.enrich(job) for job in jobs]


def accept(user: User, ids: Sequence[int]) -> Result:
    with user.open() as space:
        decisions = Decider(space, lambda: VaultContext(space.scan()))
        [done] = decisions.accept([Acceptance(id=each) for each in ids])
        return done


def test_what_the_user_edited_stays(user: User) -> None:
    note = user.note("Stub.md")
    user.run("enrich", ".")
    note.write_text(user.read("Stub.md").replace("What a stub is.", "Mine."))
    user.says(callout="Better prose.")
    [told] = rewrite(user)
    assert len(told.proposals) == 1
    note.write_text(user.read("Stub.md").replace("It grows.", "It grows, I say."))
    done = accept(user, told.proposals)
    assert done.status == "failed" and "It grows, I say." in user.read("Stub.md")


def test_what_was_rewritten_is_rewritten_again(user: User) -> None:
    """Beneath the text of the second time is that of the first, and beneath that nothing."""
    user.note("Stub.md")
    user.run("enrich", ".")
    for prose in ("Better prose.\n\nOf two parts.", "Even better prose.", "The best prose."):
        user.says(description=f"{prose[:6]} description.", callout=prose)
        [told] = rewrite(user)
        assert len(told.proposals) == 2, told
        assert accept(user, told.proposals).status == "enriched"
        assert all(f"> {line}".rstrip() in user.read("Stub.md") for line in prose.split("\n"))
    assert user.read("Stub.md").count("[!ai]") == 1
    user.says(description="Another description.")
    [told] = rewrite(user, kind="description")
    assert accept(user, told.proposals).status == "enriched"
    assert "The best prose." in user.read("Stub.md"), "what was not asked for again stays"


LONG = STUB.replace("Text of mine.", "One thing. Another thing. A third thing. A fourth thing.")


def _edit(*swaps: tuple[str, str]) -> Callable[[str], str]:
    def edit(text: str) -> str:
        for old, new in swaps:
            text = text.replace(old, new)
        return text

    return edit


CHANGES = [
    pytest.param(_edit(), [], id="nothing"),
    pytest.param(_edit(("One thing.", "Quite another.")), [], id="a quarter"),
    pytest.param(
        _edit(("One thing.", "Quite another."), ("A third thing.", "And new.")),
        ["callout", "description"],
        id="a half",
    ),
    pytest.param(_edit(("fourth thing.", "fourth thing. And more. And more yet.")), [], id="added"),
    pytest.param(
        _edit(
            ("One thing.", "Quite another."),
            ("A third thing.", "And new."),
            ("What a stub is.", "Mine."),
        ),
        ["callout"],
        id="one of them edited",
    ),
]


@pytest.mark.parametrize(("edit", "kinds"), CHANGES)
def test_is_outdated(user: User, edit: Callable[[str], str], kinds: list[str]) -> None:
    note = user.note("Stub.md", LONG)
    user.run("enrich", ".")
    note.write_text(edit(user.read("Stub.md")))
    with user.open() as space:
        space.scan()
        found = list(find_outdated(space))
    assert sorted(each.proposal.kind for each in found) == kinds
    assert all(each.share == 0.5 for each in found)
