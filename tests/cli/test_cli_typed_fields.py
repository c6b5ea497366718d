"""Numbers, dates, checkboxes and links: written as the vault writes them, or not at all."""

import json

import pytest

from tests.cli.user import User
from tests.examples import labelled

NOTE = """\
---
status: postponed
{property}
---

# Tin lamp

The tin lamp was patented on the 11th of February, 2024 at 10:30 by [[Ann Lee]]. It has twelve parts
and weighs 1,250.5 g. On 03/04/2024 it was shown to [[Bo]].
"""
ANN = "---\nai: true\n---\n\n# Ann Lee\n"


@pytest.fixture(autouse=True)
def _checked(monkeypatch: pytest.MonkeyPatch, user: User) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    user.configure('[endpoint]\n[notes]\nfields = ["field"]\n')
    user.note("People/Ann Lee.md", ANN)
    user.note("People/Bo.md", "# Bo\n")
    user.note("Old/Bo.md", "# Bo\n")


def define(user: User, frontmatter: str, body: str = "What the note tells.") -> None:
    user.note("_companion/prompts/fields/field.md", f"---\n{frontmatter}\n---\n{body}\n")


def filled(user: User) -> str:
    """Enrich the note, and return its property as it is then, without the name."""
    ran = user.run("enrich", ".", "--json")
    assert ran.status in (0, 1), ran.all
    head = user.read("Lamp.md").split("---\n")[1]
    return head.partition("field:")[2].rstrip("\n")


RIGHT = [
    pytest.param("number", 12, " 12", id="a number in words"),
    pytest.param("number", 1250.5, " 1250.5", id="a number with decimals"),
    pytest.param("number", "1,250.5", " 1250.5", id="a number as text"),
    pytest.param("date", "2024-02-11", " 2024-02-11", id="a date in words"),
    pytest.param("datetime", "2024-02-11T10:30:00", " 2024-02-11T10:30:00", id="with time"),
    pytest.param("link", "Ann Lee", ' "[[Ann Lee]]"', id="a link"),
    pytest.param("link", "[[ann lee|Ann]]", ' "[[Ann Lee]]"', id="a link as one writes it"),
    pytest.param("links", ["Ann Lee", "Nobody"], '\n  - "[[Ann Lee]]"', id="links that are there"),
    pytest.param("link", "Old/Bo", ' "[[Old/Bo]]"', id="a note whose name is shared"),
]


@pytest.mark.parametrize(("kind", "said", "expected"), RIGHT)
def test_what_the_note_tells_is_written(user: User, kind: str, said: object, expected: str) -> None:
    define(user, f"kind: {kind}")
    user.note("Lamp.md", NOTE.format(property="field:"))
    user.says(field=said)
    assert filled(user) == expected


WRONG = [
    pytest.param("number", 13, "is not in the note (13)", id="a number that is not there"),
    pytest.param("number", "a dozen", "is not a number, which", id="no number"),
    pytest.param("number", True, "is not a number", id="true for a number"),
    pytest.param("number", None, "nothing to say", id="nothing"),
    pytest.param("date", "2024-03-04", "is not in the note", id="a date that may be two"),
    pytest.param("date", "2024-02-12", "is not in the note", id="a day beside"),
    pytest.param("date", "2024-02-30", "is not a date", id="no day"),
    pytest.param("date", 2024, "is not a date", id="a year for a date"),
    pytest.param("datetime", "2024-02-11", "is not a date with a time", id="a date for a time"),
    pytest.param("datetime", "2024-02-11T10:31:00", "is not in the note", id="a minute late"),
    pytest.param("date", "2024-02-11\nx: y", "“2024-02-11 x: y” is not a date", id="two lines"),
    pytest.param("checkbox", "perhaps", "is not true or false", id="no checkbox"),
    pytest.param("link", "Nobody", "notes that are not there", id="a note that is not there"),
    pytest.param("link", "Bo", "notes that are not there", id="one of two notes"),
    pytest.param("link", "Lamp", "notes that are not there", id="the note itself"),
]


@pytest.mark.parametrize(("kind", "said", "reason"), WRONG)
def test_nothing_else_is(user: User, kind: str, said: object, reason: str) -> None:
    define(user, f"kind: {kind}")
    user.note("Lamp.md", NOTE.format(property="field:"))
    before = user.read("Lamp.md")
    user.says(field=said)
    ran = user.run("enrich", ".", "--json")
    assert user.read("Lamp.md") == before
    assert reason in ran.out


