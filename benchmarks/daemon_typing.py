"""A user types in notes while the daemon fills them: is a character lost, is a writer disturbed?

    python -m benchmarks.daemon_typing [--quick]

In ten notes at a time the user saves every 2 seconds, each time with one character more, and now
and then takes a rest of about the settle time, so that the next save meets a call or a write.
Half of the saves replace the whole file (read, truncate, write), half append in place. The settle
time is 5 seconds (the default is 30), the endpoint a stub of 1 second. Exit status 1 when a
character is lost, when the daemon writes within the settle time, or leaves a note unfilled.
"""

from __future__ import annotations

import os
import random
import string
import sys
import time
from bisect import bisect_right
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from benchmarks.daemon_process import running_daemon
from benchmarks.made_vault import (
    is_filled_once,
    note,
    number_of,
    path_of,
    read_changes,
    stubbed_vault,
)
from benchmarks.results import make_parser, print_table, report, tally
from benchmarks.stub_endpoint import Call
from companion.store.journal import Change

SETTLE, DELAY, EVERY = 5.0, 1.0, 2.0  # seconds
AT_ONCE, SAVES = 10, 5  # notes typed in, and saves of each
RESTS = 0.5  # of the notes typed in, those with a rest in the middle
PROPERTY = b"\ncreated:", b"\ndescription:\ncreated:"


class Save(NamedTuple):
    """What the user does. at: seconds from the beginning; first: the note becomes a stub by it."""

    at: float
    number: int
    first: bool


class User:
    """Types, and remembers. typed: by note; saved: the times of its saves, as the files say."""

    def __init__(self, vault: Path, notes: int, chance: random.Random) -> None:
        self.typed = dict.fromkeys(range(notes), "")
        self.saved: dict[int, list[float]] = {number: [] for number in range(notes)}
        self._vault = vault
        self._chance = chance

    def save(self, save: Save) -> None:
        """Save the note with one character more."""
        file = self._vault / path_of(save.number)
        character = self._chance.choice(string.ascii_letters + "éß漢🙂")
        self.typed[save.number] += character
        if save.first or self._chance.random() < 0.5:
            text = file.read_bytes() + character.encode()
            if b"\ndescription:" not in text:
                text = text.replace(*PROPERTY)
            file.write_bytes(text)
        else:
            fd = os.open(file, os.O_WRONLY | os.O_APPEND)
            os.write(fd, character.encode())
            os.close(fd)
        self.saved[save.number].append(file.stat().st_mtime)


def main() -> int:
    parser = make_parser(__doc__)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    notes = 20 if options.quick else 200
    chance = random.Random(options.seed)
    with stubbed_vault(notes, DELAY, None, settle_seconds=SETTLE) as (vault, stub):
        for number in range(0, notes, 2):
            (vault / path_of(number)).write_text(note(number, ""), encoding="utf-8")
        user = User(vault, notes, chance)
        with running_daemon(vault) as daemon:
            began = time.monotonic()
            for save in sorted(plan(notes, chance)):
                time.sleep(max(0.0, began + save.at - time.monotonic()))
                user.save(save)
            typed_for = time.monotonic() - began
            daemon.wait_filled(60 + notes * DELAY)
            filled_after = time.monotonic() - began - typed_for
        saves = sum(map(len, user.saved.values()))
        print(f"{notes} notes, {saves} saves in {typed_for:.0f} s, settle time {SETTLE:g} s\n")
        return judge(vault, user, read_changes(vault), stub.calls(), filled_after)


def plan(notes: int, chance: random.Random) -> list[Save]:
    """Return all saves: groups of notes, one after the other, each save every 2 seconds."""
    saves = []
    for number in range(notes):
        at = number // AT_ONCE * SAVES * EVERY + chance.uniform(0, EVERY)
        rest = chance.randrange(1, SAVES) if chance.random() < RESTS else 0
        for count in range(SAVES):
            if count and count == rest:
                at += SETTLE - EVERY + chance.uniform(0, 1.5 * DELAY)
            saves.append(Save(at, number, first=not count))
            at += EVERY
    return saves


def judge(
    vault: Path, user: User, changes: list[Change], calls: list[Call], filled_after: float
) -> int:
    """Print what came of it; return the exit status."""
    texts = {n: (vault / path_of(n)).read_text(encoding="utf-8") for n in user.typed}
    lost = sum(lost_characters(texts[n], note(n, "") + typed) for n, typed in user.typed.items())
    numbers = {path_of(n): n for n in user.typed}
    done = [change for change in changes if change.state == "done"]
    rests = [rest_before(user.saved[numbers[change.path]], change.made_at) for change in done]
    early = sum(rest < SETTLE for rest in rests)
    filled = sum(is_filled_once(text) for text in texts.values())
    rows = Counter(change.path for change in done)
    asked = Counter(call.note for call in calls)
    met = sum(call_was_met(call, user) for call in calls)
    print_table(
        [
            ("characters typed", sum(map(len, user.typed.values())), ""),
            ("characters of the user's lost", lost, "wanted: 0"),
            ("writes within the settle time", early, "wanted: 0"),
            ("shortest rest before a write, s", min(rests, default=0.0), f"at least {SETTLE:g}"),
            ("notes filled once", filled, f"wanted: {len(texts)}"),
            ("seconds after the last save", f"{filled_after:.1f}", ""),
            ("notes written twice", sum(n > 1 for n in rows.values()), "wanted: 0"),
            ("changes that gave way to the user", len(changes) - len(done), ""),
            ("saves that met a call", met, ""),
            ("calls of a note, and of how many notes", tally(asked), ""),
        ]
    )
    promises = {
        "characters were lost": not lost,
        "a write within the settle time": not early,
        "a note was not filled once": filled == len(texts) and set(rows.values()) == {1},
        "a call was paid twice": max(asked.values(), default=0) <= 1,
    }
    return report(promises)


def lost_characters(text: str, users: str) -> int:
    """Return how many of the user's characters are missing, at least; all follow in order.

    What was typed, and the body before it, must stand at the end as one piece.
    """
    body = users[users.index("\nSome sentences") :]
    rest = iter(text)
    missing = sum(character not in rest for character in users)
    return missing or (0 if text.endswith(body) else len(body))


def rest_before(saved: list[float], at: float) -> float:
    """Return the seconds from the last save before that moment."""
    before = bisect_right(saved, at)
    return at - saved[before - 1] if before else at


def call_was_met(call: Call, user: User) -> bool:
    """Whether the user saved the note while the endpoint was asked about it."""
    saved = user.saved[number_of(call.note)]
    return any(call.began < at < (call.ended or call.began) for at in saved)


if __name__ == "__main__":
    sys.exit(main())
