"""Hints from real files, and why there may be none."""

import errno
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest
from watchdog.observers.api import BaseObserver

from companion.vault.watch import Watch
from tests.examples import delete, labelled, rename, write

PATIENCE = 60.0  # seconds; only a test that fails takes so long


class Hints:
    """Collects what a Watch tells."""

    def __init__(self, vault: Path) -> None:
        self.vault = vault
        self.last = 0
        self.told: SimpleQueue[str | None] = SimpleQueue()
        self.moved: list[tuple[str, str]] = []
        self.watch = Watch(vault, self.told.put, lambda *ends: self.moved.append(ends))

    def until(self, last: str | None) -> set[str | None]:
        """Return what was told until last was, that included."""
        found: set[str | None] = set()
        try:
            while last not in found:
                found.add(self.told.get(timeout=PATIENCE))
        except Empty:
            pytest.fail(f"{last} was not told of, only {found}")
        return found

    def all(self) -> set[str | None]:
        """Return all that was told: up to a note that is written last, as events come in order."""
        self.last += 1
        put(self.vault, last := f"last {self.last}.md")
        return {hint for hint in self.until(last) if not str(hint).startswith("last")}


@pytest.fixture
def hints(vault: Path) -> Iterator[Hints]:
    for path in ("a.md", "Folder/b.md", "Folder/Sub/c.md", "plain.txt"):
        put(vault, path)
    for path in (".git/x.md", "_companion/prompts/p.md", ".obsidian/app.json", ".trash/t.md"):
        put(vault, path)
    put(vault, ".obsidian/plugins/templater-obsidian/data.json", "{}")
    hints = Hints(vault)
    hints.watch.ensure()
    yield hints
    hints.watch.stop()


def put(vault: Path, path: str, text: str = "text") -> None:
    (vault / path).parent.mkdir(parents=True, exist_ok=True)
    (vault / path).write_text(text)


def replace(vault: Path) -> None:
    put(vault, "a.md.tmp", "new")
    (vault / "a.md.tmp").replace(vault / "a.md")


def remove_folder(vault: Path) -> None:
    (vault / "Folder/Sub/c.md").unlink()
    (vault / "Folder/Sub").rmdir()


def read(vault: Path) -> None:
    assert (vault / "a.md").read_bytes()
    assert list((vault / "Folder").iterdir())


def link(vault: Path) -> None:
    (vault / "link.md").symlink_to(vault / "a.md")


def toggle_hidden(vault: Path) -> None:
    put(vault, ".git/objects/aa/x.md")
    put(vault, ".hidden.md")
    put(vault, "_Companion/prompts/q.md")
    put(vault, ".obsidian/workspace.json", "{}")
    put(vault, ".obsidian/plugins/other/data.json", "{}")


CHANGES = {
    "new": (write("new.md"), {"new.md"}),
    "changed": (write("a.md"), {"a.md"}),
    "changed two folders down": (write("Folder/Sub/c.md"), {"Folder/Sub/c.md"}),
    "other letters": (write("Folder/N\u00f6te \U0001f600.MD"), {"Folder/N\u00f6te \U0001f600.MD"}),
    "replaced": (replace, {"a.md"}),
    "moved": (rename("a.md", "Folder/z.md"), {"a.md", "Folder/z.md"}),
    "renamed in case only": (rename("a.md", "A.md"), {"a.md", "A.md"}),
    "becomes a note": (rename("plain.txt", "plain.md"), {"plain.md"}),
    "is a note no more": (rename("a.md", "a.txt"), {"a.md"}),
    "moved to the trash": (rename("a.md", ".trash/a.md"), {"a.md"}),
    "back from the trash": (rename(".trash/t.md", "t.md"), {"t.md"}),
    "moved out of the vault": (rename("a.md", "../a.md"), {"a.md"}),
    "deleted": (delete("a.md"), {"a.md"}),
    "a link": (link, {"link.md"}),
    "new folder": (lambda vault: (vault / "Empty").mkdir(), {None}),
    "folder renamed in case only": (rename("Folder", "folder"), {None}),
    "folder hidden": (rename("Folder/Sub", ".gone"), {None}),
    "folder moved out of the vault": (rename("Folder", "../Folder"), {None}),
    "folder shown": (rename(".trash", "Back"), {None}),
    "folder deleted": (remove_folder, {"Folder/Sub/c.md", None}),
    "excluded files": (write(".obsidian/app.json"), {None}),
    "templates": (write(".obsidian/templates.json"), {None}),
    "Templater's templates": (write(".obsidian/plugins/templater-obsidian/data.json"), {None}),
    "all settings gone": (rename(".obsidian", "../settings"), {None}),
    "read only": (read, set()),
    "no note": (write("plain.txt"), set()),
    "hidden and own": (toggle_hidden, set()),
}


