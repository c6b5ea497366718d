"""What other notes tell of a note: shown to the model, weighed, and never what is private."""

from __future__ import annotations

import pytest

from tests.cli.user import User
from tests.vault.test_pdf_text import make_pdf

TITLE = "---\ndescription:\n---\n\n# Koji\n"
DEFINES = "[[Koji]] is a mould that grows on rice.\n"
TELLING = (
    "[[Koji]] is a mould that people in Japan grow on steamed rice or barley, to make miso, soy"
    " sauce and sake of it. The rice is spread on trays of cedar, and is overgrown by [[Koji]]"
    " within two warm and humid days, while somebody turns it over.\n"
)
SMALL = "[endpoint]\nsmall = true\n"


@pytest.mark.parametrize("link", ["", "[[Koji]]", "[[Miso]] is a paste of beans and a mould."])
def test_a_prompt_is_the_same_where_no_note_tells_anything(user: User, link: str) -> None:
    user.note("Koji.md", f"{TITLE}\nA mould.\n")
    alone = user.run("prompt", "Koji.md").out
    assert "\n\n# Koji\n\nA mould.\n</note>\n\n" in alone
    user.note("Miso.md", f"Beans. {link}")
    assert user.run("prompt", "Koji.md").out == alone


def test_a_small_model_is_shown_less_the_more_the_note_says_itself(user: User) -> None:
    user.configure(SMALL)
    user.note("Miso.md", DEFINES)
    for words, is_shown in ((0, True), (40, True), (400, False)):
        user.note("Koji.md", f"{TITLE}\n{'A mould. ' * words}")
        assert ("grows on rice" in user.run("prompt", "Koji.md").out) == is_shown


CHECKED = [
    pytest.param(
        "Koji is a mould that people in Japan grow on steamed rice.", True, id="its words"
    ),
    pytest.param("What people in Japan make miso, soy sauce and sake with.", True, id="its names"),
    pytest.param("Koji is a mould that people in Bolivia grow on rice.", False, id="another name"),
]


PAPER = make_pdf([TELLING.replace("[[", "").replace("]]", "").replace(" of ", " of\n")])
SAID_IN = [("Rice.md", TELLING.encode(), ""), ("x/p.pdf", PAPER, "\n![[p.pdf]]\n")]


@pytest.mark.parametrize(("says", "is_kept"), CHECKED)
@pytest.mark.parametrize(("path", "data", "embed"), SAID_IN, ids=["others", "a PDF"])
def test_answers_are_checked_against_what_other_notes_and_embedded_papers_say(
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    says: str,
    is_kept: bool,
    path: str,
    data: bytes,
    embed: str,
) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    user.configure(f'{SMALL}[notes]\nfields = ["description"]\n')
    user.says(description=says)
    user.note(path, data)
    user.note("Koji.md", f"{TITLE}{embed}")
    ran = user.run("enrich", "Koji.md")
    assert any(each.value == says for each in user.kept()) == is_kept, ran.all


def test_a_note_that_is_nothing_but_an_embedded_paper_is_filled(user: User) -> None:
    user.configure(SMALL)
    user.note("Koji.md", f"{TITLE}\n![[p.pdf]]\n")
    user.note("p.pdf", make_pdf([""]))
    user.note("Plain.md", "---\ndescription:\n---\n\n# Plain\n")
    ran = user.run("enrich", "Koji.md")
    assert "![[p.pdf]]: it has no text; it may be scanned" in ran.all, "nor a callout"
    assert "it has no text" in user.run("prompt", "Koji.md").all
    user.note("p.pdf", PAPER)
    assert "The rice is spread on trays of cedar" in user.run("prompt", "Koji.md").out
    assert user.run("enrich", "Koji.md", "--retry").status == 0
    assert "> [!ai] AI\n" in user.read("Koji.md") and "![[p.pdf]]\n" in user.read("Koji.md")
