import unicodedata
from pathlib import Path

import pytest

from companion.errors import UsageError
from companion.vault.paths import find_vault, has_folder, relative_path, resolve_vault

NFD = unicodedata.normalize("NFD", "Café.md")
NFC = unicodedata.normalize("NFC", "Café.md")


@pytest.fixture
def root(vault: Path) -> Path:
    """A vault with a few notes, at its real path."""
    for path in (".obsidian/app.json", "A.md", "B/A.md", "B/C.md", "B/D/E.md", "B.md", NFD):
        file = vault / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("# A\n")
    return vault.resolve()


TYPED = [
    pytest.param("A.md", "", "A.md", id="a note"),
    pytest.param("A", "", "A.md", id="without its extension"),
    pytest.param("B/C.md", "", "B/C.md", id="in a folder"),
    pytest.param("B", "", "B", id="the folder before the note of its name"),
    pytest.param("B/", "", "B", id="slash at the end"),
    pytest.param(".", "", "", id="the vault"),
    pytest.param("A.md", "B", "B/A.md", id="where the user stands comes first"),
    pytest.param("../A.md", "B", "A.md", id="one up"),
    pytest.param("D", "B", "B/D", id="a folder from here"),
    pytest.param("B/C.md", "B", "B/C.md", id="from the vault's root, wherever the user stands"),
    pytest.param("B/../A.md", "", "A.md", id="a detour"),
    pytest.param("..", "B/D", "B", id="the folder above"),
    pytest.param("vault/A.md", "..", "A.md", id="from outside"),
    pytest.param("B/C", "..", "B/C.md", id="vault-relative from outside"),
    pytest.param(NFC, "", NFD, id="as on the disk: accents"),
    pytest.param(NFC[:-3], "", NFD, id="as on the disk: accents, without extension"),
]


@pytest.mark.parametrize(("given", "cwd", "expected"), TYPED)
def test_finds_what_was_typed(root: Path, given: str, cwd: str, expected: str) -> None:
    assert relative_path(root, given, (root / cwd).resolve()) == expected


def test_takes_absolute_paths(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert relative_path(root, root / "B" / "C.md", tmp_path) == "B/C.md"
    assert relative_path(root, tmp_path / "link" / "B" / "C", tmp_path) == "B/C.md"
    assert relative_path(root, "C.md", tmp_path / "link" / "B") == "B/C.md"


def test_keeps_a_link_within_the_vault(root: Path) -> None:
    (root / "link.md").symlink_to(root / "A.md")
    (root / "loop").symlink_to(root)
    assert relative_path(root, "link.md", root) == "link.md"
    assert relative_path(root, "loop/A.md", root) == "loop/A.md"


REFUSED = [
    pytest.param("", "the path is empty", id="nothing"),
    pytest.param("a\0b", "the path is empty", id="null byte"),
    pytest.param("caf\udce9.md", "the name caf\\xe9.md is not valid UTF-8", id="not UTF-8"),
    pytest.param("Nothing.md", "there is no Nothing.md in the vault", id="not there"),
    pytest.param("B/Nothing", "there is no B/Nothing in the vault", id="not there, in a folder"),
    pytest.param("A.md/B.md", "there is no A.md/B.md in the vault", id="in a note"),
    pytest.param("../secret.md", "../secret.md is outside the vault", id="outside"),
    pytest.param("../secret", "../secret is outside the vault", id="outside, no extension"),
    pytest.param("..", ".. is outside the vault", id="the folder above the vault"),
    pytest.param("out.md", "out.md leads out of the vault", id="link to a file outside"),
    pytest.param("out/secret.md", "out/secret.md leads out of the vault", id="link to a folder"),
]


@pytest.mark.parametrize(("given", "message"), REFUSED)
def test_refuses_what_is_not_in_the_vault(
    root: Path, tmp_path: Path, given: str, message: str
) -> None:
    (tmp_path / "secret.md").write_text("mine")
    (root / "out.md").symlink_to(tmp_path / "secret.md")
    (root / "out").symlink_to(tmp_path)
    with pytest.raises(UsageError) as refused:
        relative_path(root, given, root)
    assert str(refused.value).startswith(message)


IN_VAULT = [
    pytest.param("B", True, id="a folder"),
    pytest.param("b/d", True, id="case aside"),
    pytest.param(unicodedata.normalize("NFC", "Größe"), True, id="accents"),
    pytest.param("B/C.md", False, id="a note"),
    pytest.param("D", False, id="a folder further down"),
    pytest.param("Nope/D", False, id="not there"),
]


@pytest.mark.parametrize(("path", "is_there"), IN_VAULT)
def test_has_folder(root: Path, path: str, is_there: bool) -> None:
    (root / unicodedata.normalize("NFD", "Größe")).mkdir()
    assert has_folder(root, path) == is_there


def test_finds_the_nearest_vault(root: Path, tmp_path: Path) -> None:
    (root / "B" / "D" / ".obsidian").mkdir()
    assert find_vault(root) == root
    assert find_vault(root / "B" / "C.md") == root
    assert find_vault(root / "B" / "D") == root / "B" / "D"
    assert find_vault(tmp_path) is None


def test_opens_a_vault_at_its_real_path(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert resolve_vault(tmp_path / "link") == root
    assert resolve_vault(root / "B") == root / "B"


def test_refuses_what_is_no_vault(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(UsageError, match="there is no folder"):
        resolve_vault(tmp_path / "nothing")
    with pytest.raises(UsageError, match="cannot be read"):
        resolve_vault(Path("~nobody-here/vault"))
    with pytest.raises(UsageError, match="there is no folder"):
        resolve_vault(root / "A.md")
    with pytest.raises(UsageError, match="cannot be read"):
        resolve_vault(tmp_path / "loop")

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(UsageError, match=r"cannot be read \(Permission denied\)"):
        resolve_vault(root)
