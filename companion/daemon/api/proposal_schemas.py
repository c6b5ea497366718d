"""The JSON of proposals for an editor."""

from __future__ import annotations

from companion.app.types.base import OfferShape, Sent, Shape
from companion.app.types.decisions import Takeable, Value


class TextToEdit(Sent):
    """The text of the note that the editor shows now. value: what the user made of the proposal's
    text; null: it is as it was. state: as in Acceptance.
    """

    text: str
    value: Value | None = None
    state: Takeable = "open"


class ProposalOffer(Shape):
    """The edits that accept a proposal in the text that was sent.

    run: to confirm them by `POST /api/v1/runs/RUN/applied`; only then it is accepted.
    """

    run: str
    offer: OfferShape
