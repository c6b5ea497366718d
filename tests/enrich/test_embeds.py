"""What a note embeds is its text: which of it, how deep, and never what is private."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.enrich.asker import Asker
from companion.enrich.context.embeds import Embeds
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.job import Job, prepare_task
from companion.enrich.workspace import Workspace
from companion.note.note import ParsedNote
from companion.note.text import NoteText
from tests.cases import Case, cases
from tests.enrich.conftest import Open
from tests.vault.test_pdf_text import make_pdf

RICE = """---
description: Of rice.
---
Rice is steamed. %%no%%

> [!ai] AI
> Rice is a grain.

## Soak: one night

It soaks for a night.

### Water

The water is cold. ^cold

- Drain it. ^drain
    - Well.
- Steam it.

| a | b |
|---|---|
| 1 | 2 |

^table

## Steam

It is steamed for an hour.
"""
NOTES = {
    "Food/Rice.md": RICE,
    "A.md": "Of A. ![[B]]",
    "Signs.md": "Above.\n\n# 🎉\n\nBelow.\n\n# After\n\nIt.",
    "B.md": "Of B. ![[C]] ![[A]]",
    "C.md": "Of C. ![[D]]",
    "D.md": "Of D.",
    "Diary/Secret.md": "Of the quail.",
    "Marked.md": "#private Of the quail.",
    "Drafts/Draft.md": "Of the quail.",
    "Bad.md": "Of B.\n\n```\nnever closed",
}
SETTINGS = """[private]
folders = ["Diary"]
tags = ["private"]
[ignore]
patterns = ["Drafts/**"]
[endpoint]
small = false
"""


def shown(space: Workspace, text: str) -> str:
    """Return the text of the note that a prompt shows."""
    (space.root / "Koji.md").write_text(f"---\ndescription:\n---\n{text}", encoding="utf-8")
    data = (space.root / "Koji.md").read_bytes()
    parsed = prepare_task(space, Job("Koji.md", explicit=True), data).parsed
    asker = Asker(space, VaultContext(space.scan()))
    return asker.whole_question("Koji.md", parsed, []).context.prose


@cases("enrich/cases/embeds.md", "Embeds", ways=["as written"])
def test_embeds(open_vault: Open, case: Case) -> None:
    assert shown(open_vault(NOTES, SETTINGS), case.before).strip() == case.after.strip()


WITHOUT = ["quail", "Rice is a grain", "description", "%%"]


@pytest.mark.parametrize("text", ["![[Rice]] ![[Secret]] ![[Marked]] ![[Draft]] ![[A]]"])
def test_what_is_never_shown(open_vault: Open, text: str) -> None:
    prose = shown(open_vault(NOTES, SETTINGS), text)
    assert "Rice is steamed." in prose
    assert not [each for each in WITHOUT if each in prose]


PDFS: Mapping[str, list[str]] = {
    "files/paper.pdf": ["Koji is a mould. It grows on rice.", "The second page."],
    "Diary/secret.pdf": ["Of the quail."],
    "scan.pdf": [""],
}
PDF_EXAMPLES = [
    pytest.param("![[paper.pdf]]", "Koji is a mould. It grows on rice.", "", id="a PDF"),
    pytest.param("![[paper.pdf#page=2]]", "> The second page.", "", id="a page"),
    pytest.param("![p](files/paper.pdf)", "It grows on rice.", "", id="in Markdown"),
    pytest.param("![[paper.pdf#page=3]]", "", "it has no page 3", id="no such page"),
    pytest.param("![[scan.pdf]]", "", "it has no text; it may be scanned", id="scanned"),
    pytest.param("![[none.pdf]]", "", "no such file", id="not there"),
    pytest.param("![[secret.pdf]]", "", "in a private folder", id="private"),
    pytest.param("![[b.canvas]]", "", "canvases are not read", id="a canvas"),
    pytest.param("![[t.base]]", "", "bases are not read", id="a base"),
    pytest.param("![[Secret]]", "", "private or left alone", id="a private note"),
    pytest.param("![[Rice#None]]", "", "that part is not in the note", id="no such part"),
]


@pytest.mark.parametrize(("text", "prose", "unread"), PDF_EXAMPLES)
def test_pdfs_and_what_is_left_out(open_vault: Open, text: str, prose: str, unread: str) -> None:
    space = open_vault(NOTES, SETTINGS)
    for path, pages in PDFS.items():
        (space.root / path).parent.mkdir(exist_ok=True)
        (space.root / path).write_bytes(make_pdf(pages))
    assert prose in shown(space, text) and "quail" not in shown(space, text)
    task = prepare_task(space, Job("Koji.md", explicit=True), (space.root / "Koji.md").read_bytes())
    asker = Asker(space, VaultContext(space.scan()))
    said = asker.question("Koji.md", task.parsed, task.needs).unread
    assert [unread in each for each in said] == [True] * bool(unread)


def test_no_file_is_read_once_there_is_no_room(open_vault: Open) -> None:
    space = open_vault(NOTES, SETTINGS)
    for number in range(12):
        (space.root / f"{number}.pdf").write_bytes(make_pdf([f"Page of {number}."]))
    pdfs = ParsedNote(NoteText("".join(f"![[{number}.pdf]]\n" for number in range(12))))
    notes = ParsedNote(NoteText("![[A]]\n![[Rice]]\n"))
    embeds, vault = Embeds(space), VaultContext(space.scan())
    few = embeds.read(vault, "Koji.md", notes, 5)
    assert [each.path for each in few.files] == ["A.md"]
    assert few.unread == ("![[Rice]]: there is no room for it",)
    assert len(embeds.read(vault, "Koji.md", pdfs, 10_000).files) == 8


PIECES = ["![[A]]", "![[Rice#^drain]]", "![[Secret]]", "[[B]]", "#", "> ", "- ", "```", "%%", "`"]


def test_own_lines_stay_and_private_ones_never_come(open_vault: Open) -> None:
    space = open_vault(NOTES, SETTINGS)
    embeds, vault = Embeds(space), VaultContext(space.scan())

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.sampled_from([*PIECES, "\n", "\n\n", "own words", "    "]), max_size=20))
    def check(pieces: list[str]) -> None:
        parsed = ParsedNote(NoteText("".join(pieces)))
        embedded = embeds.read(vault, "Koji.md", parsed, 10_000)
        assert embedded.note.note.text.startswith(parsed.note.text)
        assert "quail" not in embedded.text
        assert bool(embedded.text) <= bool(embedded.files)

    check()
