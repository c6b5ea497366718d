import os
import shutil
import sqlite3
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.errors import NoteRefused
from companion.note.facts import Facts, read_facts
from companion.note.needs import Need, Rules
from companion.vault import index as index_module
from companion.vault.files import NoteFile, read_file, stat_note
from companion.vault.ignore import OWN_FOLDER, IgnoreRules
from companion.vault.index import Index
from companion.vault.notes import Notes, Scan
from companion.vault.walk import walk_notes
from tests.examples import Change, delete, many, rename, write

RULES = IgnoreRules(max_bytes=100)
NEED = Need("description", None, None, "property", "empty description")
HOUR = 3600 * 10**9
posix = pytest.mark.skipif(os.name == "nt", reason="such times cannot be set there")
NOWHERE = Path(os.devnull, "index")  # where no file can be


class Examiner:
    """Makes facts of a note's first line and remembers which notes it was asked about."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, path: str, data: bytes) -> Facts:
        self.asked.append(path)
        if data.startswith(b"refuse"):
            raise NoteRefused("it is not to be read", path, 1)
        text = data.decode().strip()
        return Facts((NEED,), None, (), (text,), {"tags": (text, "all", "all")})


@pytest.fixture
def examine() -> Examiner:
    return Examiner()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "index.sqlite3"


@pytest.fixture(autouse=True)
def notes(vault: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three notes, written long ago as far as the index can tell."""
    for path in ("a.md", "b.md", "c/d.md"):
        put(vault, path, path[:-3])
    put(vault, "empty.md", "")
    monkeypatch.setattr(time, "time_ns", lambda now=time.time_ns: now() + HOUR)


def put(vault: Path, path: str, text: str) -> Path:
    note = vault / path
    note.parent.mkdir(exist_ok=True)
    note.write_text(text)
    return note


def scan(file: Path, vault: Path, examine: Examiner, fingerprint: str = "1") -> Scan:
    examine.asked.clear()
    return Index(file).scan(vault, RULES, examine, fingerprint)


def test_reads_every_note_once(file: Path, vault: Path, examine: Examiner) -> None:
    cold = scan(file, vault, examine)
    assert examine.asked == ["a.md", "b.md", "c/d.md"]
    warm = scan(file, vault, examine)
    assert examine.asked == []
    assert list(warm.notes.items()) == list(cold.notes.items())
    assert warm.notes["a.md"] == Facts((NEED,), None, (), ("a",), {"tags": ("a", "all", "all")})
    assert warm.skipped == cold.skipped == {"empty.md": "it is empty; it may still be syncing"}
    assert (cold.read, warm.read) == (3, 0)


def test_offers_names_and_vocabulary(file: Path, vault: Path, examine: Examiner) -> None:
    scan(file, vault, examine)
    warm = scan(file, vault, examine)
    assert list(warm.names()) == [("a.md", ("a",)), ("b.md", ("b",)), ("c/d.md", ("c/d",))]
    assert warm.vocabulary("tags") == {"a": 1, "b": 1, "c/d": 1, "all": 3}
    assert not warm.vocabulary("note-type")
    assert {type(kept) for kept in warm.notes._facts.values()} == {str}, "in memory as text"


def test_names_and_values_of_notes_that_need_nothing(vault: Path) -> None:
    notes = Notes(vault)
    kind = 'a "größe"'
    for path, facts in (
        ("a", Facts()),
        ("b", Facts(aliases=("B", "b"), values={"tags": ("x",)})),
        ("c", Facts(unfilled=("a callout",), aliases=("C",), values={kind: ("y",)})),
        ("d", Facts(aliases=(f'"{kind}":',))),
    ):
        notes.put(path, facts.dump())
    found = Scan(notes, {})
    assert [names for _, names in found.names()] == [(), ("B", "b"), ("C",), (f'"{kind}":',)]
    assert list(found.values("tags")) == [("b", ("x",))]
    assert list(found.values(kind)) == [("c", ("y",))]


