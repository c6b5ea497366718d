import unicodedata

import pytest

from companion.vault.files import is_conflict_copy

COPIES = [
    pytest.param("Note (Anna's conflicted copy 2024-05-01).md", id="Dropbox"),
    pytest.param("Note (Anna's conflicted copy 2024-05-01 (1)).md", id="Dropbox, the second"),
    pytest.param("Note (Case Conflict 1).md", id="Dropbox, case"),
    pytest.param("Note (Annas in Konflikt stehende Kopie 2024-05-01).md", id="Dropbox, German"),
    pytest.param("Note (In Konflikt stehende Kopie von Anna 2024-05-01).md", id="German, older"),
    pytest.param("Note (Copie en conflit de Anna 2024-05-01).md", id="Dropbox, French"),
    pytest.param("Note (Copia en conflicto de Anna 2024-05-01).md", id="Dropbox, Spanish"),
    pytest.param("Note (Copia in conflitto di mac.fritz.box 2026-10-08).md", id="Dropbox, Italian"),
    pytest.param("Note (Cópia em conflito de Anna 2024-05-01).md", id="Dropbox, Portuguese"),
    pytest.param("メモ (花子 の競合コピー 2023-10-29).md", id="Dropbox, Japanese"),
    pytest.param("Note (conflicted copy 2024-05-01 103045).md", id="Nextcloud"),
    pytest.param("Note (Konfliktkopie 2024-05-01 103045).md", id="Nextcloud, German"),
    pytest.param("Note_conflict-20240501-103045.md", id="ownCloud"),
    pytest.param("Note (Conflicted copy iPhone 202405011030).md", id="Obsidian Sync"),
    pytest.param("Note.sync-conflict-20240501-103045-ABCDEFG.md", id="Syncthing"),
    pytest.param("Note (SFConflict anna@example.org 2024-05-01-10-30-45).md", id="Seafile"),
    pytest.param("Note [conflicted].md", id="pCloud"),
    pytest.param("Note[Conflict 1].md", id="Google Drive"),
    pytest.param("Note.Conflict1.md", id="Resilio"),
    pytest.param("Note_desktop_Oct-26-1500-2021_Conflict.md", id="Synology Drive"),
    pytest.param("Note (Anna's conflicted copy 2024-05-01).MD", id="capital extension"),
    pytest.param("Note (Anna's conflicted copy 2024-05-01) 2.md", id="a copy of the copy"),
]

NOTES = [
    pytest.param("Conflicted copy.md", id="about it"),
    pytest.param("What is a conflicted copy (Dropbox).md", id="about it, with brackets"),
    pytest.param("Handling (conflicted copy) files.md", id="not at the end"),
    pytest.param("Conflict.md", id="a word"),
    pytest.param("The Gaza conflict (2023).md", id="a war"),
    pytest.param("Note 2.md", id="a number"),
    pytest.param("Note (1).md", id="a number in brackets"),
    pytest.param("Note-DESKTOP.md", id="OneDrive's way, but people's too"),
    pytest.param("git merge_conflict.md", id="underscore"),
]


@pytest.mark.parametrize("name", COPIES)
def test_finds_sync_conflict_copies(name: str) -> None:
    assert is_conflict_copy(name)
    assert is_conflict_copy(unicodedata.normalize("NFD", name))


@pytest.mark.parametrize("name", NOTES)
def test_leaves_notes_that_only_sound_like_it(name: str) -> None:
    assert not is_conflict_copy(name)
