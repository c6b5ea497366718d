"""What Companion wrote: written anew, beside the old text or by --force, and told if outdated."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from companion.app.types.coverage import OutdatedQuery
from companion.app.written_texts import RecentlyOutdated, find_outdated
from tests.cli.user import STUB, User

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
        assert RecentlyOutdated(space, int).page(OutdatedQuery()).texts == found
    assert sorted(each.kind for each in found) == kinds
    assert all(each.changed_share == 0.5 for each in found)
