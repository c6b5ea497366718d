"""Problem details (RFC 9457): our errors as JSON."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import BaseModel

from companion.errors import (
    ChangeNotInNote,
    CompanionError,
    ConsentMissing,
    EndpointError,
    JournalError,
    ModelNotFetched,
    NoteBusy,
    NoteChanged,
    NoteError,
    NoteRefused,
    NoteUnwritable,
    NotThere,
    TakesOut,
    UsageError,
    VaultLocked,
)

PROBLEM_JSON = "application/problem+json"

_URN = "urn:callout-companion:problem:"

# The first class that fits counts. A note that cannot be written is a conflict (409), no fault of
# the server: the user can resolve it and repeat the request.
_KINDS: tuple[tuple[type[CompanionError], int, str, str], ...] = (
    (NotThere, 404, "not-there", "Not found"),
    (ModelNotFetched, 422, "model-missing", "The model is not downloaded yet"),
    (UsageError, 422, "not-possible", "This cannot be done"),
    (NoteRefused, 422, "note-refused", "The note does not allow it"),
    (ChangeNotInNote, 409, "change-gone", "The change is not in the note any more"),
    (NoteChanged, 409, "note-changed", "The note was changed in the meantime"),
    (NoteBusy, 409, "note-busy", "Another program holds the note"),
    (NoteUnwritable, 409, "note-unwritable", "The note cannot be written"),
    (NoteError, 409, "note", "The note cannot be worked on"),
    (ConsentMissing, 409, "not-agreed", "Somebody has to agree first"),
    (TakesOut, 409, "takes-out", "Somebody has to agree first"),
    (EndpointError, 503, "endpoint", "The model's endpoint is not available now"),
    (JournalError, 503, "journal", "The journal cannot be used"),
    (VaultLocked, 503, "vault-locked", "Another process works on the vault"),
    (CompanionError, 422, "failed", "This cannot be done"),
)


class ProblemPlace(BaseModel):
    """One fault of a request. where: `body`, `query` or `path`, and the names below it."""

    where: str
    what: str


class Problem(BaseModel):
    """A problem. type: `about:blank`, or a URN of ours; detail: in a user's words.

    code: the kind, for programs: the last part of the URN, or the HTTP status in words, such as
    `not-found`. path: of the note that it is about; null: it is not about a note.
    """

    type: str = "about:blank"
    code: str = ""
    title: str
    status: int
    detail: str
    path: str | None = None
    errors: list[ProblemPlace] = []

    @classmethod
    def of(cls, error: CompanionError) -> Problem:
        """Return the problem that stands for an error."""
        status, kind, title = next(
            (status, kind, title) for each, status, kind, title in _KINDS if isinstance(error, each)
        )
        path = error.path if isinstance(error, NoteError) else ""
        return cls(
            type=_URN + kind,
            code=kind,
            title=title,
            status=status,
            detail=str(error),
            path=path or None,
        )

    def dump(self) -> bytes:
        """Return it as JSON, without empty members."""
        return self.model_dump_json(
            exclude={name for name in ("path", "errors") if not getattr(self, name)}
        ).encode()


def code_of(error: CompanionError) -> str:
    """Return the code of the problem that stands for an error."""
    return Problem.of(error).code


def http_problem(status: int, detail: str, kind: str = "") -> Problem:
    """Return a problem that its HTTP status describes. kind: the last part of its type, if any."""
    about, title = _URN + kind if kind else "about:blank", HTTPStatus(status).phrase
    code = kind or title.lower().replace(" ", "-")
    return Problem(type=about, code=code, title=title, status=status, detail=detail)