def test_does_not_trust_what_was_written_just_now(
    file: Path, vault: Path, examine: Examiner, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(file, vault, examine)
    written = put(vault, "b.md", "B").stat().st_mtime_ns
    for seconds, asked in ((1, ["b.md"]), (1, ["b.md"]), (3, ["b.md"]), (3, [])):
        monkeypatch.setattr(time, "time_ns", lambda s=seconds: written + s * 10**9)
        for note in ("a.md", "c/d.md"):
            os.utime(vault / note, ns=(0, 0))
        scan(file, vault, examine)
        assert [path for path in examine.asked if path == "b.md"] == asked


def test_another_fingerprint_knows_nothing(file: Path, vault: Path, examine: Examiner) -> None:
    index = Index(file)
    for fingerprint, asked in (("1", 3), ("2", 3), ("2", 0), ("1", 3)):
        examine.asked.clear()
        index.scan(vault, RULES, examine, fingerprint)
        assert len(examine.asked) == asked
    scan(file, vault, examine, "1")
    assert not examine.asked


def test_two_processes_with_other_rules_do_not_mix(
    file: Path, vault: Path, examine: Examiner
) -> None:
    mine, theirs = Index(file), Index(file)
    mine.scan(vault, RULES, examine, "mine")
    theirs.scan(vault, RULES, examine, "theirs")
    put(vault, "b.md", "changed")
    mine.scan(vault, RULES, examine, "mine")
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT count(*) FROM about").fetchone() == (1,)
        assert db.execute("SELECT path FROM notes").fetchall() == [("b.md",)]
    scan(file, vault, examine, "mine")
    assert examine.asked == ["a.md", "c/d.md"]


def test_a_note_that_cannot_be_read_is_skipped(
    file: Path, vault: Path, examine: Examiner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: str, size: int) -> bytes | None:
        if path.endswith("a.md"):
            raise PermissionError(13, "Permission denied", path)
        if path.endswith("b.md"):
            raise FileNotFoundError(2, "No such file or directory", path)
        return None if path.endswith("d.md") else read_file(path, size)

    monkeypatch.setattr(index_module, "read_file", read)
    put(vault, "r.md", "refuse")
    found = scan(file, vault, examine)
    assert not found.notes
    assert found.skipped == {
        "a.md": "it cannot be read (Permission denied)",
        "b.md": "it is not there; it was moved or deleted",
        "c/d.md": "it changed while it was read; it may still be syncing",
        "empty.md": "it is empty; it may still be syncing",
        "r.md": "it is not to be read",
    }


def test_tells_how_far_it_is(file: Path, vault: Path, examine: Examiner) -> None:
    for number in range(150):
        put(vault, f"{number}.md", "x")
    told: list[tuple[int, int]] = []
    Index(file).scan(vault, RULES, examine, "1", lambda done, total: told.append((done, total)))
    assert told == [(64, 154), (128, 154), (154, 154)]


def test_facts_that_sqlite_cannot_hold_are_found_again(file: Path, vault: Path) -> None:
    asked: list[str] = []

    def examine(path: str, data: bytes) -> Facts:
        asked.append(path)
        return Facts(aliases=("\ud83d",) if path == "a.md" else ())

    for _ in range(2):
        assert Index(file).scan(vault, RULES, examine, "1").notes["a.md"].aliases == ("\ud83d",)
    assert asked == ["a.md", "b.md", "c/d.md", "a.md"]


@pytest.mark.parametrize("seconds", [-11644473600, 10413792000], ids=["1601", "2300"])
def test_cuts_a_time_that_sqlite_cannot_hold(seconds: int) -> None:
    """Copies of files may have Windows' time of 0, 1601; the numbers of SQLite end at 2262."""
    times = dict.fromkeys(("st_mtime_ns", "st_ctime_ns"), seconds * 10**9)
    note = NoteFile.of("a.md", os.stat_result((0,) * 10, times))
    assert -(1 << 63) <= note.mtime_ns == note.ctime_ns < 1 << 63
    assert (note.mtime_ns > 0) == (seconds > 0)


@posix
def test_reads_a_note_from_a_time_that_no_clock_shows(
    file: Path, vault: Path, examine: Examiner
) -> None:
    os.utime(vault / "a.md", (10413792000, 10413792000))  # the year 2300
    assert "a.md" in scan(file, vault, examine).notes
    assert "a.md" in scan(file, vault, examine).notes
    (walked,) = (each for each in walk_notes(vault, RULES) if each.path == "a.md")
    assert walked == stat_note(vault, "a.md")


def rewrite_in_disguise(vault: Path) -> None:
    before = (vault / "b.md").stat()
    time.sleep(0.02)  # ctime counts in steps of the kernel's clock
    os.utime(put(vault, "b.md", "B"), ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(vault: Path) -> None:
    before = (vault / "b.md").stat()
    new = put(vault, "new", "B")
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(vault / "b.md")


def replace_by_link(vault: Path) -> None:
    (vault / "b.md").unlink()
    (vault / "b.md").symlink_to(vault / "a.md")


def replace_by_folder(vault: Path) -> None:
    (vault / "b.md").unlink()
    put(vault, "b.md/e.md", "e")


def new_ones(vault: Path) -> None:
    put(vault, "c/e.md", "e")
    put(vault, "c/e (1).txt", "e")
    for ignored in (".hidden/f.md", OWN_FOLDER + "/g.md", "out/h.md", "i.excalidraw.md"):
        put(vault, ignored, "x")


def link_folder(vault: Path) -> None:
    (vault / "c").rename(vault.parent / "real")
    (vault / "c").symlink_to(vault.parent / "real")


def unreadable_name(vault: Path) -> None:
    if sys.platform == "darwin":
        pytest.skip("macOS keeps no such names")
    (vault / "b.md").rename(vault / os.fsdecode(b"\xff.md"))


OUT = IgnoreRules(max_bytes=100, folders=("out",))
LOOKS = [
    pytest.param(lambda vault: None, [], id="nothing"),
    pytest.param(write("b.md"), ["b.md"], id="other text"),
    pytest.param(rewrite_in_disguise, ["b.md"], id="old time"),
    pytest.param(replace, ["b.md"], id="another file, old time"),
    pytest.param(lambda vault: os.utime(vault / "b.md", ns=(1, 1)), ["b.md"], id="touched"),
    pytest.param(rename("b.md", "e.md"), ["e.md"], id="renamed"),
    pytest.param(rename("b.md", "B.md"), ["B.md"], id="renamed in case only"),
    pytest.param(delete("b.md"), [], id="deleted"),
    pytest.param(write("b.md", ""), [], id="emptied"),
    pytest.param(write("b.md", "refuse"), ["b.md"], id="refused"),
    pytest.param(write("b.md", "b" * 101), [], id="too large"),
    pytest.param(replace_by_link, [], id="a link"),
    pytest.param(replace_by_folder, ["b.md/e.md"], id="a folder"),
    pytest.param(new_ones, ["c/e.md"], id="new ones, ignored ones"),
    pytest.param(lambda vault: shutil.rmtree(vault / "c"), [], id="folder gone"),
    pytest.param(link_folder, [], id="folder becomes a link"),
    pytest.param(unreadable_name, [], id="a name that is no text"),
    pytest.param(rename("b.md", ".b.md.icloud"), [], id="its content moved to iCloud"),
]


@pytest.mark.parametrize("is_same_process", [True, False])
@pytest.mark.parametrize(("change", "asked"), LOOKS)
def test_reads_only_what_changed(
    file: Path,
    vault: Path,
    examine: Examiner,
    change: Change,
    asked: list[str],
    is_same_process: bool,
) -> None:
    index = Index(NOWHERE if is_same_process else file)
    order = list(index.scan(vault, OUT, examine, "1").notes)
    change(vault)
    for first in (True, False):
        examine.asked.clear()
        index = index if is_same_process else Index(file)
        found = index.scan(vault, OUT, examine, "1")
        # what cannot be read is tried each time
        assert examine.asked == (asked if first or "b.md" in found.skipped else [])
    assert_as_fresh(found, vault)
    assert [path for path in order if path in found.notes] == [
        path for path in found.notes if path in order
    ]


def assert_as_fresh(found: Scan, vault: Path, rules: IgnoreRules = OUT) -> None:
    fresh = Index(NOWHERE).scan(vault, rules, Examiner(), "1")
    assert dict(found.notes) == dict(fresh.notes)
    assert found.skipped == fresh.skipped


FILES = [
    *("a.md", "A.md", "b.MD", "f/c.md", "f/g/d.md", "out/e.md", "a.md/h.md", "f", "n.txt"),
    *(".h/i.md", "_companion/j.md", "f/k.excalidraw.md", "l (conflicted copy 2024-01-01).md"),
]
FOLDERS = ["f", "f/g", "out", ".h", "a.md", "new", "f/new"]
some_file, some_folder = st.sampled_from(FILES), st.sampled_from(FOLDERS)
Operation = tuple[str, str, str]
operations = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "empty", "refuse", "delete"]), some_file, st.just("")
    )
    | st.tuples(st.sampled_from(["move", "link"]), some_file, some_file)
    | st.tuples(st.sampled_from(["move", "link"]), some_folder, some_folder)
    | st.tuples(st.just("delete"), some_folder, st.just("")),
    max_size=12,
)


