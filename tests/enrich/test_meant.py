from __future__ import annotations

import pytest

from companion.enrich.asker import as_meant
from companion.note.callouts import Style, Styles
from companion.note.facts import read_facts
from companion.note.needs import Rules

STYLES = Styles(Style("KI"), Style("", "+"))

MEANT = [
    pytest.param("> [!ai]+ ki", [(None, None)], id="the vault's title"),
    pytest.param("## A\n> [!ai] KI", [(None, "A")], id="under a heading"),
    pytest.param("> [!ai] KI?", [("KI?", None)], id="a question"),
    pytest.param("> [!ai]", [(None, None)], id="no title"),
    pytest.param(
        "> [!ai] KI\n\n> [!ai] ki\n\n> [!ai] KI\n\n> [!ai] AI",
        [(None, None)] * 4,
        id="several stay apart",
    ),
]


@pytest.mark.parametrize(("text", "expected"), MEANT)
def test_an_emptied_callout_asks_nothing_by_its_title(
    text: str, expected: list[tuple[str | None, str | None]]
) -> None:
    needs = read_facts(text.encode(), Rules()).needs
    meant = as_meant(needs, STYLES)
    assert [(need.question, need.heading) for need in meant] == expected
    assert tuple(meant.values()) == needs
