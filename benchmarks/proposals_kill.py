"""Kill -9 between answer, store, decision and write: is an answer lost, or written twice?

    python -m benchmarks.proposals_kill [--quick]

A child asks for notes, several at once, so that all waits as proposals, and accepts them as they
come; it is killed at random moments and started anew, and left alone after the last. The endpoint
is a stub of 10 ms that knows which note each call was about; the child notes when each answer came
in. A call is paid again where the kill came before its answer, or in the moment from the answer to
its commit in the store. Exit status 1 when a note is not enriched exactly once, or torn, when a
note was asked about whose answer was stored, or when an answer had been there for longer than
LONGEST and was not.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import NamedTuple
from unittest.mock import patch

from benchmarks.daemon_kill import Kill, is_waiting, is_whole, life_of, paths
from benchmarks.made_vault import (
    count_filled,
    note,
    number_of,
    open_journal,
    path_of,
    stubbed_vault,
)
from benchmarks.results import list_counts, make_parser, print_table, report, tally
from benchmarks.stub_endpoint import Call, Stub, note_of
from companion.app.decider import Decider
from companion.app.jobs import plan_run
from companion.app.types.proposals import Acceptance
from companion.app.types.runs import RunOptions
from companion.config import load_config
from companion.enrich.apply import File
from companion.enrich.asker import Asker
from companion.enrich.configured_model import open_source, open_spending
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.job import Job, new_run
from companion.enrich.pipeline import Enricher
from companion.enrich.workspace import Workspace, open_workspace
from companion.errors import NoteError
from companion.llm.answers import Answer
from companion.llm.client import Check, Client
from companion.llm.request import Question
from companion.store.journal import Journal
from companion.store.proposals import Proposal, Selection

DELAY, AT_ONCE = 0.01, 4
LONGEST = 1.0  # seconds from an answer until it is stored, at most, on a busy machine
_ARRIVALS = "arrivals"  # the file beside the vault in which the child notes answers
_OPEN = Selection(states=("open",))


def main() -> int:
    if "--work" in sys.argv:
        return work(Path(sys.argv[-1]))
    parser = make_parser(__doc__)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    notes, kills = (120, 10) if options.quick else (1_200, 200)
    chance = random.Random(options.seed)
    with stubbed_vault(notes, DELAY, at_once=AT_ONCE, proposes=True) as (vault, stub):
        made: list[Kill] = []
        while len(made) < kills:
            left = notes - count_filled(vault, notes)
            works = 16 * left * DELAY / AT_ONCE / (kills - len(made))  # they end with the work
            made.append(kill_one(vault, chance.uniform(0, works)))
        left = notes - count_filled(vault, notes)
        subprocess.run(_command(vault), check=True, stdout=subprocess.DEVNULL)
        print(f"{notes} notes, {kills} kills; {left} notes were left for after the last\n")
        return judge(vault, notes, stub, made)


def work(vault: Path) -> int:
    """Ask for all notes, and accept what is proposed as it comes, until nothing is left."""
    config, cancelled, is_over = load_config(), Event(), Event()
    with (
        noting_arrivals(vault.parent / _ARRIVALS),
        open_workspace(config, vault) as space,
        open_spending(config) as spending,
        open_source(config) as source,
        Client(source, cancelled, spending) as client,
    ):
        scan = space.scan()
        context = VaultContext(scan)
        space.find_context = lambda: context
        fill = partial(fill_note, Enricher(Asker(space, context), client))
        jobs = plan_run(space, scan, RunOptions(paths=[""], agreed=True)).jobs
        accepts = Thread(target=accept_all, args=(space, is_over))
        accepts.start()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for number, _ in enumerate(pool.map(fill, jobs)):
                if number == 0:  # what is loaded on first use is loaded now
                    print("ready", flush=True)
        is_over.set()
        accepts.join()
    return 0


@contextmanager
def noting_arrivals(file: Path) -> Iterator[None]:
    """Append a line to the file for each answer, before anything else is done with it."""
    ask, out = Client.ask, os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def noted_ask(self: Client, question: Question, check: Check | None = None) -> Answer:
        answer = ask(self, question, check)
        line = json.dumps([note_of(json.dumps(question.messages).encode()), time.time()])
        os.write(out, f"{line}\n".encode())  # what is written outlives kill -9
        return answer

    with patch.object(Client, "ask", noted_ask):
        yield
    os.close(out)


def fill_note(enricher: Enricher, job: Job) -> None:
    """Fill the note, unless that fails."""
    with suppress(NoteError):
        enricher.fill(job, File(new_run(), explicit=False))


def accept_all(space: Workspace, is_over: Event) -> None:
    """Accept what is open, the callout and the description of each other note apart."""
    decisions = Decider(space)
    while True:
        last = is_over.is_set()
        found = space.journal.proposals.select(_OPEN, 20)
        apart = [each for each in found if each.id % 4 > 1]
        for batch in (apart, found):
            for _ in decisions.accept([Acceptance(id=each.id) for each in batch]):
                pass
        if last and not space.journal.proposals.count(_OPEN):
            return


def _command(vault: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.proposals_kill", "--work", str(vault)]


def kill_one(vault: Path, after: float) -> Kill:
    """Start a child, and kill it so many seconds after it has begun to work."""
    child = subprocess.Popen(_command(vault), stdout=subprocess.PIPE)
    assert child.stdout
    child.stdout.readline()
    time.sleep(after)
    before = time.time()
    child.kill()
    child.wait()
    child.stdout.close()
    return Kill(before, time.time())


def judge(vault: Path, notes: int, stub: Stub, kills: list[Kill]) -> int:
    """Print what came of it; return the exit status."""
    calls = stub.calls()
    with open_journal(vault) as journal:
        changes = journal.changes()[::-1]
        torn = [n for n in range(notes) if not is_sound(vault, n, journal)]
        proposals = journal.proposals.select()
    filled = Counter(
        (change.path, need) for change in changes if change.state == "done" for need in change.needs
    )
    once = count_filled(vault, notes)
    states = Counter[str](each.state for each in proposals)
    accepted = Counter((each.path, each.need) for each in proposals if each.state == "accepted")
    paid = find_paid_again(calls, kills, read_arrivals(vault.parent / _ARRIVALS))
    oldest = max(paid.ages, default=0)
    stored = [call for call in calls if is_stored(call, proposals)]
    print_table(
        [
            ("notes enriched exactly once", once, f"wanted: {notes}"),
            ("needs written twice", sum(n > 1 for n in filled.values()), "wanted: 0"),
            ("torn notes", len(torn), "wanted: 0"),
            ("proposals by state", list_counts(states), ""),
            ("needs with two accepted ones", sum(n > 1 for n in accepted.values()), "wanted: 0"),
            ("calls of a note, and of how many notes", tally(Counter(c.note for c in calls)), ""),
            ("calls about a note whose answer was stored", len(stored), "wanted: 0"),
            ("calls paid again", paid.calls, "all of them in flight at a kill"),
            ("  killed before the endpoint had answered", paid.waiting, ""),
            ("  before the answer had come in", paid.on_the_way, ""),
            ("  before it was stored", len(paid.ages), f"at most {oldest * 1e3:.0f} ms old"),
            ("from an answer until the store has it", tell_delays(vault, proposals), ""),
            ("changes left pending", sum(c.state == "pending" for c in changes), "wanted: 0"),
        ]
    )
    promises = {
        "a note was not enriched once": once == notes,
        "written twice": max(filled.values(), default=0) <= 1,
        "accepted twice": max(accepted.values(), default=0) <= 1,
        "torn": not torn,
        "an answer is left undecided": not states["open"],
        "an answer was lost": not stored and oldest < LONGEST,
    }
    return report(promises)


class PaidAgain(NamedTuple):
    """The calls that were made again. ages: of answers that were not stored, in seconds."""

    calls: int
    waiting: int
    on_the_way: int
    ages: list[float]


def find_paid_again(
    calls: list[Call], kills: list[Kill], arrivals: Sequence[tuple[str, float]]
) -> PaidAgain:
    """Return how far the answers were at a kill that had to be asked for again."""
    again = find_asked_again(calls)
    waiting = [call for call in again if is_waiting(call, kills)]
    ages = []
    for call in (each for each in again if each not in waiting):
        killed = kills[life_of(call, kills)]
        ages += [
            killed.after - at
            for note, at in arrivals
            if note == call.note and call.began <= at <= killed.after
        ]
    return PaidAgain(len(again), len(waiting), len(again) - len(waiting) - len(ages), ages)


def read_arrivals(file: Path) -> list[tuple[str, float]]:
    """Return which notes answers came in about, and when: Unix time, seconds."""
    lines = file.read_text("utf-8").splitlines()
    return [(note, at) for note, at in map(json.loads, lines)]


def is_stored(call: Call, proposals: Sequence[Proposal]) -> bool:
    """Whether there was a proposal for the call's note before the call."""
    return any(each.path in paths(call) and each.origin.made_at < call.began for each in proposals)


def tell_delays(vault: Path, proposals: Sequence[Proposal]) -> str:
    """Return how long answers took until the store had them: the median, and the longest."""
    last = dict(read_arrivals(vault.parent / _ARRIVALS))
    arrived = {path_of(number_of(note)): at for note, at in last.items()}
    delays = [(each.origin.made_at - arrived[each.path]) * 1e3 for each in proposals]
    return f"median {median(delays):.1f} ms, at most {max(delays):.0f} ms"


def is_sound(vault: Path, number: int, journal: Journal) -> bool:
    """Whether the note is what its changes, one after the other, made of what it was."""
    made = [c for c in journal.changes(path_of(number))[::-1] if c.state == "done"]
    if len(made) == 1:
        return is_whole(vault, number, made, journal)
    text = note(number, "").encode()
    for change in made:
        images = journal.images(change.id)
        if images is None or images[0] != text:
            return False
        text = images[1]
    return text == (vault / path_of(number)).read_bytes()


def find_asked_again(calls: list[Call]) -> list[Call]:
    """Return the calls about a note after which there was another one about it."""
    last = {call.note: call for call in calls}
    return [call for call in calls if last[call.note] != call]


if __name__ == "__main__":
    sys.exit(main())
