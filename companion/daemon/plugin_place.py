"""Where the daemon is, told to the Obsidian plugin: a file in the plugin's folder in the vault.

A vault may be synchronised, and this file with it. So each machine has a file of its own name, and
the plugin believes none: it asks the daemon on that port to prove that it wrote the file.
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

from companion import __version__
from companion.config import config_folder
from companion.config.private import write_private
from companion.errors import UsageError
from companion.vault.obsidian import SETTINGS
from companion.vault.plugin import PLUGIN

_LOOKS = 5.0  # seconds between two looks whether the plugin was installed, or the file removed
_ENDS = 1.0  # seconds that a look may take once we stop: the drive may hang
_log = logging.getLogger(__name__)


class PluginPlace:
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
