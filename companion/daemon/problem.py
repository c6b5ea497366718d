"""How the API answers errors: as problem details (RFC 9457)."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence

from companion.app.problem import Problem, ProblemPlace, http_problem
from companion.errors import CompanionError

_log = logging.getLogger(__name__)


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
        self.problem = http_problem(status, detail, kind or ("invalid" if errors else ""))
        self.problem.errors = list(errors)


def find_problem(error: Exception) -> Problem:
    """Return the problem that clients get for an error.

    An unexpected error is logged by type and place only, as its message may quote a note.
    """
    if isinstance(error, Refusal):
        return error.problem
    if isinstance(error, CompanionError):
        return Problem.of(error)
    at = traceback.extract_tb(error.__traceback__)[-1:]
    place = f"{at[0].filename}:{at[0].lineno}" if at else "an unknown place"
    _log.error("an answer failed with %s at %s", type(error).__name__, place)
    return http_problem(500, "Companion made a mistake here; its log says where.")
