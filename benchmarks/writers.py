"""Two other programs write the note that we write: how many edits are lost?

    python -m benchmarks.writers [--quick]

One appends lines, one reads the whole note, truncates it and writes it again with one line more;
both as fast as they can, and we too, without waiting for the note to settle; none runs more than
a few edits ahead of us. Those two take turns with each other, for what they do to each other is
not ours to answer for; nobody takes turns with us.

- "keeps it open": the rewriting program holds the file open from reading to writing. Every edit
  of all three must survive.
- "closes it": it reads, closes, and opens again to write, so what we wrote in between is not in
  its copy. Every edit of theirs must survive; what they overwrite of ours is counted apart.
- "no lease": the first again, without the write lease, to show that the loss is measurable.

Exit status 1 when an edit that must survive is lost (on Linux).
"""

from __future__ import annotations

import multiprocessing as mp
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Lock
from pathlib import Path
from unittest.mock import patch

from benchmarks.results import make_parser
from companion.errors import NoteError
from companion.note.edits import Edit, apply_edits
from companion.store.journal import Change, Journal, write_note
from companion.vault import write
from companion.vault.write import read_note

PATH = "Note.md"
START = "---\ndescription: \n---\n\n# Note\n" + "Text that stood there before.\n" * 100
ROUND = 200  # edits of each program, then a fresh note
AHEAD = 3


@dataclass
class Pace:
    """Turns of the other two, and how many edits we have made."""

    turn: Lock = field(default_factory=mp.Lock)
    made: Synchronized[int] = field(default_factory=lambda: mp.Value("i"))

    def wait(self, number: int) -> None:
        while number > self.made.value + AHEAD:
            time.sleep(0.0002)


@dataclass
class Figures:
    made: int = 0
    theirs_lost: int = 0
    ours_lost: int = 0
    put_off: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def append(note: Path, edits: int, pace: Pace) -> None:
    for number in range(edits):
        pace.wait(number)
        with pace.turn, note.open("a", encoding="utf-8") as file:
            file.write(f"appended {number}\n")


def rewrite_open(note: Path, edits: int, pace: Pace) -> None:
    for number in range(edits):
        pace.wait(number)
        with pace.turn, note.open("r+", encoding="utf-8") as file:
            text = file.read()
            file.seek(0)
            file.truncate()
            file.write(text + f"rewritten {number}\n")


def rewrite_closed(note: Path, edits: int, pace: Pace) -> None:
    for number in range(edits):
        pace.wait(number)
        with pace.turn:
            text = note.read_text(encoding="utf-8")
            note.write_text(text + f"rewritten {number}\n", encoding="utf-8")


def edit_once(vault: Path, journal: Journal, number: int) -> None:
    seen = read_note(vault, PATH, settle=0)
    text = seen.data.decode()
    at = text.index("# Note\n") + len("# Note\n")
    edit = Edit(at, at, f"ours {number}\n")
    new = apply_edits(text, [edit]).encode()
    write_note(seen, new, journal, Change("run", PATH, "enrich", [edit]))


def edit_all(vault: Path, journal: Journal, edits: int, pace: Pace, put_off: Counter[str]) -> None:
    """Make every edit, each as often as it takes."""
    for number in range(edits):
        pace.made.value = number
        while True:
            try:
                edit_once(vault, journal, number)
                break
            except (NoteError, ValueError) as error:  # ValueError: truncated before "# Note"
                put_off[type(error).__name__] += 1


def run_round(rewrite: Callable[[Path, int, Pace], None], figures: Figures) -> None:
    with tempfile.TemporaryDirectory(prefix="companion-writers-") as name:
        vault = Path(name).resolve() / "vault"
        vault.mkdir()
        note = vault / PATH
        note.write_text(START, encoding="utf-8")
        pace = Pace()
        others = [
            mp.Process(target=work, args=(note, ROUND, pace), daemon=True)
            for work in (append, rewrite)
        ]
        for other in others:
            other.start()
        with Journal(Path(name) / "journal.sqlite3") as journal:
            edit_all(vault, journal, ROUND, pace, figures.put_off)
        pace.made.value = ROUND
        for other in others:
            other.join()
            assert other.exitcode == 0
        lines = Counter(note.read_text(encoding="utf-8").split("\n"))
    figures.made += 3 * ROUND
    for number in range(ROUND):
        figures.ours_lost += lines[f"ours {number}"] != 1
        figures.theirs_lost += lines[f"appended {number}"] != 1
        figures.theirs_lost += lines[f"rewritten {number}"] != 1
    figures.theirs_lost += lines["Text that stood there before."] != 100


def measure(label: str, rewrite: Callable[[Path, int, Pace], None], edits: int) -> Figures:
    figures = Figures()
    started = time.perf_counter()
    while figures.made < edits:
        run_round(rewrite, figures)
    figures.seconds = time.perf_counter() - started
    print(
        f"{label:<14} {figures.made:>6} {figures.theirs_lost:>12} {figures.ours_lost:>10}"
        f" {figures.seconds:>8.0f}  {dict(figures.put_off)}"
    )
    return figures


def count_fsyncs(notes: int, at_once: int) -> str:
    """Return how many commits of the journal and fsyncs of notes it took to write so many."""
    forced = 0
    force = write.force_to_disk

    def counted(fd: int) -> None:
        nonlocal forced
        forced += 1
        force(fd)

    def enrich(number: int) -> None:
        edit = Edit(len(START), len(START), "> [!ai] AI\n> Prose.\n")
        path = f"{number}.md"
        new = apply_edits(START, [edit]).encode()
        seen = read_note(vault, path, settle=0)
        write_note(seen, new, journal, Change("run", path, "enrich", [edit]))

    with (
        tempfile.TemporaryDirectory(prefix="companion-writers-") as name,
        patch.object(write, "force_to_disk", counted),
    ):
        vault = Path(name).resolve()
        for number in range(notes):
            (vault / f"{number}.md").write_text(START, encoding="utf-8")
        started = time.perf_counter()
        with Journal(vault / "journal.sqlite3") as journal, ThreadPoolExecutor(at_once) as pool:
            list(pool.map(enrich, range(notes)))
            seconds = time.perf_counter() - started
    return (
        f"{notes} notes, {at_once} at once: "
        f"{forced / notes:.2f} fsyncs of the note a note, {1000 * seconds / notes:.1f} ms a note"
    )


def main() -> int:
    edits = 1_200 if make_parser(__doc__).parse_args().quick else 10_000
    heads = "other program", "edits", "theirs lost", "ours lost", "s"
    print("{:<14} {:>6} {:>12} {:>10} {:>8}  put off".format(*heads))
    kept_open = measure("keeps it open", rewrite_open, edits)
    closed = measure("closes it", rewrite_closed, edits)
    with patch.object(write, "exclude_writers", lambda fd, path: False):
        measure("no lease", rewrite_open, 1_200)
    for at_once in 1, 32:
        print(count_fsyncs(320, at_once))
    lost = kept_open.theirs_lost + kept_open.ours_lost + closed.theirs_lost
    return 1 if lost and sys.platform == "linux" else 0


if __name__ == "__main__":
    sys.exit(main())
