"""Decisions on proposals: accepted into the note as it is now, refused, and taken back."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from companion.app.decider import Decider
from companion.app.types.proposals import Acceptance
from companion.config import Config
from companion.config.settings import IgnoreTable, NotesTable, PrivateTable
from companion.enrich import workspace
from companion.enrich.job import Result
from companion.enrich.workspace import Workspace, open_workspace
from companion.errors import UsageError
from companion.llm.endpoint import Endpoint
from companion.note.needs import Need
from companion.store.proposals import Origin, Proposal, ProposalState
from tests.examples import Change, delete, labelled, write

pytestmark = pytest.mark.usefixtures("home")

NOTE = """---
description:
tags:
---

# Sourdough

Sourdough is bread that is raised by wild yeast.
Feed the starter twice a day.

## Uses

Bread and pancakes.

## Questions

> [!ai] Why does it rise?
"""
DESCRIPTION = Need("description", None, None, "property", "empty description")
TAGS = Need("tags", None, None, "property", "empty tags")
TOP = Need("callout", None, None, "top", "empty description; no callout yet")
ASKED = Need(
    "callout", "Questions", "Why does it rise?", "request", "your question: Why does it rise?"
)
SECTION = Need("callout", "Uses", None, "section", "you asked for a callout in this section")
VALUES: dict[str, tuple[Need, str | list[str]]] = {
    "description": (DESCRIPTION, "How sourdough is raised."),
    "tags": (TAGS, ["baking", "bread"]),
    "top": (TOP, ["Bread raised by yeast."]),
    "asked": (ASKED, ["Because of the yeast."]),
    "section": (SECTION, ["It makes pancakes, too."]),
}
WHOLE = """---
description: How sourdough is raised.
tags:
  - baking
  - bread
---

# Sourdough

> [!ai] AI
> Bread raised by yeast.

Sourdough is bread that is raised by wild yeast.
Feed the starter twice a day.

## Uses

> [!ai]+ AI
> It makes pancakes, too.

Bread and pancakes.

## Questions

