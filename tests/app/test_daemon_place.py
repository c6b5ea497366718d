"""Where the daemon is: believed only as long as it holds its lock."""

import json
import os
import stat
from pathlib import Path

import pytest

from companion.app.open_vault import (
    RuntimeFile,
    find_daemon,
    remove_runtime_file,
    write_runtime_file,
)
from companion.vault.lock import daemon_lock

PLACE = RuntimeFile(port=27182, pid=os.getpid(), version="1.2.3", started_at=1_790_000_000.5)


def test_a_daemon_is_found_as_long_as_it_runs(tmp_path: Path) -> None:
    assert find_daemon(tmp_path) is None
    with daemon_lock(tmp_path):
        assert find_daemon(tmp_path) is None
        write_runtime_file(tmp_path, PLACE)
        assert find_daemon(tmp_path) == PLACE
        remove_runtime_file(tmp_path)
        remove_runtime_file(tmp_path)
        assert find_daemon(tmp_path) is None


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    write_runtime_file(tmp_path / "state", PLACE)
    file = tmp_path / "state" / "daemon.json"
    assert json.loads(file.read_text()) == PLACE._asdict()
    assert os.name == "nt" or stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_a_dead_daemon_left_is_ignored_and_hinders_nobody(tmp_path: Path) -> None:
    with daemon_lock(tmp_path):
        write_runtime_file(tmp_path, PLACE)
    assert find_daemon(tmp_path) is None
    with daemon_lock(tmp_path):
        pass


DAMAGED = [
    pytest.param("", id="empty"),
    pytest.param('{"port": 27182', id="half"),
    pytest.param("[1, 2, 3, 4]", id="a list"),
    pytest.param("[" * 5000, id="nested"),
    pytest.param(json.dumps(PLACE._asdict() | {"port": "27182"}), id="a port in quotes"),
    pytest.param(json.dumps(PLACE._asdict() | {"port": 0}), id="no port"),
    pytest.param(json.dumps(PLACE._asdict() | {"port": 65536}), id="too high"),
    pytest.param(json.dumps(PLACE._asdict() | {"pid": -1}), id="no process"),
    pytest.param(json.dumps(PLACE._asdict() | {"more": 1}), id="more"),
    pytest.param(json.dumps({"port": 27182}), id="less"),
    pytest.param("\udcff", id="no UTF-8"),
]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_file_is_ignored(tmp_path: Path, text: str) -> None:
    with daemon_lock(tmp_path):
        (tmp_path / "daemon.json").write_bytes(os.fsencode(text))
        assert find_daemon(tmp_path) is None
