"""Vectors of notes: what the file keeps and forgets, and what is found among them."""

import stat
from pathlib import Path

import numpy as np
import pytest

from companion.store.vectors import (
    NO_ROW,
    VectorRow,
    VectorStore,
    VectorTable,
    find_largest,
    pack_vectors,
)
from companion.vault.files import NoteFile

SECRET = b"a vector that says what a private note is about"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "vectors.sqlite3"


def row(path: str, vector: bytes = b"\x01\x02") -> VectorRow:
    return (path, 10, 1, 2, 3, b"hash", vector)


def read(store: VectorStore, encoder: str) -> dict[str, bytes]:
    """Return the vectors of that encoder by path."""
    found: dict[str, bytes] = {}
    store.read_vectors(encoder, found.__setitem__)
    assert found.keys() == store.load_files(encoder, {}).keys()
    return found


def test_vectors_come_back_to_the_encoder_that_made_them(file: Path) -> None:
    store = VectorStore(file)
    store.save("one", [], [row("a.md"), row("b.md")])
    store.save("one", ["a.md"], [row("c.md", b"\x03\x04")])
    assert read(store, "one") == {"b.md": b"\x01\x02", "c.md": b"\x03\x04"}
    assert read(store, "another") == {}
    store.save("another", [], [row("d.md")])
    assert (read(store, "one"), read(store, "another")) == ({}, {"d.md": b"\x01\x02"})


def test_files_and_texts_are_found_again(file: Path) -> None:
    store = VectorStore(file)
    store.save("one", [], [row("a.md"), ("b.md", 1, 2, 3, 4, b"other", b"\x03\x04")])
    assert store.load_files("one", {}) == {
        "a.md": hash(NoteFile("a.md", 10, 1, 2, 3)),
        "b.md": hash(NoteFile("b.md", 1, 2, 3, 4)),
    }
    own = "".join(["a", ".md"])
    assert any(path is own for path in store.load_files("one", {own: own})), "in memory once"
    assert store.find_text("one", "b.md") == (b"other", b"\x03\x04")
    assert store.find_texts("one", {b"other", b"none"}) == {b"other": b"\x03\x04"}
    assert store.find_text("one", "c.md") is store.find_text("another", "b.md") is None
    assert store.find_texts("another", {b"other"}) == {}


def test_the_file_is_its_owners_and_forgets_what_is_deleted(file: Path) -> None:
    store = VectorStore(file)
    store.save("one", [], [row("secret.md", SECRET), row("b.md")])
    assert SECRET in file.read_bytes()
    store.save("one", ["secret.md"], [])
    assert SECRET not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("number", [1, 7, 9000], ids=["one", "few", "more than a block"])
def test_the_nearest_are_those_of_a_plain_product(number: int) -> None:
    made = np.random.default_rng(number).normal(size=(number, 64)).astype(np.float32)
    vectors = made / np.linalg.norm(made, axis=1, keepdims=True)
    table = VectorTable({str(n): each for n, each in enumerate(pack_vectors(vectors))})
    exact = vectors @ vectors[0]
    assert np.abs(table.compare(vectors[0]) - exact).max() < 0.02
    assert find_largest(exact, 5)[0] == find_largest(table.compare(table[0]), 5)[0] == 0
    assert find_largest(exact, 5) == list(np.argsort(-exact)[:5])


def test_a_table_grows_and_changes() -> None:
    one, two = pack_vectors(np.eye(2, dtype=np.float32))
    table = VectorTable(most=1)
    for number in range(2000):
        table.put(str(number), one if number % 2 else two)
    rows = table.rows(["1", "0", "1999", "none"])
    assert rows[-1] == NO_ROW and list(table.compare(table[1], rows)) == [1, 0, 1, 0]
    table.put("0", one)
    assert list(table.compare(table[1], np.array([0]))) == [1]
    assert len(table.compare(table[1])) == len(table) == 2000


def test_nothing_is_near_where_there_is_nothing() -> None:
    assert find_largest(VectorTable().compare(np.ones(0, np.float32)), 5) == []
