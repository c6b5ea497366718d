"""A phone writes notes, a sync client brings them, the daemon fills them: is anything lost?

    python -m benchmarks.sync_client [--quick]

Two folders, a phone's and this machine's, and a sync client between them in a process of its own
(benchmarks.sync_copies): it delivers in parts or renames, deletes and writes anew, sets times of
its own, and makes conflict copies. On the phone 500 notes are written in 24 minutes, and each is
edited a few times; some are deleted, and some of those written again. `companion serve` fills them
here, with a stub endpoint. All times are divided by ten: 30 minutes take three, and the settle time
is 3 seconds in place of 30. Exit status 1 when an edit of the phone is nowhere any more, a note is
filled twice, a conflict copy is touched, a note is torn, what was filled does not arrive there, or
is gone at the end and waits as no proposal.
Of notes that are not filled at the end it says why.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.daemon_process import BrokenOff, DaemonProcess, read_objects, running_daemon
from benchmarks.made_vault import (
    fresh_folder,
    make_vault,
    name_of,
    note,
    number_of,
    open_journal,
    path_of,
    read_changes,
    set_home,
    stub_tables,
)
from benchmarks.results import make_parser, print_table, report, tally
from benchmarks.stub_endpoint import MARK, Call, running_stub
from benchmarks.sync_copies import phone_lock, read_notes, replace_note
from companion.daemon import reconciler
from companion.store.journal import Change
from companion.store.proposal_store import Selection
from companion.vault.conflict_copies import is_conflict_copy

SETTLE, DELAY = 30.0, 5.0  # seconds, before they are divided
WRITTEN_IN, ENDS = 24 * 60.0, 30 * 60.0
EDITS, EDITED_WITHIN = 4, 240.0  # of a note, at most; seconds from its beginning
DELETED, AGAIN = 0.06, 0.5  # share of the notes, and of these those that are written again
CALLOUT = re.compile(r"^> \[!ai\][^\n]*\n(?:>[^\n]*\n)*\n?", re.MULTILINE)
DESCRIPTION = re.compile(rf"^description: .*{MARK}.*$", re.MULTILINE)


class Step(NamedTuple):
    """What is done on the phone. at: seconds from the beginning. action: write, edit or delete."""

    at: float
    number: int
    action: str


class Phone:
    """Writes, edits and deletes notes. texts: all that the phone saved of a note, without fills.

    last: the one that counts; None once it is deleted.
    """

    def __init__(self, folder: Path, notes: int, chance: random.Random) -> None:
        self.texts: dict[int, list[str]] = {number: [] for number in range(notes)}
        self.last: dict[int, str | None] = dict.fromkeys(range(notes))
        self._folder, self._chance = folder, chance
        self._words = 0

    def do(self, step: Step) -> None:
        """Do it, on the note as the phone has it now; what is not there is not edited."""
        file = self._folder / path_of(step.number)
        with phone_lock(self._folder):
            if step.action == "delete":
                file.unlink(missing_ok=True)
                self.last[step.number] = None
                return
            if step.action == "write":
                text = note(step.number, "")
            elif file.exists():
                text = self._edit(file.read_text(encoding="utf-8"))
            else:
                return
            replace_note(file, text.encode())
            self.last[step.number] = without_fills(text)
            self.texts[step.number].append(without_fills(text))

    def _edit(self, text: str) -> str:
        """Return the text with a new word at its end, or in a line in the middle."""
        self._words += 1
        if self._chance.random() < 0.5:
            return f"{text}word{self._words:05}\n"
        return text.replace("## Heading\n", f"## Heading\n\nword{self._words:05} 漢字 🙂\n", 1)


def in_short_time(factor: float) -> tuple[str, str]:
    """Return what Python is to run: the program, whose rescans are as much nearer to each other."""
    seconds = reconciler.RESCAN_SECONDS / factor
    lines = (
        "from companion.daemon import reconciler",
        f"reconciler.RESCAN_SECONDS = {seconds}",
        "from companion.cli import main",
        "main()",
    )
    return "-c", "\n".join(lines)


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--factor", type=float, default=10.0, help="by which times are divided")
    options = parser.parse_args()
    factor: float = options.factor
    notes, share = (25, 0.1) if options.quick else (500, 1.0)
    chance = random.Random(options.seed)
    with fresh_folder() as folder, running_stub(DELAY / factor) as stub:
        machine, there = make_vault(folder / "machine", 0), make_vault(folder / "phone", 0)
        set_home(folder / "home", stub_tables(stub.base_url, settle_seconds=SETTLE / factor))
        phone = Phone(there, notes, chance)
        log = folder / "copies.jsonl"
        with running_daemon(machine, in_short_time(factor)) as daemon:
            with running_client(machine, there, log, factor, options.seed) as client:
                steps = plan(notes, share, chance)
                live(phone, steps, ENDS * share, factor)
                end_together(daemon, client, machine, factor)
            lines = [json.loads(line) for line in log.read_text().splitlines()]
            copies = [line for line in lines if "copy" in line]
        minutes = ENDS * share / 60
        print(f"{notes} notes, {minutes:g} minutes at {factor:g} times their speed\n")
        found = read_notes(machine), read_notes(there)
        print_unfilled(machine, found[0], copies)
        rewritten = {path_of(step.number) for step in steps if step.action == "delete"}
        unseen = rewritten - {line.get("deleted") for line in lines}
        gone = find_gone_fills(machine, found[0])
        return judge(phone, found, copies, read_changes(machine), stub.calls(), gone, unseen)


def plan(notes: int, share: float, chance: random.Random) -> list[Step]:
    """Return what is done on the phone, in order. share: of the time."""
    steps = []
    for number in range(notes):
        at = chance.uniform(0, WRITTEN_IN * share)
        steps.append(Step(at, number, "write"))
        within = min(EDITED_WITHIN, ENDS * share - at)
        edits = [at + chance.uniform(0, within) for _ in range(chance.randint(0, EDITS))]
        steps += [Step(time, number, "edit") for time in edits]
        if chance.random() < DELETED:
            gone = at + chance.uniform(0, within)
            steps.append(Step(gone, number, "delete"))
            if chance.random() < AGAIN:
                steps.append(Step(gone + within / 4, number, "write"))
    return sorted(steps)


def live(phone: Phone, steps: list[Step], seconds: float, factor: float) -> None:
    """Do the steps, each at its time, and wait until that many seconds are over."""
    began = time.monotonic()
    for step in steps:
        time.sleep(max(0.0, began + step.at / factor - time.monotonic()))
        phone.do(step)
    time.sleep(max(0.0, began + seconds / factor - time.monotonic()))


@contextmanager
def running_client(
    machine: Path, phone: Path, log: Path, factor: float, seed: int
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the sync client; it ends when its standard input does."""
    log.touch()
    words = [sys.executable, "-m", "benchmarks.sync_copies", str(machine), str(phone), str(log)]
    words += ["--factor", str(factor), "--seed", str(seed)]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def end_together(
    daemon: DaemonProcess, client: subprocess.Popen[bytes], machine: Path, factor: float
) -> None:
    """Return once all has come here, is filled, and has arrived there."""
    time.sleep((SETTLE + 120) / factor)
    until = time.monotonic() + 120
    while (before := read_notes(machine)) and time.monotonic() < until:
        daemon.wait_filled(120)
        time.sleep((SETTLE + 60) / factor)
        if read_notes(machine) == before:
            break
    assert client.stdin
    client.stdin.close()
    if client.wait(120):
        raise BrokenOff("the sync client failed")


