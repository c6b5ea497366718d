"""The plugin in a vault: written whole, beside what is there, and never outside the vault."""

import json
import os
import stat
from pathlib import Path

import pytest

from companion import __version__
from companion.errors import UsageError
from companion.vault import plugin_files
from companion.vault.plugin_files import (
    find_built,
    plan_install,
    read_installed,
    remove_plugin,
)
from companion.vault.plugin_files import write_install as write
from tests.cli.user import files_in
from tests.vault.stub_plugin import PLUGIN, build_plugin

REPOSITORY = Path(__file__).parents[2]
SOURCE = REPOSITORY / "obsidian-plugin"
posix = pytest.mark.skipif(os.name == "nt", reason="symbolic links and modes of POSIX")


@pytest.fixture
def root(vault: Path) -> Path:
    (vault / ".obsidian").mkdir()
    return vault.resolve()


@pytest.fixture
def built(tmp_path: Path) -> Path:
    return build_plugin(tmp_path / "built")


def install(root: Path, built: Path) -> tuple[str, ...]:
    return write(plan_install(root, built))


def test_everything_the_first_time(root: Path, built: Path) -> None:
    before = os.umask(0o022)
    try:
        written = install(root, built)
    finally:
        os.umask(before)
    folder = root / PLUGIN
    files = ("main.js", "manifest.json", "styles.css")
    assert written == (*files, "community-plugins.json")
    assert sorted(files_in(folder)) == sorted(files)
    assert all((folder / name).read_bytes() == (built / name).read_bytes() for name in files)
    listed = (root / ".obsidian/community-plugins.json").read_bytes()
    assert listed == b'[\n  "callout-companion"\n]'  # byte for byte as Obsidian writes it
    assert read_installed(root) == (__version__, True)
    if os.name != "nt":
        modes = {name: stat.S_IMODE((folder / name).stat().st_mode) for name in files}
        assert modes == dict.fromkeys(files, 0o644)


def test_only_what_differs_the_second_time(root: Path, built: Path) -> None:
    install(root, built)
    before = files_in(root)
    assert install(root, built) == ()
    assert files_in(root) == before
    (root / PLUGIN / "styles.css").write_text("old")
    assert install(root, built) == ("styles.css",) and files_in(root) == before


ENABLED = [
    pytest.param(None, b'[\n  "callout-companion"\n]', id="no list"),
    pytest.param(b"[]", b'[\n  "callout-companion"\n]', id="an empty one"),
    pytest.param(
        b'["z","a"]\n', b'[\n  "z",\n  "a",\n  "callout-companion"\n]\n', id="in their order"
    ),
    pytest.param('["ü"]'.encode(), '[\n  "ü",\n  "callout-companion"\n]'.encode(), id="letters"),
    pytest.param(b'["callout-companion", "b"]', b'["callout-companion", "b"]', id="ours is in it"),
]


@pytest.mark.parametrize(("before", "after"), ENABLED)
def test_other_plugins_stay(root: Path, built: Path, before: bytes | None, after: bytes) -> None:
    file = root / ".obsidian/community-plugins.json"
    if before is not None:
        file.write_bytes(before)
    install(root, built)
    assert file.read_bytes() == after


LIST = "community-plugins.json"
REFUSED = [
    pytest.param(LIST, b"{}", "is not a list of plugins", id="a list that is none"),
    pytest.param(LIST, b'["a"', "is not valid JSON", id="half a list"),
    pytest.param(LIST, b"", "is not valid JSON", id="an empty file"),
    pytest.param(LIST, b"\xff", "is not valid JSON", id="no UTF-8"),
    pytest.param(LIST, b"[" * 100_000, "is not valid JSON", id="nested"),
]


@pytest.mark.parametrize(("path", "data", "words"), REFUSED)
def test_what_is_not_understood_is_refused(
    root: Path, built: Path, path: str, data: bytes, words: str
) -> None:
    file = root / ".obsidian" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    before = files_in(root)
    with pytest.raises(UsageError, match=words) as refused:
        install(root, built)
    assert str(file) in str(refused.value) and files_in(root) == before


@pytest.mark.parametrize("manifest", ["[]", '{"version": 3}'])
def test_a_manifest_without_a_version_is_refused(root: Path, built: Path, manifest: str) -> None:
    install(root, built)
    (root / PLUGIN / "manifest.json").write_text(manifest)
    with pytest.raises(UsageError, match="it names no version"):
        read_installed(root)


