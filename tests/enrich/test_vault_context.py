"""What a prompt offers of a vault's vocabulary."""

from __future__ import annotations

from pathlib import Path

import pytest

from companion.config import load_config
from companion.enrich.context import VaultContext
from companion.enrich.workspace import open_workspace
from companion.llm.pricing import estimate_tokens
from companion.prompts import load_prompts

TAGS = [
    pytest.param([f"topic/{number:03}" for number in range(100)], id="many"),
    pytest.param([f"计算机网络/传输层协议{number:03}" for number in range(100)], id="Chinese"),
    pytest.param(["a" * 900], id="one too long"),
]


@pytest.mark.parametrize("tags", TAGS)
def test_the_most_fitting_values_are_offered_while_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tags: list[str]
) -> None:
    monkeypatch.setenv("COMPANION_HOME", str(tmp_path / "home"))
    vault = tmp_path / "vault"
    vault.mkdir()
    (vault / "Note.md").write_text(f"---\ntags: [{', '.join(tags)}]\n---\n", encoding="utf-8")
    with open_workspace(load_config(), vault) as workspace:
        known = VaultContext(workspace.scan())
        field = load_prompts().fields["tags"]
        offered = known.vocabulary([field], f"About {tags[-1]}.")["tags"]
    assert offered[0] == tags[-1]
    assert set(offered) <= set(tags)
    assert len(offered) == 1 or estimate_tokens(", ".join(offered)) <= 100
