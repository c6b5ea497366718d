"""A sync client: copies files both ways between two folders, as those of cloud services do.

Run as `python -m benchmarks.sync_copies MACHINE PHONE LOG --factor 10`. It compares both folders
with what it last saw there, and delivers what changed in one of several ways: in parts, under
another name that is then changed, or after the old file is deleted, and with times of its own.
Where both sides changed, one keeps the name, and the other becomes a conflict copy, spelled as one
of CLIENTS does. Each is a line of JSON in the log, and so is each note that it deletes here. Once
its standard input ends, it ends as soon as both sides are the same. For a time in between the phone
has no network.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

ROUND = 10.0  # seconds between two rounds; all times here are divided by the factor
AWAY, AWAY_EVERY = 120.0, 480.0  # seconds without a network, and from one such time to the next
PAUSE, STALL, STALLED = (1.0, 12.0), 45.0, 0.05  # seconds between two parts; share that stalls
OLD = 400 * 86_400  # seconds
WAYS = ("in parts", "in parts", "renamed", "renamed", "deleted first")


class Client(NamedTuple):
    """How a client spells a conflict copy of a note: the stem, the time, and a number from 1.

    renames: it replaces a note by renaming the new one, so that there is always one beside the
    copy. By that a copy is known that is spelled as people name notes.
    """

    name: str
    spell: Callable[[str, datetime, int], str]
    renames: bool = False


CLIENTS = (
    Client("Dropbox", lambda stem, at, n: f"{stem} (Phone's conflicted copy {at:%Y-%m-%d} ({n}))"),
    Client("Syncthing", lambda stem, at, n: f"{stem}.sync-conflict-{at:%Y%m%d-%H%M%S}-ABCDEF{n}"),
    Client(
        "Obsidian Sync", lambda stem, at, n: f"{stem} (Conflicted copy phone {at:%Y%m%d%H%M}{n:02})"
    ),
    Client("iCloud", lambda stem, at, n: f"{stem} {n + 1}", renames=True),
    Client(
        "OneDrive", lambda stem, at, n: f"{stem}-PHONE{'' if n == 1 else f'-{n}'}", renames=True
    ),
)


def phone_lock(phone: Path) -> FileLock:
    """Return the lock under which a note on the phone is edited or replaced, as apps there do."""
    return FileLock(phone.with_name("phone.lock"))


def read_notes(folder: Path) -> dict[str, bytes]:
    """Return the notes in the folder, hidden files aside, by their path."""
    found = {}
    for file in sorted(folder.rglob("*.md")):
        path = file.relative_to(folder)
        if not any(part.startswith(".") for part in path.parts):
            with suppress(FileNotFoundError):
                found[path.as_posix()] = file.read_bytes()
    return found


class SyncClient:
    """Both folders, and what was the same in them at the end of the last round."""

    def __init__(
        self, machine: Path, phone: Path, log: Path, factor: float, chance: random.Random
    ) -> None:
        self._machine, self._phone = machine, phone
        self._log, self._factor, self._chance = log, factor, chance
        self._agreed = read_notes(machine)
        self._copies = 0

    def run(self, told_to_end: threading.Event) -> None:
        """Work until told to end; then until both sides are the same in two rounds."""
        began, same = time.monotonic(), 0
        while same < 2:
            same = same + 1 if not self._round() and told_to_end.is_set() else 0
            time.sleep(ROUND / self._factor)
            seconds = (time.monotonic() - began) * self._factor % AWAY_EVERY
            if not told_to_end.is_set() and seconds > AWAY_EVERY - AWAY:
                time.sleep((AWAY_EVERY - seconds) / self._factor)

    def _round(self) -> int:
        """Return how many notes were not the same on both sides."""
        machine, phone = read_notes(self._machine), read_notes(self._phone)
        changed = [
            path
            for path in sorted(machine.keys() | phone.keys())
            if machine.get(path) != phone.get(path)
        ]
        slow = []
        for path in changed:
            arriving = threading.Thread(
                target=self._settle, args=(path, machine.get(path), phone.get(path))
            )
            arriving.start()
            slow.append(arriving)
        for arriving in slow:
            arriving.join()
        both = machine.keys() & phone.keys() - set(changed)
        self._agreed.update({path: machine[path] for path in both})
        return len(changed)

    def _settle(self, path: str, here: bytes | None, there: bytes | None) -> None:
        """Make the note the same on both sides. here: on the machine; there: on the phone."""
        agreed = self._agreed.get(path)
        if there == agreed and here != agreed:
            self._to_phone(path, here, there)
        elif here == agreed:
            self._to_machine(path, there, here)
        elif here is None:
            self._to_machine(path, there, None)
        elif there is None:
            self._to_phone(path, here, None)
        else:
            self._keep_both(path, here, there)

    def _keep_both(self, path: str, here: bytes, there: bytes) -> None:
        """Have one side's note keep its name, and the other's become a conflict copy."""
        self._copies += 1
        client = CLIENTS[self._copies % len(CLIENTS)]
        stem, numbers = path.removesuffix(".md"), range(1, 10)
        now = datetime.now(UTC)
        names = (f"{client.spell(stem, now, number)}.md" for number in numbers)
        copy = next(name for name in names if not (self._machine / name).exists())
        loser, winner = (here, there) if self._chance.random() < 0.5 else (there, here)
        line = {"client": client.name, "note": path, "copy": copy}
        line["sha256"] = hashlib.sha256(loser).hexdigest()
        self._write_log(line)
        self._to_machine(copy, loser, None)
        self._to_phone(copy, loser, None)
        if winner is there:
            self._to_machine(path, there, here, "renamed" if client.renames else None)
        else:
            self._to_phone(path, here, there)

    def _to_phone(self, path: str, data: bytes | None, expected: bytes | None) -> None:
        """Replace the note on the phone, unless somebody edited it meanwhile."""
        file = self._phone / path
        with phone_lock(self._phone):
            if _read(file) != expected:
                return
            if data is None:
                file.unlink()
            else:
                replace_note(file, data)
        self._agree(path, data)

    def _to_machine(
        self, path: str, data: bytes | None, expected: bytes | None, way: str | None = None
    ) -> None:
        """Deliver the note here, unless it changed meanwhile, as clients look before they write."""
        file = self._machine / path
        if _read(file) != expected:
            return
        if data is None:
            file.unlink()
            self._write_log({"deleted": path})
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            if not self._deliver(file, data, expected, way or self._chance.choice(WAYS)):
                return
        self._agree(path, data)

    def _write_log(self, line: dict[str, str]) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    def _deliver(self, file: Path, data: bytes, expected: bytes | None, way: str) -> bool:
        """Return whether it was delivered, or else the note changed meanwhile."""
        if way == "in parts":
            self._write_in_parts(file, data)
        elif way == "renamed":
            partial = file.with_name(f".{file.name}.partial")
            self._write_in_parts(partial, data)
            if _read(file) != expected:
                partial.unlink()
                return False
            partial.replace(file)
        else:
            file.unlink(missing_ok=True)
            self._pause()
            self._write_in_parts(file, data)
        self._set_time(file)
        return True

    def _write_in_parts(self, file: Path, data: bytes) -> None:
        cut = self._chance.randrange(len(data))
        with file.open("wb", buffering=0) as out:
            out.write(data[:cut])
            self._pause()
            out.write(data[cut:])

    def _pause(self) -> None:
        stalls = self._chance.random() < STALLED
        time.sleep((STALL if stalls else self._chance.uniform(*PAUSE)) / self._factor)

    def _set_time(self, file: Path) -> None:
        """Give it the time it had elsewhere: a while ago, now, long ago, or, by a clock, later."""
        ago = self._chance.choice((0.0, 0.0, 30.0, OLD, -3600.0))
        with suppress(FileNotFoundError):
            os.utime(file, (time.time() - ago,) * 2)

    def _agree(self, path: str, data: bytes | None) -> None:
        if data is None:
            self._agreed.pop(path, None)
        else:
            self._agreed[path] = data


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def replace_note(file: Path, data: bytes) -> None:
    """Put data in the place of the note, all at once."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    partial.write_bytes(data)
    partial.replace(file)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("machine", "phone", "log"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--factor", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    told_to_end = threading.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        told_to_end.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    chance = random.Random(options.seed)
    client = SyncClient(options.machine, options.phone, options.log, options.factor, chance)
    client.run(told_to_end)


if __name__ == "__main__":
    main()
