"""Which sentences of a small model's callout are kept, and which are left out, and why."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from companion.enrich.evidence import (
    LEANS,
    OVER,
    REPEATS,
    SHORT,
    UNSUPPORTED,
    Evidence,
    KeptSentences,
)

YEAST = "Sourdough is bread that is raised by wild yeast."
FED = "The starter is fed with flour and water twice a day."
LEANING = "It therefore keeps for months in the fridge."
INVENTED = "!Bakers in Paris won a prize with sourdough."  # ! marks what nothing supports
AGAIN = "Bread raised by wild yeast is sourdough."
CRUST = "A hot stone gives the loaf its dark crust."
COLD = "In the fridge the dough rises slowly over night."

EXAMPLES = [
    pytest.param([[YEAST, FED]], f"{YEAST} {FED}", [], id="all of it"),
    pytest.param([[FED, YEAST]], f"{YEAST} {FED}", [], id="a definition comes first"),
    pytest.param([[YEAST, INVENTED, FED]], f"{YEAST} {FED}", [UNSUPPORTED], id="without one"),
    pytest.param(
        [[YEAST, INVENTED, LEANING, FED]], f"{YEAST} {FED}", [UNSUPPORTED, LEANS], id="leaning"
    ),
    pytest.param([[YEAST, AGAIN, FED]], f"{YEAST} {FED}", [REPEATS], id="said over again"),
    pytest.param([[YEAST, FED, CRUST, COLD]], f"{YEAST} {FED} {CRUST}", [OVER], id="three at most"),
    pytest.param([[YEAST, "It is old.", FED]], f"{YEAST} {FED}", [SHORT], id="too short a one"),
    pytest.param([[YEAST, INVENTED]], "", [UNSUPPORTED], id="too few"),
    pytest.param(
        [[YEAST, INVENTED], [YEAST, FED]],
        f"{YEAST} {FED}",
        [UNSUPPORTED, REPEATS],
        id="filled from the second answer",
    ),
    pytest.param([[YEAST, INVENTED], []], YEAST, [UNSUPPORTED], id="one that names the subject"),
    pytest.param(
        [["A DOP is bread that keeps for weeks."], []],
        "A DOP is bread that keeps for weeks.",
        [],
        id="by a short name",
    ),
    pytest.param([[FED], []], "", [], id="one alone that does not"),
]


@pytest.mark.parametrize(("answers", "text", "reasons"), EXAMPLES)
def test_the_sentences_that_are_kept(
    answers: Sequence[Sequence[str]], text: str, reasons: Sequence[str]
) -> None:
    kept = KeptSentences(["Sourdough", "DOP"])
    for number, answer in enumerate(answers):
        evidence = [Evidence(each.strip("!"), "", 0.1 if "!" in each else 0.9) for each in answer]
        kept.add(evidence, is_strict=number > 0)
    assert kept.text == text
    assert [each.dropped for each in kept.dropped] == reasons
    assert kept.is_whole == (len(answers) == 1 and not reasons)


@pytest.mark.parametrize("is_strict", [False, True])
def test_words_of_the_note_are_supported_where_the_model_was_told_to_keep_them(
    is_strict: bool,
) -> None:
    shown = "The starter wants flour and water twice a day, fed by hand, and is kept warm."
    kept = KeptSentences(["Sourdough"])
    kept.add([Evidence(each, shown, 0.6) for each in (FED, INVENTED)], is_strict=is_strict)
    reasons = [(each.sentence, each.dropped) for each in kept.dropped]
    assert reasons == [
        (each, UNSUPPORTED) for each in ([INVENTED] if is_strict else [FED, INVENTED])
    ]
