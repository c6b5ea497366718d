"""Notes are compared in the background, and their vectors go with them."""

import sqlite3
from contextlib import closing, suppress

from tests.daemon.daemon_fixture import DaemonFixture, eventually
from tests.enrich.similar_vault import write_tagged

_PATIENCE = 90.0  # seconds, for the encoder to start and to be at its low priority


def compared(daemon: DaemonFixture) -> set[str]:
    """Return the notes that have a vector in the file."""
    file = daemon.space.state / "vectors.sqlite3"
    if not file.exists():
        return set()
    with closing(sqlite3.connect(file)) as db, suppress(sqlite3.OperationalError):  # no table yet
        return {path for (path,) in db.execute("SELECT path FROM vectors")}
    return set()


def test_new_notes_are_compared_and_ignored_ones_forgotten(daemon_fixture: DaemonFixture) -> None:
    write_tagged(daemon_fixture.vault)
    daemon_fixture.start()
    eventually(lambda: len(compared(daemon_fixture)) == 30, _PATIENCE)
    told = "compared 30 of 30 notes that are new or changed"
    eventually(lambda: told in daemon_fixture.log.getvalue())
    daemon_fixture.note("New.md", "# New\n\nText.\n")
    daemon_fixture.note("Omelette.md", "---\nai: false\n---\n\n# Omelette\n")
    daemon_fixture.rescan()
    eventually(lambda: "New.md" in compared(daemon_fixture), _PATIENCE)
    assert "Omelette.md" not in compared(daemon_fixture)
    assert len(compared(daemon_fixture)) == 30
