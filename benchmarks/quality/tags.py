"""Tags that a model chooses, measured against those that people gave their notes.

    python -m benchmarks.quality.tags VAULT [--model NAME | --stub] [--limit 200]

Takes the tags out of notes that have some, has them asked for by the product's own code, and
compares. The vault is only read: its vocabulary is the one on the disk, so it counts a note's own
tags, too. Fails when a tag would be written that the vault does not use. Answers are kept as those
of `benchmarks.quality` are.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from benchmarks.quality.answers import Answered, with_progress
from benchmarks.quality.figures import Row
from benchmarks.quality.options import make_parser, open_model
from benchmarks.quality.page import table
from benchmarks.quality.references import Reference, choose_notes, take_out
from companion.config import Config, load_config
from companion.enrich.vault_settings import make_rules
from companion.errors import NoteRefused
from companion.note.facts import read_facts
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText
from companion.prompts import load_prompts
from companion.vault.index import Index
from companion.vault.obsidian import read_obsidian_settings

TAGS = "tags"


class Tagged(NamedTuple):
    """A note with its tags taken out, and the tags."""

    note: Reference
    tags: list[str]


def main() -> int:
    options = parse()
    root = options.vault.resolve()
    config = load_config()
    found = choose_notes(root, config, "all", described=False)
    with open_model(config, root, options) as (model, answering):
        tagged = [each for each in find_tagged(found) if answering.needs_of(each.note, [TAGS])]
        tagged = tagged[: options.limit]
        notes = [each.note for each in tagged]
        made = answering.ask_all(notes, [TAGS], options.at_once)
        answers = list(with_progress(made, len(notes)))
    used = count_tags(root, config)
    outside = find_outside(answers, used)
    columns = ["model", "the most used", "3 most used"]
    shown = table("tags", columns, list(rows(tagged, answers, used)))
    print(f"# {root.name}, {model}, {len(used)} tags in use\n\n{shown}")
    for path, tag in outside:
        print(f"\n{path}: {tag} is not in use")
    return bool(outside) or not answers


def parse() -> argparse.Namespace:
    parser = make_parser(__doc__, 200)
    parser.add_argument("vault", type=Path)
    return parser.parse_args()


def find_tagged(notes: Sequence[Reference]) -> Iterator[Tagged]:
    """Yield those of the notes that have tags in their properties, which can be taken out."""
    for note in notes:
        if tags := note.view.properties.tags:
            try:
                blank = without(note.view, TAGS)
            except NoteRefused:
                continue
            yield Tagged(note._replace(view=blank), tags)


def without(view: ParsedNote, name: str) -> ParsedNote:
    """Return the note with the property empty, also by its older name, and all others as before.

    Raises NoteRefused when it cannot be taken out alone.
    """
    keys, text = view.property_keys(name), view.note.text
    for key in keys:
        text = take_out(text, key.casefold())
    blank = ParsedNote(NoteText(text))
    if blank.properties.values != {**view.properties.values, **dict.fromkeys(keys)}:
        raise NoteRefused(f"its {name} cannot be taken out alone")
    return blank


def count_tags(root: Path, config: Config) -> Counter[str]:
    """Return how many notes use each tag, as an index of the vault that is made anew has it."""
    rules = make_rules(config, load_prompts())
    ignored = replace(config.ignore_rules(), obsidian=read_obsidian_settings(root))
    index = Index(Path(os.devnull, "index"))  # nothing is kept
    scan = index.scan(root, ignored, lambda _path, data: read_facts(data, rules), "")
    return scan.vocabulary(TAGS)


def find_outside(answers: Sequence[Answered], used: Counter[str]) -> list[tuple[str, str]]:
    """Return the notes and the tags for them that are not in use, written exactly so."""
    return [(each.note.path, tag) for each in answers for tag in tags_in(each) if tag not in used]


def rows(
    tagged: Sequence[Tagged], answers: Sequence[Answered], used: Counter[str]
) -> Iterator[Row]:
    """Yield the figures of the model, of the tag that is used most, and of the three."""
    top = [tag for tag, _ in used.most_common(3)]
    written = [tags_in(answer) for answer in answers]
    folded = {tag.casefold() for tag in used}
    strange = [tag for tags in written for tag in tags if tag.casefold() not in folded]
    proposed = [tag for answer in answers for tag in proposals_in(answer)]
    columns = [written, [top[:1]] * len(tagged), [top] * len(tagged)]
    yield "notes", [str(len(tagged))] * 3
    yield "notes refused", [str(sum(bool(answer.rejected) for answer in answers)), "", ""]
    yield "tags written", [str(sum(map(len, column))) for column in columns]
    yield "not in use (promised: 0)", [str(len(find_outside(answers, used))), "", ""]
    yield "not in use, whatever the case", [str(len(strange)), "", ""]
    yield "new ones, only proposed", [str(len(proposed)), "", ""]
    agreed = [count_agreed(tagged, column) for column in columns]
    theirs = [[each.tags for each in tagged]] * 3
    yield "written: also the author's", shares(agreed, columns)
    yield "the author's: found", shares(agreed, theirs)


def shares(agreed: Sequence[int], columns: Sequence[Sequence[Sequence[str]]]) -> list[str]:
    """Return which share of all tags in each of the columns those agreed on are."""
    totals = [sum(map(len, column)) for column in columns]
    return [f"{same / max(total, 1):.1%}" for same, total in zip(agreed, totals, strict=True)]


def count_agreed(tagged: Sequence[Tagged], written: Sequence[Sequence[str]]) -> int:
    """Return how many of the tags written the authors had given the same notes, in any case."""
    pairs = zip(tagged, written, strict=True)
    return sum(len(fold(mine.tags) & fold(theirs)) for mine, theirs in pairs)


def fold(tags: Sequence[str]) -> set[str]:
    return {tag.casefold() for tag in tags}


def tags_in(answer: Answered) -> list[str]:
    return answer.text.split("\n") if answer.text else []


def proposals_in(answer: Answered) -> list[str]:
    """Return the tags that the remark proposes; those of a note without any other are lost."""
    _, _, proposed = answer.remark.partition("proposed: ")
    return proposed.split(", ") if proposed else []


if __name__ == "__main__":
    sys.exit(main())
