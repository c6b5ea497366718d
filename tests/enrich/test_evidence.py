"""Evidence for the sentences of a proposal."""

import pytest

from companion.enrich.answers.evidence import SUPPORTED, Evidence, find_evidence, find_name_evidence
from companion.llm.encoder import BuiltInEncoder

SHOWN = [
    "The dough is made of rye flour. It rises overnight in a basket.",
    "It is baked for an hour.",
]


SENTENCES = [
    pytest.param("Rye bread takes an hour in the oven.", SHOWN[1], False, id="one sentence"),
    pytest.param(
        "A dough of rye flour that rises in a basket during the night.", SHOWN[0], False, id="two"
    ),
    pytest.param("The dough is kneaded by monks in Finland.", None, True, id="made up"),
    pytest.param("The court adjourned the trial.", None, True, id="none"),
]


@pytest.mark.parametrize(("sentence", "rests_on", "unsupported"), SENTENCES)
def test_a_sentence_rests_on_what_comes_closest(
    encoder: BuiltInEncoder, sentence: str, rests_on: str | None, unsupported: bool
) -> None:
    [found] = find_evidence([sentence], SHOWN, encoder)
    assert found.sentence == sentence
    assert rests_on in (None, found.shown)
    assert (found.similarity < SUPPORTED["text"]) is unsupported


def test_where_nothing_was_shown_nothing_is_supported(encoder: BuiltInEncoder) -> None:
    found = find_evidence(["One. Two."], [], encoder)
    assert [(each.sentence, each.shown) for each in found] == [("One.", ""), ("Two.", "")]
    assert all(each.similarity < SUPPORTED["text"] for each in found)
    assert find_evidence([], SHOWN, encoder) == []


NAMES = [
    pytest.param("Large language models", "LLMs", "", id="initials that nobody uses"),
    pytest.param("Rye bread", "RB", "Rye bread (RB) is heavy.", id="initials that are used"),
    pytest.param("rye-bread", "Rye Bread", "rye-bread", id="the title in another form"),
    pytest.param("Rye bread", "bread", "", id="a part of the title"),
    pytest.param("Rye bread and butter", "bread knife", "", id="what a word of it is part of"),
    pytest.param("LLM", "large language model", "LLM", id="what they stand for"),
    pytest.param("Rye bread", "pumpernickel", "Rye bread is called pumpernickel.", id="told"),
    pytest.param("黑麦面包", "裸麦面包", "黑麦面包又叫裸麦面包。", id="in Chinese"),
    pytest.param("Rye bread", "rye bread loaf", "", id="the title and more"),
    pytest.param("Rye bread", "oven", "", id="of something else"),
    pytest.param("Rye bread", "pumper", "", id="a part of a word"),
    pytest.param("Rye", "r", "", id="one letter"),
]
TOLD = [
    "Rye bread is called pumpernickel. Rye bread (RB) is heavy. The oven is hot.",
    "Buy a bread knife and a basket.",
    "黑麦面包又叫裸麦面包。",
]


@pytest.mark.parametrize(("title", "name", "rests_on"), NAMES)
def test_a_name_rests_on_a_sentence_about_its_subject(title: str, name: str, rests_on: str) -> None:
    [found] = find_name_evidence([name], title, TOLD)
    assert found == Evidence(name, rests_on, 1.0 if rests_on else -1.0)
