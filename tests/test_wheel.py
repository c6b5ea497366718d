"""The wheel works by itself: built, installed into an empty folder, and run there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    here = ["--no-build-isolation"] if find_spec("hatchling") else []
    pip("wheel", "--no-deps", *here, "--wheel-dir", str(folder), str(REPOSITORY))
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--target", str(folder), str(wheel))
    return folder


def test_prompts_and_licence_are_packed(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    source = REPOSITORY / "prompts"
    packed = {name.removeprefix("companion/_prompts/") for name in names if "_prompts/" in name}
    assert packed == {path.relative_to(source).as_posix() for path in source.rglob("*.md")}
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests", "benchmarks", "examples")) for name in names)


def test_it_runs_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    (tmp_path / ".obsidian").mkdir()
    (tmp_path / "Stub.md").write_text("---\ndescription:\n---\n\n# Stub\n")
    where = run(installed, tmp_path, "-c", "import companion; print(companion.__file__)")
    assert Path(where.strip()).is_relative_to(installed)
    [found] = run(installed, tmp_path, "-m", "companion", "scan", "--json").splitlines()
    assert [need["kind"] for need in json.loads(found)["needs"]] == ["description", "callout"]
    told = run(installed, tmp_path, "-m", "companion", "prompt", "Stub.md")
    assert (installed / "companion/_prompts/system.md").read_text().strip() in told


def run(installed: Path, folder: Path, *arguments: str) -> str:
    """Return what the installed package prints, run in folder by this interpreter."""
    ours = ("COMPANION_BASE_URL", "COMPANION_API_KEY", "COMPANION_MODEL")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment |= {"PYTHONPATH": str(installed), "COMPANION_HOME": str(folder / "home")}
    command = [sys.executable, "-P", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
