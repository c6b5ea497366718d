"""When the same fault ends a run."""

from contextlib import nullcontext

import pytest

from companion.enrich.answers.outcome import NoteAnswers, Outcome, RepeatedFaults
from companion.llm.answers import Usage
from companion.llm.errors import ModelUnfit
from companion.note.needs import Need

NEED = Need("description", None, None, "property", "")
FILLED = Outcome(NEED, "", "value", value="About tea.")
CUT = Outcome(NEED, "it was cut off", "no answer", endpoint_fault="cut off")
EMPTY = Outcome(NEED, "it is empty", "no answer", endpoint_fault="is empty")
REFUSED = Outcome(NEED, "the model refuses", "no answer")
NOTHING = Outcome(NEED, "nothing to say", "nothing")
UNFIT = Outcome(NEED, "it echoes", "unfit")
NOT_ASKED = Outcome(NEED, "no value to choose from", "no choices")

CHOSEN = Outcome(NEED, "", "value", by_model=False, value="tea")
NONE_ALIKE = Outcome(NEED, "no similar note has any", "nothing", by_model=False)


@pytest.mark.parametrize(
    ("outcomes", "ends"),
    [
        pytest.param([CUT] * 3, True, id="the same three times"),
        pytest.param([CUT] * 2, False, id="twice"),
        pytest.param([CUT, EMPTY, CUT, EMPTY], False, id="another each time"),
        pytest.param([CUT, REFUSED, CUT, NOT_ASKED, CUT], True, id="what counts neither way"),
        pytest.param([CUT, CHOSEN, CUT, NONE_ALIKE, CUT], True, id="what no model was asked for"),
        pytest.param([REFUSED] * 20, False, id="the model refuses"),
        pytest.param([CUT, CUT, NOTHING, *[CUT] * 9], False, id="after an answer, nine"),
        pytest.param([FILLED, *[CUT] * 10], True, id="after an answer, ten"),
        pytest.param([UNFIT, *[CUT] * 10], True, id="after a bad answer, ten"),
        pytest.param([*[CUT] * 2, UNFIT, CUT], False, id="a bad answer begins anew"),
    ],
)
def test_the_same_fault_in_note_after_note_ends_the_run(
    outcomes: list[Outcome], ends: bool
) -> None:
    faults = RepeatedFaults()
    *before, last = [NoteAnswers((each,), Usage()) for each in outcomes]
    for answers in before:
        faults.count(answers)
    with pytest.raises(ModelUnfit, match="for the same reason: it") if ends else nullcontext():
        faults.count(last)
