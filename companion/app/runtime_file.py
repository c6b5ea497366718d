"""The runtime files, which say where the daemon of a vault answers.

`daemon.json` in the vault's state folder is for the command line; `daemon-….json` in the plugin's
folder of the vault is for the plugin.
"""

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
from companion.errors import UsageError
from companion.private_files import write_private
from companion.vault.obsidian import SETTINGS
from companion.vault.plugin_files import PLUGIN


class RuntimeFile(NamedTuple):
    """The content of daemon.json. The daemon answers on 127.0.0.1:port. started_at: Unix time."""

    port: int
    pid: int
    version: str
    started_at: float


_CONTENT = TypeAdapter(RuntimeFile)


def write_runtime_file(state: Path, content: RuntimeFile) -> None:
    """Write daemon.json. It is valid as long as the daemon holds the vault's lock.

    Raises UsageError if the state folder cannot be written.
    """
    write_private(_file(state), json.dumps(content._asdict()).encode())


def remove_runtime_file(state: Path) -> None:
    """Remove daemon.json, if it is there."""
    with suppress(OSError):
        _file(state).unlink()


def find_daemon(state: Path) -> RuntimeFile | None:
    """Return the content of daemon.json, None if no daemon of the vault is running.

    The file of a daemon that was killed is ignored: its process is gone, or does not hold the
    vault's lock.
    """
    try:
        content = _CONTENT.validate_json(_file(state).read_bytes(), strict=True)
    except (OSError, ValidationError):
        return None
    if not (0 < content.port < 65536 and content.pid > 0 and _is_alive(content.pid)):
        return None
    with suppress(OSError, ValueError):  # who holds the lock may be unknown
        if int((state / "lock.pid").read_text(encoding="ascii")) != content.pid:
            return None
    lock = FileLock(state / "lock", mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return content
    except OSError:
        return None
    lock.release()
    return None


def _is_alive(pid: int) -> bool:
    """Return whether such a process may exist. Checked first: trying the lock takes it briefly."""
    if os.name == "nt":
        return True  # signal 0 would be Ctrl-C there
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _file(state: Path) -> Path:
    return state / "daemon.json"


_LOOKS = 5.0  # seconds between two checks whether the plugin was installed, or the file removed
_ENDS = 1.0  # seconds that stop() waits for a check in progress: the drive may hang
_log = logging.getLogger(__name__)


class PluginRuntimeFile:
    """The plugin's runtime file, of the daemon for the vault at root (its real path) on a port.

    id: a secret that the daemon proves to know when a plugin asks who it is. It grants no access.
    """

    def __init__(self, root: Path, port: int) -> None:
        self.id = secrets.token_hex(16)
        machine = socket.gethostname()
        content = {"port": port, "id": self.id, "machine": machine, "version": __version__}
        self._data = json.dumps(content).encode()
        user = f"{machine}\0{config_folder()}".encode("utf-8", "surrogateescape")
        name = f"daemon-{sha256(user).hexdigest()[:12]}.json"  # the same after a restart
        self._file = root / SETTINGS / "plugins" / PLUGIN / name
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="plugin-place", daemon=True)

    def start(self) -> None:
        """Write the file if the plugin is installed, now and whenever the file is missing."""
        self._thread.start()

    def stop(self) -> None:
        """Remove the file, unless another process has written it since."""
        self._stopped.set()
        self._thread.join(_ENDS)
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
        is_installed = self._file.parent.is_dir() and self._is_inside()
        if is_installed and not self._is_written():
            write_private(self._file, self._data)

    def _is_inside(self) -> bool:
        """Return whether no part of the path is a link, which may lead out of the vault."""
        return Path(os.path.realpath(self._file)) == self._file

    def _is_written(self) -> bool:
        try:
            return self._is_inside() and self._file.read_bytes() == self._data
        except FileNotFoundError:
            return False
