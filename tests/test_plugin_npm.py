"""The plugin's own tests, run as its scripts run them: in Node, and in a browser.

Its lint is part of `make check`.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples import IS_RELEASE

PLUGIN = Path(__file__).parents[1] / "obsidian-plugin"
_PATIENCE = 1800.0  # seconds for a machine that does much else, and for tests that wait in vain
_COUNTS = re.compile(r"^\S (pass|fail|cancelled|skipped|todo) (\d+)$", re.MULTILINE)
_PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


@pytest.fixture(scope="module")
def npm() -> str:
    """Return npm's program, which may be one that make dev put beside this Python."""
    found = shutil.which("npm", path=_PATH) if shutil.which("node", path=_PATH) else None
    if found is None:
        said = "there is no Node; make dev brings it"
        if "CI" in os.environ:
            pytest.fail(said)
        pytest.skip(said)
    assert (PLUGIN / "node_modules").is_dir(), "make dev installs the plugin's packages"
    return found


@pytest.mark.parametrize(
    "script", ["test", "e2e-daily", pytest.param("e2e", marks=pytest.mark.release)]
)
def test_script(npm: str, script: str) -> None:
    if script == "e2e-daily" and IS_RELEASE:
        pytest.skip("e2e runs it, too")
    done = subprocess.run(
        [npm, "run", "--silent", script],
        cwd=PLUGIN,
        env=os.environ | {"PATH": _PATH},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=_PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = {what: int(number) for what, number in _COUNTS.findall(done.stdout)}
    passed = counts.pop("pass", 0)
    assert passed > 0 and not any(counts.values()), done.stdout + done.stderr
