"""Multiply a vault to a large one, whose notes have names of their own and link to each other.

    python -m benchmarks.large_vault VAULT FOLDER [--notes 100000]

The first copy is the vault itself. In the others, each in a folder of its own, every note has the
number of its copy in its name, and so have the targets of its wikilinks. Settings in hidden folders
are copied once; only Markdown files are multiplied.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

_TARGET = re.compile(r"(\[\[[^\]\[|#\n]+)")
NOTES = 100_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("vault", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--notes", type=int, default=NOTES)
    options = parser.parse_args()
    print(multiply(options.vault, options.folder, options.notes), "notes")
    return 0


def multiply(vault: Path, folder: Path, notes: int) -> int:
    """Write so many notes into the new folder; return how many there are."""
    folder.mkdir(parents=True)
    if (settings := vault / ".obsidian").is_dir():
        shutil.copytree(settings, folder / ".obsidian")
    sources = [path.relative_to(vault) for path in sorted(markdown_files(vault))]
    copies = ((number, path) for number in count() for path in sources)
    written = 0
    for number, path in islice(copies, notes):
        target = folder / place(path, number)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(rename_targets((vault / path).read_bytes(), number))
        written += 1
    return written


def markdown_files(vault: Path) -> Iterator[Path]:
    """Yield the notes outside of hidden folders."""
    for path in vault.rglob("*.md"):
        hidden = any(part.startswith(".") for part in path.relative_to(vault).parts)
        if path.is_file() and not hidden:
            yield path


def place(path: Path, number: int) -> Path:
    """Return where the copy of that number has the note."""
    return Path(f"Copy {number:02}", path.with_stem(f"{path.stem} {number:02}")) if number else path


def rename_targets(note: bytes, number: int) -> bytes:
    """Return the note with its wikilinks leading to notes of the same copy."""
    if not number:
        return note
    text = note.decode("utf-8", "surrogateescape")
    return _TARGET.sub(rf"\1 {number:02}", text).encode("utf-8", "surrogateescape")


if __name__ == "__main__":
    sys.exit(main())
