"""Vectors of notes: what the file keeps and forgets."""

from pathlib import Path

import numpy as np
import pytest

from companion.store.vectors import VectorRow, VectorStore, compare_vectors, pack_vectors
from companion.vault.files import NoteFile

SECRET = b"a vector that says what a private note is about"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "vectors.sqlite3"


def row(path: str, vector: bytes = b"\x01\x02") -> VectorRow:
    return (path, 10, 1, 2, 3, b"hash", vector)


def test_vectors_come_back_to_the_encoder_that_made_them(file: Path) -> None:
    store = VectorStore(file)
    store.save("one", [], [row("a.md"), row("b.md")])
    store.save("one", ["a.md"], [row("c.md", b"\x03\x04")])
    assert store.read_files("one") == {
        path: hash(NoteFile(path, 10, 1, 2, 3)) for path in ("b.md", "c.md")
    }
    assert store.read_files("another") == {}
    store.save("another", [], [row("d.md")])
    assert (list(store.read_files("one")), list(store.read_files("another"))) == ([], ["d.md"])


def test_vectors_are_compared_as_they_were(file: Path) -> None:
    made = np.random.default_rng(1).normal(size=(9, 64)).astype(np.float32)
    vectors = made / np.linalg.norm(made, axis=1, keepdims=True)
    store = VectorStore(file)
    paths, packed = store.read_vectors("one")
    assert compare_vectors(packed, len(paths), vectors[0]) == []
    store.save("one", [], [row(f"{n}.md", each) for n, each in enumerate(pack_vectors(vectors))])
    paths, packed = store.read_vectors("one")
    assert paths == [f"{number}.md" for number in range(9)]
    likeness = np.array(compare_vectors(packed, 9, vectors[0]))
    assert np.abs(likeness - vectors @ vectors[0]).max() < 0.02
    stored = store.find("one", "0.md")
    assert stored and stored[0] == b"hash"
    assert compare_vectors(packed, 9, stored[1])[0] == pytest.approx(1)
    assert store.find("one", "none.md") is None


def test_the_file_forgets_what_is_deleted(file: Path) -> None:
    store = VectorStore(file)
    store.save("one", [], [row("secret.md", SECRET), row("b.md")])
    assert SECRET in file.read_bytes()
    store.save("one", ["secret.md"], [])
    assert SECRET not in file.read_bytes()
