"""The workflow that measures each tier: it names them all, and its commands are understood."""

import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.quality.__main__ import parse
from companion.llm.catalog import CATALOG

WORKFLOW = Path(__file__).parents[2] / ".github" / "workflows" / "quality.yml"


@pytest.fixture
def job() -> dict[str, Any]:
    job: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]["measure"]
    return job


def test_every_tier_is_measured(job: dict[str, Any]) -> None:
    models = job["strategy"]["matrix"]["model"]
    assert models == [model.name for model in CATALOG if model.tier]


def test_its_command_is_understood(job: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    [command] = [step["run"] for step in job["steps"] if step.get("name") == "Quality"]
    measured = command.replace("${{ matrix.model }}", "qwen3-4b").partition("|")[0]
    words = shlex.split(measured)
    assert words[:3] == ["python", "-m", "benchmarks.quality"]
    monkeypatch.setattr(sys, "argv", words[2:])
    options = parse()
    assert (options.model, options.part, options.page.name) == ("qwen3-4b", "report", "quality.md")
    assert options.field == ["description", "callout"]
