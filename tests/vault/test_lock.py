"""One process a vault; the lock dies with its holder."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from companion.errors import VaultLocked
from companion.vault.lock import is_lock_held, vault_lock

HOLD = """
import sys, time
from pathlib import Path
from companion.vault.lock import vault_lock
with vault_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_says_who_holds_it(tmp_path: Path) -> None:
    with (
        vault_lock(tmp_path),
        pytest.raises(VaultLocked, match=rf"process \(pid {os.getpid()}\) works on this vault"),
        vault_lock(tmp_path),
    ):
        pass


def test_is_free_once_its_holder_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(VaultLocked, match=str(holder.pid)), vault_lock(tmp_path):
            pass
        assert is_lock_held(tmp_path, holder.pid)
        holder.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    assert not is_lock_held(tmp_path, holder.pid)
    with vault_lock(tmp_path):
        pass


def test_says_where_it_cannot_lock(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with (
        pytest.raises(VaultLocked, match="make that folder writable"),
        vault_lock(tmp_path / "state"),
    ):
        pass
