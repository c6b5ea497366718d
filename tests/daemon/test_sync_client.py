"""The daemon beside a sync client: the benchmark's short run, at thirty times its speed."""

import os
import subprocess
import sys

import pytest

from tests.cli.user import REPOSITORY


@pytest.mark.release
def test_nothing_is_lost_and_nothing_filled_twice_beside_a_sync_client() -> None:
    words = ["-m", "benchmarks.sync_client", "--quick", "--factor", "30"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    ran = subprocess.run(
        [sys.executable, *words],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "all promises hold" in ran.stdout
