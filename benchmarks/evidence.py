"""How many false sentences lack evidence, where few true ones do.

    python -m benchmarks.evidence [VAULT...]

Sentences of the answers in `answers/`, written by hand: those of good answers count as true, those
of one with an invented name or number as false where the invention stands in them; both are
compared with the note that they are about, and true ones with the note before it, too, as what a
model says of another subject. The threshold is chosen on half of the notes, at most 20% of whose
true sentences may be flagged; the shares are those of the other half.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from benchmarks.quality.languages import own_notes
from benchmarks.quality.page import table
from benchmarks.quality.references import Reference, find_references
from benchmarks.written_answers import GOOD, Written, read_written
from companion.enrich.answers.evidence import find_evidence
from companion.enrich.context.excerpt import excerpt
from companion.llm.encoder import BuiltInEncoder
from companion.vault.ignore import IgnoreRules

_SHARES = (0.05, 0.1, 0.2, 0.3, 0.5)
_INVENTED = ("invented_name", "invented_number")
_NAME_OR_NUMBER = re.compile(r"\d[\d,.]*|[A-ZÄÖÜА-Я][\w'-]+")


class Scored(NamedTuple):
    """A sentence: its kind, whether the threshold may be chosen on it, and its similarity."""

    kind: str
    is_tuned_on: bool
    similarity: float
    sentence: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vaults", type=Path, nargs="*", metavar="VAULT")
    parser.add_argument("--sentences", action="store_true", help="print each of them")
    options = parser.parse_args()
    with own_notes() as ours:
        scored = list(score_all([ours, *options.vaults]))
    if options.sentences:
        for each in sorted(scored, key=lambda each: each.similarity):
            print(f"{each.similarity:6.3f}  {each.kind:16} {each.sentence}")
    tuned = [each.similarity for each in scored if each.is_tuned_on and each.kind.startswith(GOOD)]
    columns = [f"{share:.0%}" for share in _SHARES]
    thresholds = [sorted(tuned)[int(share * len(tuned))] for share in _SHARES]
    rows = [("threshold", [f"{each:.2f}" for each in thresholds])]
    for kind in dict.fromkeys(each.kind for each in scored):
        found = [each.similarity for each in scored if each.kind == kind and not each.is_tuned_on]
        flagged = [sum(one < least for one in found) / len(found) for least in thresholds]
        rows.append((f"{kind} ({len(found)})", [f"{share:.0%}" for share in flagged]))
    print(table("flagged, of the other half, where of true ones of the first", columns, rows))
    return 0


def score_all(vaults: Sequence[Path]) -> Iterator[Scored]:
    """Yield the sentences of all answers about notes of the vaults."""
    encoder = BuiltInEncoder()
    notes = {
        f"{vault.name}/{note.path}": note
        for vault in vaults
        for note in find_references(vault.resolve(), IgnoreRules(), described=False)
    }
    previous: Reference | None = None
    for written in read_written():
        note = notes.get(written.note)
        if note is None or written.kind not in (GOOD, *_INVENTED):
            continue
        kind = written.kind if written.kind != GOOD else f"{GOOD}, {written.field}"
        yield from score(written, note, encoder, kind)
        if written.kind == GOOD and previous and previous.path != note.path:
            yield from score(written, previous, encoder, "another subject")
        previous = note
    encoder.close()


def score(
    written: Written, note: Reference, encoder: BuiltInEncoder, kind: str
) -> Iterator[Scored]:
    """Yield the sentences of the answer, compared with the note."""
    text = note.view.note.text
    is_tuned_on = bool(sha256(note.path.encode()).digest()[0] % 2)
    shown = [note.title, *excerpt(note.view.lines, None).split("\n")]
    for found in find_evidence(written.answer.split("\n\n"), shown, encoder):
        if kind in _INVENTED and not is_invented(found.sentence, text):
            continue
        yield Scored(kind, is_tuned_on, found.similarity, found.sentence)


def is_invented(sentence: str, note: str) -> bool:
    """Whether the sentence has a name or number that the note has not, or no words to tell by."""
    names: Mapping[str, bool] = {
        name: name.casefold() in note.casefold() for name in _NAME_OR_NUMBER.findall(sentence)
    }
    return not all(names.values()) or not sentence.isascii()


if __name__ == "__main__":
    sys.exit(main())
