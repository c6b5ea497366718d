"""Which models a machine is offered, and which one is recommended."""

from pathlib import Path

import pytest

from companion.config import Config
from companion.doctor import machine as machine_module
from companion.doctor.machine import (
    Machine,
    Memory,
    ModelServer,
    Speed,
    find_shortage,
    inspect_machine,
    read_memory,
    recommend_model,
)
from companion.llm.catalog import CATALOG
from tests.examples import labelled

GB = 1_000_000_000
SMALL = ["qwen2.5-coder-1.5b", "qwen3-1.7b"]


@pytest.fixture(autouse=True)
def nothing_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMPANION_CACHE", str(tmp_path))
    return tmp_path


def with_memory(free: float, disk: float = 100, *servers: ModelServer) -> Machine:
    """Return a machine of 64 GB of memory, of which so many are free, with so many GB of disk."""
    return Machine(Memory(64 * GB, int(free * GB)), int(disk * GB), servers)


def with_cores(cores: int, flops: float, bandwidth: float, free: float = 16) -> Machine:
    """Return such a machine with so many GFLOP/s a core and so many GB/s."""
    return with_memory(free)._replace(speed=Speed(cores * flops * GB, bandwidth * GB))


def ollama(*models: str) -> ModelServer:
    return ModelServer("Ollama", "http://127.0.0.1:11434/v1", models)


OFFERS = [
    pytest.param(3, 100, SMALL, id="little memory is free, whatever there is"),
    pytest.param(7.9, 100, SMALL, id="just too little"),
    pytest.param(8, 100, [*SMALL, "qwen3-4b"], id="8 GB"),
    pytest.param(16, 100, [*SMALL, "qwen3-4b", "qwen3-8b"], id="16 GB"),
    pytest.param(16, 3, [*SMALL, "qwen3-4b"], id="a small disk"),
    pytest.param(16, 0.1, ["qwen2.5-coder-1.5b"], id="a full disk: the default one all the same"),
]


@pytest.mark.parametrize(("free", "disk", "names"), OFFERS)
def test_offered(free: float, disk: float, names: list[str]) -> None:
    assert [model.name for model in with_memory(free, disk).offers()] == names


RECOMMENDED = {
    "little memory": (with_memory(3), "qwen2.5-coder-1.5b", "larger ones need more"),
    "8 GB": (with_memory(8), "qwen3-4b", "8.0 GB of memory is free"),
    "40 GB": (with_memory(40), "qwen3-4b", "40.0 GB"),
    "disk": (with_memory(40, 2), "qwen2.5-coder-1.5b", "no room for a larger one"),
    "a server has one as large, the smallest of these": (
        with_memory(8, 100, ollama("llama3.2:1b", "gemma3:12b", "llama3.1:8b")),
        "llama3.1:8b",
        "it is on this machine already, and no smaller than qwen3-4b",
    ),
    "a server has smaller ones, or does not say": (
        with_memory(8, 100, ollama("llama3.2:latest", "gemma3:1b")),
        "qwen3-4b",
        "8.0 GB",
    ),
    "a server without models": (with_memory(8, 100, ollama()), "qwen3-4b", "8.0 GB"),
    "no room for any, but a server has one": (
        with_memory(8, 0.1, ollama("llama3.2:latest")),
        "llama3.2:latest",
        "the disk has no room",
    ),
    "two slow cores": (
        with_cores(2, 95, 26),
        "qwen2.5-coder-1.5b",
        "16.0 GB of memory is free, but qwen3-4b would take about 21 s a note",
    ),
    "sixteen fast cores": (with_cores(16, 150, 40), "qwen3-4b", "16.0 GB"),
    "no memory": (with_cores(16, 150, 40, 3), "qwen2.5-coder-1.5b", "larger ones need more"),
    "fast cores, slow memory": (with_cores(16, 150, 5), "qwen2.5-coder-1.5b", "about 21 s"),
}


@labelled(("machine", "model", "reason"), RECOMMENDED)
def test_recommended(machine: Machine, model: str, reason: str) -> None:
    found = recommend_model(machine)
    assert found.model == model and reason in found.reason
    assert (found.server is None) == ("qwen" in model)


def test_estimates() -> None:
    """The first one's measured time is 7.0 s, for 672 tokens read and 21 written."""
    estimates = [with_cores(2, 95, 26).estimate_seconds(model) for model in CATALOG]
    assert estimates == pytest.approx([8.0, 8.8, 20.7, 42.3, 0.7], abs=0.3)
    assert with_memory(16).estimate_seconds(CATALOG[0]) is None


SHORTAGES = {
    "8b": ("qwen3-8b", 6, "qwen3-8b takes about 6.5 GB of memory, and 6.0 GB is free"),
    "enough": ("qwen3-8b", 7, ""),
    "the default one": ("qwen2.5-coder-1.5b", 1.5, "qwen2.5-coder-1.5b takes about 1.7 GB"),
}


@labelled(("model", "free", "words"), SHORTAGES)
def test_shortage(monkeypatch: pytest.MonkeyPatch, model: str, free: float, words: str) -> None:
    monkeypatch.setattr(machine_module, "read_memory", lambda: Memory(64 * GB, int(free * GB)))
    found = find_shortage(Config.model_validate({"endpoint": {"model": model}}))
    assert found.startswith(words) and bool(found) == bool(words)


def test_no_shortage_where_another_server_runs_it() -> None:
    table = {"base_url": "http://127.0.0.1:9/v1", "model": "qwen3-8b"}
    assert find_shortage(Config.model_validate({"endpoint": table})) == ""


def test_this_machine(monkeypatch: pytest.MonkeyPatch, nothing_fetched: Path) -> None:
    monkeypatch.setattr("companion.doctor.machine.SERVERS", ())
    monkeypatch.setenv("COMPANION_CACHE", str(nothing_fetched / "not" / "there"))
    memory, machine = read_memory(), inspect_machine()
    assert 0 < memory.free <= memory.total == machine.memory.total
    assert machine.free_disk > 0 and machine.servers == ()
    assert machine.speed and all(value > 1e6 for value in machine.speed)  # a busy one, too
