"""The workflow that releases: by the tag that is the version, what Obsidian installs, attested."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from companion import __version__

ROOT = Path(__file__).parents[1]
INSTALLED = ["main.js", "manifest.json", "styles.css"]


@pytest.fixture(scope="module")
def steps() -> list[dict[str, Any]]:
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text("utf-8"))
    made: list[dict[str, Any]] = workflow["jobs"]["plugin"]["steps"]
    return made


TAGS = [
    pytest.param(__version__, 0, id="the version"),
    pytest.param(f"v{__version__}", 1, id="with a v"),
    pytest.param("99.0.0", 1, id="another version"),
]


@pytest.mark.parametrize(("tag", "status"), TAGS)
def test_the_tag_must_be_the_version(steps: list[dict[str, Any]], tag: str, status: int) -> None:
    (script,) = [step["run"] for step in steps if step.get("name") == "The tag is the version"]
    environment = os.environ | {"GITHUB_REF_NAME": tag}
    ran = subprocess.run(["bash", "-e", "-c", script], cwd=ROOT, env=environment, check=False)
    assert ran.returncode == status


def test_what_is_installed_is_attested_and_then_attached(steps: list[dict[str, Any]]) -> None:
    files = [f"obsidian-plugin/{name}" for name in INSTALLED]
    attest, make = steps[-2:]
    assert attest["uses"].startswith("actions/attest-build-provenance@")
    assert attest["with"]["subject-path"].split() == files
    assert make["run"].split()[-3:] == files
