"""Problem details (RFC 9457): how the API answers errors."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from http import HTTPStatus

from pydantic import BaseModel

from companion.errors import (
    ChangeNotInNote,
    CompanionError,
    ConsentMissing,
    EndpointError,
    JournalError,
    NoteBusy,
    NoteChanged,
    NoteError,
    NoteRefused,
    NoteUnwritable,
    NotThere,
    UsageError,
    VaultLocked,
)

PROBLEM_JSON = "application/problem+json"

_URN = "urn:callout-companion:problem:"
_log = logging.getLogger(__name__)

# The first class that fits counts. A note that cannot be written is a conflict (409), no fault of
# the server: the user can resolve it and repeat the request.
_KINDS: tuple[tuple[type[CompanionError], int, str, str], ...] = (
    (NotThere, 404, "not-there", "There is no such thing"),
    (UsageError, 422, "not-possible", "This cannot be done"),
    (NoteRefused, 422, "note-refused", "The note does not allow it"),
    (ChangeNotInNote, 409, "change-gone", "The change is not in the note any more"),
    (NoteChanged, 409, "note-changed", "The note was changed meanwhile"),
    (NoteBusy, 409, "note-busy", "Another program holds the note"),
    (NoteUnwritable, 409, "note-unwritable", "The note cannot be written"),
    (NoteError, 409, "note", "The note cannot be worked on"),
    (ConsentMissing, 409, "not-agreed", "Somebody has to agree to it first"),
    (EndpointError, 503, "endpoint", "The model's endpoint serves nobody now"),
    (JournalError, 503, "journal", "The journal cannot be used"),
    (VaultLocked, 503, "vault-locked", "Another process works on the vault"),
    (CompanionError, 422, "not-possible", "This cannot be done"),
)


class ProblemPlace(BaseModel):
    """One fault of a request. where: `body`, `query` or `path`, and the names below it."""

    where: str
    what: str


class Problem(BaseModel):
    """A problem. type: `about:blank`, or a URN of ours; detail: in a user's words."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[ProblemPlace] = []

    def dump(self) -> bytes:
        """Return it as JSON."""
        return self.model_dump_json(exclude=set() if self.errors else {"errors"}).encode()


class Refusal(Exception):
    """Raised for a request that is refused. headers: of the answer, beside the usual ones.

    kind: the last part of the problem's type, if its HTTP status is not enough.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[ProblemPlace] = (),
        headers: Sequence[tuple[str, str]] = (),
        kind: str = "",
    ) -> None:
        super().__init__(status, detail)
        self.headers = headers
        self.problem = http_problem(status, detail)
        self.problem.errors = list(errors)
        if kind or errors:
            self.problem.type = _URN + (kind or "invalid")


def http_problem(status: int, detail: str) -> Problem:
    """Return a problem that its HTTP status describes; its type is about:blank."""
    return Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)


def problem_type(error: type[CompanionError]) -> str:
    """Return the type of the problem that clients get for an error of this class."""
    return next(_URN + name for kind, _, name, _ in _KINDS if issubclass(error, kind))


def error_class(kind: str) -> type[CompanionError] | None:
    """Return the class of the errors whose problem has this type; None: it is no error of ours."""
    return next((error for error, _, name, _ in _KINDS if _URN + name == kind), None)


def find_problem(error: Exception) -> Problem:
    """Return the problem that clients get for an error.

    An unexpected error is logged by type and place only, as its message may quote a note.
    """
    if isinstance(error, Refusal):
        return error.problem
    for kind, status, name, title in _KINDS:
        if isinstance(error, kind):
            return Problem(type=_URN + name, title=title, status=status, detail=str(error))
    at = traceback.extract_tb(error.__traceback__)[-1:]
    place = f"{at[0].filename}:{at[0].lineno}" if at else "an unknown place"
    _log.error("an answer failed with %s at %s", type(error).__name__, place)
    return http_problem(500, "Companion made a mistake here; its log says where.")
