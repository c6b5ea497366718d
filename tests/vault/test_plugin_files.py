"""The plugin in a vault: written whole, beside what is there, and never outside the vault."""

import json
import os
from pathlib import Path

import pytest

from companion import __version__
from companion.errors import UsageError
from companion.vault import plugin_files
from companion.vault.plugin_files import find_built, install, read_installed
from tests.cli.user import files_in
from tests.vault.stub_plugin import PLUGIN, build_plugin

SOURCE = Path(__file__).parents[2] / "obsidian-plugin"
LIST = ".obsidian/community-plugins.json"
posix = pytest.mark.skipif(os.name == "nt", reason="symbolic links of POSIX")


@pytest.fixture
def root(vault: Path) -> Path:
    (vault / ".obsidian").mkdir()
    return vault.resolve()


@pytest.fixture
def built(tmp_path: Path) -> Path:
    return build_plugin(tmp_path / "built")


def test_everything_the_first_time_and_what_differs_the_second(root: Path, built: Path) -> None:
    assert install(root, built) == (*plugin_files.FILES, "community-plugins.json")
    folder = root / PLUGIN
    assert all((folder / n).read_bytes() == (built / n).read_bytes() for n in plugin_files.FILES)
    assert (root / LIST).read_bytes() == b'[\n  "callout-companion"\n]'  # as Obsidian writes it
    assert read_installed(root) == (__version__, True)
    assert install(root, built) == ()
    (built / "main.js").write_text("new")
    assert install(root, built) == ("main.js",)


def test_other_plugins_and_settings_stay(root: Path, built: Path) -> None:
    (root / LIST).write_text('["dataview"]')
    (root / PLUGIN).mkdir(parents=True)
    (root / PLUGIN / "data.json").write_text('{"mine": 1}')
    install(root, built)
    assert json.loads((root / LIST).read_bytes()) == ["dataview", "callout-companion"]
    assert (root / PLUGIN / "data.json").read_text() == '{"mine": 1}'


@pytest.mark.parametrize("listed", ["{}", "[", "3"])
def test_a_list_that_is_not_understood_is_refused(root: Path, built: Path, listed: str) -> None:
    (root / LIST).write_text(listed)
    before = files_in(root)
    with pytest.raises(UsageError, match="correct or remove it"):
        install(root, built)
    assert files_in(root) == before


def test_no_vault_of_obsidians_yet(vault: Path, built: Path) -> None:
    with pytest.raises(UsageError, match="open it once in Obsidian"):
        install(vault.resolve(), built)


@posix
@pytest.mark.parametrize("link", [".obsidian", ".obsidian/plugins", PLUGIN])
def test_no_link_out_of_the_vault_is_followed(
    root: Path, built: Path, tmp_path: Path, link: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    if link == ".obsidian":
        (root / link).rmdir()
    (root / link).parent.mkdir(parents=True, exist_ok=True)
    (root / link).symlink_to(outside)
    with pytest.raises(UsageError, match="leads out of the vault"):
        install(root, built)
    assert not list(outside.iterdir())


@pytest.mark.parametrize("missing", plugin_files.FILES)
def test_half_a_plugin_is_none(root: Path, built: Path, missing: str) -> None:
    install(root, built)
    (root / PLUGIN / missing).unlink()
    assert read_installed(root) == (None, True)


def test_where_the_built_plugin_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "companion"
    monkeypatch.setattr(plugin_files, "_PACKAGE", package)
    assert find_built() is None
    build_plugin(tmp_path / "obsidian-plugin")
    assert find_built() == tmp_path / "obsidian-plugin"
    build_plugin(package / "_plugin")
    assert find_built() == package / "_plugin"


def test_its_version_is_ours_wherever_it_is_said() -> None:
    mirrored = (SOURCE.parent / "manifest.json").read_bytes()  # where Obsidian's directory looks
    assert mirrored == (SOURCE / "manifest.json").read_bytes()
    manifest = json.loads(mirrored)
    versions = json.loads((SOURCE / "versions.json").read_bytes())
    assert manifest["id"] == plugin_files.PLUGIN and manifest["version"] == __version__
    assert versions[__version__] == manifest["minAppVersion"]
    assert json.loads((SOURCE / "package.json").read_bytes())["version"] == __version__