FORMS = {
    "decimals": ("number", 12, ["4.50", "7.00"], " 12.00"),
    "decimals where there are some": ("number", 12, ["4.5", "7"], " 12"),
    "numbers in quotes": ("number", 12, ['"4"', '"7"'], ' "12"'),
    "a number where one has a date": ("number", 12, ["4", "2021-03-01"], " 12"),
    "no decimals of what is no number": ("number", 12, ["4.5/5"], " 12"),
    "a German date": ("date", "2024-02-11", ["01.03.2021"], " 11.02.2024"),
    "slashes": ("date", "2024-02-11", ["2021/03/01"], " 2024/02/11"),
    "a daily note": ("date", "2024-02-11", ['"[[2021-03-01]]"'], ' "[[2024-02-11]]"'),
    "no seconds": ("datetime", "2024-02-11T10:30:00", ["2021-03-01 07:00"], " 2024-02-11 10:30"),
    "single quotes": ("link", "Ann Lee", ["'[[Bo]]'"], " '[[Ann Lee]]'"),
    "brackets": ("links", ["Ann Lee"], ['["[[Bo]]"]'], ' ["[[Ann Lee]]"]'),
    "no indent": ("links", ["Ann Lee"], ['\n- "[[Bo]]"'], '\n- "[[Ann Lee]]"'),
}


@labelled(("kind", "said", "others", "expected"), FORMS)
def test_the_form_is_the_vaults(
    user: User, kind: str, said: object, others: list[str], expected: str
) -> None:
    define(user, f"kind: {kind}")
    for number, other in enumerate(others * 2):
        user.note(f"{number}.md", f"---\nfield: {other}\n---\n")
    user.note("Lamp.md", NOTE.format(property="field:"))
    user.says(field=said)
    assert filled(user) == expected


@pytest.mark.parametrize(
    ("way", "link"), [("relative", "../People/Ann Lee"), ("absolute", "People/Ann Lee")]
)
def test_links_are_written_as_obsidian_is_set(user: User, way: str, link: str) -> None:
    user.note(".obsidian/app.json", json.dumps({"newLinkFormat": way}))
    define(user, "kind: link")
    user.note("Things/Lamp.md", NOTE.format(property="field:"))
    user.says(field="Ann Lee")
    user.run("enrich", ".")
    assert f'field: "[[{link}]]"\n' in user.read("Things/Lamp.md")


def test_no_link_leads_to_a_private_note(user: User) -> None:
    user.configure('[notes]\nfields = ["field"]\n[private]\nfolders = ["People"]\n')
    define(user, "kind: links", "Some of {{ choices | join(', ') }}.")
    user.note("Lamp.md", NOTE.format(property="field:"))
    user.note("People/Diary.md", "Of the [[Lamp]].\n")
    user.note("Shop.md", "Of the [[Lamp]].\n")
    user.says(field=["Ann Lee", "People/Bo", "Diary"])
    prompt = user.run("prompt", "Lamp.md").out
    assert "Some of" in prompt and "Shop" in prompt and "Diary" not in prompt
    assert prompt.count("Ann Lee") == 1  # the note's own words
    assert filled(user) == ""


def test_a_checkbox_waits(user: User) -> None:
    define(user, "kind: checkbox")
    user.note("Lamp.md", NOTE.format(property="field:"))
    user.says(field=True)
    assert filled(user) == ""
    [proposal] = user.kept()
    assert (proposal.value, proposal.flags) == ("true", ("unverified",))
    user.run("apply", "--all", "--flagged")
    assert "field: true\n" in user.read("Lamp.md")
    user.run("undo")
    assert user.read("Lamp.md") == NOTE.format(property="field:")


def test_the_type_is_that_of_obsidian(user: User) -> None:
    define(user, "max_characters: 20")
    assert "give the property a type in Obsidian" in user.run("scan").all
    user.note(".obsidian/types.json", json.dumps({"types": {"Field": "date"}}))
    user.note("Lamp.md", NOTE.format(property="field:"))
    user.says(field="2024-02-11")
    assert filled(user) == " 2024-02-11"
    assert '"pattern"' in user.run("prompt", "Lamp.md").out or user.calls()


def test_an_absent_property_is_added_where_the_field_says_so(user: User) -> None:
    define(user, "kind: number\nadd: true\nfolders: [Things]\nnote-types: [lamp]")
    absent = NOTE.format(property="note-type: lamp")
    for path in ("Things/Lamp.md", "Lamp.md", "Thingsome/Lamp.md"):
        user.note(path, absent)
    user.note("Things/Other.md", NOTE.format(property="note-type: book"))
    scanned = user.run("scan", "--json").out
    assert scanned.count("no field yet") == 1
    user.says(field=12)
    user.run("enrich", ".")
    assert user.read("Things/Lamp.md") == absent.replace("lamp\n---", "lamp\nfield: 12\n---")
    assert user.read("Lamp.md") == user.read("Thingsome/Lamp.md") == absent
    assert "field" not in user.read("Things/Other.md")
    user.run("undo")
    assert user.read("Things/Lamp.md") == absent
