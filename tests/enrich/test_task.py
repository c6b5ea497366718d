"""What is to be done to a note: for each kind of job, with what was asked before in mind."""

import pytest

from companion.enrich.due_needs import is_rewritten
from companion.enrich.job import Job, prepare_task
from companion.enrich.workspace import Workspace
from companion.note.callouts import Section
from companion.note.needs import Need
from companion.store.proposals import Proposal
from tests.enrich.conftest import Open
from tests.examples import labelled

PLAIN = "# Tea\n\nTea is brewed.\n"
POSTPONED = "# Tea\n\n#status/postponed\n\nTea is brewed.\n"
EMPTY = "---\nAliases:\ndescription:\n---\n\n# Tea\n\n## Sorts\n\n> [!ai] Why?\n\n## Cups\n"
TWO = "---\ndescription: A.\n---\n> [!ai] Mine\n> a\n\n## Sorts\n\n> [!ai]\n\n## Cups\n\n> [!ai]\n"


@pytest.fixture
def workspace(open_vault: Open) -> Workspace:
    return open_vault({}, "")


JOBS = {
    "no stub": (Job("a.md"), PLAIN, []),
    "a stub": (Job("a.md"), POSTPONED, ["callout:top"]),
    "a note named": (Job("a.md", explicit=True), PLAIN, ["description", "callout:top"]),
    "all that is empty": (
        Job("a.md"),
        EMPTY,
        ["description", "aliases", "callout:top", "callout:question:Why?"],
    ),
    "requests": (Job("a.md", requests=True), EMPTY, ["callout:question:Why?"]),
    "requests without a question": (
        Job("a.md", requests=True),
        TWO,
        ["callout:section:Sorts", "callout:section:Cups"],
    ),
    "a new one": (Job("a.md", section=Section("Cups")), EMPTY, ["callout:section:Cups"]),
    "one of two": (Job("a.md", section=Section("Sorts")), TWO, ["callout:section:Sorts"]),
}


@labelled(("job", "text", "keys"), JOBS)
def test_needs_of_a_job(workspace: Workspace, job: Job, text: str, keys: list[str]) -> None:
    task = prepare_task(workspace, job, text.encode())
    assert [need.key for need in task.needs] == keys
    assert (task.data, task.parsed.note.text, task.skipped) == (text.encode(), text, None)


AGAIN = "name the note, or use --retry, to ask again"
CUPS = Need("callout", "Cups", None, "section", "", 1)
ASKED = [
    (Need("description", None, None, "property", ""), ""),
    (Need("aliases", None, None, "property", ""), ""),
    (Need("callout", None, "Why?", "request", ""), "the note is short"),
]
LEFT = {
    "the rest": (
        Job("a.md"),
        EMPTY,
        ["callout:top"],
        [
            f"description, aliases: asked for once, without a usable answer; {AGAIN}",
            f"callout “Why?”: asked for once, without a usable answer (the note is short); {AGAIN}",
        ],
    ),
    "another note": (Job("b.md"), POSTPONED, ["callout:top"], []),
    "once more": (
        Job("a.md", retry=True),
        EMPTY,
        ["description", "aliases", "callout:top", "callout:question:Why?"],
        [],
    ),
    "a section": (
        Job("a.md", section=Section("Cups")),
        EMPTY,
        [],
        [f"callout “Cups”: proposed once, and refused; {AGAIN}"],
    ),
}


@labelled(("job", "text", "keys", "left"), LEFT)
def test_what_was_asked_before_is_left(
    workspace: Workspace, job: Job, text: str, keys: list[str], left: list[str]
) -> None:
    store = workspace.journal.proposals
    store.add([Proposal("a.md", need, None, "rejected", (), reason) for need, reason in ASKED])
    [refused] = store.add([Proposal("a.md", CUPS, "Of clay.")])
    store.decide([refused.id], "refused", "user")
    task = prepare_task(workspace, job, text.encode())
    assert ([need.key for need in task.needs], list(task.unfilled)) == (keys, left)


OLD = "---\na:\nb:\n---\n# Tea\nGreen and black. #drink\n"
REWRITTEN = [
    pytest.param(OLD, False, id="the same"),
    pytest.param(f"{OLD}Much more was written below it.\n" * 9, False, id="more"),
    pytest.param(OLD.replace("# Tea\n", ""), False, id="one line less"),
    pytest.param(OLD.replace("Green and black", "Green or so"), False, id="half of the words"),
    pytest.param(OLD.replace("Green and black", "Of leaves"), True, id="most of the words"),
    pytest.param("# Tea\nGreen and black. #drink\n", True, id="most of the lines"),
    pytest.param("", True, id="all"),
]


@pytest.mark.parametrize(("new", "rewritten"), REWRITTEN)
def test_a_note_that_was_rewritten(new: str, rewritten: bool) -> None:
    assert is_rewritten(OLD.encode(), new.encode()) is rewritten
