"""What the measurements of quality are told on the command line, and the model they ask."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from benchmarks.quality.answers import Answering, Shown, open_answering
from benchmarks.stub_endpoint import running_stub
from companion.config import Config

BUILD = Path(__file__).parents[2] / "build"


def make_parser(doc: str | None, limit: int | None) -> argparse.ArgumentParser:
    """Return a parser of the options that all have; `limit` is how many notes, if not told."""
    assert doc
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--model", help="an embedded one, or its name at COMPANION_BASE_URL")
    which.add_argument("--stub", action="store_true", help="a stub, to try the program itself")
    parser.add_argument("--limit", type=int, default=limit, help="so many notes, always the same")
    parser.add_argument("--at-once", type=int, default=1, help="more spoil the seconds a note")
    parser.add_argument("--cache", type=Path, default=BUILD / "quality-cache")
    return parser


@contextmanager
def open_model(
    config: Config, root: Path, options: argparse.Namespace
) -> Iterator[tuple[str, Answering]]:
    """Open the vault for questions to the model of the options, and say the model's name."""
    changed: dict[str, object] = {"concurrency": options.at_once}
    if options.model:
        changed["model"] = options.model
    with running_stub() if options.stub else nullcontext() as stub:
        if stub:
            changed |= {"base_url": stub.base_url, "model": "stub"}
        asked = config.model_copy(update={"endpoint": config.endpoint.model_copy(update=changed)})
        cache = None if stub else options.cache
        shown: Shown = getattr(options, "shown", "whole")
        prose: int | None = getattr(options, "prose", None)
        with open_answering(asked, root, cache, shown, prose) as answering:
            yield asked.endpoint.model, answering
