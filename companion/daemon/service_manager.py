"""Service managers of the user's session: systemd's user manager, launchd, Task Scheduler."""

from __future__ import annotations

import getpass
import os
import plistlib
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import list2cmdline
from typing import NamedTuple, Protocol
from xml.sax.saxutils import escape

from companion.config import common_state_folder
from companion.errors import CompanionError, UsageError

_RESTART_SECONDS = 30
_STOP_SECONDS = 15  # a daemon ends within 5
_NICE = 10
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EXPANDED_BY_WINDOWS = re.compile(r"%[^%]+%|\$\(")


class Service(NamedTuple):
    """A daemon that starts with the session.

    name: of its unit, agent or task; ASCII letters, digits and hyphens. command: the program's
    absolute path, and its arguments. home: COMPANION_HOME, None if it is not set. There is no
    other variable: a unit is no place for a key.
    """

    name: str
    command: tuple[str, ...]
    home: str | None = None


def systemd_unit(service: Service) -> bytes:
    """Return the unit file of a systemd user service (systemd.service(5), systemd.syntax(7)).

    Raises UsageError if a path cannot be written in it.
    """
    _require_printable(service)
    home = f"COMPANION_HOME={service.home}"
    unit = _read_template("systemd_unit.service").format(
        name=service.name,
        command=" ".join(map(_quote_for_systemd, service.command)),
        environment=f"Environment={_quote_for_systemd(home)}\n" if service.home else "",
        restart=_RESTART_SECONDS,
        stop=_STOP_SECONDS,
        nice=_NICE,
    )
    return unit.encode()


def launchd_agent(service: Service) -> bytes:
    """Return the property list of a launchd agent (launchd.plist(5)).

    Raises UsageError if a path cannot be written in it.
    """
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


def windows_task(service: Service, user: str) -> bytes:
    """Return the XML of a task of Windows' Task Scheduler, in UTF-16.

    user: with the domain, as `DOMAIN\\name`. A task has no environment: home is left out.

    Raises UsageError if a path cannot be written in it.
    """
    _require_printable(service)
    program, *arguments = service.command
    for argument in service.command:
        if _EXPANDED_BY_WINDOWS.search(argument):
            raise UsageError(
                f"{argument}: Windows' Task Scheduler would replace what is in %...% or $(...)"
                " there; rename the folder"
            )
    task = _read_template("windows_task.xml").format(
        user=escape(user), program=escape(program), arguments=escape(list2cmdline(arguments))
    )
    return task.replace("\n", "\r\n").encode("utf-16")


