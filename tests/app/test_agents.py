"""What an agent sees of a vault whose model runs on this machine, and so reads private notes."""

from pathlib import Path

import pytest

from companion.app.vault import Vault
from companion.config import Config
from companion.config.settings import PrivateTable
from companion.enrich.workspace import open_workspace
from companion.errors import NotThere

BREAD = (
    "---\ndescription:\n---\n# Bread\n\nBread is baked of flour and water, and rises with yeast.\n"
)


def test_similar_notes_leave_private_ones_out(tmp_path: Path, home: Path) -> None:
    vault = tmp_path / "vault"
    for path in ("Bread.md", "Loaf.md", "Diary/Bread too.md"):
        (vault / path).parent.mkdir(parents=True, exist_ok=True)
        (vault / path).write_text(BREAD, encoding="utf-8")
    config = Config(private=PrivateTable(folders=("Diary",)))
    assert not config.is_remote
    with open_workspace(config, vault) as space:
        agent = Vault(space).agent("tester")
        similar = agent.find_similar("Bread.md")
        assert [each.path for each in similar.notes] == ["Loaf.md"]
        notes = agent.scan().notes
        assert [note.path for note in notes] == ["Bread.md", "Loaf.md"]
        with pytest.raises(NotThere):
            agent.find_similar("Diary/Bread too.md")
