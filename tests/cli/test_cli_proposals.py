"""What is asked for is kept: written by the settings, or waiting until somebody decides."""

from __future__ import annotations

import pytest

from companion.enrich.context import VaultContext
from companion.enrich.decisions import Decisions
from companion.enrich.run import NoteDecision
from companion.store.proposal import Acceptance
from tests.cli.user import FILLED, STUB, User, answer_by_schema
from tests.llm.fake_endpoint import answer, error


def accept_all(user: User) -> list[NoteDecision]:
    with user.open() as space:
        decisions = Decisions(space, lambda: VaultContext(space.scan()))
        ids = [each.id for each in space.journal.proposals.select() if each.state == "open"]
        return list(decisions.accept(map(Acceptance, ids)))


def configure(user: User, review: str) -> None:
    user.configure(f"[endpoint]\nretries = 0\n[review]\n{review}\n")


MODES = [
    pytest.param('mode = "write"', "Stub.md", ["description", "callout"], id="write"),
    pytest.param('mode = "propose"', "Stub.md", [], id="propose"),
    pytest.param('fields = { callout = "propose" }', "Stub.md", ["description"], id="a field"),
    pytest.param('folders = { A = "propose" }', "A/Stub.md", [], id="a folder"),
    pytest.param('folders = { A = "propose" }', "AB/Stub.md", ["description", "callout"], id="no"),
    pytest.param('folders = { a = "propose" }', "A/Stub.md", [], id="case aside"),
    pytest.param('folders = { A = "propose", a = "write" }', "A/Stub.md", [], id="both, alike"),
    pytest.param('folders = { "Caf\u00e9" = "propose" }', "Cafe\u0301/Stub.md", [], id="accents"),
    pytest.param(
        'folders = { A = "propose", "A/B" = "write" }',
        "A/B/Stub.md",
        ["description", "callout"],
        id="the deepest folder",
    ),
    pytest.param(
        'mode = "write"\nfields = { callout = "write" }\nfolders = { A = "propose" }',
        "A/Stub.md",
        [],
        id="a folder before a field",
    ),
]


@pytest.mark.parametrize(("review", "path", "written"), MODES)
def test_the_most_specific_setting_decides(
    user: User, review: str, path: str, written: list[str]
) -> None:
    configure(user, review)
    user.note(path)
    [told] = user.run("enrich", ".", "--json").objects
    assert [change["kind"] for change in told["changes"]] == written
    assert told["status"] == ("enriched" if written else "proposed")
    assert sorted(told["proposals"]) == [1, 2]
    assert [each.state for each in user.kept()] == [
        "accepted" if kind in written else "open" for kind in ("description", "callout")
    ]
    accept_all(user)
    assert user.read(path) == FILLED and user.calls() == 1


def test_an_unknown_mode_is_refused(user: User) -> None:
    configure(user, 'mode = "ask"')
    told = user.run("scan")
    assert told.status == 2 and "review.mode" in told.err


def test_a_field_that_nothing_fills_is_refused(user: User) -> None:
    configure(user, 'fields = { calout = "propose" }')
    told = user.run("scan")
    assert told.status == 2 and "review.fields names calout" in told.err
    assert "callout, description" in told.err


def test_what_waits_is_not_asked_for_again(user: User) -> None:
    configure(user, 'mode = "propose"')
    user.note("Stub.md")
    user.run("enrich", ".")
    for command in (["enrich", "."], ["enrich", "Stub.md"], ["enrich", ".", "--retry"]):
        [told] = user.run(*command, "--json").objects
        assert (told["status"], told["proposals"], told["change"]) == ("proposed", [1, 2], None)
        assert told["usage"]["input_tokens"] == 0
    [scanned] = user.run("scan", "Stub.md", "--json").objects
    assert scanned["needs"] == []
    assert scanned["left"] == [
        "description, callout “AI”: proposed already; companion review shows it"
    ]
    assert user.calls() == 1 and user.read("Stub.md") == STUB


