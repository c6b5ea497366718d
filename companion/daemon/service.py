"""Services: units of systemd's user manager, or agents of launchd, that start vaults' daemons.

A unit holds no key: the daemon reads config.toml, which only its user can read.
"""

from __future__ import annotations

import os
import plistlib
import re
import subprocess
import sys
from pathlib import Path

from companion.config import vault_digest
from companion.errors import CompanionError, UsageError
from companion.private_files import write_private

_PATIENCE = 60.0  # seconds for a command of the manager
_IS_MAC: bool = sys.platform == "darwin"
_DOMAIN = f"gui/{os.getuid() if os.name != 'nt' else 0}"
_NAME = "callout-companion"
_UNIT = Path(__file__).with_name("systemd_unit.service")


class ServiceError(CompanionError):
    """The service manager is missing, or failed."""


def install_service(root: Path) -> Path:
    """Start a daemon of the vault now and at every login; return the file that says so.

    Raises ServiceError, UsageError.
    """
    _require_manager()
    file = service_file(root)
    write_private(file, _render(root))
    if _IS_MAC:
        _call("launchctl", "bootout", f"{_DOMAIN}/{file.stem}", may_fail=True)
        _call("launchctl", "bootstrap", _DOMAIN, str(file))
        return file
    _call("systemctl", "--user", "daemon-reload")
    _call("systemctl", "--user", "enable", file.name)
    _call("systemctl", "--user", "restart", file.name)
    return file


def uninstall_service(file: Path) -> None:
    """Stop the service, and no longer start it. Raises ServiceError if its file stays."""
    if _IS_MAC:
        _call("launchctl", "bootout", f"{_DOMAIN}/{file.stem}", may_fail=True)
    else:
        _call("systemctl", "--user", "stop", file.name, may_fail=True)
        _call("systemctl", "--user", "disable", file.name, may_fail=True)
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise ServiceError(f"{file} cannot be removed ({error.strerror}); remove it") from None
    if not _IS_MAC:
        _call("systemctl", "--user", "daemon-reload", may_fail=True)


def service_file(root: Path) -> Path:
    """Return the file of the vault's service, which need not exist. root: its real path."""
    words = re.findall("[A-Za-z0-9]+", root.name)
    name = "-".join([_NAME, *words, vault_digest(root)])
    return _folder() / f"{name}{'.plist' if _IS_MAC else '.service'}"


def _folder() -> Path:
    if _IS_MAC:
        return Path.home() / "Library" / "LaunchAgents"
    configuration = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(configuration, "systemd", "user")


def _require_manager() -> None:
    if os.name == "nt":
        raise UsageError(
            "on Windows there is no service: Obsidian's plugin starts companion serve, once you"
            " agree to that in its settings"
        )
    if not _IS_MAC:
        _call("systemctl", "--user", "show-environment")


def _render(root: Path) -> bytes:
    """Return the content of the service's file. Raises UsageError for a path it cannot hold.

    Its program is this Python, which upgrades leave in place.
    """
    home = os.environ.get("COMPANION_HOME")
    home = str(Path(home).expanduser().absolute()) if home else ""
    command = [sys.executable, "-P", "-m", "companion", "serve", "--vault", str(root)]
    for text in (*command, home):
        if not text.isprintable():
            raise UsageError(f"no service can name the path {text!r}; rename its folder")
    if _IS_MAC:
        agent = {
            "Label": service_file(root).stem,
            "ProgramArguments": command,
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 30,  # seconds until a restart
            "ExitTimeOut": 15,  # a daemon ends within 5
            "Nice": 10,
            "EnvironmentVariables": {"COMPANION_HOME": home} if home else {},
        }
        return plistlib.dumps(agent, sort_keys=False)
    environment = f"Environment={_quote(f'COMPANION_HOME={home}')}\n" if home else ""
    unit = _UNIT.read_text(encoding="utf-8")
    words = " ".join(map(_quote, command))
    return unit.format(
        name=service_file(root).stem, command=words, environment=environment
    ).encode()


def _quote(text: str) -> str:
    """Return text as one word of a unit file: systemd.syntax(7).

    In ExecStart, a colon before the program keeps systemd from expanding `$`.
    """
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{quoted}"'


def _call(*command: str, may_fail: bool = False) -> None:
    """Run a command of the manager. Raises ServiceError."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceError(f"{command[0]} cannot be used ({error}); run companion serve") from None
    if done.returncode and not may_fail:
        said = (done.stderr.strip() or done.stdout.strip()).partition("\n")[0]
        raise ServiceError(f"{' '.join(command[:3])} failed: {said or done.returncode}")
