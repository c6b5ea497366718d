"""How well similar notes tell a note's tags, each note left out in turn.

    python -m benchmarks.similar VAULT...

The rule (from which share on a tag is taken) is learnt on half of the notes, by a hash of their
paths, and the figures are those of the other half, but for the most used tags, which are the
reference. Precision: which share of the tags given are the author's; recall: which share of the
author's are given. Also the time and the size of the vectors, and the time of a query.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np

from benchmarks.quality.figures import Row
from benchmarks.quality.page import table
from benchmarks.results import cpu_seconds, timed
from companion.config import Config
from companion.enrich.context.nearest_neighbours import NearestNeighbours
from companion.enrich.context.note_vectors import NoteVectors
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.workspace import Workspace, open_workspace
from companion.llm.encoder import BuiltInEncoder
from companion.note.parsed_note import ParsedNote, find_title
from companion.note.text import NoteText
from companion.prompts import Field

_MOST = 3  # tags of a note

Given = Mapping[str, Sequence[str]]
"""The tags that notes are given, by path."""


class Part(NamedTuple):
    """The notes that are reported, with their author's tags, and those that have any tags."""

    authors: Given
    used: Counter[str]

    def score(self, given: Given) -> list[str]:
        """Return the precision, the recall and the number of tags given."""
        right = sum(len({*tags} & {*given.get(path, ())}) for path, tags in self.authors.items())
        number = sum(len(given.get(path, ())) for path in self.authors)
        wanted = sum(map(len, self.authors.values()))
        return [f"{right / max(number, 1):.2f}", f"{right / max(wanted, 1):.2f}", str(number)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vaults", type=Path, nargs="+", metavar="VAULT")
    encoder = BuiltInEncoder()
    outside = 0
    for vault in parser.parse_args().vaults:
        with tempfile.TemporaryDirectory(prefix="companion-similar-") as home:
            os.environ["COMPANION_HOME"] = home
            with open_workspace(Config(), vault.resolve()) as workspace:
                outside += measure(workspace, encoder)
    encoder.close()
    return bool(outside)


def measure(workspace: Workspace, encoder: BuiltInEncoder) -> int:
    """Print the figures of the vault, and return how many tags were not its own."""
    context = VaultContext(workspace.scan())
    vectors = NoteVectors(workspace, encoder)
    encoder.encode(["started"])
    before = both_seconds(encoder)
    vectors.update(context.scan, vectors.find_missing(context.scan))
    seconds = both_seconds(encoder) - before
    values = context.property_values("tags", of_all=True)
    paths, vectors_of_tagged = vectors.table(list(values))
    is_reported = {path: sha256(path.encode()).digest()[0] % 2 == 1 for path in paths}
    tuned = [path for path in paths if not is_reported[path]]
    tags = [values[path] for path in paths]
    neighbours = NearestNeighbours(paths, vectors_of_tagged, tags, "tags", _MOST, tuned)
    part = Part(
        {path: values[path] for path in paths if is_reported[path]},
        Counter(tag for path in paths for tag in values[path]),
    )
    whole = dict(zip(paths, map(vectors_of_tagged.__getitem__, range(len(paths))), strict=True))
    titles = encode_titles(workspace, encoder, list(part.authors))
    rows = list(compare(neighbours, part, whole, titles, read_texts(workspace, part), context))
    name = f"{workspace.root.name}: {len(paths):,} tagged notes, {len(part.used)} tags"
    print(f"\n{table(name, ['precision', 'recall', 'tags'], rows)}\n")
    print(f"rule: {neighbours.rule}")
    describe_cost(vectors, context, seconds, workspace.state / "vectors.sqlite3")
    suggested = {
        tag for path in part.authors for tag in neighbours.suggest(path, whole[path]).chosen or ()
    }
    return len(suggested - set(part.used))


def compare(
    neighbours: NearestNeighbours,
    part: Part,
    whole: Mapping[str, np.ndarray],
    titles: Mapping[str, np.ndarray],
    texts: Mapping[str, str],
    context: VaultContext,
) -> Iterator[Row]:
    """Yield the rows of the table."""
    ranks = {path: neighbours.rank(path, whole[path]) for path in part.authors}
    for number in 1, _MOST:
        most_used = [tag for tag, _ in part.used.most_common(number)]
        yield f"{number} most used", part.score(dict.fromkeys(part.authors, most_used))
        equally = take_best(ranks, number * len(part.authors))
        yield "similar notes, as many tags", part.score(equally)
    yield "3 of similar notes", part.score({path: list(r)[:_MOST] for path, r in ranks.items()})

    def choose(vectors: Mapping[str, np.ndarray]) -> Given:
        return {p: neighbours.suggest(p, vectors[p]).chosen or () for p in part.authors}

    yield "similar notes, by the rule", part.score(choose(whole))
    yield "the same, from the title alone", part.score(choose(titles))
    suggested = {p: neighbours.suggest(p, whole[p]).candidates for p in part.authors}
    yield "first 20 candidates", part.score({p: found[:20] for p, found in suggested.items()})
    offered = offer(context, texts, dict.fromkeys(part.authors, ()))
    yield "offered to a model: most used", part.score(offered)
    yield "offered to a model: similar", part.score(offer(context, texts, suggested))


def offer(context: VaultContext, texts: Mapping[str, str], likely: Given) -> Given:
    """Return what a prompt offers for each note."""
    return {
        path: context.vocabulary([_tags_field()], path, texts[path], {"tags": found})["tags"]
        for path, found in likely.items()
    }


def take_best(ranks: Mapping[str, Mapping[str, float]], number: int) -> dict[str, list[str]]:
    """Return so many tags of all notes, those of the largest shares."""
    found = [(share, path, tag) for path, rank in ranks.items() for tag, share in rank.items()]
    given: dict[str, list[str]] = {}
    for _, path, tag in sorted(found, reverse=True)[:number]:
        given.setdefault(path, []).append(tag)
    return given


def read_texts(workspace: Workspace, part: Part) -> dict[str, str]:
    """Return the bodies of the notes, which have no properties, by path."""
    texts = {}
    for path in part.authors:
        texts[path] = NoteText.decode((workspace.root / path).read_bytes()).body
    return texts


def encode_titles(
    workspace: Workspace, encoder: BuiltInEncoder, paths: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return the vectors of the notes' titles, as if they had no text."""
    titles = []
    for path in paths:
        parsed = ParsedNote.decode((workspace.root / path).read_bytes())
        titles.append(find_title(parsed, path))
    return dict(zip(paths, encoder.encode(titles), strict=True))


def describe_cost(vectors: NoteVectors, context: VaultContext, seconds: float, file: Path) -> None:
    """Print the time and size of the vectors of all notes, and the time of a query."""
    paths, all_vectors = vectors.table(context.paths)
    vector = all_vectors[0]
    query = median(timed(lambda: all_vectors.compare(vector)) for _ in range(50))
    print(
        f"{len(paths):,} notes encoded in {seconds:.1f} s of a core"
        f" ({1000 * seconds / len(paths):.1f} ms a note), {file.stat().st_size / 1e6:.1f} MB;"
        f" a query {1000 * query:.1f} ms"
    )


def both_seconds(encoder: BuiltInEncoder) -> float:
    """Return what this process and the encoder's have taken of a core so far (Linux)."""
    return time.process_time() + cpu_seconds(encoder.pid or 0)


def _tags_field() -> Field:
    from companion.prompts import load_prompts

    return load_prompts().fields["tags"]


if __name__ == "__main__":
    sys.exit(main())