def _read_template(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _quote_for_systemd(text: str) -> str:
    """Return text as one word of a unit file, whatever is in it but control characters.

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


_PATIENCE = 60.0  # seconds for a command of the manager
_ENDS = 20.0  # seconds that an agent of launchd has to end
_BY_HAND = "run companion serve by hand, or by your system's own means"


class ServiceError(CompanionError):
    """The service manager is not there, or failed."""


class CommandEnd(NamedTuple):
    """How a command of the manager ended. said: its standard error, else its output."""

    status: int
    said: str


RunCommand = Callable[..., CommandEnd]


def call(*command: str) -> CommandEnd:
    """Run a command of the manager, and return how it ended.

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


class ServiceManager(Protocol):
    """What starts programs with the user's session. Each method raises ServiceError if it fails."""

    def require(self) -> None:
        """Raise ServiceError if the manager is not there."""

    def file(self, name: str) -> Path:
        """Return the path of the service's unit, agent or task."""

    def render(self, service: Service) -> bytes:
        """Return the content of that file."""

    def start(self, name: str) -> None:
        """Have the service start with the session, and restart it, as its file is now."""

    def remove(self, name: str) -> None:
        """Stop the service, also where its file is gone already, and remove its file."""

    def knows(self, name: str) -> bool:
        """Return whether it starts with the session."""


class Systemd(ServiceManager):
    """systemd's user manager."""

    def __init__(self, call: RunCommand = call) -> None:
        self._call = call

    def require(self) -> None:
        ended = self._call("systemctl", "--user", "show-environment")
        if ended.status:
            raise ServiceError(
                f"systemd's user manager does not answer ({_first_line(ended.said)}); {_BY_HAND}"
            )

    def file(self, name: str) -> Path:
        # systemd.unit(5), user unit search path
        configuration = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return Path(configuration, "systemd", "user", f"{name}.service")

    def render(self, service: Service) -> bytes:
        return systemd_unit(service)

    def start(self, name: str) -> None:
        self._do("daemon-reload")
        self._do("enable", f"{name}.service")
        self._do("restart", f"{name}.service")

    def remove(self, name: str) -> None:
        self._call("systemctl", "--user", "stop", f"{name}.service")
        if self.knows(name):
            self._do("disable", f"{name}.service")
        _unlink(self.file(name))
        self._do("daemon-reload")

    def knows(self, name: str) -> bool:
        return not self._call("systemctl", "--user", "is-enabled", f"{name}.service").status

    def _do(self, *command: str) -> None:
        _require_done(self._call("systemctl", "--user", *command), f"systemctl {command[0]}")


class Launchd(ServiceManager):
    """launchd of macOS, in the domain of the user's session."""

    def __init__(self, call: RunCommand = call) -> None:
        self._call = call
        self._domain = f"gui/{os.getuid() if os.name != 'nt' else 0}"

    def require(self) -> None:
        ended = self._call("launchctl", "print", self._domain)
        if ended.status:  # as over SSH
            raise ServiceError(
                f"launchd has no session of yours ({_first_line(ended.said)}); log in on the"
                " screen, and try again"
            )

    def file(self, name: str) -> Path:
        return Path.home() / "Library" / "LaunchAgents" / f"{name}.plist"

    def render(self, service: Service) -> bytes:
        return launchd_agent(service)

    def start(self, name: str) -> None:
        self._unload(name)
        self._call("launchctl", "enable", f"{self._domain}/{name}")  # the user may have disabled it
        ended = self._call("launchctl", "bootstrap", self._domain, str(self.file(name)))
        _require_done(ended, "launchctl bootstrap")

    def remove(self, name: str) -> None:
        self._unload(name)
        _unlink(self.file(name))

    def knows(self, name: str) -> bool:
        return not self._call("launchctl", "print", f"{self._domain}/{name}").status

    def _unload(self, name: str) -> None:
        """Unload the agent if it is loaded, and return once it is gone."""
        deadline = time.monotonic() + _ENDS
        while self.knows(name):
            self._call("launchctl", "bootout", f"{self._domain}/{name}")
            if time.monotonic() > deadline:
                raise ServiceError(f"launchd does not end {name}; log out and in, and try again")
            time.sleep(0.1)


class TaskScheduler(ServiceManager):
    """Task Scheduler of Windows. The XML is kept, for the scheduler changes what it shows of it."""

    def __init__(self, call: RunCommand = call) -> None:
        self._call = call

    def require(self) -> None:
        _require_done(self._call("schtasks", "/?"), "schtasks")

    def file(self, name: str) -> Path:
        return common_state_folder() / "tasks" / f"{name}.xml"

    def render(self, service: Service) -> bytes:
        domain, name = os.environ.get("USERDOMAIN"), getpass.getuser()
        return windows_task(service, f"{domain}\\{name}" if domain else name)

    def start(self, name: str) -> None:
        self._call("schtasks", "/End", "/TN", name)
        created = self._call("schtasks", "/Create", "/F", "/TN", name, "/XML", str(self.file(name)))
        _require_done(created, "schtasks /Create")
        _require_done(self._call("schtasks", "/Run", "/TN", name), "schtasks /Run")

    def remove(self, name: str) -> None:
        if self.knows(name):
            self._call("schtasks", "/End", "/TN", name)
            _require_done(self._call("schtasks", "/Delete", "/F", "/TN", name), "schtasks /Delete")
        _unlink(self.file(name))

    def knows(self, name: str) -> bool:
        return not self._call("schtasks", "/Query", "/TN", name).status


def _unlink(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise ServiceError(f"{file} cannot be removed ({error.strerror}); remove it") from None


def _require_done(ended: CommandEnd, what: str) -> None:
    if ended.status:
        raise ServiceError(f"{what} failed: {_first_line(ended.said) or ended.status}")


def _first_line(said: str) -> str:
    return said.splitlines()[0].strip() if said else ""
