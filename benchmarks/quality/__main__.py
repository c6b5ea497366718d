"""Descriptions and callouts of a model, measured against what people wrote in a vault.

    python -m benchmarks.quality VAULT [--model NAME | --stub | --no-model] [--part tune|report|all]
        [--limit N] [--field description] [--field callout] [--page FILE] [--cache FOLDER]
        [--shown whole|backlinks|title] [--told N] [--prose TOKENS] [--longer TOKENS]

Needs the dependency group `quality`. References are the descriptions in the vault; they are taken
out of the text that the model gets, and the vault is only read. Half of the notes are for tuning
prompts (`tune`), the other half for figures (`report`). Another endpoint than the embedded model:
COMPANION_BASE_URL, COMPANION_API_KEY, COMPANION_MODEL. Answers are kept, by all that was asked, so
a run that was broken off goes on, and a change of checks or measures asks nothing anew.

What backlinks are worth: the same notes with `--told 2` (those of which other notes say two things
or more), and `--shown title`, `backlinks` and `whole` in turn; but for the last, the notes' text is
taken away.

What a longer excerpt is worth: `--longer 1200` (notes of more tokens), with `--prose 300`, `600`,
`1200` and `2400` in turn.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.quality.answers import Answered, with_progress
from benchmarks.quality.options import BUILD, make_parser, open_model
from benchmarks.quality.references import choose_notes
from benchmarks.quality.report import measure
from companion.config import load_config
from companion.enrich.context.excerpt import excerpt
from companion.llm.endpoint import estimate_tokens
from companion.note.needs import CALLOUT, DESCRIPTION


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
        with open_model(config, root, options) as (model, answering):
            notes = [
                note
                for note in notes
                if answering.needs_of(note, kinds)
                and estimate_tokens(excerpt(note.view.lines, None)) > options.longer
            ]
            notes = answering.choose_told(notes, options.told)[: options.limit]
            made = answering.ask_all(notes, kinds, options.at_once)
            answers = list(with_progress(made, len(notes)))
    figures = measure(notes, answers, options.embedding if DESCRIPTION in kinds else None)
    title = f"# {root.name}, {options.part} part, {model}, shown: {options.shown}"
    print("\n\n".join(head := [title, *figures.tables()]))
    options.page.parent.mkdir(parents=True, exist_ok=True)
    options.page.write_text("\n\n".join([*head, *figures.cases()]) + "\n", encoding="utf-8")
    print(f"\ncases to read: {options.page}")
    return 0


def parse() -> argparse.Namespace:
    parser = make_parser(__doc__, None)
    parser.add_argument("vault", type=Path)
    parser.add_argument("--no-model", action="store_true", help="the baselines only")
    parser.add_argument("--part", choices=("tune", "report", "all"), default="tune")
    parser.add_argument("--field", action="append", choices=(DESCRIPTION, CALLOUT))
    shown = ("whole", "backlinks", "title")
    parser.add_argument("--shown", choices=shown, default="whole", help="what of a note")
    parser.add_argument("--told", type=int, default=0, help="by other notes, so often at least")
    parser.add_argument("--prose", type=int, help="tokens of a note that are shown at most")
    parser.add_argument("--longer", type=int, default=-1, help="only notes of more tokens")
    parser.add_argument("--embedding", choices=("auto", "minilm", "use", "letters"), default="auto")
    parser.add_argument("--page", type=Path, default=BUILD / "quality.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
