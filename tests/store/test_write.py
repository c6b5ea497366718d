"""Reading and writing one note: what is refused, what is kept, and that others' edits stay."""

import errno
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from companion.errors import (
    NoteBusy,
    NoteChanged,
    NoteError,
    NoteRefused,
    NoteUnwritable,
)
from companion.store.journal import write_note
from companion.vault import lock, write
from companion.vault.write import ConcurrentWrite, NotePartlyWritten, read_note
from tests.examples import Change, labelled
from tests.store.conftest import Bench
from tests.store.stub_note import ENRICHED, NOTE, new_change

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")


def test_two_threads_write_a_note_one_after_the_other(bench: Bench) -> None:
    """The second is told that the note has changed, and not that a change needs recovery."""
    seen = bench.read()
    change = new_change(seen.data, ENRICHED)
    with ThreadPoolExecutor(1) as pool:
        others = []

        def begin_another() -> None:
            others.append(pool.submit(bench.write, NOTE + b"More.\n", seen))
            wait(others, timeout=0.2)

        write_note(seen, ENRICHED, bench.journal, change, begin_another)
        with pytest.raises(NoteChanged):
            others[0].result()
    assert (bench.note.read_bytes(), bench.states()) == (ENRICHED, ["abandoned", "done"])


@pytest.mark.parametrize(
    "new",
    [
        pytest.param(ENRICHED, id="longer"),
        pytest.param(NOTE[:20], id="shorter"),
        pytest.param(NOTE.upper(), id="as long"),
        pytest.param(NOTE.replace(b"\n", b"\r\n"), id="other line ends"),
        pytest.param("\ufeff# Ünïcödé\r\n".encode(), id="a byte order mark"),
        pytest.param(b"", id="empty"),
        pytest.param(NOTE * 50_000, id="large"),
    ],
)
def test_writes_all_of_it(bench: Bench, new: bytes) -> None:
    number = bench.write(new)
    assert bench.note.read_bytes() == new
    assert [(c.id, c.state) for c in bench.journal.changes()] == [(number, "done")]
    assert bench.journal.images(number) == (NOTE, new)


@POSIX
def test_the_file_stays_the_same_file(bench: Bench) -> None:
    bench.note.chmod(0o640)
    twin = bench.note.with_name("Twin.md")
    twin.hardlink_to(bench.note)
    has_attributes = sys.platform == "linux"
    if sys.platform == "linux":
        try:
            os.setxattr(bench.note, "user.colour", b"green")
        except OSError:  # a file system in memory may have none
            has_attributes = False
    before = bench.note.stat()
    bench.write()
    after = bench.note.stat()
    assert (after.st_ino, after.st_mode, after.st_nlink, after.st_uid) == (
        before.st_ino,
        before.st_mode,
        2,
        before.st_uid,
    )
    assert twin.read_bytes() == ENRICHED
    assert sorted(bench.note.parent.iterdir()) == [bench.note, twin]
    if sys.platform == "linux" and has_attributes:
        assert os.getxattr(bench.note, "user.colour") == b"green"


def _appended(note: Path) -> None:
    with note.open("ab") as file:
        file.write(b"more\n")


def _replaced(note: Path) -> None:
    other = note.with_name("temporary")
    other.write_bytes(b"synced")
    other.replace(note)


