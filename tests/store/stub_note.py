"""The note that the tests of the vault write to, before and after."""

from companion.note.edits import diff_edits
from companion.note.needs import Need
from companion.store.journal import Change, Journal
from companion.store.outbox import OutboxRow, TextHashes

NOTE = b"---\ndescription: \n---\n\n# Stub\n\nText of mine.\n"
ENRICHED = (
    b"---\ndescription: What a stub is.\n---\n\n# Stub\n\n> [!ai] AI\n> Prose.\n\nText of mine.\n"
)

TAGS = Need("tags", None, None, "property", "empty tags")
DESCRIPTION = Need("description", None, None, "property", "empty description")
CALLOUT = Need("callout", None, None, "top", "empty description; no callout yet")
SECTION = Need("callout", "Uses", None, "section", "you asked for a callout in this section", 2)


def new_change(before: bytes = NOTE, after: bytes = ENRICHED, path: str = "Stub.md") -> Change:
    """Return the change that fills the note."""
    edits = diff_edits(before.decode(), after.decode())
    return Change("run-1", path, "enrich", edits, ("description", "callout:top"), "model")


def offer(journal: Journal, change: Change, before: bytes, after: bytes) -> tuple[int, TextHashes]:
    """Return the row whose edits an editor was given, and their hashes."""
    row = journal.outbox.add(OutboxRow(change.path, change.run)).id
    return row, journal.outbox.offer(row, change, before, after)


def record(journal: Journal, change: Change, before: bytes, after: bytes) -> int:
    """Return the id of a change that a client made itself."""
    made = journal.outbox.confirm(*offer(journal, change, before, after))
    assert made
    return made