disguised = st.lists(
    st.tuples(
        st.sampled_from(["rewrite", "rewrite in disguise", "swap"]),
        st.sampled_from(FILES[:4]),
        st.sampled_from(FILES[:4]),
    ),
    max_size=4,
)


@pytest.mark.skipif(sys.platform == "win32", reason="ctime is the time of creation there")
@settings(max_examples=many(25))
@given(st.lists(operations, max_size=3), st.lists(disguised, min_size=1, max_size=3))
def test_a_warm_scan_misses_nothing(
    batches: list[list[Operation]], edits: list[list[Operation]]
) -> None:
    with TemporaryDirectory() as folder:
        vault, file, written = Path(folder, "vault"), Path(folder, "index.sqlite3"), 100
        Path(folder, "folder").mkdir()
        for path in ("a.md", "b.MD", "f/c.md", "f/g/d.md"):
            operate(vault, "write", path, "", 7)
        for batch in [[], *edits, *batches, *edits]:
            for kind, path, other in batch:
                written += 1
                with suppress(OSError):
                    operate(vault, kind, path, other, written % 80)
            assert_as_fresh(Index(file).scan(vault, OUT, first_line, "1"), vault)
            time.sleep(0.01)  # a file system's clock goes on every 4 ms; see NoteFile.is_settled


