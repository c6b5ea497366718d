"""companion enrich: what is asked for, from what, what is kept of it, and when it is outdated."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.user import STUB, User, files_in

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
    assert user.run("history").out == "No changes yet.\n"
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
