"""Wheel and sdist: built, the same bytes again, installed in an empty place, and run there."""

import json
import os
import signal
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from companion.vault.plugin_files import FILES
from hatch_build import BUILT

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
    return build("wheel", REPOSITORY, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", REPOSITORY, tmp_path_factory.mktemp("sdist"))


def build(target: str, source: Path, folder: Path, **options: Any) -> Path:
    done = try_to_build(target, source, folder, **options)
    assert done.returncode == 0, done.stderr
    [made] = folder.iterdir()
    return made


def try_to_build(
    target: str, source: Path, folder: Path, **options: Any
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    return subprocess.run(command, cwd=source, capture_output=True, text=True, **options)


def unpack(sdist: Path, folder: Path) -> Path:
    with tarfile.open(sdist) as packed:
        packed.extractall(folder, filter="data")
    [source] = folder.iterdir()
    return source


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
    assert "companion/language/phrases/en.toml" in names
    assert "companion/_examples/.obsidian/app.json" in names
    assert "companion/py.typed" in names, "by which type checkers read the Python API"
    assert not any(name.startswith(("tests", "benchmarks", "examples")) for name in names)


def test_it_runs_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    (tmp_path / ".obsidian").mkdir()
    text = "A stub is a note whose text is still to come; its author left it to return to it. " * 3
    stub = f"---\ndescription:\n---\n\n# Stub\n\n{text}\n"
    (tmp_path / "Stub.md").write_text(stub)
    where = run(installed, tmp_path, "-c", "import companion; print(companion.__file__)")
    assert Path(where.strip()).is_relative_to(installed)
    [found] = run(installed, tmp_path, "-m", "companion", "scan", "--json").splitlines()
    assert [need["kind"] for need in json.loads(found)["needs"]] == ["description", "callout"]
    told = run(installed, tmp_path, "-m", "companion", "prompt", "Stub.md")
    assert (installed / "companion/_prompts/system.md").read_text().partition("\n")[0] in told


@built
def test_the_plugin_is_packed_and_installs_itself(
    wheel: Path, installed: Path, tmp_path: Path
) -> None:
    packed = zipfile.ZipFile(wheel).namelist()
    names = {name for name in packed if "_plugin/" in name}
    assert names == {f"companion/_plugin/{name}" for name in FILES}
    _, _, *page = BUILT
    assert len(page) > 1 and {file.as_posix() for file in page} <= {*packed}
    (vault := tmp_path / "vault").joinpath(".obsidian").mkdir(parents=True)
    told = run(installed, tmp_path, "-m", "companion", "plugin", "install", str(vault))
    folder = vault / ".obsidian/plugins/callout-companion"
    assert str(folder) in told
    assert all((folder / name).read_bytes() == (PLUGIN / name).read_bytes() for name in FILES)


@built
@pytest.mark.release
def test_the_sdist_holds_all_that_the_wheel_is_made_of(
    wheel: Path, sdist: Path, tmp_path: Path
) -> None:
    """Elsewhere, at another time, by somebody with another umask, and without Node."""
    source = unpack(sdist, tmp_path / "source")
    (source / "PKG-INFO").unlink()  # what makes an sdist of the tree
    for path in source.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
        os.utime(path, (1e9, 1e9))
    bare = {"PATH": "", "SYSTEMROOT": os.environ.get("SYSTEMROOT", "")}
    assert build("wheel", source, tmp_path / "w", env=bare).read_bytes() == wheel.read_bytes()
    assert build("sdist", source, tmp_path / "s", env=bare).read_bytes() == sdist.read_bytes()


@built
@pytest.mark.release
def test_a_build_without_the_built_plugin_says_so(sdist: Path, tmp_path: Path) -> None:
    source = unpack(sdist, tmp_path / "source")
    (source / "obsidian-plugin/main.js").unlink()
    refused = try_to_build("sdist", source, tmp_path / "s")
    warned = try_to_build("wheel", source, tmp_path / "w")
    missing = (
        "obsidian-plugin/main.js: missing; the Obsidian plugin and the page are built with Node"
    )
    assert refused.returncode != 0 and missing in refused.stderr
    assert warned.returncode == 0 and missing in warned.stdout + warned.stderr
    [wheel] = (tmp_path / "w").iterdir()
    installed = tmp_path / "installed"
    pip("install", "--no-deps", "--target", str(installed), str(wheel))
    assert not (installed / "companion/_plugin/main.js").exists()
    (vault := tmp_path / "vault").joinpath(".obsidian").mkdir(parents=True)
    done = start(installed, tmp_path, "-m", "companion", "plugin", "install", str(vault))
    assert done.returncode == 2 and "has no Obsidian plugin in it" in done.stderr


@built
@pytest.mark.release
def test_pipx_installs_the_sdist_in_an_empty_environment(sdist: Path, tmp_path: Path) -> None:
    companion = install_tool("pipx", sdist, tmp_path)
    (vault := tmp_path / "vault").joinpath(".obsidian").mkdir(parents=True)
    assert "The Obsidian plugin" in call(tmp_path, companion, "plugin", "install", str(vault))


@built
@pytest.mark.release
@pytest.mark.model
@pytest.mark.skipif(os.name == "nt", reason="no Ctrl-C from a program; the release tries it")
def test_uv_installs_the_wheel_in_an_empty_environment_for_the_demo(
    wheel: Path, tmp_path: Path
) -> None:
    """Until a note is done, for the light model has poor answers to most."""
    companion = install_tool("uv", wheel, tmp_path)
    folder = tmp_path / "home/demo"
    with start_tool(tmp_path, companion, "demo", "--model", "smollm2-135m") as demo:
        assert demo.stdout
        told: list[str] = []
        for line in demo.stdout:
            told.append(line)
            if line[:4] in ("  ✓ ", "  ? ", "  - "):
                demo.send_signal(signal.SIGINT)
    assert demo.returncode == 130, told
    assert told[0] == f"A copy of the example vault is in {folder}; your notes are not touched.\n"
    assert told[1].startswith("11 of 43 notes lack a description")
    call(tmp_path, companion, "demo", "undo")
    examples = REPOSITORY / "examples/vault"
    for path in examples.rglob("*.md"):
        assert (folder / path.relative_to(examples)).read_bytes() == path.read_bytes()


def install_tool(tool: str, package: Path, folder: Path) -> str:
    """Install the package with everything that it needs, and return the command's path."""
    call(folder, sys.executable, "-m", tool, *(["tool"] * (tool == "uv")), "install", str(package))
    return str(folder / "bin" / f"companion{'.exe' * (os.name == 'nt')}")


def call(folder: Path, *command: str) -> str:
    """Run a command in the folder, with its settings and tools there, and return its output."""
    with start_tool(folder, *command, stderr=subprocess.PIPE) as process:
        out, err = process.communicate()
    assert process.returncode == 0, out + err
    return out


def start_tool(folder: Path, *command: str, **options: Any) -> subprocess.Popen[str]:
    tools = {"UV_TOOL_DIR": "tools", "UV_TOOL_BIN_DIR": "bin", "PIPX_HOME": "tools"}
    ours = {**tools, "PIPX_BIN_DIR": "bin", "COMPANION_HOME": "home"}
    environment = os.environ | {name: str(folder / place) for name, place in ours.items()}
    environment["OMP_THREAD_LIMIT"] = "1"  # other tests run beside it: see test_embedded_run
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=pipe, encoding="utf-8", **options
    )


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
