"""Unit and agent: their texts, and what systemd's own tool says of them."""

import os
import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from companion.daemon import service
from companion.errors import UsageError

GOLDEN = Path(__file__).parent / "service_units"
ROOT = Path("/home/me/My notes")
ODD = [
    "blanks and tabs are words",
    "\"double\" and 'single'",
    "back\\slash\\",
    "100% %h %%",
    "$HOME ${HOME} $$",
    "a ; b",
    "<&>]]>",
    "Größe 筆記 \U0001f4d3",
    "-v",
]


def render(monkeypatch: pytest.MonkeyPatch, root: Path, home: str, *, mac: bool) -> bytes:
    monkeypatch.setattr(service, "_IS_MAC", mac)
    monkeypatch.setenv("COMPANION_HOME", home)
    return service._render(root)


@pytest.mark.parametrize(
    ("golden", "mac"), [("linux-home.service", False), ("macos-home.plist", True)]
)
def test_the_text(golden: str, mac: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/opt/tools/bin/python")
    text = render(monkeypatch, ROOT, "/home/me/of mine", mac=mac)
    assert text == (GOLDEN / golden).read_bytes()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("vault", ODD)
def test_systemd_finds_no_fault_in_it(
    vault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/home/me/{vault}"
    (file := tmp_path / "x.service").write_bytes(render(monkeypatch, Path(path), path, mac=False))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(file)],
        env=os.environ | {"XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("vault", ODD)
def test_launchd_reads_the_command_back(vault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = plistlib.loads(render(monkeypatch, Path(f"/Users/me/{vault}"), "/Users/me", mac=True))
    assert read["ProgramArguments"][-2:] == ["--vault", f"/Users/me/{vault}"]
    assert read["EnvironmentVariables"] == {"COMPANION_HOME": "/Users/me"}


@pytest.mark.parametrize("mac", [False, True])
@pytest.mark.parametrize("vault", ["a\nb", "a\x1bb", "a\udcffb"])
def test_what_cannot_be_written_is_refused(
    vault: str, mac: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="no service can name the path"):
        render(monkeypatch, Path(f"/home/me/{vault}"), "", mac=mac)
