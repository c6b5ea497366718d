"""Errors that the user can act on. Their messages say what happened, where, and what to do."""


class CompanionError(Exception):
    """The base of all errors that the user can fix. The CLI prints them without a traceback."""


class UsageError(CompanionError):
    """The command or the configuration is wrong (exit status 2; all others have 1)."""


class ModelNotFetched(UsageError):
    """The model that runs on this machine is not fetched yet. Nothing was asked."""


class NotThere(CompanionError):
    """There is no such note, proposal, change, run or daemon, or the caller may not know of it."""


class NoteError(CompanionError):
    """One note cannot be worked on; others can. path: vault-relative, with `/`. line: from 1."""

    def __init__(self, reason: str, path: str = "", line: int | None = None) -> None:
        super().__init__(reason, path, line)
        self.reason = reason
        self.path = path
        self.line = line

    def __str__(self) -> str:
        name = self.path.replace("\r", "\\r").replace("\n", "\\n")  # allowed in file names
        where = f"{name}: " if name else ""
        line = f" (line {self.line})" if self.line else ""
        return f"{where}{self.reason}{line}"


class NoteRefused(NoteError):
    """The note's text allows no exact edit. Nothing is repaired or guessed."""


class NoteChanged(NoteError):
    """Somebody has written, moved or deleted the note. Nothing was written."""


class ChangeNotInNote(NoteChanged):
    """The note no longer holds any part of the change: there is nothing to undo."""


class ProposalDecided(NoteError):
    """Somebody else has decided on the proposal. Nothing was written."""


class NoteBusy(NoteError):
    """Another program has the note open. Nothing was written."""


class NoteUnwritable(NoteError):
    """The note cannot be written (read-only, full disk). It is unchanged."""


class DiskFull(NoteUnwritable):
    """The disk is too full to write this note or any other. It is unchanged."""


class ConsentMissing(CompanionError):
    """A large run would send notes to another machine, and nobody agreed. Nothing was sent."""


class TakesOut(CompanionError):
    """A change of settings would take something out of what is private or left alone."""


class StorageError(CompanionError):
    """No note can be written now: the disk is full or fails."""


class JournalError(StorageError):
    """The journal cannot be used: it is locked, damaged or of a newer version."""


class VaultLocked(CompanionError):
    """Another Companion process is working on this vault."""


class EndpointError(CompanionError):
    """The endpoint cannot serve any note now: down, unauthorised, out of quota, no such model.

    kind: what is wrong, for programs. lasts: whether only the user can fix it. retry_after: the
    seconds to wait, where the endpoint says so.
    """

    kind = "down"
    lasts = False
    retry_after: float | None = None


class AnswerError(CompanionError):
    """The endpoint answered, but with nothing usable for this note."""
