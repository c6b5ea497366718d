"""A real user manager of systemd, in namespaces of its own, for tests that run as root."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SYSTEMD = Path("/lib/systemd/systemd")
_PATIENCE = 120.0  # seconds
# The manager wants a system that was booted with systemd, and a cgroup of its own; $1 is its name.
_SCRIPT = """
set -eu
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p /run/systemd "/sys/fs/cgroup/$1"
mount -t tmpfs none /run/systemd
mkdir /run/systemd/system
echo $$ > "/sys/fs/cgroup/$1/cgroup.procs"
"$2" --user & manager=$!
trap 'kill $manager' TERM
wait $manager || wait $manager || true
echo $$ > /sys/fs/cgroup/cgroup.procs
find "/sys/fs/cgroup/$1" -depth -type d -exec rmdir {} +
"""


def why_none() -> str:
    """Return why no user manager can be had here; empty if one can."""
    if not _SYSTEMD.exists() or shutil.which("systemctl") is None:
        return "systemd is not on this machine"
    made = shutil.which("unshare") and subprocess.run(
        ["unshare", "--mount", "--cgroup", "mount", "-t", "cgroup2", "none", "/sys/fs/cgroup"],
        capture_output=True,
    )
    return "" if made and made.returncode == 0 else "no namespaces without being root"


@contextmanager
def user_manager(folder: Path) -> Iterator[dict[str, str]]:
    """Run a user manager, and yield the variables by which systemctl --user finds it.

    Its units are in `config/systemd/user` of the folder.
    """
    variables = {"XDG_RUNTIME_DIR": str(folder / "run"), "XDG_CONFIG_HOME": str(folder / "config")}
    for place in variables.values():
        Path(place).mkdir(mode=0o700, exist_ok=True)
    name = f"companion-test-{os.getpid()}-{os.urandom(4).hex()}"
    bare = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = subprocess.Popen(
        ["unshare", "--mount", "--cgroup", "sh", "-c", _SCRIPT, "sh", name, str(_SYSTEMD)],
        env=bare | variables,  # as after a login: what a test sets for itself is not there
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_it_answers(process, os.environ | variables)
        yield variables
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def _wait_until_it_answers(process: subprocess.Popen[bytes], environment: dict[str, str]) -> None:
    asks = ["systemctl", "--user", "show-environment"]
    deadline = time.monotonic() + _PATIENCE
    while subprocess.run(asks, env=environment, capture_output=True).returncode:
        assert process.poll() is None, f"it ended: {process.returncode}"
        assert time.monotonic() < deadline, f"not within {_PATIENCE} s"
        time.sleep(0.05)