def first_line(path: str, data: bytes) -> Facts:
    return Examiner()(path, data)


def rewrite_same_size(note: Path, written: int, *, keeps_time: bool) -> None:
    """Write another text of the same size, and put the time of modification back."""
    before = note.stat()
    with note.open("r+b") as file:
        file.write(bytes([97 + written % 26]) * before.st_size)
    if keeps_time:
        os.utime(note, ns=(before.st_atime_ns, before.st_mtime_ns))


def swap(here: Path, there: Path) -> None:
    """Have the notes change their names; neither file is written."""
    aside = here.with_name("aside")
    here.rename(aside)
    try:
        there.rename(here)
    finally:
        aside.rename(here if not here.exists() else there)


def operate(vault: Path, kind: str, path: str, other: str, written: int) -> None:
    here, there = vault / path, vault / other
    if kind.startswith("rewrite"):
        rewrite_same_size(here, written, keeps_time="disguise" in kind)
    elif kind == "swap":
        swap(here, there)
    elif kind == "delete":
        shutil.rmtree(here) if here.is_dir() and not here.is_symlink() else here.unlink()
    elif kind == "move":
        there.parent.mkdir(parents=True, exist_ok=True)
        here.rename(there)
    elif kind == "link":
        there.symlink_to(vault.parent / ("folder/note.md" if here.is_file() else "folder"))
    else:
        here.parent.mkdir(parents=True, exist_ok=True)
        here.write_text({"empty": "", "refuse": "refuse" + "e" * written}.get(kind, "x" * written))


@pytest.mark.parametrize("dumped", [True, False])
def test_tells_the_marks_that_any_note_bears(vault: Path, dumped: bool) -> None:
    scan = Scan(Notes(vault), {})
    for number, marks in enumerate([("is tagged #a", "says b: c"), (), ("is tagged #a",)]):
        facts = Facts(skipped="why" if number else None, marks=marks)
        scan.notes.put(f"{number}.md", facts.dump() if dumped else facts)
    assert scan.marks() == {"is tagged #a", "says b: c"}


def test_tells_which_notes_are_withheld(vault: Path) -> None:
    rules = IgnoreRules(private_folders=("Diary",))
    scan = Scan(Notes(vault), {}, rules=rules)
    marks = {"a.md": (), "b.md": ("is tagged #a",), "Diary/c.md": (), "diary/d.md": ()}
    for path, found in marks.items():
        scan.notes.put(path, Facts(marks=found).dump())
    scan.notes.put("broken.md", read_facts(b"---\na: [\n---\n", Rules()))
    assert scan.withheld_notes() == {"b.md", "Diary/c.md", "diary/d.md", "broken.md"}


INTERESTING = [
    pytest.param(Facts((NEED,)), True, id="needs"),
    pytest.param(Facts(skipped="why"), True, id="skipped"),
    pytest.param(Facts(skipped=""), True, id="skipped without a word"),
    pytest.param(Facts(unfilled=("why",), aliases=("a",)), False, id="left"),
    pytest.param(Facts(), False, id="nothing"),
]


@pytest.mark.parametrize(("facts", "is_wanted"), INTERESTING)
@pytest.mark.parametrize("dumped", [True, False])
def test_tells_the_notes_of_interest(
    vault: Path, facts: Facts, is_wanted: bool, dumped: bool
) -> None:
    notes = Notes(vault)
    notes.put("a.md", facts.dump() if dumped else facts)
    assert list(notes.of_interest()) == ([("a.md", facts)] if is_wanted else [])
