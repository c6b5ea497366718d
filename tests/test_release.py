"""The workflow that releases, by a tag that is the version, what was built, attested and tried."""

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from companion import __version__
from companion.cli import companion as command_line
from companion.vault.plugin_files import FILES

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text("utf-8"))
    made: dict[str, Any] = workflow["jobs"]
    return made


def step(job: dict[str, Any], start: str) -> dict[str, Any]:
    """Return the job's only step that has this name, or uses an action that begins with it."""
    steps: list[dict[str, Any]] = job["steps"]
    (found,) = [s for s in steps if s.get("name") == start or s.get("uses", "").startswith(start)]
    return found


TAGS = [
    pytest.param(__version__, 0, id="the version"),
    pytest.param(f"v{__version__}", 1, id="with a v"),
    pytest.param("99.0.0", 1, id="another version"),
]


@pytest.mark.parametrize(("tag", "status"), TAGS)
def test_the_tag_must_be_the_version(jobs: dict[str, Any], tag: str, status: int) -> None:
    script = step(jobs["build"], "The tag is the version")["run"]
    environment = os.environ | {"GITHUB_REF_NAME": tag}
    ran = subprocess.run(["bash", "-e", "-c", script], cwd=ROOT, env=environment, check=False)
    assert ran.returncode == status


def test_what_is_installed_is_attested_and_then_attached(jobs: dict[str, Any]) -> None:
    attested = step(jobs["build"], "actions/attest-build-provenance@")["with"]["subject-path"]
    assert attested.split() == ["dist/*", *(f"obsidian-plugin/{name}" for name in FILES)]
    attached = step(jobs["github"], "Make the release")["run"].split("--generate-notes \\\n")[1]
    assert attached.split() == ["dist/*", *(f"plugin/{name}" for name in FILES)]


def test_nothing_is_published_before_it_was_tried_on_three_systems(jobs: dict[str, Any]) -> None:
    order = [(name, job.get("needs")) for name, job in jobs.items()]
    chain = ["check", "build", "smoke", "pypi", "github"]
    assert order == list(zip(chain, [None, *chain], strict=False))
    tried = jobs["smoke"]["strategy"]["matrix"]
    assert [name.partition("-")[0] for name in tried["os"]] == ["ubuntu", "macos", "windows"]
    assert tried["install"] == ["uv tool install", "pipx install"]


def test_only_who_publishes_may_write(jobs: dict[str, Any]) -> None:
    """PyPI's trusted publisher needs no secret; the release, no token but the workflow's own."""
    rights = {
        name: sorted(right for right, how in job.get("permissions", {}).items() if how == "write")
        for name, job in jobs.items()
    }
    assert rights == {
        "check": [],
        "build": ["attestations", "id-token"],
        "smoke": [],
        "pypi": ["id-token"],
        "github": ["contents"],
    }
    assert "secrets." not in str(jobs)


def test_the_smoke_test_types_commands_that_there_are(jobs: dict[str, Any]) -> None:
    lines = [
        shlex.split(line)[1:]
        for each in jobs["smoke"]["steps"]
        for line in each.get("run", "").splitlines()
        if line.strip().startswith("companion ")
    ]
    assert ["demo", "--model", "smollm2-135m"] in lines
    for line in lines:
        if line == ["--version"]:
            continue
        command: click.Command = command_line
        while isinstance(command, click.Group):
            found = command.get_command(click.Context(command), line.pop(0))
            assert found
            command = found
        command.make_context(command.name, line)  # raises what the command line would