def test_a_note_that_a_sync_client_deletes_and_writes_anew_keeps_them(user: User) -> None:
    configure(user, 'mode = "propose"')
    user.note("Stub.md")
    user.run("enrich", ".")
    with user.open() as space:
        space.scan()
        (user.vault / "Stub.md").unlink()
        space.scan()
        user.note("Stub.md")
        space.scan()
        assert [each.state for each in space.journal.proposals.select()] == ["open", "open"]
        (user.vault / "Stub.md").unlink()
        for state in ("open", "closed"):
            space.scan()
            assert {each.state for each in space.journal.proposals.select()} == {state}


def test_a_mode_that_is_changed_to_write_writes_what_waits(user: User) -> None:
    configure(user, 'mode = "propose"')
    user.note("Stub.md")
    user.run("enrich", ".")
    configure(user, 'mode = "write"')
    [told] = user.run("enrich", ".", "--json").objects
    assert (told["status"], user.read("Stub.md"), user.calls()) == ("enriched", FILLED, 1)
    assert [(each.state, each.decided_by) for each in user.kept()] == [("accepted", "setting")] * 2


def test_what_was_rewritten_is_asked_for_anew(user: User) -> None:
    configure(user, 'mode = "propose"')
    user.note("Stub.md")
    user.run("enrich", ".")
    user.note("Stub.md", "---\ndescription:\n---\n\nQuite another subject, with many new words.\n")
    user.run("enrich", ".")
    assert [each.state for each in user.kept()] == ["closed", "closed", "open", "open"]
    assert user.calls() == 2


ASKING = [
    ["enrich", "."],
    ["enrich", ".", "--retry"],
    ["enrich", ".", "--all", "--yes"],
    ["enrich", "Stub.md"],
    ["apply", "--all"],
    ["review"],
]


def test_what_a_person_accepted_waits_once_it_is_undone(user: User) -> None:
    user.note("Stub.md")
    user.run("enrich", ".", "--dry-run")
    user.run("apply", "--all")
    user.run("undo")
    for command in ASKING:
        user.run(*command)
        assert (user.read("Stub.md"), user.calls()) == (STUB, 1), command
    kept = user.kept()
    assert [(each.state, each.flags) for each in kept] == [("open", ("undone",))] * 2
    assert "(undone)" in user.run("proposals").out
    user.run("apply", *(str(each.id) for each in kept))
    assert user.read("Stub.md") == FILLED and user.calls() == 1


def test_undone_is_refused_and_not_asked_for_again(user: User) -> None:
    user.note("Stub.md")
    user.run("enrich", ".")
    user.run("undo")
    assert [each.state for each in user.kept()] == ["refused", "refused"]
    user.run("enrich", ".")
    assert user.calls() == 1 and user.read("Stub.md") == STUB


def test_a_fault_after_an_answer_loses_nothing(user: User) -> None:
    """One call a field: the first is answered, and the second one fails."""
    user.configure('[endpoint]\nretries = 0\njson_mode = "text"\n')
    user.note("Stub.md")
    user.fake.script = lambda seen, n: answer("A text.") if n == 0 else error(500, "x")
    assert user.run("enrich", ".").status == 1
    assert [(each.kind, each.value, each.state) for each in user.kept()] == [
        ("description", "A text.", "open")
    ]
    assert user.read("Stub.md") == STUB and user.calls() == 2
    user.fake.script = lambda seen, n: answer("Prose.")
    assert user.run("enrich", ".").status == 0 and user.calls() == 3
    assert "description: A text." in user.read("Stub.md") and "> Prose." in user.read("Stub.md")


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")


NEW_TAG = "---\ntags:\nstatus: postponed\n---\n\n> [!ai] AI\n> Done.\n"


@pytest.mark.usefixtures("checked")
def test_a_new_tag_waits_and_is_in_the_vocabulary_then(user: User) -> None:
    user.configure('[endpoint]\nretries = 0\njson_mode = "text"\n[notes]\nfields = ["tags"]\n')
    user.note("Other.md", "---\ntags: bread\n---\n")
    user.note("A.md", NEW_TAG)
    user.note("B.md", NEW_TAG)
    user.says(description="gardening")
    assert "2 proposed" in user.run("enrich", ".").out
    assert [(each.flags, each.value) for each in user.kept()] == [
        (("new-value",), ["gardening"])
    ] * 2
    with user.open() as space:
        decisions = Decisions(space, lambda: VaultContext(space.scan()))
        [done] = decisions.accept([Acceptance(1)])
    assert done.result.status == "enriched"
    user.note("C.md", NEW_TAG)
    [told] = user.run("enrich", "C.md", "--json").objects
    assert told["status"] == "enriched" and "- gardening" in user.read("C.md")


