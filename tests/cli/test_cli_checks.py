"""At the command line, a bad answer is asked for once more, and never reaches a note."""

import json
from collections.abc import Sequence

import pytest

from companion.cli import run
from companion.enrich.checks import UNCHECKED
from tests.cli.user import User, answer_by_schema
from tests.llm.fake_endpoint import answer

NOTE = (
    "---\ndescription:\n---\n\n# Sourdough\n\nSourdough is bread that is raised by wild yeast."
    " Feed the starter twice a day.\n"
)
NO_PROSE = "---\ndescription:\n---\n\n# Sourdough\n\n- flour\n- water\n"
OWN = "Sourdough is bread that is raised by wild yeast."
OWN_VAGUE = "Every loaf in this kitchen is raised by wild yeast."
VAGUE = NOTE.replace(OWN, OWN_VAGUE)
GOOD = "How sourdough is raised by the yeast of a starter."
REWORDED = "Sourdough is a wild yeast bread."
BAD = "As an AI language model, I cannot say."
CALLOUT = (
    "Sourdough is bread that is raised by wild yeast, which lives in a starter.\n\n"
    "The starter is fed twice a day, so that the yeast does not starve."
)

LONG = (
    "Bakers keep it warm, for it likes the warmth and works faster then. Some of it is always left"
    " over for the next dough, as in grandmother's days. A slow rise makes the crumb open and the"
    " crust dark, and gives the loaf its taste. Who bakes only now and then dries a spoonful and"
    " wakes it up with lukewarm milk a few days before it is wanted, or begs a cup of it."
)


