"""Where the daemon of a vault is: `daemon.json` in the vault's state folder."""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
import threading
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from companion import __version__
from companion.config import config_folder
from companion.config.private_file import write_private
from companion.errors import UsageError
from companion.vault.obsidian import SETTINGS
from companion.vault.plugin_files import PLUGIN


class RuntimeFile(NamedTuple):
    """Where a daemon answers: 127.0.0.1:port. started_at: seconds since the epoch."""

    port: int
    pid: int
    version: str
    started_at: float


_PLACE = TypeAdapter(RuntimeFile)


def write_runtime_file(state: Path, place: RuntimeFile) -> None:
    """Tell others where this daemon is. It holds the vault's lock as long as that is true.

    Raises UsageError when the state folder cannot be written.
    """
    write_private(_file(state), json.dumps(place._asdict()).encode())


def remove_runtime_file(state: Path) -> None:
    """Tell others that the daemon is gone; nothing happens where that was said already."""
    with suppress(OSError):
        _file(state).unlink()


def find_daemon(state: Path) -> RuntimeFile | None:
    """Return where the daemon of the vault is; None when none runs.

    What a daemon that was killed left behind is recognised: its process is gone, or nobody, or
    somebody else, holds the vault's lock.
    """
    place = _read(_file(state))
    if place is None or not _is_alive(place.pid):
        return None
    if _holder(state) not in (None, place.pid):
        return None
    return place if _is_locked(state) else None


def _read(file: Path) -> RuntimeFile | None:
    try:
        place = _PLACE.validate_python(RuntimeFile(**json.loads(file.read_bytes())), strict=True)
    except (OSError, ValueError, TypeError, RecursionError, ValidationError):
        return None
    return place if 0 < place.port < 65536 and place.pid > 0 else None


def _is_alive(pid: int) -> bool:
    """Whether there may be such a process; asked first, since trying the lock takes it briefly."""
    if os.name == "nt":
        return True  # signal 0 would be Ctrl-C there
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _holder(state: Path) -> int | None:
    """Return the process that holds the vault's lock, as it says itself; None when it does not."""
    try:
        return int((state / "lock.pid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _is_locked(state: Path) -> bool:
    lock = FileLock(state / "lock", mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def _file(state: Path) -> Path:
    return state / "daemon.json"


_LOOKS = 5.0  # seconds between two looks whether the plugin was installed, or the file removed
_ENDS = 1.0  # seconds that a look may take once we stop: the drive may hang
_log = logging.getLogger(__name__)


class PluginRuntimeFile:
    """The file of the daemon that serves the vault at root (its real path) on a port.

    id: what the daemon proves to know when a plugin asks who it is. It opens nothing.
    """

    def __init__(self, root: Path, port: int) -> None:
        self.id = secrets.token_hex(16)
        machine = socket.gethostname()
        told = {"port": port, "id": self.id, "machine": machine, "version": __version__}
        self._data = json.dumps(told).encode()
        self._file = root / SETTINGS / "plugins" / PLUGIN / f"daemon-{_name(machine)}.json"
        self._stopped = threading.Event()
        self._keeping = threading.Thread(target=self._keep, name="plugin-place", daemon=True)

    def start(self) -> None:
        """Write the file where the plugin is installed, now and whenever it is not there."""
        self._keeping.start()

    def stop(self) -> None:
        """Remove the file, unless somebody else wrote it since."""
        self._stopped.set()
        self._keeping.join(_ENDS)
        with suppress(OSError):
            if self._is_written():
                self._file.unlink()

    def _keep(self) -> None:
        failed = ""
        while not self._stopped.is_set():
            try:
                self._write()
            except (OSError, UsageError) as error:
                if str(error) != failed:
                    _log.warning("the plugin is not told where the daemon is: %s", error)
                failed = str(error)
            self._stopped.wait(_LOOKS)

    def _write(self) -> None:
        is_there = self._file.parent.is_dir() and self._is_inside()
        if is_there and not self._is_written():
            write_private(self._file, self._data)

    def _is_inside(self) -> bool:
        """Whether no link is on the way, or at its end: a link may lead out of the vault."""
        return Path(os.path.realpath(self._file)) == self._file

    def _is_written(self) -> bool:
        try:
            return self._is_inside() and self._file.read_bytes() == self._data
        except FileNotFoundError:
            return False


def _name(machine: str) -> str:
    """Return 12 hex digits that are the same each time on this machine, for this user."""
    whose = f"{machine}\0{config_folder()}"
    return sha256(whose.encode("utf-8", "surrogateescape")).hexdigest()[:12]
