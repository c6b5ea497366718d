from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from companion.config import load_config
from companion.enrich.workspace import Workspace, open_workspace

Open = Callable[[Mapping[str, str], str], Workspace]
STUB = "---\ndescription:\n---\n# Koji\n"


@pytest.fixture
def open_vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    home, vault = tmp_path / "home", tmp_path / "vault"
    home.mkdir()
    monkeypatch.setenv("COMPANION_HOME", str(home))
    with ExitStack() as stack:

        def open_vault(notes: Mapping[str, str], settings: str = "") -> Workspace:
            (home / "config.toml").write_text(settings)
            for path, text in {"Koji.md": STUB, **notes}.items():
                note = vault / path
                note.parent.mkdir(parents=True, exist_ok=True)
                note.write_text(text, encoding="utf-8")
            return stack.enter_context(open_workspace(load_config(), vault))

        yield open_vault
