"""The main path with the real thing: the command line, a vault on disk, a model on this machine."""

import json
from functools import partial
from pathlib import Path

import pytest

from companion.cli import run
from companion.llm.catalog import pull_model
from companion.llm.embedded import EmbeddedServer

pytestmark = pytest.mark.model

SEED = Path(__file__).parents[2] / "shared" / "seed" / "large-language-models.md"
STUB = b"""---\r
description: # to do\r
tags: [cooking]\r
---\r
\r
# Sourdough\r
\r
#status/postponed\r
\r
Feed the starter twice a day while it stands in the kitchen, once a week in the fridge.\r
"""


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pull_model("smollm2-135m", lambda _done, _total: None)
    # other tests run beside it, and threads that wait for each other take four times as long
    one_thread = partial(EmbeddedServer, threads=1)
    monkeypatch.setattr("companion.enrich.configured_model.EmbeddedServer", one_thread)
    for name in ("COMPANION_BASE_URL", "COMPANION_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    settings = '[endpoint]\nmodel = "smollm2-135m"\n[notes]\nfields = ["description"]\n'
    (home / "config.toml").write_text(settings)
    monkeypatch.setenv("COMPANION_HOME", str(home))
    folder = tmp_path / "vault"
    (folder / ".obsidian").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def enrich(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    run(["enrich", *arguments, "--json"])
    return [json.loads(line) for line in capsys.readouterr().out.split("\n") if line]


def taken_out(new: bytes, old: bytes) -> bytes:
    """Return new without its callout and without what stands in the line of the description."""
    lines = new.split(b"\n")
    kept = [line for line in lines if not line.startswith(b">") or line in old.split(b"\n")]
    empty = next(line for line in old.split(b"\n") if line.startswith(b"description:"))
    return b"\n".join(empty if line.startswith(b"description:") else line for line in kept)


def test_fills_a_stub(vault: Path, capsys: pytest.CaptureFixture[str]) -> None:
    note = vault / "Sourdough.md"
    note.write_bytes(STUB)
    (result,) = enrich(capsys, ".")
    new = note.read_bytes()
    if result["status"] != "enriched":  # the light model may have nothing usable to say
        assert (new, bool(result["reason"])) == (STUB, True)
        return
    assert taken_out(new, STUB).replace(b"\r\n\r\n\r\n", b"\r\n\r\n") == STUB
    assert run(["undo"]) == 0
    assert note.read_bytes() == STUB


@pytest.mark.skipif(not SEED.exists(), reason="the user's own note is not here")
def test_fills_the_seed_note(vault: Path, capsys: pytest.CaptureFixture[str]) -> None:
    note = vault / "Large language models.md"
    old = SEED.read_bytes()
    note.write_bytes(old)
    (result,) = enrich(capsys, ".")
    changes = result["changes"]
    assert isinstance(changes, list)
    assert {change["kind"] for change in changes} <= {"description"}
    assert taken_out(note.read_bytes(), old) == old
