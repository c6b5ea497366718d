"""Service managers of the user's session: systemd's user manager, launchd, Task Scheduler."""

from __future__ import annotations

import getpass
import os
import plistlib
import re
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from subprocess import list2cmdline
from typing import ClassVar, NamedTuple
from xml.sax.saxutils import escape

from companion.config import common_state_folder
from companion.errors import CompanionError, UsageError

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EXPANDED_BY_WINDOWS = re.compile(r"%[^%]+%|\$\(")


class Service(NamedTuple):
    """A daemon that starts at login.

    name: of its unit, agent or task; ASCII letters, digits and hyphens. command: the program's
    absolute path, and its arguments. home: COMPANION_HOME, None if it is not set. There is no other
    variable: a unit is no place for a key.
    """

    name: str
    command: tuple[str, ...]
    home: str | None = None


_PATIENCE = 60.0  # seconds for a command of the manager
_ENDS = 20.0  # seconds that an agent of launchd has to end
_BY_HAND = "run companion serve by hand, or by your system's own means"


class ServiceError(CompanionError):
    """The service manager is missing, or failed."""


class CommandEnd(NamedTuple):
    """The result of a command of the manager. said: the first line of its error, else of its
    output.
    """

    status: int
    said: str


RunCommand = Callable[..., CommandEnd]


