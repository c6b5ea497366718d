"""How much of a vault is filled, waits, is to do or is left alone; and what was spent on it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from companion.app.types.base import LARGEST, WHOLE, FolderPath, PageSize, Sent, Shape
from companion.app.types.proposals import Proposal


class CoverageQuery(Sent):
    """Which part of the vault. folder: with the folders below it; empty: the vault."""

    folder: FolderPath = ""


class FolderCoverage(Shape):
    """The state of the notes in a folder, without those in folders below. Each note counts once.

    to_do: it needs something that can be asked for, whatever else waits; `GET /notes` lists these.
    waiting: nothing but a decision on a proposal for it. left_alone: it lacks something that is not
    asked for, or is left alone altogether. filled: it lacks nothing. lacking: how many have no
    value for a property, or no `callout`, without those left alone altogether.
    """

    folder: str
    notes: int = 0
    filled: int = 0
    waiting: int = 0
    to_do: int = 0
    left_alone: int = 0
    lacking: dict[str, int] = Field(default={})


LeftAloneKind = Literal["excluded", "marked", "private", "unsuited", "asked", "unfillable"]
"""Why notes are left alone:

- excluded: by path or file: the settings, Obsidian's excluded files, links, copies.
- marked: by their text: `ai: false`, a tag or a property.
- private: only a model on this machine may read them, and the model is elsewhere.
- unsuited: a template, a drawing, or frontmatter that cannot be filled safely.
- asked: the answer was refused, rejected or taken out again.
- unfillable: there is no value to choose from, or too little to say; no place for the answer; or
  the settings leave the field out.
"""


class LeftAlone(Shape):
    """A reason why notes are left alone, in words, and how many there are."""

    kind: LeftAloneKind
    reason: str
    notes: int


class Coverage(Shape):
    """How much of the vault is filled, as of the last scan. total: of all these folders.

    folders: by path. left_alone: the commonest reason first.
    """

    total: FolderCoverage
    folders: list[FolderCoverage]
    left_alone: list[LeftAlone]


class TaughtCorrection(Shape):
    """What was proposed for a field of a note, and what the user accepted instead."""

    path: str
    kind: str
    was: str
    now: str


class OftenRefused(Shape):
    """A field whose last proposals in a folder were all refused. times: how many."""

    folder: str
    kind: str
    times: int


class Taught(Shape):
    """What the user has taught, which goes into prompts for models that are not small.

    descriptions: what the user's own descriptions are like, in words; empty: there are too few.
    corrections: latest first, without those in private notes. refused: fields that the user may
    want to stop filling; nothing is stopped automatically.
    """

    descriptions: str
    corrections: list[TaughtCorrection]
    refused: list[OftenRefused]


class UnfilledField(Sent):
    """A field that is no longer to be filled in a folder. kind: a property, or `callout`."""

    folder: Annotated[FolderPath, Field(min_length=1)]
    kind: Annotated[str, Field(min_length=1, max_length=1000)]


class Outdated(Proposal):
    """An accepted proposal whose text is still in its note, but much of the note has changed since.

    changed_share: how many of the sentences that it was made from are gone, from 0 to 1.
    """

    changed_share: float


class OutdatedTexts(Shape):
    """Texts that Companion wrote and nobody edited, in notes that have changed a lot since."""

    texts: list[Outdated]


class OutdatedQuery(Sent):
    """Which outdated texts. folder: with those below it. after: how many precede the page."""

    folder: FolderPath = ""
    after: Annotated[int, Field(ge=0, le=LARGEST), WHOLE] = 0
    limit: PageSize = 100


class OutdatedPage(Shape):
    """A page of outdated texts by path, as found recently; in a large vault, up to a minute ago.

    next: `after` of the next page; null on the last. total: the number on all pages.
    """

    texts: list[Outdated]
    next: int | None
    total: int


class Estimate(Shape):
    """What filling everything to do would take, in words: how much goes where, and the cost."""

    words: str


class SpendingQuery(Sent):
    """Which days. days: how many, up to and including today."""

    days: Annotated[int, Field(ge=1, le=400), WHOLE] = 30


class Spent(Shape):
    """Tokens read and written, and calls. dollars: null if the price of a call is not known."""

    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    dollars: float | None = 0.0


class SpentOnModel(Spent):
    """What was spent on a model."""

    model: str


class SpentOnDay(Spent):
    """What was spent on a day, local time, such as `2026-11-25`.

    models: the same by model, dearest first; calls by older versions belong to none.
    """

    day: str
    models: list[SpentOnModel]


class Spending(Shape):
    """What was spent for all vaults, oldest day first, including days without calls.

    month: in this calendar month. is_free: the model runs on this machine, and no setting gives it
    a price. tokens_a_day, dollars_a_day: the limits, if any.
    """

    days: list[SpentOnDay]
    month: Spent
    is_free: bool
    tokens_a_day: int | None
    dollars_a_day: float | None
