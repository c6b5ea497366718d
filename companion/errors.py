"""Errors named for the fact. Their text is for the user: what, where, and what to do."""


class CompanionError(Exception):
    """Something the user can mend. The CLI shows its text, without a traceback."""


class UsageError(CompanionError):
    """The command or the configuration asks for what cannot be done (exit status 2)."""


class NoteError(CompanionError):
    """One note cannot be worked on; the others can. `path` is vault-relative, with `/`."""

    def __init__(self, reason: str, path: str = "", line: int | None = None) -> None:
        super().__init__(reason, path, line)
        self.reason = reason
        self.path = path
        self.line = line

    def __str__(self) -> str:
        name = self.path.replace("\r", "\\r").replace("\n", "\\n")  # a file's may have them
        where = f"{name}: " if name else ""
        line = f" (line {self.line})" if self.line else ""
        return f"{where}{self.reason}{line}"


class NoteRefused(NoteError):
    """The note's text does not allow an exact edit; nothing is repaired or guessed."""


class NoteChanged(NoteError):
    """Somebody wrote, moved or deleted the note meanwhile; nothing was written."""


class ChangeGone(NoteChanged):
    """Nothing of a change is in its note any more, so there is nothing to take back."""


class NoteBusy(NoteError):
    """Another program holds the note open; nothing was written."""


class NoteUnwritable(NoteError):
    """The note cannot be written (read-only, full disk); it is as it was."""


class DiskFull(NoteUnwritable):
    """There is no room to write the note, nor is there for any other; it is as it was."""


class NotAgreed(CompanionError):
    """Nobody agreed yet to what a large run sends to another machine; nothing was sent."""


class StorageError(CompanionError):
    """Nothing can be written now, whatever the note: the disk is full, or fails."""


class JournalError(StorageError):
    """The journal cannot be used: locked, corrupt or from a newer version."""


class VaultLocked(CompanionError):
    """Another Companion process works on this vault."""


class EndpointError(CompanionError):
    """The endpoint cannot serve any note now: down, unauthorised, out of quota, no such model."""


class AnswerError(CompanionError):
    """The endpoint answered, but with nothing that can be used for this note."""