def call(*command: str) -> CommandEnd:
    """Run a command of the manager, and return its result.

    Raises ServiceError if there is no such program, or if it does not end.
    """
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except FileNotFoundError:
        raise ServiceError(f"{command[0]} is not on this system; {_BY_HAND}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceError(f"{command[0]} cannot be used ({error}); {_BY_HAND}") from None
    said = done.stderr.strip() or done.stdout.strip()
    return CommandEnd(done.returncode, said.partition("\n")[0].strip())


def find_manager() -> ServiceManager:
    """Return the manager of this kind of system."""
    if os.name == "nt":
        return TaskScheduler()
    return Launchd() if sys.platform == "darwin" else Systemd()


class ServiceManager(ABC):
    """What starts programs with the user's session, by the commands of one program.

    program: its name, and what all commands begin with. check: the command that fails where it is
    not there; missing: what to say then; query: the command that fails unless the service `{}`
    starts at login. call: runs a command. Methods that run one raise ServiceError if the program is
    not there.
    """

    program: ClassVar[tuple[str, ...]]
    check: ClassVar[tuple[str, ...]]
    missing: ClassVar[str]
    query: ClassVar[tuple[str, ...]]

    def __init__(self, call: RunCommand = call) -> None:
        self._call = call

    def require(self) -> None:
        """Raise ServiceError if the manager is not there."""
        if (ended := self._run(*self.check)).status:
            raise ServiceError(self.missing.format(ended.said))

    def knows(self, name: str) -> bool:
        """Return whether the service starts at login."""
        return not self._run(*(part.format(name) for part in self.query)).status

    @abstractmethod
    def file(self, name: str) -> Path:
        """Return the path of the service's unit, agent or task."""

    @abstractmethod
    def render(self, service: Service) -> bytes:
        """Return the content of that file. Raises UsageError if a path cannot be written in it."""

    @abstractmethod
    def start(self, name: str) -> None:
        """Start the service at login from now on, and restart it with its current file."""

    @abstractmethod
    def remove(self, name: str) -> None:
        """Stop the service, even if its file is already gone, and remove its file."""

    def _run(self, *command: str) -> CommandEnd:
        return self._call(*self.program, *command)

    def _do(self, *command: str) -> None:
        """Run the command. Raises ServiceError if it fails."""
        if (ended := self._run(*command)).status:
            what = f"{self.program[0]} {command[0]}"
            raise ServiceError(f"{what} failed: {ended.said or ended.status}")


class Systemd(ServiceManager):
    """systemd's user manager: systemd.unit(5), systemd.service(5), systemd.syntax(7)."""

    program = ("systemctl", "--user")
    check = ("show-environment",)
    missing = f"systemd's user manager does not answer ({{}}); {_BY_HAND}"
    query = ("is-enabled", "{}.service")

    def file(self, name: str) -> Path:
        configuration = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return Path(configuration, "systemd", "user", f"{name}.service")

    def render(self, service: Service) -> bytes:
        _require_printable(service)
        home = _quote_for_systemd(f"COMPANION_HOME={service.home}")
        unit = _read_template("systemd_unit.service").format(
            name=service.name,
            command=" ".join(map(_quote_for_systemd, service.command)),
            environment=f"Environment={home}\n" if service.home else "",
        )
        return unit.encode()

    def start(self, name: str) -> None:
        self._do("daemon-reload")
        self._do("enable", f"{name}.service")
        self._do("restart", f"{name}.service")

    def remove(self, name: str) -> None:
        self._run("stop", f"{name}.service")
        if self.knows(name):
            self._do("disable", f"{name}.service")
        _unlink(self.file(name))
        self._do("daemon-reload")


class Launchd(ServiceManager):
    """launchd of macOS, in the domain of the user's session: launchd.plist(5)."""

    program = ("launchctl",)
    _domain = f"gui/{os.getuid() if os.name != 'nt' else 0}"
    check = ("print", _domain)  # it fails over SSH
    missing = "launchd has no session of yours ({}); log in on the screen, and try again"
    query = ("print", f"{_domain}/{{}}")

    def file(self, name: str) -> Path:
        return Path.home() / "Library" / "LaunchAgents" / f"{name}.plist"

    def render(self, service: Service) -> bytes:
        _require_printable(service)
        content = {
            "Label": service.name,
            "ProgramArguments": list(service.command),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 30,  # seconds until a restart
            "ExitTimeOut": 15,  # a daemon ends within 5
            "Nice": 10,
        }
        if service.home:
            content["EnvironmentVariables"] = {"COMPANION_HOME": service.home}
        return plistlib.dumps(content, sort_keys=False)

    def start(self, name: str) -> None:
        self._unload(name)
        self._run("enable", f"{self._domain}/{name}")  # the user may have disabled it
        self._do("bootstrap", self._domain, str(self.file(name)))

    def remove(self, name: str) -> None:
        self._unload(name)
        _unlink(self.file(name))

    def _unload(self, name: str) -> None:
        """Unload the agent if it is loaded, and return once it is gone."""
        deadline = time.monotonic() + _ENDS
        while self.knows(name):
            self._run("bootout", f"{self._domain}/{name}")
            if time.monotonic() > deadline:
                raise ServiceError(f"launchd does not end {name}; log out and in, and try again")
            time.sleep(0.1)


class TaskScheduler(ServiceManager):
    """Task Scheduler of Windows. The XML is kept, because the scheduler shows it changed.

    A task has no environment: the service's home is left out.
    """

    program = ("schtasks",)
    check = ("/?",)
    missing = "schtasks /? failed: {}"
    query = ("/Query", "/TN", "{}")

    def file(self, name: str) -> Path:
        return common_state_folder() / "tasks" / f"{name}.xml"

    def render(self, service: Service) -> bytes:
        _require_printable(service)
        for argument in service.command:
            if _EXPANDED_BY_WINDOWS.search(argument):
                raise UsageError(
                    f"{argument}: Windows' Task Scheduler would replace what is in %...% or $(...)"
                    " there; rename the folder"
                )
        domain, user = os.environ.get("USERDOMAIN"), getpass.getuser()
        program, *arguments = service.command
        task = _read_template("windows_task.xml").format(
            user=escape(f"{domain}\\{user}" if domain else user),
            program=escape(program),
            arguments=escape(list2cmdline(arguments)),
        )
        return task.replace("\n", "\r\n").encode("utf-16")

    def start(self, name: str) -> None:
        self._run("/End", "/TN", name)
        self._do("/Create", "/F", "/TN", name, "/XML", str(self.file(name)))
        self._do("/Run", "/TN", name)

    def remove(self, name: str) -> None:
        if self.knows(name):
            self._run("/End", "/TN", name)
            self._do("/Delete", "/F", "/TN", name)
        _unlink(self.file(name))


def _read_template(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _quote_for_systemd(text: str) -> str:
    """Return text as one word of a unit file, whatever is in it except control characters.

    In ExecStart, a colon before the program keeps systemd from expanding `$`.
    """
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{quoted}"'


def _require_printable(service: Service) -> None:
    for text in (*service.command, service.home or ""):
        try:
            text.encode()
        except UnicodeEncodeError:
            shown = text.encode(errors="backslashreplace").decode()
            raise UsageError(f"the path {shown} is not valid UTF-8; rename its folder") from None
        if _CONTROL.search(text):
            raise UsageError(
                f"the path {text!r} has a line break or another control character in it, which no"
                " service can name; rename its folder"
            )


def _unlink(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise ServiceError(f"{file} cannot be removed ({error.strerror}); remove it") from None