@pytest.fixture(autouse=True)
def _checked(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    user.configure('[endpoint]\n[notes]\nfields = ["description"]\n')


def say(user: User, *answers: str, callout: str = CALLOUT) -> None:
    """Have the model say these one after the other, the last one ever after."""

    def script(seen: object, number: int) -> object:
        description = answers[min(len(user.fake.seen), len(answers)) - 1]
        return answer_by_schema(seen, {"description": description, "callout": callout})  # type: ignore[arg-type]

    user.fake.script = script  # type: ignore[assignment]


def description(user: User) -> str:
    return user.read("Sourdough.md").split("description:")[1].split("\n")[0].strip()


EXAMPLES = [
    pytest.param(NOTE, [GOOD], GOOD, 1, id="a good answer"),
    pytest.param(NOTE, [BAD, GOOD], GOOD, 2, id="a bad answer, then a good one"),
    pytest.param(NOTE, [BAD, BAD], OWN, 2, id="two bad ones: the note's own sentence"),
    pytest.param(VAGUE, [BAD, BAD], "", 2, id="two bad ones: another sentence of the note waits"),
    pytest.param(NOTE, [REWORDED], REWORDED, 1, id="a sentence of the note in other words"),
    pytest.param(NO_PROSE, [BAD, GOOD], GOOD, 2, id="no prose, a good second answer"),
    pytest.param(NO_PROSE, [BAD, BAD], "", 2, id="no prose: nothing"),
]


@pytest.mark.parametrize(("note", "answers", "expected", "calls"), EXAMPLES)
def test_description(
    user: User, note: str, answers: Sequence[str], expected: str, calls: int
) -> None:
    user.note("Sourdough.md", note)
    say(user, *answers)
    user.run("enrich", "Sourdough.md", "--json")
    assert (description(user), user.calls()) == (expected, calls)


SMALL = "[endpoint]\nsmall = true\n[notes]\n"
SUMMED_UP = (
    "Sourdough is bread that is raised by wild yeast.",
    "The starter of a sourdough is flour and water in which yeast lives.",
)


@pytest.mark.parametrize(
    ("settings", "is_own"),
    [("", True), ("own_sentence = false\n", False), ("[similar]\nenabled = false\n", False)],
)
def test_a_small_model_is_asked_for_the_callout_at_the_top_only_if_the_note_is_not_quoted(
    user: User, settings: str, is_own: bool
) -> None:
    user.configure(f'{SMALL}fields = ["callout"]\n{settings}')
    more = "Our mill is closed in winter, when the river freezes over. " * 3
    user.note("Sourdough.md", f"# Sourdough\n\n{' '.join(SUMMED_UP)} {more}\n")
    say(user, "")
    [result] = user.run("enrich", "Sourdough.md", "--json").objects
    assert (result["status"], result["fallback"], user.calls() > 0) == ("proposed", [], not is_own)
    [proposal] = user.run("proposals", "--json").objects
    assert (proposal["text"] == [" ".join(SUMMED_UP)]) == is_own
    assert ("extractive" in proposal["flags"]) == is_own


def test_a_callout_that_would_only_repeat_the_description_is_left_out(user: User) -> None:
    user.configure('[endpoint]\nsmall = true\n[notes]\nfields = ["description", "callout"]\n')
    text = "Sourdough is a bread that bakers raise with wild yeast. Feed it. Bake it hot."
    user.note("Sourdough.md", f"---\ndescription:\n---\n# Sourdough\n\n{text}\n")
    [result] = user.run("enrich", "Sourdough.md", "--json").objects
    assert (result["status"], user.calls()) == ("enriched", 0)
    assert user.run("proposals", "--json").objects == []


def test_a_small_model_is_asked_for_a_callout_in_another_language_only_by_a_question(
    user: User,
) -> None:
    user.configure('[endpoint]\nsmall = true\n[notes]\nfields = ["callout"]\n')
    text = (
        "Der Sauerteig wird zweimal am Tag mit Mehl und Wasser gefüttert, auch im Winter, und geht"
        " dann langsam über Nacht in der kalten Küche auf, bis er doppelt so groß ist."
    )
    user.note("Sauerteig.md", f"---\ndescription:\n---\n\n# Sauerteig\n\n{text}\n")
    [result] = user.run("enrich", "Sauerteig.md", "--json").objects
    assert result["reason"].startswith("the callout is left out") and user.calls() == 0
    user.note("Sauerteig.md", f"# Sauerteig\n\n> [!ai] Was ist das?\n\n{text}\n")
    user.run("enrich", "Sauerteig.md")
    assert user.calls() > 0


@pytest.mark.parametrize(
    ("note", "settings"), [(VAGUE, ""), (NO_PROSE, ""), (NOTE, "own_sentence = false\n")]
)
def test_a_small_model_s_own_words_wait(user: User, note: str, settings: str) -> None:
    user.configure(f'{SMALL}{settings}fields = ["description"]\n')
    user.note("Sourdough.md", note)
    say(user, REWORDED)
    user.run("enrich", "Sourdough.md")
    [proposal] = user.run("proposals", "--json").objects
    assert (description(user), proposal["text"]) == ("", REWORDED)
    assert proposal["flags"] in (["small-model"], ["unsupported"])


def test_retry_asks_for_a_callout_that_was_rejected_beside_a_description(user: User) -> None:
    user.configure('[endpoint]\n[notes]\nfields = ["description", "callout"]\n')
    user.note("Sourdough.md", NOTE)
    say(user, GOOD, callout="Sure! Here is your callout about sourdough and how it is made.")
    user.run("enrich", ".")
    say(user, GOOD, callout=LONG)
    assert user.run("enrich", ".").out.startswith("Nothing to do")
    user.run("enrich", ".", "--retry")
    assert "> Bakers keep it warm" in user.read("Sourdough.md") and description(user) == GOOD


def test_what_is_proposed_for_one_need_is_told_of_no_other(user: User) -> None:
    user.configure('[endpoint]\n[notes]\nfields = ["description", "note-type"]\n')
    user.note("Other.md", "---\nnote-type: bread\n---\n")
    user.note("Sourdough.md", NO_PROSE.replace("description:", "description:\nnote-type:"))
    bad = answer(json.dumps({"description": BAD, "note-type": "recipe"}))
    user.fake.play(bad, answer(""))
    user.run("enrich", ".")
    assert [told["needs"] for told in user.run("history", "--json").objects] == [["note-type"]]


def test_half_a_character_is_left_out(user: User) -> None:
    user.note("Sourdough.md", NOTE)
    user.fake.script = lambda seen, _number: answer(
        json.dumps({"description": f"\ud83d{BAD if len(user.fake.seen) == 1 else GOOD}"})
    )
    user.run("enrich", "Sourdough.md")
    assert description(user) == GOOD


def test_the_stand_in_is_in_the_language_too(user: User) -> None:
    user.configure('[endpoint]\n[notes]\nlanguage = "de"\nfields = ["description"]\n')
    user.note("Sourdough.md", NOTE)
    say(user, GOOD)
    assert user.run("enrich", "Sourdough.md").status == 1
    assert description(user) == ""
    assert "Write in German." in user.fake.seen[0].body["messages"][1]["content"]


@pytest.mark.parametrize("mark", ["~~~dataviewjs\ndv.view()", "> > > Q."])
def test_nothing_comes_to_life_behind_a_copied_sentence(user: User, mark: str) -> None:
    user.configure('[endpoint]\n[notes]\nfields = ["description", "callout"]\n')
    user.note("Sourdough.md", NOTE)
    say(user, GOOD, callout=f"{OWN} {mark}\n\n{LONG}")
    user.run("enrich", "Sourdough.md")
    body = user.read("Sourdough.md").partition("> [!ai]")[2].partition("\n\n")[0]
    assert "Bakers" in body
    assert not any(line.startswith(f"> {mark[:3]}") for line in body.splitlines())


@pytest.mark.parametrize(("setting", "told"), [("off", 1), ("on", 0), ("", 0)])
def test_off_is_said_once(
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    setting: str,
    told: int,
) -> None:
    user.note("Sourdough.md", NOTE)
    say(user, GOOD)
    monkeypatch.setenv("COMPANION_CHECKS", setting)
    run(["enrich", "."])
    assert capsys.readouterr().err.count(UNCHECKED) == told
