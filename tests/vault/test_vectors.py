"""Vectors of notes: what the file keeps and forgets, and what is found among them."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

from companion.vault.vectors import VectorRow, VectorStore, VectorTable, find_largest, pack_vectors

SECRET = b"a vector that says what a private note is about"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "vectors.sqlite3"


def row(path: str, vector: bytes = b"\x01\x02") -> VectorRow:
    return (path, 10, 1, 2, 3, b"hash", vector)


def test_rows_come_back_to_the_encoder_that_made_them(file: Path) -> None:
    store = VectorStore(file)
    store.save("one", [], [row("a.md"), row("b.md")])
    store.save("one", ["a.md"], [row("c.md")])
    assert [path for path, *_ in store.load("one")] == ["b.md", "c.md"]
    assert store.load("another") == []
    store.save("another", [], [row("d.md")])
    assert (store.load("one"), store.load("another")) == ([], [row("d.md")])


def test_the_file_is_its_owners_and_forgets_what_is_deleted(file: Path) -> None:
    store = VectorStore(file)
    store.save("one", [], [row("secret.md", SECRET), row("b.md")])
    assert SECRET in file.read_bytes()
    store.save("one", ["secret.md"], [])
    assert SECRET not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_damaged_file_is_made_anew(file: Path) -> None:
    VectorStore(file).save("one", [], [row("a.md")])
    file.write_bytes(b"no database" * 100)
    store = VectorStore(file)
    assert store.load("one") == []
    store.save("one", [], [row("b.md")])
    assert store.load("one") == [row("b.md")]


@pytest.mark.parametrize("number", [1, 7, 9000], ids=["one", "few", "more than a block"])
def test_the_nearest_are_those_of_a_plain_product(number: int) -> None:
    made = np.random.default_rng(number).normal(size=(number, 64)).astype(np.float32)
    vectors = made / np.linalg.norm(made, axis=1, keepdims=True)
    table = VectorTable(pack_vectors(vectors))
    exact = vectors @ vectors[0]
    assert np.abs(table.compare(vectors[0]) - exact).max() < 0.02
    assert find_largest(exact, 5)[0] == find_largest(table.compare(table[0]), 5)[0] == 0
    assert find_largest(exact, 5) == list(np.argsort(-exact)[:5])


def test_nothing_is_near_where_there_is_nothing() -> None:
    assert find_largest(VectorTable([]).compare(np.ones(0, np.float32)), 5) == []
