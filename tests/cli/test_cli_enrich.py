"""companion enrich: what is asked for, from what, what is kept of it, and when it is outdated."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from companion.app.types.coverage import OutdatedQuery
from companion.app.written_texts import RecentlyOutdated, find_outdated
from tests.cli.user import STUB, User, answer_by_schema, files_in
from tests.llm.fake_endpoint import answer, error

PLAIN = "# Plain\n\nText without properties.\n"


DRY = [
    pytest.param(STUB, id="a stub"),
    pytest.param(STUB.replace("\n", "\r\n"), id="CRLF"),
    pytest.param("\ufeff" + STUB, id="BOM"),
    pytest.param(STUB.rstrip("\n"), id="no final newline"),
    pytest.param("---\ndescription:\n---", id="properties only"),
    pytest.param(PLAIN, id="no properties"),
]


@pytest.mark.parametrize("text", DRY)
def test_dry_run_writes_nothing_and_its_diff_applies(user: User, tmp_path: Path, text: str) -> None:
    note = user.note("Stub.md", text)
    before, state = user.files(), set(files_in(user.home))
    seen = note.stat()
    ran = user.run("enrich", "Stub.md", "--dry-run")
    assert ran.status == 0 and user.files() == before
    assert note.stat().st_mtime_ns == seen.st_mtime_ns
    assert {Path(name).name for name in set(files_in(user.home)) - state} <= {
        "index.sqlite3",
        "journal.sqlite3",
        "lock",
        "spending.sqlite3",
    }
    assert user.run("history").out == "no changes yet\n"
    assert user.run("enrich", "Stub.md").status == 0
    assert apply_diff(ran.out, before["Stub.md"], tmp_path) == user.files()["Stub.md"]


def apply_diff(printed: str, old: bytes, folder: Path) -> bytes:
    """Return what the program patch makes of old; the test is skipped where there is none."""
    target = folder / "patched"
    target.write_bytes(old)
    end = printed.index("\n1 would be enriched; nothing was written. ") + 1
    diff = printed[printed.index("--- a/") : end]
    command = ["patch", "--binary", "--quiet", str(target)]
    try:
        subprocess.run(command, input=diff.encode(), check=True, stdout=subprocess.DEVNULL)
    except FileNotFoundError:
        pytest.skip("no patch here")
    return target.read_bytes()


def test_a_fault_after_an_answer_loses_nothing(user: User) -> None:
    """One call a field: the first is answered, and the second one fails."""
    user.configure('[endpoint]\njson_mode = "text"\n')
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


def test_a_callout_waits_where_its_evidence_cannot_be_told(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    user.configure('[endpoint]\nsmall = true\n[similar]\nmodel = "embedder"\n')
    said = {"callout": "The starter gets flour and water twice a day."}
    user.fake.script = lambda seen, number: answer_by_schema(seen, said)
    text = "Sourdough is bread that is raised by wild yeast. Feed the starter twice a day. " * 3
    note = user.note("Sourdough.md", f"{text}\n\n> [!ai] How is it fed?\n")
    user.run("enrich", ".")
    assert [(each.kind, each.flags) for each in user.kept()] == [("callout", ("small-model",))]
    assert said["callout"] not in note.read_text()


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