def judge(
    phone: Phone,
    found: tuple[dict[str, bytes], dict[str, bytes]],
    copies: list[dict[str, str]],
    changes: list[Change],
    calls: list[Call],
    gone: set[str],
    unseen: set[str],
) -> int:
    """Print what came of it; return the exit status.

    found: the notes here, and there. gone: the notes whose fill is gone, without a proposal.
    unseen: those that the phone deleted, while the client did not look: if they were written again,
    it brought that as an edit, which took the fill out.
    """
    here, there = found
    texts = {path: data.decode() for path, data in here.items()}
    made = {copy["copy"] for copy in copies}
    paths = {path_of(number): number for number in phone.texts}
    torn = [
        path
        for path, text in texts.items()
        if without_fills(text) not in phone.texts[number_in(path)]
    ]
    kept: dict[int, set[str]] = {}
    for path, text in texts.items():
        kept.setdefault(number_in(path), set()).add(without_fills(text))
    lost = [n for n, last in phone.last.items() if last and last not in kept.get(n, ())]
    touched = [copy["copy"] for copy in copies if is_touched(copy, here)]
    known = [copy for copy in copies if is_conflict_copy(Path(copy["copy"]).name)]
    asked = count_calls(calls, copies, here)
    twice = [path for path, text in texts.items() if text.count("> [!ai]") > 1]
    filled = [path for path in paths if path in texts and MARK in texts[path]]
    differ = [path for path in here.keys() | there.keys() if here.get(path) != there.get(path)]
    rows: list[tuple[str, object, str]] = [
        ("notes at the end, conflict copies aside", len(texts.keys() - made), ""),
        ("notes of them filled", len(filled), ""),
        ("edits on the phone", sum(map(len, phone.texts.values())), ""),
        ("notes whose last edit is nowhere", len(lost), "wanted: 0"),
        ("notes torn, with text that nobody saved", len(torn), "wanted: 0"),
        ("notes filled twice", len(twice), "wanted: 0"),
        ("calls of a note, and of how many notes", tally(asked), "wanted: 1 each"),
        ("conflict copies", f"{len(copies)}, by name {len(known)}", ""),
        ("conflict copies touched", len(touched), "wanted: 0"),
        ("notes that are not the same there", len(differ), "wanted: 0"),
        ("fills gone without a proposal", len(gone - unseen), "wanted: 0"),
        ("and deleted there between two looks of the client", len(gone & unseen), ""),
        ("changes that gave way", sum(change.state != "done" for change in changes), ""),
    ]
    print_table(rows)
    promises = {
        "an edit of the phone was lost": not lost,
        "a note is torn": not torn,
        "a note was filled twice": not twice,
        "a call was paid twice": max(asked.values(), default=0) <= 1,
        "a conflict copy was touched": not touched,
        "a note did not arrive": not differ,
        "a fill is gone without a proposal": not gone - unseen,
    }
    return report(promises)


