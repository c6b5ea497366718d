"""The texts by which a system starts a daemon with the session: unit, launchd agent, and task."""

from __future__ import annotations

import plistlib
import re
from subprocess import list2cmdline
from typing import NamedTuple
from xml.sax.saxutils import escape

from companion.errors import UsageError

_RESTART_SECONDS = 30
_STOP_SECONDS = 15  # a daemon ends within 5
_NICE = 10
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_EXPANDED_BY_WINDOWS = re.compile(r"%[^%]+%|\$\(")

_UNIT = """\
# Made by companion service install; companion service uninstall removes it.
[Unit]
Description=Callout Companion, {name}

[Service]
ExecStart=:{command}
{environment}Restart=on-failure
RestartSec={restart}
TimeoutStopSec={stop}
Nice={nice}

[Install]
WantedBy=default.target
"""

_TASK = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>Made by companion service install; companion service uninstall removes it.</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>{user}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>{user}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>7</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>255</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{program}</Command>
      <Arguments>{arguments}</Arguments>
    </Exec>
  </Actions>
</Task>
"""  # noqa: E501


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
    unit = _UNIT.format(
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
    task = _TASK.format(
        user=escape(user), program=escape(program), arguments=escape(list2cmdline(arguments))
    )
    return task.replace("\n", "\r\n").encode("utf-16")


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
