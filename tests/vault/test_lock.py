"""Who writes a vault holds its lock, one thread of one process; a lock dies with its holder."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from companion.errors import VaultLocked
from companion.vault import lock
from companion.vault.lock import VaultLock, daemon_lock, is_daemon_running

HOLD = """
import sys, time
from pathlib import Path
from companion.vault.lock import VaultLock, daemon_lock
state = Path(sys.argv[1])
with daemon_lock(state), VaultLock(state).held():
    print("held", flush=True)
    time.sleep(60)
"""


def test_is_free_once_its_holder_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_PATIENCE", 0.1)
    mine = VaultLock(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(VaultLocked, match=r"^-c .* \(process \d+\) writes for"), mine.held():
            pass
        assert is_daemon_running(tmp_path)
        with pytest.raises(VaultLocked, match=r"^-c .* serves this vault"), daemon_lock(tmp_path):
            pass
        holder.send_signal(signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    assert not is_daemon_running(tmp_path)
    with mine.held(), mine.held(), daemon_lock(tmp_path):
        pass


def test_threads_take_turns(tmp_path: Path) -> None:
    mine, within, most = VaultLock(tmp_path), 0, 0

    def write() -> None:
        nonlocal within, most
        for _ in range(50):
            with mine.held():
                within += 1
                most = max(most, within)
                within -= 1

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (within, most) == (0, 1)


def test_says_where_it_cannot_lock(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with (
        pytest.raises(VaultLocked, match="make that folder writable"),
        daemon_lock(tmp_path / "state"),
    ):
        pass
    with (
        pytest.raises(VaultLocked, match="make that folder writable"),
        VaultLock(tmp_path / "state").held(),
    ):
        pass
