"""Services: daemons that start at login, one for each vault that has one."""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from companion.config import common_state_folder, state_folder, vault_digest
from companion.daemon.service_manager import Service, ServiceManager
from companion.errors import CompanionError, UsageError
from companion.private_files import read_if_there, write_private

_RECORD = "service.json"


class InstalledService(NamedTuple):
    """A vault's service, as its record in the vault's state folder has it.

    root: the vault's real path when it was installed; it may be gone now. port: None for the
    configured one.
    """

    root: Path
    port: int | None

    @property
    def name(self) -> str:
        """The name of the vault's unit, agent or task."""
        return service_name(self.root)


def list_services() -> list[InstalledService]:
    """Return the services that were installed, sorted by vault."""
    records = common_state_folder().glob(f"vaults/*/{_RECORD}")
    return sorted(service for file in records if (service := _read_record(file)))


def find_service(root: Path) -> InstalledService | None:
    """Return the service of the vault at root; None if none was installed."""
    return _read_record(_record(root))


def install_service(
    manager: ServiceManager, root: Path, port: int | None, *, restart: bool
) -> bool:
    """Start a daemon of the vault now and at every login; return whether it was started.

    restart: even if nothing changed. Raises CompanionError; its file is then unchanged, or not
    there.
    """
    manager.require()
    service = plan_service(root, port)
    file, content = manager.file(service.name), manager.render(service)
    before, record = read_if_there(file), find_service(root)
    if before == content and manager.knows(service.name) and not restart:
        return False
    _write_record(root, port)
    write_private(file, content)
    try:
        manager.start(service.name)
    except CompanionError:
        if before is None or record is None:
            file.unlink(missing_ok=True)
            _record(root).unlink(missing_ok=True)
        else:
            write_private(file, before)
            _write_record(root, record.port)
        raise
    return True


def uninstall_service(manager: ServiceManager, service: InstalledService) -> None:
    """Stop the service, and no longer start it; notes, history and settings stay.

    Raises ServiceError if the manager fails; it is still installed then.
    """
    manager.require()
    manager.remove(service.name)
    with suppress(OSError):
        _record(service.root).unlink(missing_ok=True)


def plan_service(root: Path, port: int | None) -> Service:
    """Return the service for the vault at root. port: None for the configured one.

    Its program is this Python, which upgrades leave in place; UsageError if it is in a cache.
    """
    program = Path(sys.executable)
    if "cache" in {part.lower().lstrip(".") for part in program.parts}:
        raise UsageError(
            f"this Companion is in a cache ({program}), and may be gone tomorrow; install it, as by"
            " uv tool install callout-companion"
        )
    if os.name == "nt":  # python.exe would open a window
        program = program.with_name("pythonw.exe")
    serve = (str(program), "-P", "-m", "companion", "serve", "--vault", str(root))
    home = os.environ.get("COMPANION_HOME")
    return Service(
        name=service_name(root),
        command=(*serve, *(("--port", str(port)) if port is not None else ())),
        home=str(Path(home).expanduser().absolute()) if home else None,
    )


def service_name(root: Path) -> str:
    """Return the name of the vault's unit, agent or task: of ASCII letters, digits and hyphens."""
    words = re.findall("[A-Za-z0-9]+", root.name)
    return "-".join(["callout-companion", *words, vault_digest(root)])


def _record(root: Path) -> Path:
    return state_folder(root) / _RECORD


def _write_record(root: Path, port: int | None) -> None:
    write_private(_record(root), json.dumps({"vault": str(root), "port": port}).encode())


def _read_record(file: Path) -> InstalledService | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = json.loads(file.read_bytes())
        return InstalledService(Path(record["vault"]), record["port"])
    return None
