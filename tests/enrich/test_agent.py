"""What an agent sees of a vault whose model runs on this machine, and so reads private notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from companion.config import Config
from companion.config.settings import AgentsTable, PrivateTable
from companion.enrich.agent import AgentView
from companion.enrich.context import VaultContext
from companion.enrich.workspace import open_workspace
from companion.errors import NotThere

BREAD = (
    "---\ndescription:\n---\n# Bread\n\nBread is baked of flour and water, and rises with yeast.\n"
)


def test_similar_notes_leave_private_ones_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPANION_HOME", str(tmp_path / "home"))
    vault = tmp_path / "vault"
    for path in ("Bread.md", "Loaf.md", "Diary/Bread too.md"):
        (vault / path).parent.mkdir(parents=True, exist_ok=True)
        (vault / path).write_text(BREAD, encoding="utf-8")
    config = Config(private=PrivateTable(folders=("Diary",)))
    assert not config.is_remote
    with open_workspace(config, vault, read_only=True) as space:
        view = AgentView(space, VaultContext(space.scan()), "tester")
        assert [each.path for each in view.find_similar("Bread.md", 10)] == ["Loaf.md"]
        assert [path for path, _ in view.scan()] == ["Bread.md", "Loaf.md"]
        with pytest.raises(NotThere):
            view.find_similar("Diary/Bread too.md", 10)


LEAVES = [
    pytest.param({}, "Inbox/A.md", "description", False, id="nothing is set"),
    pytest.param({"may_accept": ("description",)}, "A.md", "description", True, id="everywhere"),
    pytest.param({"may_accept": ("description",)}, "A.md", "callout", False, id="another field"),
    pytest.param(
        {"may_accept": ("description",), "folders": ("Inbox",)},
        "Inbox/B/A.md",
        "description",
        True,
        id="in the folder",
    ),
    pytest.param(
        {"may_accept": ("description",), "folders": ("caf\u00e9",)},
        "Cafe\u0301/A.md",
        "description",
        True,
        id="case and accents aside",
    ),
    pytest.param(
        {"may_accept": ("description",), "folders": ("Inbox",)},
        "Inboxes/A.md",
        "description",
        False,
        id="in another folder",
    ),
    pytest.param({"folders": ("Inbox",)}, "Inbox/A.md", "description", False, id="no field"),
    pytest.param(
        {"may_accept": ("description",), "folders": ()},
        "A.md",
        "description",
        False,
        id="no folder",
    ),
]


@pytest.mark.parametrize(("table", "path", "kind", "may"), LEAVES)
def test_field_and_folder_have_to_be_named(
    table: dict[str, tuple[str, ...]], path: str, kind: str, may: bool
) -> None:
    config = Config(agents=AgentsTable.model_validate(table))
    assert config.may_agents_accept(path, kind) is may
