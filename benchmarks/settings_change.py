"""What is sent or written after the settings have changed, by a daemon at work.

    python -m benchmarks.settings_change [MOMENTS]

Runs `companion serve` on a made vault, with an endpoint that counts as remote, since it listens on
another address of this machine than a loopback one; it answers each call after a while, with the
words that it was shown. Again and again eight notes are filled, a call for each field, four at
once; and at a random moment of that one table of the settings is changed: private, ignore, limits,
review, background, notes, or prompts; or config.toml is broken, and mended later. Half of the
times the file is replaced, half of the times written in place.

The moment is when the file has been written: when os.replace or close has returned. What comes
later breaks a promise, where the new settings forbid it:

- a request that reaches the endpoint and holds a word of a note (or an instruction) that it forbids
- a note that is changed
- a proposal that is stored, with a text

but for what had left before. A call has left once Companion has looked at the settings for the last
time and handed it to the HTTP client; on this machine it arrives within LEFT seconds. So requests
within LEFT seconds of the moment are counted apart; of them there can be no more than are made at
once. A write takes as long from its last look to its end. Exit status 1 for anything that was
forbidden later, or if too few moments fell into the work.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.canaries import own_address
from benchmarks.daemon_process import DaemonProcess, running_daemon
from benchmarks.stub_endpoint import completion
from companion.app.types.runs import RunShape
from companion.store.journal import Journal
from companion.store.proposals import Selection
from tests.llm.fake_endpoint import FakeEndpoint, Scene, Seen

LEFT = 0.1  # seconds from the last look at the settings until a call has arrived, a note is written
EACH, AT_ONCE = 4, 4  # notes that a change concerns, and as many others; notes worked on at once
DELAY = (0.05, 0.25)  # seconds for an answer
WORK = 1.2  # seconds of work, of which a moment is chosen
SETTLE = 1.0  # seconds until background work begins
WORD = re.compile(r"zq[ab]\d{3}x\d")
FIELD = "qqdescription"  # in the instruction of the description
BASE = f"""[endpoint]
concurrency = {AT_ONCE}
[background]
enabled = %s
backlog = "all"
settle_seconds = 1
notes_a_day = 100000
"""
INSTRUCTION = f"""---
kind: text
max_characters: 160
max_tokens: 120
---
{FIELD} %s: say in one sentence what it is about.
"""


class Request(NamedTuple):
    """A call as it came in. at: Unix time, seconds."""

    at: float
    text: str


class Table(NamedTuple):
    """A change, and what it forbids. settings: what is added; None: the prompt is changed.

    words: whose may not be sent, a pattern; written: which notes may not be; stored: of which
    nothing may be proposed; both as paths in the folder begin, None: none is forbidden. field: the
    only one that it forbids.
    """

    settings: str | None
    words: str | None = None
    written: str | None = None
    stored: str | None = None
    field: str | None = None


TABLES = {
    "private": Table('[private]\nfolders = ["{folder}/a"]\n', "zqa", "a", "a"),
    "ignore": Table('[ignore]\nfolders = ["{folder}/a"]\n', "zqa", "a", "a"),
    "limits": Table("[limits]\ntokens_a_day = 1\n", "zq"),
    "review": Table('[review]\nmode = "propose"\n', written=""),
    "background": Table("", "zq", ""),
    "notes": Table('[notes]\nfields = ["callout"]\n', FIELD, "", "", "description"),
    "prompts": Table(None, "old"),
    "broken": Table("[broken\n", "zq", "", ""),
}


@dataclass
class Bench:
    """A vault with its daemon, and the requests that came in."""

    vault: Path
    home: Path
    requests: list[Request]
    daemon: DaemonProcess

    def write_base(self, *, background: bool = False, instruct: str = "old") -> None:
        """Set what forbids nothing."""
        (self.home / "prompts/fields").mkdir(parents=True, exist_ok=True)
        save(self.home / "prompts/fields/description.md", INSTRUCTION % instruct)
        save(self.home / "config.toml", BASE % str(background).lower())

    def write_notes(self, number: int) -> str:
        """Write the notes of a moment, and return their folder."""
        folder = f"T{number:03}"
        for part in "ab":
            (self.vault / folder / part).mkdir(parents=True)
            for each in range(EACH):
                word = f"zq{part}{number:03}x{each}"
                file = self.vault / folder / part / f"{each}.md"
                file.write_text(f"---\ndescription:\n---\n# About {word}\n\nIt says {word}.\n")
                os.utime(file, (time.time() - 60,) * 2)
        return folder


class Outcome(NamedTuple):
    """What came of a moment. at_work: it fell into the work. left: calls that had left before."""

    table: str
    faults: list[str]
    at_work: bool
    left: int


def main() -> int:
    moments = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    chance = random.Random(11)
    os.environ["COMPANION_CHECKS"] = "off"  # no check would let a parrot's answers pass
    requests: list[Request] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(FakeEndpoint(own_address())) as endpoint,
    ):
        vault, home = Path(folder, "vault").resolve(), Path(folder, "home")
        (vault / ".obsidian").mkdir(parents=True)
        home.mkdir()
        endpoint.script = lambda seen, _: answer(seen, requests, chance)
        os.environ |= {
            "COMPANION_HOME": str(home),
            "COMPANION_BASE_URL": endpoint.url,
            "COMPANION_MODEL": "parrot",
        }
        bench = Bench(vault, home, requests, None)  # type: ignore[arg-type]
        bench.write_base()
        with running_daemon(vault) as bench.daemon:
            outcomes = [try_moment(bench, number, chance) for number in range(moments)]
    return report(outcomes)


def answer(seen: Seen, requests: list[Request], chance: random.Random) -> Scene:
    """Return an answer with the words in the question, after a while."""
    text = json.dumps(seen.body, ensure_ascii=False)
    requests.append(Request(time.time(), text))
    reply = completion(seen.body)
    said = " and ".join(sorted(set(WORD.findall(text))))
    reply["choices"][0]["message"]["content"] = f"It is about {said or 'nothing'}."
    return Scene(body=json.dumps(reply).encode(), delay=chance.uniform(*DELAY))


def try_moment(bench: Bench, number: int, chance: random.Random) -> Outcome:
    """Have notes filled, change the settings meanwhile, and return what came of it."""
    name = list(TABLES)[number % len(TABLES)]
    table, in_background = TABLES[name], name == "background"
    daemon = bench.daemon
    bench.write_base(background=in_background)
    daemon.require_status()  # by which it follows them
    begun = len(bench.requests)
    folder = bench.write_notes(number)
    run = None
    if in_background:
        time.sleep(SETTLE)
    else:
        run = daemon.ask("/runs", RunShape, {"paths": [folder], "agreed": True})
    time.sleep(chance.uniform(0, WORK))
    moment = change(bench, name, folder, chance)
    status = daemon.require_status()
    at_work = bool(status.in_hand) or len(bench.requests) - begun not in (0, 4 * EACH)
    if name == "broken":
        time.sleep(1.0)
        faults = find_faults(bench, table, folder, moment)
        bench.write_base()
    wait_idle(daemon, run.id if run else None)
    if name != "broken":
        faults = find_faults(bench, table, folder, moment)
    left = sum(
        moment < each.at <= moment + LEFT and is_forbidden(each, table) for each in bench.requests
    )
    if run:
        daemon.ask(f"/runs/{run.id}/cancel", RunShape, {})
    shutil.rmtree(bench.vault / folder)
    return Outcome(name, [f"{name} {folder}: {each}" for each in faults], at_work, left)


def change(bench: Bench, name: str, folder: str, chance: random.Random) -> float:
    """Change the table, and return when that was done: Unix time, seconds."""
    added = TABLES[name].settings
    file, text = bench.home / "config.toml", BASE % "false"
    if added is None:
        file, text = bench.home / "prompts/fields/description.md", INSTRUCTION % "new"
    elif name == "broken":
        text = added
    else:
        text += added.format(folder=folder)
    save(file, text, in_place=chance.random() < 0.5)
    return time.time()


def save(file: Path, text: str, *, in_place: bool = False) -> None:
    if in_place:
        file.write_text(text)
        return
    new = file.with_name(f"{file.name}.new")
    new.write_text(text)
    new.replace(file)


def wait_idle(daemon: DaemonProcess, run: str | None) -> None:
    """Return once the run is over, and nothing is in hand, or waits and may be begun."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        status = daemon.require_status()
        state = "done" if run is None else daemon.ask(f"/runs/{run}", RunShape).state
        is_over = state in ("done", "failed", "cancelled")
        if is_over and not status.in_hand:
            time.sleep(0.3)
            if not daemon.require_status().in_hand:
                return
        time.sleep(0.05)


