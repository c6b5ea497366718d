import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from companion.vault.index import INDEX, NoteCache
from tests.examples import labelled

Row = tuple[str, int, int, int, int, str]
ROWS: list[Row] = [(f"{number}.md", 1, 2, 3, 4, "facts " * 20) for number in range(200)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "index.sqlite3"


@pytest.fixture
def cache(file: Path) -> NoteCache:
    """A cache with ROWS in it."""
    cache = NoteCache(file, INDEX)
    cache.save("1", "notes", [], ROWS)
    return cache


def load(cache: NoteCache, fingerprint: str | None = "1", table: str = "notes") -> set[Row]:
    return set(cache.read(fingerprint, f"SELECT * FROM {table}"))


def execute(file: Path, sql: str) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.executescript(sql)


def test_keeps_rows(cache: NoteCache, file: Path) -> None:
    assert load(NoteCache(file, INDEX)) == set(ROWS)
    assert load(cache, "2") == set()


def test_saves_what_changed(cache: NoteCache) -> None:
    new: Row = ("0.md", 5, 5, 5, 5, "new")
    cache.save("1", "notes", ["1.md", "2.md"], [new])
    assert load(cache) == {new, *ROWS[3:]}


def test_links_are_kept_whatever_the_fingerprint(cache: NoteCache, file: Path) -> None:
    cache.save(None, "links", [], ROWS)
    cache.save("2", "notes", [], ROWS[:1])
    new: Row = ("0.md", 5, 5, 5, 5, "A\nB")
    cache.save(None, "links", ["1.md"], [new])
    assert load(NoteCache(file, INDEX), None, "links") == {new, *ROWS[2:]}


def test_rows_of_another_fingerprint_give_way(cache: NoteCache) -> None:
    cache.save("2", "notes", [], ROWS[:1])
    assert load(cache, "2") == set(ROWS[:1])
    assert load(cache) == set()


DAMAGES = {
    "not a database": lambda file: file.write_bytes(b"no database" * 500),
    "cut off": lambda file: file.write_bytes(file.read_bytes()[:5000]),
    "emptied": lambda file: file.write_bytes(b""),
    "deleted": lambda file: file.unlink(),
    "newer": lambda file: execute(file, "PRAGMA user_version = 99"),
    "a table is missing": lambda file: execute(file, "DROP TABLE notes"),
    "the other one is missing": lambda file: execute(file, "DROP TABLE about"),
    "text that is none": lambda file: execute(file, "UPDATE notes SET facts = CAST(x'ff' AS TEXT)"),
}


@labelled("harm", DAMAGES)
@pytest.mark.parametrize("load_first", [True, False])
def test_a_damaged_file_is_made_anew(
    cache: NoteCache, file: Path, harm: Callable[[Path], object], load_first: bool
) -> None:
    harm(file)
    if load_first:
        assert load(cache) <= set(ROWS)
    cache.save("1", "notes", [], ROWS)
    assert load(cache) == set(ROWS)


def test_a_locked_file_is_done_without(
    cache: NoteCache, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("companion.sqlite._CACHE_BUSY_SECONDS", 0.01)
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert load(cache) == set()
        cache.save("2", "notes", [], [])
    assert len(load(cache)) == len(ROWS)


def test_a_file_without_a_place_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "index.sqlite3", tmp_path):
        cache = NoteCache(place, INDEX)
        cache.save("1", "notes", [], ROWS)
        assert load(cache) == set()
    assert tmp_path.is_dir()
