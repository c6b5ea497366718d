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

_RESTART_SECONDS = 30
_STOP_SECONDS = 15  # a daemon ends within 5
_NICE = 10
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
    """The result of a command of the manager. said: its standard error, else its output."""

    status: int
    said: str

    @property
    def first_line(self) -> str:
        """The first line of what it said."""
        return self.said.partition("\n")[0].strip()


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
    return CommandEnd(done.returncode, (done.stderr.strip() or done.stdout.strip()))


def find_manager() -> ServiceManager:
    """Return the manager of this kind of system."""
    if os.name == "nt":
        return TaskScheduler()
    return Launchd() if sys.platform == "darwin" else Systemd()


class ServiceManager(ABC):
    """What starts programs with the user's session, by the commands of one program.

    call: runs a command. Methods that run one raise ServiceError if the program is not there.
    """

    program: ClassVar[tuple[str, ...]]

    def __init__(self, call: RunCommand = call) -> None:
        self._call = call

    @abstractmethod
    def require(self) -> None:
        """Raise ServiceError if the manager is not there."""

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

    @abstractmethod
    def knows(self, name: str) -> bool:
        """Return whether it starts at login."""

    def _run(self, *command: str) -> CommandEnd:
        return self._call(*self.program, *command)

    def _do(self, *command: str) -> None:
        """Run the command. Raises ServiceError if it fails."""
        if (ended := self._run(*command)).status:
            what = f"{self.program[0]} {command[0]}"
            raise ServiceError(f"{what} failed: {ended.first_line or ended.status}")


class Systemd(ServiceManager):
    """systemd's user manager: systemd.unit(5), systemd.service(5), systemd.syntax(7)."""

    program = ("systemctl", "--user")

    def require(self) -> None:
        ended = self._run("show-environment")
        if ended.status:
            raise ServiceError(
                f"systemd's user manager does not answer ({ended.first_line}); {_BY_HAND}"
            )

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
            restart=_RESTART_SECONDS,
            stop=_STOP_SECONDS,
            nice=_NICE,
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

    def knows(self, name: str) -> bool:
        return not self._run("is-enabled", f"{name}.service").status


class Launchd(ServiceManager):
    """launchd of macOS, in the domain of the user's session: launchd.plist(5)."""

    program = ("launchctl",)
    _domain = f"gui/{os.getuid() if os.name != 'nt' else 0}"

    def require(self) -> None:
        ended = self._run("print", self._domain)
        if ended.status:  # as over SSH
            raise ServiceError(
                f"launchd has no session of yours ({ended.first_line}); log in on the"
                " screen, and try again"
            )

    def file(self, name: str) -> Path:
        return Path.home() / "Library" / "LaunchAgents" / f"{name}.plist"

    def render(self, service: Service) -> bytes:
        _require_printable(service)
        content = {
            "Label": service.name,
            "ProgramArguments": list(service.command),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": _RESTART_SECONDS,
            "ExitTimeOut": _STOP_SECONDS,
            "Nice": _NICE,
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

    def knows(self, name: str) -> bool:
        return not self._run("print", f"{self._domain}/{name}").status

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

    def require(self) -> None:
        self._do("/?")

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

    def knows(self, name: str) -> bool:
        return not self._run("/Query", "/TN", name).status


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