def _edited_in_place(note: Path) -> None:
    facts = note.stat()
    note.write_bytes(NOTE.replace(b"mine", b"MINE"))
    os.utime(note, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _linked(note: Path) -> None:
    note.rename(note.with_name("real.md"))
    note.symlink_to("real.md")


def _made_a_folder(note: Path) -> None:
    note.unlink()
    note.mkdir()


GONE = NoteChanged, "no longer there"
EDITED = NoteChanged, "edited in the meantime"
MEANWHILE: dict[str, tuple[Change, type[NoteError], str]] = {
    "removed": (Path.unlink, *GONE),
    "renamed": (lambda note: note.rename(note.with_name("Other.md")), *GONE),
    "folder renamed": (lambda note: note.parent.rename(note.parent.with_name("moved")), *GONE),
    "rewritten": (lambda note: note.write_bytes(b"all new"), *EDITED),
    "appended to": (_appended, *EDITED),
    "replaced": (_replaced, *EDITED),
    "size and time the same": (_edited_in_place, *EDITED),
}
if sys.platform != "win32":
    MEANWHILE |= {
        "now a symbolic link": (_linked, NoteRefused, "symbolic link"),
        "now a folder": (_made_a_folder, NoteRefused, "not a regular file"),
    }


@labelled(("meddle", "kind", "words"), MEANWHILE)
def test_leaves_what_happened_meanwhile(
    bench: Bench, meddle: Change, kind: type[NoteError], words: str
) -> None:
    seen = bench.read()
    meddle(bench.note)
    held = {f: f.read_bytes() for f in bench.note.parent.parent.rglob("*.md") if f.is_file()}
    with pytest.raises(kind, match=rf"^Stub\.md: .*{words}"):
        bench.write(seen=seen)
    assert {f: f.read_bytes() for f in held} == held
    assert bench.states() == ["abandoned"]


def test_a_read_only_note_is_not_begun(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.note.chmod(0o444)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anything
    with pytest.raises(NoteUnwritable, match=r"^Stub\.md: .*read-only; allow writing to it"):
        bench.write()
    assert bench.note.read_bytes() == NOTE and bench.journal.changes() == []


def test_puts_back_what_it_wrote_to_a_note_that_moves_under_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "win32":
        pytest.skip("an open file cannot be renamed")
    moved = bench.note.with_name("Moved.md")
    overwrite = write._overwrite

    def move_first(fd: int, old_size: int, new: bytes) -> None:
        bench.note.rename(moved)
        overwrite(fd, old_size, new)

    monkeypatch.setattr(write, "_overwrite", move_first)
    with pytest.raises(NoteChanged, match="no longer there"):
        bench.write()
    assert moved.read_bytes() == NOTE
    assert bench.states() == ["abandoned"]


def test_says_when_another_program_wrote_in_the_same_moment(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "exclude_writers", lambda fd, path: False)
    force = write.force_to_disk

    def append_first(fd: int) -> None:
        force(fd)
        _appended(bench.note)

    monkeypatch.setattr(write, "force_to_disk", append_first)
    with pytest.raises(ConcurrentWrite, match="another program wrote it at the same moment"):
        bench.write()
    assert bench.note.read_bytes() == ENRICHED + b"more\n"
    assert bench.states() == ["done"]


FAILED_WRITES = [
    pytest.param(False, ENRICHED[:20] + NOTE[20:], NOTE, id="a mix of old and new"),
    pytest.param(False, b"somebody else's\n", b"somebody else's\n", id="another program wrote"),
    pytest.param(True, b"\x00" * 9, NOTE, id="what only the disk can have made of it"),
]


@POSIX
@pytest.mark.parametrize(("excluded", "stands", "expected"), FAILED_WRITES)
def test_a_failed_write_is_put_back_where_nobody_else_wrote(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, excluded: bool, stands: bytes, expected: bytes
) -> None:
    def fail(fd: int, *_: object) -> None:
        os.pwrite(fd, stands, 0)
        os.ftruncate(fd, len(stands))
        raise OSError(errno.EIO, "the disk failed")

    monkeypatch.setattr(write, "exclude_writers", lambda fd, path: excluded)
    monkeypatch.setattr(write, "_overwrite", fail)
    torn = expected != NOTE
    with pytest.raises(NotePartlyWritten if torn else NoteUnwritable):
        bench.write()
    assert bench.note.read_bytes() == expected


@LINUX
def test_waits_for_another_program_to_close_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = [os.open(bench.note, os.O_RDONLY)]

    def close_next(_seconds: float) -> None:
        if readers:
            os.close(readers.pop())

    monkeypatch.setattr(time, "sleep", close_next)
    bench.write()
    assert (bench.note.read_bytes(), readers) == (ENRICHED, [])


@LINUX
def test_gives_up_on_a_note_that_stays_open(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "IN_USE_PATIENCE", 0.05)
    with bench.note.open("r"), pytest.raises(NoteBusy, match="another program holds it open"):
        bench.write()
    assert bench.note.read_bytes() == NOTE
    assert bench.states() == ["abandoned"]


BREAK_A_LEASE = """
import os, sys, threading, time
from pathlib import Path
from companion.vault.lock import exclude_writers, open_note
root = Path(sys.argv[1])
with open_note(root, "Stub.md", write=True) as fd:
    assert exclude_writers(fd, "Stub.md")
    waiting = threading.Thread(target=lambda: (root / "Stub.md").read_bytes())
    waiting.start()
    time.sleep(0.2)
    assert waiting.is_alive()
waiting.join()
print("alive")
"""


@LINUX
def test_keeps_others_out_and_lives_through_their_knocking(bench: Bench) -> None:
    command = [sys.executable, "-c", BREAK_A_LEASE, str(bench.note.parent.resolve())]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "alive\n"


@LINUX
def test_goes_on_where_leases_are_not_supported(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fd: int) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(lock, "_take_write_lease", refuse)
    bench.write()
    assert bench.note.read_bytes() == ENRICHED


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"", "it is empty; it may still be syncing", id="empty"),
        pytest.param(b"a\nb\xff\n", r"not UTF-8 text.* \(line 2\)", id="not UTF-8"),
        pytest.param(b"x" * 101, r"too large \(101 bytes, the limit is 100\)", id="too large"),
    ],
)
def test_refuses_to_read(bench: Bench, data: bytes, reason: str) -> None:
    (bench.vault / "Stub.md").write_bytes(data)
    with pytest.raises(NoteRefused, match=rf"^Stub\.md: .*{reason}"):
        read_note(bench.vault, "Stub.md", max_bytes=100)


