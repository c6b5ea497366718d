"""What the page shows: notes by each form of their names, and flags in the terminal's words."""

import re
from pathlib import Path
from typing import Literal
from unicodedata import normalize
from urllib.parse import quote

import pytest

from companion.note.needs import Need
from companion.store.proposals import FLAG_WORDS, Proposal
from tests.daemon.attack_fixture import AttackedDaemon, attacked

__all__ = ["attacked"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("other", ["NFC", "NFD"])
def test_a_note_is_there_by_each_form_of_its_name(
    attacked: AttackedDaemon, form: Literal["NFC", "NFD"], other: Literal["NFC", "NFD"]
) -> None:
    path = normalize(form, "Crème/Brûlée.md")
    attacked.daemon_fixture.note(path)
    attacked.daemon_fixture.run(path)
    need = Need("tags", None, None, "property", "empty tags")
    attacked.daemon.space.journal.proposals.add([Proposal(path, need, ["a"])])
    attacked.daemon_fixture.rescan()
    named = quote(normalize(other, path))
    for place in (f"proposals?path={named}", f"changes?path={named}"):
        answer = attacked.get(f"/{place}").json
        assert answer[place.partition("?")[0]], place
    attacked.daemon.space.journal.proposals.forget([path], "")


def test_flags_are_said_alike_on_the_page_and_in_the_terminal() -> None:
    source = Path(__file__).parents[3] / "obsidian-plugin/ui/proposal.js"
    shown = dict(re.findall(r'"?([\w-]+)"?: \["[^"]+", "([^"]+)"', source.read_text()))
    assert shown == {flag: f"{words[0].upper()}{words[1:]}." for flag, words in FLAG_WORDS.items()}
