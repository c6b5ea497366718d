"""The wheel works by itself: built, installed into an empty folder, and run there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from companion.vault.plugin_files import FILES

REPOSITORY = Path(__file__).parents[1]
PLUGIN = REPOSITORY / "obsidian-plugin"
built = pytest.mark.skipif(
    not (PLUGIN / "main.js").exists() and "CI" not in os.environ, reason="make dev builds it"
)


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_wheel(REPOSITORY, tmp_path_factory.mktemp("wheel"))


def make_wheel(source: Path, folder: Path) -> Path:
    here = ["--no-build-isolation"] if find_spec("hatchling") else []
    pip("wheel", "--no-deps", *here, "--wheel-dir", str(folder), str(source))
    [made] = folder.glob("*.whl")
    return made


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
    assert "companion/enrich/checks/phrases/en.toml" in names
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


@built
def test_the_plugin_is_packed_and_installs_itself(
    wheel: Path, installed: Path, tmp_path: Path
) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if "_plugin/" in name}
    assert names == {f"companion/_plugin/{name}" for name in FILES}
    (vault := tmp_path / "vault").joinpath(".obsidian").mkdir(parents=True)
    told = run(installed, tmp_path, "-m", "companion", "plugin", "install", str(vault))
    folder = vault / ".obsidian/plugins/callout-companion"
    assert str(folder) in told
    assert all((folder / name).read_bytes() == (PLUGIN / name).read_bytes() for name in FILES)


def test_a_wheel_without_the_built_plugin(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in ("companion", "prompts"):
        shutil.copytree(REPOSITORY / name, source / name)
    (source / PLUGIN.name).mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "obsidian-plugin/manifest.json"):
        shutil.copy(REPOSITORY / name, source / name)
    installed = tmp_path / "installed"
    wheel = make_wheel(source, tmp_path / "wheel")
    pip("install", "--no-deps", "--target", str(installed), str(wheel))
    assert not (installed / "companion/_plugin/main.js").exists()
    (vault := tmp_path / "vault").joinpath(".obsidian").mkdir(parents=True)
    done = start(installed, tmp_path, "-m", "companion", "plugin", "install", str(vault))
    assert done.returncode == 2 and "has no Obsidian plugin in it" in done.stderr


def run(installed: Path, folder: Path, *arguments: str) -> str:
    """Return what the installed package prints, run in folder by this interpreter."""
    done = start(installed, folder, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def start(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    ours = ("COMPANION_BASE_URL", "COMPANION_API_KEY", "COMPANION_MODEL")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment |= {"PYTHONPATH": str(installed), "COMPANION_HOME": str(folder / "home")}
    command = [sys.executable, "-P", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )
