"""Descriptions and callouts of a model, measured against what people wrote in a vault.

    python -m benchmarks.quality VAULT [--model NAME | --stub | --no-model] [--part tune|report|all]
        [--limit N] [--field description] [--field callout] [--page FILE] [--cache FOLDER]

Needs the dependency group `quality`. References are the descriptions in the vault; they are taken
out of the text that the model gets, and the vault is only read. Half of the notes are for tuning
prompts (`tune`), the other half for figures (`report`). Another endpoint than the embedded model:
COMPANION_BASE_URL, COMPANION_API_KEY, COMPANION_MODEL. Answers are kept, by all that was asked, so
a run that was broken off goes on, and a change of checks or measures asks nothing anew.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from benchmarks.quality.answers import Answered, open_answering, with_progress
from benchmarks.quality.references import Reference, find_references
from benchmarks.quality.report import measure
from benchmarks.stub_endpoint import running_stub
from companion.config import Config, load_config
from companion.note.needs import CALLOUT, DESCRIPTION
from companion.vault.obsidian import read_obsidian_settings

BUILD = Path(__file__).parents[2] / "build"


def main() -> int:
    options = parse()
    root, kinds = options.vault.resolve(), options.field or [DESCRIPTION]
    config = load_config()
    notes = choose_notes(root, config, options.part, described=DESCRIPTION in kinds)
    answers: list[Answered] = []
    model = "no model"
    if options.no_model:
        notes = notes[: options.limit]
    else:
        with running_stub() if options.stub else nullcontext() as stub:
            config = set_model(config, options, stub.base_url if stub else None)
            model = config.endpoint.model
            with open_answering(config, root, None if stub else options.cache) as answering:
                notes = [note for note in notes if answering.needs_of(note, kinds)][: options.limit]
                made = answering.ask_all(notes, kinds, options.at_once)
                answers = list(with_progress(made, len(notes)))
    figures = measure(notes, answers, options.embedding if DESCRIPTION in kinds else None)
    print("\n\n".join(head := [f"# {root.name}, {options.part} part, {model}", *figures.tables()]))
    options.page.parent.mkdir(parents=True, exist_ok=True)
    options.page.write_text("\n\n".join([*head, *figures.cases()]) + "\n", encoding="utf-8")
    print(f"\ncases to read: {options.page}")
    return 0


def parse() -> argparse.Namespace:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vault", type=Path)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--model", help="an embedded one, or its name at COMPANION_BASE_URL")
    which.add_argument("--stub", action="store_true", help="a stub, to try the program itself")
    which.add_argument("--no-model", action="store_true", help="the baselines only")
    parser.add_argument("--part", choices=("tune", "report", "all"), default="tune")
    parser.add_argument("--limit", type=int, help="so many notes, any of them, always the same")
    parser.add_argument("--field", action="append", choices=(DESCRIPTION, CALLOUT))
    parser.add_argument("--embedding", choices=("auto", "minilm", "use", "letters"), default="auto")
    parser.add_argument("--at-once", type=int, default=1, help="more spoil the seconds a note")
    parser.add_argument("--page", type=Path, default=BUILD / "quality.md")
    parser.add_argument("--cache", type=Path, default=BUILD / "quality-cache")
    return parser.parse_args()


def choose_notes(root: Path, config: Config, part: str, *, described: bool) -> list[Reference]:
    """Return the notes of the part that are not left alone, in their arbitrary order."""
    rules = replace(config.ignore_rules(), obsidian=read_obsidian_settings(root))
    found = find_references(root, rules, described=described)
    return [note for note in found if part in ("all", note.part)]


def set_model(config: Config, options: argparse.Namespace, stub_url: str | None) -> Config:
    """Return the configuration with the model to ask."""
    changed: dict[str, object] = {"concurrency": options.at_once}
    if stub_url:
        changed |= {"base_url": stub_url, "model": "stub"}
    elif options.model:
        changed["model"] = options.model
    return config.model_copy(update={"endpoint": config.endpoint.model_copy(update=changed)})


if __name__ == "__main__":
    sys.exit(main())