def find_gone_fills(machine: Path, here: dict[str, bytes]) -> set[str]:
    """Return the notes that were filled once, are not now, and for which no proposal is open."""
    with open_journal(machine) as journal:
        waiting = {each.path for each in journal.proposals.select(Selection(states=("open",)))}
    filled = {change.path for change in read_changes(machine) if change.undoes is None}
    return {path for path in filled & here.keys() - waiting if MARK.encode() not in here[path]}


def print_unfilled(machine: Path, here: dict[str, bytes], copies: list[dict[str, str]]) -> None:
    """Print how many notes are not filled, by what the scan says of them and where the fill is."""
    told = {each["path"]: each for each in read_objects(machine, "scan")}
    filled = {path for path, data in here.items() if MARK.encode() in data}
    with_filled_copy = {copy["note"] for copy in copies if copy["copy"] in filled}
    unfilled = Counter[str]()
    for path in here.keys() - filled - {copy["copy"] for copy in copies}:
        scanned = told.get(path, {"skipped": "the scan says nothing of it", "left": []})
        left = (each.partition(": ")[2] for each in scanned["left"])
        why = next(filter(None, (scanned["skipped"], *left)), "it needs something")
        where = "a conflict copy" if path in with_filled_copy else "no note"
        unfilled[f"not filled: {why.partition(';')[0]}; {where} has the fill"] += 1
    if unfilled:
        print_table([(why, number, "") for why, number in unfilled.most_common()])


def count_calls(
    calls: list[Call], copies: list[dict[str, str]], here: dict[str, bytes]
) -> Counter[str]:
    """Return how often each note was asked about.

    A conflict copy has the title of its note. Where the note was deleted, it may be asked about as
    the note that it is now: these are left out.
    """
    alone = {name_of(number_in(copy["note"])) for copy in copies if copy["note"] not in here}
    return Counter(call.note for call in calls if call.note not in alone)


def without_fills(text: str) -> str:
    """Return the text as it was before the daemon filled it."""
    return DESCRIPTION.sub("description:", CALLOUT.sub("", text))


def number_in(path: str) -> int:
    """Return the number of the note that is at the path, or of which that is a copy."""
    return number_of(path.rpartition("/")[2])


def is_touched(copy: dict[str, str], here: dict[str, bytes]) -> bool:
    """Return whether the conflict copy changed; not if its note is gone, and it is the only one."""
    if copy["note"] not in here:
        return False
    data = here.get(copy["copy"])
    return data is None or hashlib.sha256(data).hexdigest() != copy["sha256"]


if __name__ == "__main__":
    sys.exit(main())
