"""Service managers of the user's session: systemd's user manager, launchd, Task Scheduler."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from companion.config import common_state_folder
from companion.daemon.service_units import Service, launchd_agent, systemd_unit, windows_task
from companion.errors import CompanionError

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


class Systemd:
    """systemd's user manager."""

    def __init__(self, call: RunCommand = call) -> None:
        self._call = call

    def require(self) -> None:
        """Raise ServiceError if no user manager answers."""
        ended = self._call("systemctl", "--user", "show-environment")
        if ended.status:
            raise ServiceError(
                f"systemd's user manager does not answer ({_first_line(ended.said)}); {_BY_HAND}"
            )

    def file(self, name: str) -> Path:
        """Return the path of the unit file (systemd.unit(5), user unit search path)."""
        configuration = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return Path(configuration, "systemd", "user", f"{name}.service")

    def render(self, service: Service) -> bytes:
        """Return the content of the unit file."""
        return systemd_unit(service)

    def start(self, name: str) -> None:
        """Enable the unit, and restart it."""
        self._do("daemon-reload")
        self._do("enable", f"{name}.service")
        self._do("restart", f"{name}.service")

    def remove(self, name: str) -> None:
        """Stop the unit, also where its file is gone already; disable it, and remove its file."""
        self._call("systemctl", "--user", "stop", f"{name}.service")
        if self.knows(name):
            self._do("disable", f"{name}.service")
        _unlink(self.file(name))
        self._do("daemon-reload")

    def knows(self, name: str) -> bool:
        """Return whether the unit is enabled."""
        return not self._call("systemctl", "--user", "is-enabled", f"{name}.service").status

    def _do(self, *command: str) -> None:
        _require_done(self._call("systemctl", "--user", *command), f"systemctl {command[0]}")


class Launchd:
    """launchd of macOS, in the domain of the user's session."""

    def __init__(self, call: RunCommand = call) -> None:
        self._call = call
        self._domain = f"gui/{os.getuid() if os.name != 'nt' else 0}"

    def require(self) -> None:
        """Raise ServiceError if the user has no session on the screen, as over SSH."""
        ended = self._call("launchctl", "print", self._domain)
        if ended.status:
            raise ServiceError(
                f"launchd has no session of yours ({_first_line(ended.said)}); log in on the"
                " screen, and try again"
            )

    def file(self, name: str) -> Path:
        """Return the path of the agent's property list."""
        return Path.home() / "Library" / "LaunchAgents" / f"{name}.plist"

    def render(self, service: Service) -> bytes:
        """Return the content of the property list."""
        return launchd_agent(service)

    def start(self, name: str) -> None:
        """Load the agent, which starts it; one that is loaded already is ended first."""
        self._unload(name)
        self._call("launchctl", "enable", f"{self._domain}/{name}")  # the user may have disabled it
        ended = self._call("launchctl", "bootstrap", self._domain, str(self.file(name)))
        _require_done(ended, "launchctl bootstrap")

    def remove(self, name: str) -> None:
        """Unload the agent, and remove its property list."""
        self._unload(name)
        _unlink(self.file(name))

    def knows(self, name: str) -> bool:
        """Return whether the agent is loaded."""
        return not self._call("launchctl", "print", f"{self._domain}/{name}").status

    def _unload(self, name: str) -> None:
        """Unload the agent if it is loaded, and return once it is gone."""
        deadline = time.monotonic() + _ENDS
        while self.knows(name):
            self._call("launchctl", "bootout", f"{self._domain}/{name}")
            if time.monotonic() > deadline:
                raise ServiceError(f"launchd does not end {name}; log out and in, and try again")
            time.sleep(0.1)


class TaskScheduler:
    """Task Scheduler of Windows. The XML is kept, for the scheduler changes what it shows of it."""

    def __init__(self, call: RunCommand = call) -> None:
        self._call = call

    def require(self) -> None:
        """Raise ServiceError if there is no Task Scheduler."""
        _require_done(self._call("schtasks", "/?"), "schtasks")

    def file(self, name: str) -> Path:
        """Return the path of the task's XML."""
        return common_state_folder() / "tasks" / f"{name}.xml"

    def render(self, service: Service) -> bytes:
        """Return the content of the XML."""
        domain, name = os.environ.get("USERDOMAIN"), getpass.getuser()
        return windows_task(service, f"{domain}\\{name}" if domain else name)

    def start(self, name: str) -> None:
        """Register the task, and run it; one that runs already is ended first."""
        self._call("schtasks", "/End", "/TN", name)
        created = self._call("schtasks", "/Create", "/F", "/TN", name, "/XML", str(self.file(name)))
        _require_done(created, "schtasks /Create")
        _require_done(self._call("schtasks", "/Run", "/TN", name), "schtasks /Run")

    def remove(self, name: str) -> None:
        """End the task, and delete it and its XML."""
        if self.knows(name):
            self._call("schtasks", "/End", "/TN", name)
            _require_done(self._call("schtasks", "/Delete", "/F", "/TN", name), "schtasks /Delete")
        _unlink(self.file(name))

    def knows(self, name: str) -> bool:
        """Return whether there is such a task."""
        return not self._call("schtasks", "/Query", "/TN", name).status


ServiceManager = Systemd | Launchd | TaskScheduler
"""What starts programs with the user's session. Each method raises ServiceError if it fails.

file, render: the path and the content of the service's unit, agent or task. start: have it start
with the session, and restart it, as its file is now.
"""


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