def test_no_vault_of_obsidians_yet(vault: Path, built: Path) -> None:
    with pytest.raises(UsageError, match="open it once in Obsidian"):
        install(vault.resolve(), built)
    assert files_in(vault) == {}


LINKS = [
    pytest.param(".obsidian", id="all settings"),
    pytest.param(".obsidian/plugins", id="all plugins"),
    pytest.param(PLUGIN, id="the plugin"),
    pytest.param(f"{PLUGIN}/main.js", id="its code"),
    pytest.param(".obsidian/community-plugins.json", id="the list"),
]


@posix
@pytest.mark.parametrize("link", LINKS)
def test_no_link_out_of_the_vault_is_followed(
    root: Path, built: Path, tmp_path: Path, link: str
) -> None:
    (outside := tmp_path / "outside").mkdir()
    (root / ".obsidian").rmdir()
    (root / link).parent.mkdir(parents=True, exist_ok=True)
    is_file = link.endswith(("js", "json"))
    (root / link).symlink_to(outside / "file.json" if is_file else outside)
    if is_file:
        (outside / "file.json").write_text("[]" if "community" in link else "{}")
    before = files_in(tmp_path)
    with pytest.raises(UsageError, match="leads out of the vault by a symbolic link"):
        install(root, built)
    assert files_in(tmp_path) == before


def test_only_ours_is_removed(root: Path, built: Path) -> None:
    (root / ".obsidian/community-plugins.json").write_text('["a","callout-companion","b"]')
    (root / ".obsidian/plugins/a").mkdir(parents=True)
    install(root, built)
    for _ in range(2):
        remove_plugin(root)
        assert files_in(root) == {".obsidian/community-plugins.json": b'[\n  "a",\n  "b"\n]'}
        assert (root / ".obsidian/plugins/a").exists() and not (root / PLUGIN).exists()


@posix
def test_a_link_inside_the_vault_stays_one(root: Path, built: Path) -> None:
    (root / "config/plugins").mkdir(parents=True)
    (root / ".obsidian/plugins").symlink_to(root / "config/plugins")
    install(root, built)
    assert (root / ".obsidian/plugins").is_symlink()
    assert (root / "config/plugins/callout-companion/main.js").exists()


@posix
def test_a_folder_that_cannot_be_written(root: Path, built: Path) -> None:
    (root / ".obsidian/plugins").write_text("a file")
    before = files_in(root)
    with pytest.raises(UsageError, match="cannot be read"):
        install(root, built)
    assert files_in(root) == before


def test_a_full_disk_leaves_no_half_file(
    root: Path, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(root, built)
    build_plugin(built, "9.9.9")
    before = files_in(root)

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(UsageError, match="No space left on device"):
        install(root, built)
    assert files_in(root) == before


def test_what_obsidian_wrote_meanwhile_stays(root: Path, built: Path) -> None:
    planned = plan_install(root, built)
    listed = root / ".obsidian/community-plugins.json"
    listed.write_text('["new"]')
    with pytest.raises(UsageError, match="somebody changed"):
        write(planned)
    assert listed.read_text() == '["new"]'


@pytest.mark.parametrize("missing", plugin_files.FILES)
def test_half_a_plugin_is_none(root: Path, built: Path, missing: str) -> None:
    assert read_installed(root) == (None, False)
    install(root, built)
    (root / PLUGIN / missing).unlink()
    assert read_installed(root) == (None, True)


def test_where_the_built_plugin_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_files, "_PACKAGE", tmp_path / "companion")
    assert find_built() is None
    beside = build_plugin(tmp_path / "obsidian-plugin")
    assert find_built() == beside
    packed = build_plugin(tmp_path / "companion" / "_plugin")
    assert find_built() == packed
    (packed / "main.js").unlink()
    assert find_built() is None


def test_its_version_is_ours_wherever_it_is_said() -> None:
    mirrored = (REPOSITORY / "manifest.json").read_bytes()  # where Obsidian's directory looks
    assert mirrored == (SOURCE / "manifest.json").read_bytes()
    manifest = json.loads(mirrored)
    versions = json.loads((SOURCE / "versions.json").read_bytes())
    assert manifest["id"] == plugin_files.PLUGIN and manifest["version"] == __version__
    assert versions[__version__] == manifest["minAppVersion"]
    assert json.loads((SOURCE / "package.json").read_bytes())["version"] == __version__