def find_faults(bench: Bench, table: Table, folder: str, moment: float) -> list[str]:
    """Return what was sent, written or stored after the moment although that was forbidden."""
    late = moment + LEFT
    faults = [
        f"sent {each.at - moment:.2f} s later: {WORD.findall(each.text)[:2]}"
        for each in bench.requests
        if each.at > late and is_forbidden(each, table)
    ]
    for note in sorted((bench.vault / folder).rglob("*.md")):
        path, at = note.relative_to(bench.vault / folder).as_posix(), note.stat().st_mtime
        is_filled = "description: It" in note.read_text() or table.field is None
        if table.written is not None and path.startswith(table.written) and at > late and is_filled:
            faults.append(f"{path} written {at - moment:.2f} s later")
    if table.stored is not None:
        with Journal(bench.daemon.state / "journal.sqlite3") as journal:
            for each in journal.proposals.select(
                Selection([f"{folder}/{table.stored}".rstrip("/")])
            ):
                is_meant = table.field in (None, each.kind) and each.value is not None
                if is_meant and each.origin.made_at > late:
                    late_by = each.origin.made_at - moment
                    faults.append(f"{each.path} {each.kind} stored {late_by:.2f} s later")
    return faults


def is_forbidden(request: Request, table: Table) -> bool:
    if table.words is None:
        return False
    return (f"{FIELD} old" if table.words == "old" else table.words) in request.text


def report(outcomes: Sequence[Outcome]) -> int:
    """Print what came of the moments, by table; return the exit status."""
    count: Callable[[Callable[[Outcome], int]], Counter[str]] = lambda number: Counter(  # noqa: E731
        {name: sum(number(o) for o in outcomes if o.table == name) for name in TABLES}
    )
    moments, at_work = count(lambda o: 1), count(lambda o: o.at_work)
    left, faults = count(lambda o: o.left), count(lambda o: len(o.faults))
    print("table       moments  at work  had left  forbidden")
    for name in TABLES:
        row = moments[name], at_work[name], left[name], faults[name]
        print(f"{name:<10}" + "".join(f"{number:>10}" for number in row))
    for each in (fault for o in outcomes for fault in o.faults):
        print(f"  {each}")
    is_proof = at_work.total() >= 0.7 * len(outcomes) and left.total() <= AT_ONCE * len(outcomes)
    return int(bool(faults.total()) or not is_proof)


if __name__ == "__main__":
    sys.exit(main())
