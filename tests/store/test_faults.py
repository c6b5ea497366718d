"""Every system call of a write fails once, or is the last one: no byte of the user's is lost."""

import errno
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from companion.errors import NoteError, NoteUnwritable
from companion.store.journal import Journal, write_note
from companion.store.recovery import recover
from companion.vault.write import NotePartlyWritten, read_note
from tests.store.conftest import Bench
from tests.store.stub_note import ENRICHED, NOTE, new_change

OLD = NOTE * 30
SHAPES = [
    pytest.param(ENRICHED + NOTE * 29, id="longer"),
    pytest.param(NOTE[:12] + NOTE * 28, id="shorter"),
    pytest.param(OLD.replace(b"mine", b"ours"), id="as long"),
]
CALLS = ["open", "fstat", "lstat", "lseek", "read", "write", "ftruncate", "fsync", "close"]


class Killed(BaseException):
    """The process ends here: nothing of it runs any more."""


class Fault(NamedTuple):
    """What goes wrong. lasting: with every later call, too. half: after half of a write."""

    error: BaseException
    lasting: bool = False
    half: bool = False


FAULTS = [
    pytest.param(Fault(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))), id="full"),
    pytest.param(Fault(OSError(errno.EIO, os.strerror(errno.EIO)), half=True), id="half, then I/O"),
    pytest.param(Fault(OSError(errno.EIO, os.strerror(errno.EIO)), lasting=True), id="disk gone"),
    pytest.param(Fault(KeyboardInterrupt()), id="Ctrl-C"),
    pytest.param(Fault(Killed(), lasting=True), id="killed"),
    pytest.param(Fault(Killed(), lasting=True, half=True), id="killed within a write"),
]


class Calls:
    """Counts the system calls of this thread, and has one of them fail."""

    def __init__(self, fault: Fault, at: int) -> None:
        self.fault, self.at, self.made = fault, at, 0
        self._thread = threading.get_ident()

    def wrap(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            if threading.get_ident() != self._thread:
                return call(*args, **options)
            self.made += 1
            fails = self.made >= self.at if self.fault.lasting else self.made == self.at
            if not fails:
                return call(*args, **options)
            if name == "close":  # closed it is, whatever it answers
                call(*args, **options)
            elif name == "write" and self.fault.half and self.made == self.at:
                call(args[0], args[1][: len(args[1]) // 2])
            raise type(self.fault.error)(*self.fault.error.args)

        return wrapped


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", os.fstat)


@contextmanager
def failing(fault: Fault, at: int) -> Iterator[Calls]:
    calls = Calls(fault, at)
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, calls.wrap(name, getattr(os, name)))
        if sys.platform != "win32":
            import fcntl

            patch.setattr(fcntl, "fcntl", calls.wrap("fcntl", fcntl.fcntl))
        yield calls


@pytest.mark.parametrize("new", SHAPES)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_write_that_fails_anywhere_loses_nothing(
    vault: Path, journal: Journal, tmp_path: Path, fault: Fault, new: bytes
) -> None:
    def attempt(at: int) -> bool:
        note = vault / f"{at}.md"
        note.write_bytes(OLD)
        seen = read_note(vault, note.name, settle=0)
        failure: BaseException | None = None
        with journal.writing(), failing(fault, at) as calls:
            try:
                write_note(seen, new, journal, new_change(OLD, new, note.name))
            except (NoteError, KeyboardInterrupt, Killed) as error:
                failure = error
        _require_honest(failure, note.read_bytes(), new)
        recover(vault, journal, tmp_path / "aside")
        assert note.read_bytes() in (OLD, new), f"call {at} of {calls.made}"
        states = [each.state for each in journal.changes(note.name)]
        is_new = note.read_bytes() == new
        assert states == ["done"] if is_new else states in ([], ["abandoned"])  # not begun, or so
        return calls.made >= at

    points = 1
    while attempt(points):
        points += 1
    assert points > 15


def _require_honest(failure: BaseException | None, found: bytes, new: bytes) -> None:
    """An error that says that nothing was written is right; so is its absence."""
    if failure is None:
        assert found == new
    elif isinstance(failure, NoteError) and not isinstance(failure, NotePartlyWritten):
        assert found == OLD
        assert failure.path


@pytest.mark.parametrize("fault", FAULTS)
def test_a_recovery_that_fails_anywhere_is_made_up_for(
    vault: Path, journal: Journal, tmp_path: Path, fault: Fault
) -> None:
    new = ENRICHED + NOTE * 29
    torn = new[:512] + OLD[512:] + new[len(OLD) :]

    def attempt(at: int) -> bool:
        note = vault / f"{at}.md"
        note.write_bytes(torn)
        journal.begin(new_change(OLD, new, note.name), OLD, new)
        with failing(fault, at) as calls, suppress(KeyboardInterrupt, Killed):
            recover(vault, journal, tmp_path / "aside")
        recover(vault, journal, tmp_path / "aside")
        assert note.read_bytes() == OLD, f"call {at} of {calls.made}"
        assert journal.pending() == []
        assert [c.state for c in journal.changes(note.name)] == ["abandoned"]
        return calls.made >= at

    points = 1
    while attempt(points):
        points += 1
    assert points > 15


@pytest.mark.parametrize("error", [errno.EIO, errno.EACCES])
def test_a_read_that_fails_anywhere_is_one_note_error(bench: Bench, error: int) -> None:
    fault = Fault(OSError(error, os.strerror(error)))
    at, made = 0, 1
    while at <= made:
        at += 1
        with failing(fault, at) as calls:
            try:
                assert read_note(bench.vault, "Stub.md", settle=0).data == NOTE
            except NoteError as caught:
                assert caught.path == "Stub.md"
        made = calls.made


@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        pytest.param("write", errno.ENOSPC, "the disk is full; free some space", id="full disk"),
        pytest.param("write", errno.EIO, "cannot be written: Input/output error", id="bad disk"),
        pytest.param("open", errno.EROFS, "read-only; allow writing to it", id="read-only drive"),
        pytest.param("open", errno.EACCES, "read-only; allow writing to it", id="read-only note"),
    ],
)
def test_says_why_a_note_cannot_be_written(bench: Bench, call: str, code: int, words: str) -> None:
    seen = bench.read()
    real = getattr(os, call)
    failed: list[object] = []

    def fail_once(*args: Any) -> Any:
        if failed:
            return real(*args)
        failed.append(args)
        raise OSError(code, os.strerror(code))

    with (
        bench.journal.writing(),
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(NoteUnwritable, match=words),
    ):
        patch.setattr(os, call, fail_once)
        bench.write(seen=seen)
    assert bench.note.read_bytes() == NOTE
    assert bench.states() == ["abandoned"]