def test_every_proposal_tells_how_it_was_made(user: User) -> None:
    user.note("Stub.md")
    user.run("enrich", "Stub.md")
    first, second = user.kept()
    assert first.prompt != second.prompt and len(first.prompt) == 12
    assert first.model == "m" and first.run == second.run != ""
    assert (first.tokens, second.tokens) != ((0, 0), (0, 0)) and second.tokens == (0, 0)
    assert len(first.sentences) == 1  # "Text of mine."
    assert first.change == second.change == 1


BREAD = "How sourdough is raised by the yeast of a starter."
ADDED = "How sourdough is raised by a starter that costs five dollars in every shop."
VOLCANO = "How a mountain of fire covers whole valleys with lava."
SOURDOUGH = (
    "---\ndescription:\n---\n\n# Sourdough\n\nSourdough is bread that is raised by wild yeast."
    " Feed the starter twice a day.\n"
)
EVIDENCE = [
    pytest.param("small = true", BREAD, (), id="the note says so"),
    pytest.param("small = true", ADDED, ("unsupported",), id="the note says less"),
    pytest.param("small = true", VOLCANO, ("unsupported",), id="nothing says so"),
    pytest.param("small = false", VOLCANO, (), id="a larger model may know it"),
]


@pytest.mark.parametrize(("setting", "said", "flags"), EVIDENCE)
def test_what_nothing_supports_waits_if_a_small_model_says_it(
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    said: str,
    flags: tuple[str, ...],
) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    user.configure(f'[endpoint]\nretries = 0\n{setting}\n[notes]\nfields = ["description"]\n')
    user.fake.script = lambda seen, number: answer_by_schema(seen, {"description": said})
    user.note("Sourdough.md", SOURDOUGH)
    user.run("enrich", "Sourdough.md")
    found = [each for each in user.kept() if each.kind == "description"]
    assert [each.flags for each in found] == [flags]
    assert (VOLCANO in user.read("Sourdough.md")) == (said == VOLCANO and not flags)
    if setting == "small = true":
        assert [one["sentence"] for one in found[0].evidence] == [said]


def test_a_callout_waits_where_its_evidence_cannot_be_told(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    elsewhere = f'[similar]\nbase_url = "{user.fake.url}"\nmodel = "embedder"\n'
    user.configure(f"[endpoint]\nretries = 0\nsmall = true\n{elsewhere}")
    said = {"callout": "The starter gets flour and water twice a day."}
    user.fake.script = lambda seen, number: answer_by_schema(seen, said)
    text = "Sourdough is bread that is raised by wild yeast. Feed the starter twice a day. " * 3
    note = user.note("Sourdough.md", f"{text}\n\n> [!ai] How is it fed?\n")
    user.run("enrich", ".")
    assert [(each.kind, each.flags) for each in user.kept()] == [("callout", ("small-model",))]
    assert said["callout"] not in note.read_text()


def test_forgets_what_is_kept_of_a_note(user: User) -> None:
    configure(user, 'folders = { A = "propose" }')
    for path in ("Stub.md", "A/Stub.md", "A/B.md"):
        user.note(path)
    user.run("enrich", ".")
    asked = user.run("forget", "A")
    assert asked.status == 2 and "say --yes" in asked.err
    assert user.run("forget", "A", "--yes").out == "the text of 4 proposals was deleted\n"
    gone = [each for each in user.kept() if each.value is None]
    assert {(each.path, each.state) for each in gone} == {
        ("A/B.md", "refused"),
        ("A/Stub.md", "refused"),
    }
    assert user.run("forget", "Stub.md", "--yes").out == "the text of 2 proposals was deleted\n"
    with user.open() as space:
        assert space.journal.images(1) is None and space.journal.change(1)
    user.run("enrich", ".")
    assert user.calls() == 3
    assert user.run("undo").status == 0 and user.read("Stub.md") == STUB
    assert "outside" in user.run("forget", "../home", "--yes").err