MOVES = {
    "moved": [("a.md", "Folder/z.md")],
    "renamed in case only": [("a.md", "A.md")],
    "folder renamed in case only": [("Folder", "folder")],
    "back from the trash": [(".trash/t.md", "t.md")],
    "folder shown": [(".trash", "Back")],
}


@labelled(("change", "told", "moves"), {k: (*row, MOVES.get(k, [])) for k, row in CHANGES.items()})
def test_tells_what_changed(
    hints: Hints,
    change: Callable[[Path], object],
    told: set[str | None],
    moves: list[tuple[str, str]],
) -> None:
    change(hints.vault)
    assert hints.all() == told
    assert hints.watch.is_alive
    if sys.platform == "linux":
        assert hints.moved == moves


@pytest.mark.parametrize("moved", [False, True], ids=["new", "from without"])
def test_watches_what_comes_later(hints: Hints, moved: bool) -> None:
    if moved:
        put(hints.vault, "../from/Deep/d.md")
        (hints.vault / "../from").rename(hints.vault / "Later")
    else:
        put(hints.vault, "Later/Deep/d.md")
    assert None in hints.all()
    put(hints.vault, "Later/Deep/e.md")
    assert hints.all() == {"Later/Deep/e.md"}


def test_many_at_once(hints: Hints) -> None:
    names = {f"Folder/{number}.md" for number in range(300)}
    for name in names:
        put(hints.vault, name)
    assert hints.all() == names


def test_goes_on_when_its_caller_fails(vault: Path, caplog: pytest.LogCaptureFixture) -> None:
    hints = Hints(vault)

    def fail(path: str | None) -> None:
        hints.told.put(path)
        raise RuntimeError("a fault of ours")

    hints.watch = Watch(vault, fail)
    hints.watch.ensure()
    put(vault, "a.md")
    assert hints.all() == {"a.md"}
    assert hints.watch.is_alive
    hints.watch.stop()
    assert "a change in the vault could not be recorded" in caplog.text


def test_a_stopped_watch_is_silent(hints: Hints) -> None:
    hints.watch.stop()
    hints.watch.stop()
    put(hints.vault, "a.md")
    assert not hints.watch.is_alive
    assert hints.told.empty()
    hints.watch.ensure()
    put(hints.vault, "b.md")
    assert hints.all() == {"b.md"}


def remove(vault: Path) -> None:
    for path in sorted(vault.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    vault.rmdir()


def remove_and_make(vault: Path) -> None:
    remove(vault)
    vault.mkdir()


def put_away(vault: Path) -> None:
    vault.rename(vault.with_name("away"))


def exchange(vault: Path) -> None:
    put_away(vault)
    vault.mkdir()


@pytest.mark.parametrize("lose", [remove, remove_and_make, put_away, exchange])
def test_knows_that_the_vault_is_gone(hints: Hints, lose: Callable[[Path], None]) -> None:
    lose(hints.vault)
    if lose in (remove, remove_and_make):
        hints.until(None)
    deadline = time.monotonic() + PATIENCE
    while hints.watch.is_alive and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not hints.watch.is_alive
    hints.watch.stop()


def failing(error: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(error, "limit reached")

    return fail


REASONS = [
    pytest.param(errno.ENOSPC, r"vault cannot be watched .*docs/background\.md", id="a limit"),
    pytest.param(errno.EACCES, r"vault cannot be watched \(limit reached\)", id="another"),
]


@pytest.mark.parametrize(("error", "words"), REASONS)
def test_says_why_it_cannot_watch(
    vault: Path, monkeypatch: pytest.MonkeyPatch, error: int, words: str
) -> None:
    monkeypatch.setattr(BaseObserver, "schedule", failing(error))
    watch = Watch(vault, print)
    watch.ensure()
    assert re.search(words, watch.polls) and not watch.is_alive
    watch.stop()


def test_a_vault_that_is_not_there(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "none", print)
    watch.ensure()
    assert "cannot be watched" in watch.polls
