"""companion init and models that are too much for the machine: one tier down, and why."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from companion.doctor.machine import Memory
from companion.llm import catalog
from companion.llm.catalog import HubFile, Model, Tier
from tests.cli.user import User
from tests.llm.fake_hub import running_hub
from tests.llm.tiny_gguf import make_model

PLENTY = Memory(total=64_000_000_000, free=40_000_000_000)


@pytest.fixture(autouse=True)
def two_tiers(user: User, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalogue of `large` and `small`, of which the second is a tiny one that runs.

    Return the folder of their files.
    """
    folder = user.home.parent / "cache" / "models"
    folder.mkdir(parents=True)
    monkeypatch.setenv("COMPANION_CACHE", str(folder.parent))
    make_model(folder / "large.gguf", "qwen3")
    make_model(folder / "small.gguf", "qwen2")
    large = (folder / "large.gguf").stat().st_size
    hub = HubFile("owner/repo", "large.gguf", "c" * 40)
    pin(monkeypatch, Model("large", "L", "large.gguf", large, "0" * 64, hub))
    (user.home / "config.toml").unlink()
    user.forget_endpoint()
    monkeypatch.setattr("companion.doctor.machine.read_memory", lambda: PLENTY)
    return folder


def pin(monkeypatch: pytest.MonkeyPatch, large: Model) -> None:
    small = Model("small", "S", "small.gguf", tier=Tier(0, 1000))
    both = (Model(**{**vars(large), "tier": Tier(0, 500_000, "small")}), small)
    monkeypatch.setattr(catalog, "CATALOG", both)


def chosen(user: User) -> str:
    config = tomllib.loads((user.home / "config.toml").read_text(encoding="utf-8"))
    return str(config["endpoint"]["model"])


def break_file(folder: Path, _monkeypatch: pytest.MonkeyPatch) -> None:
    size = (folder / "large.gguf").stat().st_size
    (folder / "large.gguf").write_bytes(b"GGUF".ljust(size, b"x"))


def leave_little_memory(_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    little = Memory(total=8_000_000_000, free=1_000_000_000)
    monkeypatch.setattr("companion.doctor.machine.read_memory", lambda: little)


def hurry(_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.cli.init_model.SLOW", 0.0)


TOO_MUCH = [
    pytest.param(break_file, "large cannot be started", id="it does not load"),
    pytest.param(
        leave_little_memory, "large takes about 4.4 GB of memory, and 1.0 GB is free", id="memory"
    ),
    pytest.param(hurry, "it takes over 0 seconds for Stub.md", id="it is slow"),
]


@pytest.mark.parametrize(("harm", "why"), TOO_MUCH)
def test_it_goes_one_tier_down_and_says_so(
    user: User,
    two_tiers: Path,
    monkeypatch: pytest.MonkeyPatch,
    harm: Callable[[Path, pytest.MonkeyPatch], None],
    why: str,
) -> None:
    harm(two_tiers, monkeypatch)
    note = user.note("Stub.md")
    before = note.read_bytes()
    ran = user.run("init", str(user.vault), "--embedded", "--model", "large", "--no-plugin")
    assert ran.status == 0, ran.all
    assert "large is too much for this machine: " in ran.err and why in ran.err
    assert "Trying small instead." in ran.err and chosen(user) == "small"
    assert note.read_bytes() == before


def test_what_suits_the_machine_is_kept(user: User) -> None:
    ran = user.run("init", str(user.vault), "--embedded", "--model", "large", "--no-plugin")
    assert ran.status == 0 and chosen(user) == "large" and "too much" not in ran.all


@pytest.mark.parametrize("told", ["0" * 63 + "1", ""])
def test_a_wrong_hash_is_refused_and_no_reason_to_step_down(
    user: User, two_tiers: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    content = (two_tiers / "large.gguf").read_bytes()
    (two_tiers / "large.gguf").unlink()
    with running_hub(monkeypatch, content) as hub:
        hub.linked = {"X-Linked-Etag": f'"{told}"'} if told else {}
        ran = user.run("init", str(user.vault), "--embedded", "--model", "large", "--no-plugin")
    assert ran.status == 1 and "small" not in ran.all
    words = "has another file now" if told else "is not that model"
    assert words in ran.err and not (user.home / "config.toml").exists()
    assert not (two_tiers / "large.gguf").exists()


@pytest.mark.parametrize(("memory", "is_offered"), [(PLENTY, True), (Memory(1, 1), False)])
def test_init_offers_to_compare_a_larger_model_where_there_is_memory_for_it(
    user: User, monkeypatch: pytest.MonkeyPatch, memory: Memory, is_offered: bool
) -> None:
    monkeypatch.setattr("companion.doctor.machine.read_memory", lambda: memory)
    ran = user.run(
        "init", str(user.vault), "--embedded", "--model", "small", "--no-plugin", "--no-test"
    )
    assert ran.status == 0 and ("companion model try large" in ran.out) == is_offered, ran.all
