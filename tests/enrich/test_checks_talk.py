"""Talk of the note, the answer or the model, and refusals, in six languages; and what is none."""

from dataclasses import replace

import pytest

from companion.enrich.checks import CHECKS
from companion.enrich.checks.checked_answer import CheckedAnswer
from companion.prompts import load_prompts
from tests.enrich.answers import read_answers

PROMPTS = load_prompts()
ANSWERS = read_answers()
NOTES: dict[str, tuple[str, str]] = {
    language: (told["note"][0], told["note"][1]) for language, told in ANSWERS.items()
}
TALK = ("meta", "refusal", "echo", "task")


TALKING = [
    (language, text)
    for language, told in ANSWERS.items()
    for kind in ("frames", "models", "refusals", "labels", "more")
    for text in told["talk"][kind]
]
ENDING = [(lang, text) for lang, told in ANSWERS.items() for text in told["talk"]["ends"]]
GOOD = [
    pytest.param(*row, id=row[1][:30])
    for told in ANSWERS.values()
    for row in told["good"]["descriptions"]
]


def answer_of(text: str, title: str, note: str = "", field: str = "description") -> CheckedAnswer:
    told = PROMPTS.instructions(PROMPTS.fields[field])
    return CheckedAnswer(PROMPTS.fields[field], text, text, title, note, note, told)


def talk_in(answer: CheckedAnswer) -> str | None:
    faults = (CHECKS[kind](answer) for kind in TALK)
    return next((fault.kind for fault in faults if fault), None)


ECHOES = [
    "The key points that matter most about the subject.",
    "The subject first, then the points that matter most.",
    "The points which matter most, the subject first.",
    "A plain sentence about the subject in the words of the note.",
    "Plain words about the subject, whole sentence, full stop.",
]


@pytest.mark.parametrize(("language", "text"), TALKING)
def test_no_description(language: str, text: str) -> None:
    assert talk_in(answer_of(text, *NOTES[language]))


@pytest.mark.parametrize(("language", "text"), ENDING)
def test_no_end_of_a_callout(language: str, text: str) -> None:
    title, note = NOTES[language]
    assert talk_in(answer_of(f"{note}\n\n{text}", title, note, "callout"))
    assert talk_in(answer_of(f"{note} {text}", title, note, "callout"))


@pytest.mark.parametrize("text", ECHOES)
def test_echo(text: str) -> None:
    assert talk_in(answer_of(text, *NOTES["en"]))


@pytest.mark.parametrize(
    ("title", "text"),
    GOOD,
)
def test_a_good_description(title: str, text: str) -> None:
    assert talk_in(answer_of(text, title)) is None


@pytest.mark.parametrize(
    ("text", "title", "note"),
    [
        ("How my garden gets its compost.", "Garden", "I turn the heap in spring."),
        ("What I read this year.", "Books I read", ""),
        ("Typical entries are “how can I help” and the like.", "FAQ", ""),
        ("How World War I began.", "1914", ""),
        ("A type I error is a false alarm.", "Statistics", ""),
        ("Das Ich vermittelt zwischen Es und Über-Ich.", "Freud", ""),
        ("自我与本我的关系，以及我国的研究。", "弗洛伊德", ""),
        ("私たちの町の歴史と私立学校の一覧。", "町", ""),
        ("乾燥に我慢強いコケ。", "コケ", ""),
        ("Белые грибы сушат, не моя их.", "Грибы", ""),
    ],
)
def test_no_voice_of_the_models_own(text: str, title: str, note: str) -> None:
    assert CHECKS["voice"](answer_of(text, title, note)) is None


CALLOUTS = [
    pytest.param("Tokenization", "The text is split into words or parts of words.", id="the text"),
    pytest.param("Digital signature", "The document is hashed first.", id="the document"),
    pytest.param("Search engine", "The documents are ranked by how well they fit.", id="documents"),
    pytest.param("Middle C", "The note is written on a small line of its own.", id="music"),
    pytest.param("CMS", "The content is stored in a database.", id="the content"),
    pytest.param("Contract", "The document states what each side owes the other.", id="states"),
    pytest.param("Passport", "The document contains a photo and a number.", id="contains"),
    pytest.param("Zettelkasten", "The references of this note lead to others.", id="of this note"),
    pytest.param("Zettelkasten", "In the note itself one idea is written down.", id="itself"),
    pytest.param("Kubernetes", "What it is, how it works, why it matters takes weeks.", id="what"),
    pytest.param("Erlkönig", "Der Text ist in acht Strophen gegliedert.", id="der Text"),
    pytest.param("Testament", "Das Dokument ist nur von Hand geschrieben gültig.", id="Dokument"),
    pytest.param("Contrato", "El documento contiene los derechos de cada una.", id="contiene"),
    pytest.param("Melodía", "La nota es la unidad de la música.", id="la nota es"),
    pytest.param("Паспорт", "Этот документ нужен для поездок.", id="этот документ"),
    pytest.param("合同", "该文档写明双方的权利和义务。", id="该文档"),
    pytest.param("ユーザー", "ユーザーのメモは端末に保存される。", id="メモ"),
]


@pytest.mark.parametrize(("title", "text"), CALLOUTS)
def test_a_good_callout(title: str, text: str) -> None:
    first = "One thing is worth knowing."
    assert talk_in(answer_of(f"{first} {text}", title, field="callout")) is None


SUBJECTS = [
    pytest.param("Abstract", "This document describes a protocol.", "This document describes TCP.",
                 id="the note's words"),
]  # fmt: skip


@pytest.mark.parametrize(("title", "text", "note"), SUBJECTS)
def test_what_the_note_says_is_no_talk(title: str, text: str, note: str) -> None:
    assert talk_in(answer_of(text, title, note)) is None
    assert talk_in(answer_of(text, "Compost", NOTES["en"][1]))


def test_a_model_never_speaks_of_itself() -> None:
    note = "An AI language model is asked. As an AI language model, I cannot, it says."
    for text in ("As an AI language model, I cannot say.", "I am an AI language model."):
        assert talk_in(answer_of(text, "AI", note)) in ("meta", "refusal")


@pytest.mark.parametrize("text", ["The note does not say.", "In the note, it takes three months."])
def test_what_answers_a_question_may_speak_of_the_note(text: str) -> None:
    answer = answer_of(text, *NOTES["en"], field="callout")
    assert talk_in(replace(answer, question="How long does it take?")) is None
