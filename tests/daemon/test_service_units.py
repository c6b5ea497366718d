"""Unit, agent and task: their texts, and what their own systems' tools say of them."""

import os
import plistlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xmlschema

from companion.daemon.service_manager import Launchd, Service, Systemd, TaskScheduler
from companion.errors import UsageError

GOLDEN = Path(__file__).parent / "service_units"
NAME = "callout-companion-My-notes-0123456789ab"
SERVE = ("-P", "-m", "companion", "serve", "--vault")
POSIX = Service(NAME, ("/opt/tools/bin/python", *SERVE, "/home/me/My notes"))
HOME = POSIX._replace(command=(*POSIX.command, "--port", "0"), home="/home/me/of mine")
WINDOWS = Service(NAME, ("C:\\Tools\\pythonw.exe", *SERVE, "C:\\Users\\me\\My notes"))


def task_of(service: Service, user: str = "me") -> bytes:
    """Return the task of that user of the computer DESK."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("USERDOMAIN", "DESK")
        patch.setattr("getpass.getuser", lambda: user)
        return TaskScheduler().render(service)


TEXTS = [
    pytest.param("linux.service", Systemd().render(POSIX), id="systemd"),
    pytest.param("linux-home.service", Systemd().render(HOME), id="systemd, with COMPANION_HOME"),
    pytest.param("macos.plist", Launchd().render(POSIX), id="launchd"),
    pytest.param("macos-home.plist", Launchd().render(HOME), id="launchd, with COMPANION_HOME"),
    pytest.param("windows.xml", task_of(WINDOWS), id="Task Scheduler"),
]


@pytest.mark.parametrize(("golden", "text"), TEXTS)
def test_the_text(golden: str, text: bytes) -> None:
    assert text == (GOLDEN / golden).read_bytes()


ODD = [
    pytest.param("blanks and tabs are words", id="blanks"),
    pytest.param("\"double\" and 'single'", id="quotes"),
    pytest.param("back\\slash\\", id="backslashes"),
    pytest.param("100% %h %%", id="percent signs"),
    pytest.param("$HOME ${HOME} $$", id="dollars"),
    pytest.param("a ; b", id="a semicolon"),
    pytest.param("<&>]]>", id="markup"),
    pytest.param("Größe 筆記 \U0001f4d3", id="other scripts"),
    pytest.param("-v", id="an option"),
]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("vault", ODD)
def test_systemd_finds_no_fault_in_it(vault: str, tmp_path: Path) -> None:
    command = (sys.executable, *SERVE, f"/home/me/{vault}")
    unit = Systemd().render(Service(NAME, command, home=f"/home/me/{vault}"))
    assert verify(unit, tmp_path) == (0, "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_finds_a_fault_where_there_is_one(tmp_path: Path) -> None:
    status, told = verify(Systemd().render(POSIX).replace(b"My notes", b'My "notes'), tmp_path)
    assert status and "nbalanced" in told


def verify(unit: bytes, folder: Path) -> tuple[int, str]:
    """Return the status of systemd-analyze verify, and everything that it says."""
    (file := folder / f"{NAME}.service").write_bytes(unit)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(file)],
        env=os.environ | {"XDG_RUNTIME_DIR": str(folder)},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("vault", ODD)
def test_launchd_reads_the_command_back(vault: str) -> None:
    command = ("/opt/tools/bin/python", *SERVE, f"/Users/me/{vault}")
    read = plistlib.loads(Launchd().render(Service(NAME, command, home=f"/Users/me/{vault}")))
    assert tuple(read["ProgramArguments"]) == command
    assert read["EnvironmentVariables"] == {"COMPANION_HOME": f"/Users/me/{vault}"}
    assert read["Label"] == NAME and read["RunAtLoad"] is True


@pytest.fixture(scope="module")
def schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(GOLDEN / "task.xsd"))


@pytest.mark.parametrize("vault", ["My notes", "Rock & Roll", "Größe 筆記", "100%", "it's $5"])
def test_the_task_is_as_microsofts_schema_has_it(vault: str, schema: xmlschema.XMLSchema) -> None:
    path = f"C:\\Users\\me\\{vault}"
    task = task_of(WINDOWS._replace(command=("C:\\p\\pythonw.exe", *SERVE, path)), "<me>")
    assert task.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = task.decode("utf-16").partition("?>")[2]
    schema.validate(text)
    read: Any = schema.to_dict(text)
    arguments = read["Actions"]["Exec"][0]["Arguments"]
    assert arguments.startswith("-P -m companion serve --vault ")
    assert arguments.endswith(f'"{path}"' if " " in path else path)


def test_the_schema_refuses_a_wrong_order(schema: xmlschema.XMLSchema) -> None:
    text = task_of(WINDOWS).decode("utf-16").partition("?>")[2]
    enabled = "<Enabled>true</Enabled>"
    moved = text.replace(enabled, "").replace("</LogonTrigger>", f"{enabled}</LogonTrigger>")
    assert schema.is_valid(text) and not schema.is_valid(moved)


EVERY = (Systemd().render, Launchd().render, task_of)
UNWRITABLE = [
    ("a\nb", "control character", "a line break"),
    ("a\x1bb", "control character", "an escape character"),
    ("a\udcffb", "not valid UTF-8", "other bytes"),
]
REFUSED = [
    *(
        pytest.param(make, vault, told, id=f"{make.__qualname__}, {what}")
        for make in EVERY
        for vault, told, what in UNWRITABLE
    ),
    pytest.param(task_of, "%TEMP%", "would replace", id="a variable of Windows"),
    pytest.param(task_of, "$(Arg0)", "would replace", id="an argument of a task"),
]


@pytest.mark.parametrize(("make", "vault", "told"), REFUSED)
def test_what_cannot_be_written_is_refused(
    make: Callable[[Service], bytes], vault: str, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        make(WINDOWS._replace(command=("C:\\p\\pythonw.exe", *SERVE, f"C:\\{vault}")))