@POSIX
@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        pytest.param("gone.md", NoteChanged, "no longer there", id="missing"),
        pytest.param("Stub.md/x.md", NoteChanged, "no longer there", id="beneath a file"),
        pytest.param("../outside.md", NoteRefused, "out of the vault", id="outside"),
        pytest.param("folder/../../outside.md", NoteRefused, "out of the vault", id="winding"),
        pytest.param("link.md", NoteRefused, "symbolic link", id="symbolic link"),
        pytest.param("linked/inner.md", NoteRefused, "symbolic link", id="through a linked folder"),
        pytest.param("folder", NoteRefused, "not a regular file", id="folder"),
        pytest.param("pipe.md", NoteRefused, "not a regular file", id="pipe"),
        pytest.param("", NoteRefused, "out of the vault", id="the vault itself"),
        pytest.param("/etc/hostname", NoteRefused, "out of the vault", id="absolute"),
        pytest.param("a\0b.md", NoteRefused, "out of the vault", id="a zero byte"),
    ],
)
def test_reads_regular_files_of_the_vault_only(
    bench: Bench, path: str, kind: type[NoteError], words: str
) -> None:
    (bench.vault.parent / "outside.md").write_text("secret")
    (bench.vault / "folder").mkdir()
    (bench.vault / "folder" / "inner.md").write_text("inner")
    (bench.vault / "link.md").symlink_to("Stub.md")
    (bench.vault / "linked").symlink_to("folder")
    os.mkfifo(bench.vault / "pipe.md")
    with pytest.raises(kind, match=words):
        read_note(bench.vault, path)


@POSIX
def test_the_vault_itself_may_be_a_link(bench: Bench) -> None:
    (bench.vault.parent / "alias").symlink_to(bench.vault)
    seen = read_note(bench.vault.parent / "alias", "Stub.md")
    assert (seen.data, seen.root) == (NOTE, bench.vault.resolve())


def test_waits_until_the_note_has_settled(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    now = bench.note.stat().st_mtime + 10
    waits: list[float] = []
    monkeypatch.setattr(time, "time", lambda: now + sum(waits))
    monkeypatch.setattr(time, "sleep", waits.append)
    assert read_note(bench.vault, "Stub.md", settle=30).data == NOTE
    assert waits == [pytest.approx(20)]


def test_a_time_in_the_future_does_not_keep_it_waiting(bench: Bench) -> None:
    os.utime(bench.note, (time.time() + 3600, time.time() + 3600))
    assert read_note(bench.vault, "Stub.md", settle=0.05).data == NOTE


def test_an_old_note_is_read_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(bench.note, (0, 0))
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waits"))
    assert read_note(bench.vault, "Stub.md", settle=30).data == NOTE


def test_leaves_a_note_that_keeps_changing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    saved, waits = bench.note.stat().st_mtime, list[float]()

    def append_later(seconds: float) -> None:
        """Append at another time than before, also where a file system's clock has long steps."""
        waits.append(seconds)
        _appended(bench.note)
        os.utime(bench.note, (0, saved + len(waits)))

    monkeypatch.setattr(time, "sleep", append_later)
    with pytest.raises(NoteBusy, match="keeps writing it; it may still be syncing"):
        read_note(bench.vault, "Stub.md", settle=60)


@pytest.mark.parametrize(
    ("meddle", "words"),
    [
        pytest.param(_appended, "it changed while it was read", id="grew"),
        pytest.param(lambda note: os.utime(note, (1, 1)), "it changed while", id="touched"),
    ],
)
def test_leaves_a_note_that_changes_while_it_is_read(
    bench: Bench, meddle: Change, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_then_meddle(fd: int) -> bytes:
        data = read_all(fd)
        meddle(bench.note)
        return data

    read_all = write.read_all
    monkeypatch.setattr(write, "read_all", read_then_meddle)
    with pytest.raises(NoteBusy, match=words):
        read_note(bench.vault, "Stub.md")


def test_leaves_a_short_read(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "read_all", lambda fd: NOTE[:10])
    with pytest.raises(NoteBusy, match="only part of it could be read; it may still be syncing"):
        read_note(bench.vault, "Stub.md")
