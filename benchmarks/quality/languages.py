"""Is what a model writes in the language of the note? Measured on our own notes in six languages.

    python -m benchmarks.quality.languages [--model NAME] [--limit N] [--field FIELD] [--page FILE]

Asks for a description and a callout of each note in `notes/`, or only the one: 20 notes a language,
a fourth of them a title and nothing else. Fails when something would be written in another
language. Answers are kept as those of `benchmarks.quality` are.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from benchmarks.quality.answers import Answered, with_progress
from benchmarks.quality.figures import Row
from benchmarks.quality.language import language_of
from benchmarks.quality.options import BUILD, make_parser, open_model
from benchmarks.quality.page import table
from benchmarks.quality.references import Reference, choose_notes
from companion.config import load_config
from companion.note.needs import CALLOUT, DESCRIPTION

NOTES = Path(__file__).parent / "notes"
CODES = {
    "English": "en",
    "Chinese": "zh",
    "Spanish": "es",
    "German": "de",
    "Russian": "ru",
    "Japanese": "ja",
}
_TITLE = re.compile(r"^# (.+)\n", re.MULTILINE)


def main() -> int:
    options = parse()
    with own_notes() as root:
        config, kinds = load_config(), options.field or [DESCRIPTION, CALLOUT]
        notes = so_many(choose_notes(root, config, "all", described=False), options.limit)
        with open_model(config, root, options) as (_, answering):
            made = answering.ask_all(notes, kinds, options.at_once)
            answers = list(with_progress(made, len(notes)))
    columns = {name: [a for a in answers if language(a.note) == name] for name in CODES}
    shown = table("six languages", list(CODES), list(rows(list(columns.values()))))
    print(shown)
    options.page.parent.mkdir(parents=True, exist_ok=True)
    options.page.write_text("\n\n".join([shown, *map(case, answers)]) + "\n", encoding="utf-8")
    print(f"\ncases to read: {options.page}")
    wrong = [answer for answer in answers if answer.text and not is_right(answer)]
    for answer in wrong:
        print(f"{answer.note.path}, {answer.kind}: {language_of(answer.text)}: {answer.text[:200]}")
    return bool(wrong)


def parse() -> argparse.Namespace:
    parser = make_parser(__doc__, 20)
    parser.add_argument("--field", action="append", choices=(DESCRIPTION, CALLOUT))
    parser.add_argument("--page", type=Path, default=BUILD / "languages.md")
    return parser.parse_args()


@contextmanager
def own_notes() -> Iterator[Path]:
    """Lend a vault called `notes` of our own, each in a file, with an empty description."""
    with tempfile.TemporaryDirectory(prefix="companion-notes-") as folder:
        root = Path(folder).resolve() / "notes"
        for file in sorted(NOTES.glob("*.md")):
            _, *parts = _TITLE.split(file.read_text(encoding="utf-8"))
            for title, text in zip(parts[::2], parts[1::2], strict=True):
                note = root / file.stem / f"{title}.md"
                note.parent.mkdir(parents=True, exist_ok=True)
                note.write_text(f"---\ndescription:\n---\n\n# {title}\n{text}", encoding="utf-8")
        yield root


def so_many(found: Sequence[Reference], limit: int) -> list[Reference]:
    """Return so many notes of each language."""
    chosen = {name: [note for note in found if language(note) == name] for name in CODES}
    return [note for notes in chosen.values() for note in notes[:limit]]


def language(note: Reference) -> str:
    """Return the English name of the note's language."""
    return PurePosixPath(note.path).parts[0]


def is_right(answer: Answered) -> bool:
    """Return whether the answer is in the note's language, as far as one can tell."""
    return language_of(answer.text) in ("", CODES[language(answer.note)])


def rows(columns: Sequence[Sequence[Answered]]) -> Iterator[Row]:
    """Yield the figures of each language."""
    for kind in (DESCRIPTION, CALLOUT):
        of_kind = [[answer for answer in column if answer.kind == kind] for column in columns]
        written = [[answer for answer in column if answer.text] for column in of_kind]
        yield f"{kind}: notes", [str(len(column)) for column in of_kind]
        yield f"{kind}: written", [str(len(column)) for column in written]
        own = [[answer for answer in column if not answer.remark] for column in written]
        yield f"{kind}: by the model", [str(len(column)) for column in own]
        right = [sum(map(is_right, column)) for column in written]
        yield f"{kind}: in the note's language", [str(count) for count in right]


def case(answer: Answered) -> str:
    """Return what came of a need, to read, in Markdown."""
    said = answer.text or f"rejected: {answer.rejected}"
    return "\n".join([f"**{answer.note.path}, {answer.kind}** {answer.remark}".rstrip(), "", said])


if __name__ == "__main__":
    sys.exit(main())