> [!ai] Why does it rise?
> Because of the yeast.
"""


class Desk:
    """A vault with one note, and somebody who decides on proposals for it."""

    def __init__(self, space: Workspace) -> None:
        self.space = space
        self.store = space.journal.proposals
        self.decisions = Decider(space)
        self.note = space.root / "Sourdough.md"
        self.write(NOTE)

    def write(self, text: str) -> None:
        self.note.write_bytes(text.encode())

    @property
    def text(self) -> str:
        return self.note.read_bytes().decode()

    def propose(self, *names: str, path: str = "Sourdough.md") -> list[int]:
        new = [Proposal(path, *VALUES[name], origin=Origin("m", "run-1")) for name in names]
        return [each.id for each in self.store.add(new, NOTE.encode())]

    def accept(self, *wanted: int | Acceptance) -> Result:
        [done] = self.decisions.accept(
            each if isinstance(each, Acceptance) else Acceptance(id=each) for each in wanted
        )
        return done

    def states(self, ids: list[int]) -> list[ProposalState]:
        return [each.state for each in self.store.get_all(ids)]

    def reasons(self, ids: list[int]) -> list[str]:
        return [each.reason for each in self.store.get_all(ids)]


def _open(tmp_path: Path, config: Config) -> Iterator[Desk]:
    root = tmp_path / "vault"
    (root / ".obsidian").mkdir(parents=True, exist_ok=True)
    with open_workspace(config, root) as space:
        yield Desk(space)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    yield from _open(tmp_path, Config())


def test_all_of_a_note_are_one_change(desk: Desk) -> None:
    ids = desk.propose(*VALUES)
    done = desk.accept(*ids)
    assert desk.text == WHOLE
    assert (done.status, [each.id for each in done.filled]) == ("enriched", ids)
    assert desk.states(ids) == ["accepted"] * len(ids) and not done.why_not
    [change] = desk.space.journal.changes()
    assert (change.model, change.decided_by, change.proposals) == ("m", "user", tuple(ids))
    assert change.id == done.change


ORDERS = [*itertools.permutations(["description", "top", "asked", "section"])]
IN_FILES = list(zip(ORDERS[::3], itertools.cycle(["\n", "\r\n"])))


@pytest.mark.parametrize(("order", "ends"), IN_FILES)
def test_the_order_does_not_matter(desk: Desk, order: tuple[str, ...], ends: str) -> None:
    desk.write(NOTE.replace("\n", ends))
    desk.accept(*desk.propose("tags"))
    for number in desk.propose(*order):
        assert desk.accept(number).status == "enriched"
    assert desk.text == WHOLE.replace("\n", ends)


Edited = str | list[str]
EDITS = [
    pytest.param("description", "Mine: a *text*.", 'description: "Mine: a text."', id="YAML"),
    pytest.param("description", "One\n---\ntwo", "description: One two", id="a line of dashes"),
    pytest.param("tags", ["a", "#b", "a"], "tags:\n  - a\n  - b\n", id="a list"),
    pytest.param("tags", "a\n- b", "tags:\n  - a\n  - b\n", id="a list, a line each"),
    pytest.param("top", "Mine.\n\nMore.", "> [!ai] AI\n> Mine.\n>\n> More.\n", id="prose"),
    pytest.param("top", "> [!ai] X\n> Mine.", "> [!ai] AI\n> \\[!ai] X\n", id="a callout"),
    pytest.param("top", "<script>x</script> Mine.", "\\<script>x\\</script>", id="HTML"),
]


@pytest.mark.parametrize(("name", "text", "written"), EDITS)
def test_an_edited_value_is_made_harmless(
    desk: Desk, name: str, text: Edited, written: str
) -> None:
    [number] = desk.propose(name)
    done = desk.accept(Acceptance(id=number, text=text))
    assert done.status == "enriched" and written in desk.text
    kept = desk.store.get(number)
    assert kept and kept.value != VALUES[name][1]
    next(iter(desk.decisions.undo([number])))
    reopened = desk.store.get(number)
    assert reopened and (reopened.value, reopened.flags) == (kept.value, ("undone",))


BAD_EDITS = [
    pytest.param("description", "x" * 50_000, "too long for a description"),
    pytest.param("top", "x" * 50_000, "too long for a callout"),
    pytest.param("top", " \n> \n", "nothing would be left of the callout"),
    pytest.param("tags", [], "nothing would be left of the tags"),
    pytest.param("description", "`", "nothing would be left of the description"),
]


@pytest.mark.parametrize(("name", "text", "words"), BAD_EDITS)
def test_an_edit_that_is_no_value_changes_nothing(
    desk: Desk, name: str, text: Edited, words: str
) -> None:
    [number] = desk.propose(name)
    done = desk.accept(Acceptance(id=number, text=text))
    assert done.status == "failed" and words in done.reason
    assert (desk.text, desk.states([number])) == (NOTE, ["open"])
    assert desk.accept(number).status == "enriched"


def rewritten(old: str, new: str) -> Change:
    """Return a change of the note: new in place of old."""
    return write("Sourdough.md", NOTE.replace(old, new))


FILL = rewritten("description:", "description: Mine.")
BREAK_YAML = rewritten("tags:", "tags: [a")
EMPTY = write("Sourdough.md", "")
REWRITE = "---\ndescription:\n---\n\nQuite another text about the moon and its phases.\n"
GONE = {
    "filled by hand": (FILL, "the note no longer needs it"),
    "rewritten": (write("Sourdough.md", REWRITE), "the note was rewritten since"),
    "left alone now": (rewritten("tags:", "tags:\nai: false"), "it says ai: false"),
}


@labelled(("change", "reason"), GONE)
def test_closes_itself(desk: Desk, change: Change, reason: str) -> None:
    ids = desk.propose("description")
    change(desk.space.root)
    before = desk.note.exists() and desk.text
    done = desk.accept(*ids)
    assert done.status == "failed" and reason in done.reason
    assert desk.states(ids) == ["closed"] and desk.reasons(ids)[0]
    assert (desk.note.exists() and desk.text) == before
    assert desk.store.latest("Sourdough.md") == {}
    kept = desk.store.get(ids[0])
    assert kept and (kept.value is None) == ("ai: false" in reason)


def test_an_ignored_folder_keeps_no_text(tmp_path: Path) -> None:
    for desk in _open(tmp_path, Config()):
        (desk.space.root / "A").mkdir()
        desk.note.rename(desk.space.root / "A" / "Sourdough.md")
        ids = desk.propose("description", "top", path="A/Sourdough.md")
    for desk in _open(tmp_path, Config(ignore=IgnoreTable(folders=("A",)))):
        done = desk.accept(ids[0])
        assert "A" in done.reason and done.status == "failed"
        assert desk.states(ids) == ["closed", "closed"]
        assert [each.value for each in desk.store.get_all(ids)] == [None, None]


STAYS = {
    "frontmatter in doubt": (BREAK_YAML, "YAML"),
    "empty": (EMPTY, "it is empty; it may still be syncing"),
    "deleted": (delete("Sourdough.md"), "no longer there"),
}


@labelled(("change", "reason"), STAYS)
def test_stays_open(desk: Desk, change: Change, reason: str) -> None:
    ids = desk.propose("description")
    change(desk.space.root)
    done = desk.accept(*ids)
    assert done.status == "failed" and reason in done.reason
    assert desk.states(ids) == ["open"]
    desk.write(NOTE)
    assert desk.accept(*ids).status == "enriched"


def test_what_fits_is_written_without_the_rest(desk: Desk) -> None:
    ids = desk.propose("description", "top")
    FILL(desk.space.root)
    done = desk.accept(*ids)
    assert done.status == "enriched" and "> Bread raised by yeast." in desk.text
    assert "description: Mine." in desk.text
    assert desk.states(ids) == ["closed", "accepted"] and list(done.why_not) == ids[:1]
    assert any("no longer" in reason for reason in done.unfilled)


def test_later_edits_stay(desk: Desk) -> None:
    ids = desk.propose(*VALUES)
    desk.write(NOTE.replace("twice a day", "twice a day, or more").replace("Bread and", "Breads,"))
    desk.accept(*ids)
    wanted = WHOLE.replace("twice a day", "twice a day, or more").replace("Bread and", "Breads,")
    assert desk.text == wanted


@pytest.mark.parametrize("is_empty", [False, True], ids=["no folder", "an empty mount point"])
def test_a_vault_that_is_not_there_closes_nothing(desk: Desk, is_empty: bool) -> None:
    ids = desk.propose("description")
    away = desk.space.root.with_name("away")
    desk.space.root.rename(away)
    if is_empty:
        desk.space.root.mkdir()
    with pytest.raises(UsageError, match="is not available"):
        desk.accept(*ids)
    if is_empty:
        desk.space.root.rmdir()
    away.rename(desk.space.root)
    assert desk.states(ids) == ["open"]


def test_a_rejected_one_may_be_taken(desk: Desk) -> None:
    new = Proposal("Sourdough.md", TOP, ["Odd."], "rejected", reason="it is odd")
    none = Proposal("Sourdough.md", DESCRIPTION, None, "rejected", reason="nothing")
    ids = [each.id for each in desk.store.add([new, none])]
    done = desk.accept(*(Acceptance(id=each, state="rejected") for each in ids))
    assert "> Odd." in desk.text
    assert done.why_not == {ids[1]: "its text was deleted; ask for it again"}
    mine = Acceptance(id=ids[1], text="My own.", state="rejected")
    assert desk.accept(mine).status == "enriched" and "description: My own." in desk.text


def test_the_one_that_is_open_makes_way(desk: Desk) -> None:
    [old] = desk.propose("description")
    list(desk.decisions.refuse([old]))
    [new] = desk.propose("description")
    desk.accept(Acceptance(id=old, state="refused"))
    assert desk.states([old, new]) == ["accepted", "superseded"]


def test_the_mark_goes_with_the_last_need(tmp_path: Path) -> None:
    config = Config(notes=NotesTable(postponed_afterwards="remove"))
    for desk in _open(tmp_path, config):
        desk.write(NOTE.replace("# Sourdough\n", "# Sourdough\n\n#status/postponed\n"))
        for number in desk.propose("description", "tags", "asked"):
            desk.accept(number)
            assert "#status/postponed" in desk.text
        desk.accept(*desk.propose("top"))
        assert "#status/postponed" not in desk.text


MAKE_PRIVATE = rewritten("tags:", "tags: [secret]")
PRIVATE = PrivateTable(tags=("secret",))
REMOTE = Endpoint(base_url="https://api.example/v1", model="m")
LOST = {
    "deleted": (delete("Sourdough.md"), Config(), True),
    "local": (MAKE_PRIVATE, Config(private=PRIVATE), False),
    "private": (MAKE_PRIVATE, Config(private=PRIVATE, endpoint=REMOTE), True),
    "frontmatter in doubt": (BREAK_YAML, Config(), False),
    "empty": (EMPTY, Config(), False),
    "filled by hand": (FILL, Config(), False),
}


@labelled(("change", "config", "is_lost"), LOST)
def test_a_scan_deletes_the_text_of_lost_notes(
    tmp_path: Path,
    change: Change,
    config: Config,
    is_lost: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for desk in _open(tmp_path, config):
        ids = desk.propose("description")
        desk.space.scan()
        assert desk.states(ids) == ["open"]
        change(desk.space.root)
        for _ in range(2):  # a note that was deleted may come back for some minutes
            desk.space.scan()
        assert desk.note.exists() or desk.states(ids) == ["open"]
        monkeypatch.setattr(workspace, "_LOST_SECONDS", 0.0)
        desk.space.scan()
        kept = desk.store.get(ids[0])
        assert kept and (kept.value is None, kept.state == "closed") == (is_lost, is_lost)


def test_a_moved_note_is_not_lost(desk: Desk) -> None:
    ids = desk.propose("description")
    desk.space.scan()
    desk.note.rename(desk.note.with_name("Other.md"))
    desk.space.scan()
    kept = desk.store.get(ids[0])
    assert kept and (kept.path, kept.state, bool(kept.value)) == ("Other.md", "open", True)
