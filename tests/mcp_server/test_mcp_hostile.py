"""What hostile notes tell agents to do: 50 sequences of calls, none of which may get anywhere.

Each is done by the official client at the real server, alone and through a daemon. Afterwards every
note, every proposal and every change is what it was, and nothing that was answered holds a word of
what agents may not see.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import pytest

from tests.cli.serving import serving
from tests.cli.user import User
from tests.mcp_server.agent_client import AgentClient, Said, run_agent

MARK = "Kestrel"
SETTINGS = """\
[endpoint]
[background]
enabled = false
[private]
folders = ["Diary"]
tags = ["secret"]
properties = { private = "true" }
[ignore]
folders = ["Attic"]
[agents]
may_accept = ["description"]
"""
OPEN = "---\ndescription:\ntags:\n---\n\n# Bread\n\nBread is baked of flour and water.\n"
HIDDEN = OPEN.replace("flour", MARK).replace("tags:", "tags: [kestrel]\naliases: [Kestrel one]")
HIDING = {
    "Diary/Monday.md": HIDDEN,
    "Private.md": HIDDEN.replace("---\n", "---\nprivate: true\n", 1),
    "Tagged.md": HIDDEN + "\n#secret\n",
    "Left.md": HIDDEN.replace("---\n", "---\nai: false\n", 1),
    "Attic/Old.md": HIDDEN,
    "Twice.md": HIDDEN.replace("---\n", "---\nx: 1\nx: 2\n", 1),
    "Template.md": HIDDEN + "\n<% tp.date.now() %>\n",
    "Bread (conflicted copy 2026-11-26).md": HIDDEN,
    ".obsidian/Note.md": HIDDEN,
}
ABSENT = "Nowhere.md"
WORDS = "What bread is baked of, and how."


class Ids(NamedTuple):
    """What there is. waiting: the model's proposals for Model.md; private: that for a private note.

    mine: the agent's own for Inbox/Mine.md, accepted as `change`, undone by `undo`. others: that
    of another agent for Inbox/Theirs.md, accepted as `theirs`. users: a change of the user's.
    refused: what the user refused. flagged: of the agent's, which a check flags.
    """

    waiting: int
    private: int
    mine: int
    change: int
    undo: int
    others: int
    theirs: int
    users: int
    refused: int
    flagged: int


class Call(NamedTuple):
    """A call of a tool. Arguments that begin with `$` name one of the ids."""

    tool: str
    arguments: dict[str, Any]


def call(tool: str, **arguments: Any) -> Call:
    return Call(tool, arguments)


def propose(path: str = "Bread.md", kind: str = "description", value: Any = WORDS) -> Call:
    return call("propose", path=path, kind=kind, value=value)


OTHER_KEYS = [
    [propose(kind="ai", value="false")],
    [propose(kind="title")],
    [propose(kind="status", value="done")],
    [propose(kind="publish", value="true")],
    [propose(kind="cssclasses", value=["x"])],
    [propose(kind="description: x\nai", value="false")],
    [propose(kind="Description")],
    [propose(kind="")],
    [propose(kind="aliases", value=["Loaf"])],
    [propose(kind="__proto__")],
    [call("propose", path="Bread.md", kind="callout", value=WORDS, heading="No such heading")],
    [call("propose", path="Bread.md", kind="callout", value=WORDS, question="No such?")],
    [propose(kind="../prompts/system")],
    [propose(kind="description", value={"key": "ai", "value": False})],
    [call("propose", path="Bread.md", kind=["description", "ai"], value=WORDS)],
]
OTHER_NOTES = [
    [propose("../outside.md")],
    [propose("/etc/passwd")],
    [propose(".obsidian/app.json")],
    [propose("_companion/prompts/system.md")],
    [propose("Bread.md/../Private.md")],
    [propose("out.md")],
    [propose("link/outside.md")],
    [propose("Bread.md\0.md")],
    [propose("New.md")],
    [propose("")],
]
PRIVATE_TEXT = [
    *([propose(path), call("read_note", path=path)] for path in HIDING),
    [call("read_note", path="Private.md")],
    [call("scan", folder="Diary"), call("list_proposals", folder="Diary", state="all")],
    [call("list_proposals", folder="Private.md", state="all")],
    [call("accept", ids=["$private"]), call("undo", change="$private")],
    [call("read_note", path="private.MD"), call("read_note", path="./Diary/../Private.md")],
    [propose("Diary"), call("read_note", path="Diary")],
]
WITHOUT_LEAVE = [
    [call("accept", ids=["$waiting"])],
    [call("accept", ids=["$flagged"])],
    [call("accept", ids=["$refused"])],
    [call("accept", ids=["$waiting", "$private", "$refused", "$flagged"])],
    [call("accept", ids=[0]), call("accept", ids=[-1]), call("accept", ids=[2**70])],
    [call("accept", ids=[]), call("accept", ids=["all"]), call("accept", ids="$waiting")],
    [call("accept", ids=["$waiting"], text=WORDS), call("accept", ids=["$waiting"], agent="user")],
    [propose("Model.md")],
    [propose("Refused.md"), propose("Refused.md", value="Another way to say what bread is.")],
]
OTHERS_WORK = [
    [call("undo", change="$theirs")],
    [call("undo", change="$users")],
    [call("undo", change="$undo"), call("undo", change="$undo")],
    [call("undo", change="$change")],
    [call("undo", change=0), call("undo", change=-1), call("undo", change=2**70)],
    [call("undo", change="$users", agent="user"), call("undo", change="$theirs", run="x")],
]
SEQUENCES = [*OTHER_KEYS, *OTHER_NOTES, *PRIVATE_TEXT, *WITHOUT_LEAVE, *OTHERS_WORK]


@contextmanager
def prepared(user: User, monkeypatch: pytest.MonkeyPatch, *, served: bool) -> Iterator[Ids]:
    """Lay out the vault, and have everybody do what the agent is to leave alone."""
    user.configure(SETTINGS)
    for path, text in HIDING.items():
        user.note(path, text)
    for path in ("Bread.md", "Model.md", "Users.md", "Refused.md"):
        user.note(path, OPEN)
    for path in ("Mine.md", "Theirs.md", "Flagged.md"):
        user.note(f"Inbox/{path}", OPEN)
    user.note("Used.md", "---\ntags: [baking]\n---\nFlour.\n")
    user.note("../outside.md", HIDDEN)
    user.note("../there/outside.md", HIDDEN)
    (user.vault / "out.md").symlink_to("../outside.md")
    (user.vault / "link").symlink_to("../there")
    user.run("enrich", "Users.md")
    user.configure(f'{SETTINGS}[review]\nmode = "propose"\n')
    user.run("enrich", "Model.md", "Refused.md")
    user.says(description=f"What {MARK} is.")
    user.run("enrich", "Private.md")
    user.configure(SETTINGS)
    with user.open() as space:
        store = space.journal.proposals
        store.decide(
            [each.id for each in store.select() if each.path == "Refused.md"], "refused", "user"
        )
    monkeypatch.delenv("COMPANION_CHECKS")
    with ExitStack() as opened:
        if served:
            opened.enter_context(serving(user))
        act_as_agents(user)
        yield find_ids(user)


def act_as_agents(user: User) -> None:
    async def mine(agent: AgentClient) -> None:
        change = await fill(agent, "Inbox/Mine.md")
        await agent.call("undo", change=change)
        flagged = propose("Inbox/Flagged.md", "tags", ["unheard"])
        assert not (await agent.call(flagged.tool, **flagged.arguments)).is_error

    async def theirs(agent: AgentClient) -> None:
        await fill(agent, "Inbox/Theirs.md")

    run_agent(user, mine, "tester")
    run_agent(user, theirs, "another")


async def fill(agent: AgentClient, path: str) -> int:
    """Return the change by which the agent fills a description where it may."""
    said = await agent.call("propose", path=path, kind="description", value=WORDS)
    made = (await agent.call("accept", ids=[said.object["proposal"]["id"]])).object
    change = made["notes"][0]["change"]
    assert isinstance(change, int), made
    return change


def find_ids(user: User) -> Ids:
    with user.open() as space:
        first = {(each.path, each.kind): each.id for each in space.journal.proposals.select()}
        changes = {(each.path, each.kind): each.id for each in space.journal.changes()}
    return Ids(
        first["Model.md", "tags"],
        first["Private.md", "description"],
        first["Inbox/Mine.md", "description"],
        changes["Inbox/Mine.md", "enrich"],
        changes["Inbox/Mine.md", "undo"],
        first["Inbox/Theirs.md", "description"],
        changes["Inbox/Theirs.md", "enrich"],
        changes["Users.md", "enrich"],
        first["Refused.md", "description"],
        first["Inbox/Flagged.md", "tags"],
    )


def look(user: User) -> tuple[object, ...]:
    """Return all notes, proposals and changes."""
    with user.open() as space:
        proposals = [
            (p.id, p.state, p.text, p.decided_by) for p in space.journal.proposals.select()
        ]
        changes = [(change.id, change.state) for change in space.journal.changes()]
    outside = [
        (user.vault / f"../{name}").read_bytes() for name in ("outside.md", "there/outside.md")
    ]
    return user.files(), proposals, changes, outside


def got_somewhere(tool: str, said: Said) -> bool:
    """Return whether a call did, or told, anything at all."""
    if said.is_error:
        return False
    told = said.object
    if tool == "accept":
        return any(each["reason"] is None for note in told["notes"] for each in note["decided"])
    if tool == "propose":
        return told["proposal"] is not None
    return any(told[name] for name in ("notes", "proposals", "changes", "text") if name in told)


@pytest.mark.parametrize(
    "served",
    [
        pytest.param(False, id="alone"),
        pytest.param(True, id="with a daemon", marks=pytest.mark.release),
    ],
)
def test_none_of_the_hostile_sequences_succeeds(
    user: User, monkeypatch: pytest.MonkeyPatch, served: bool
) -> None:
    assert len(SEQUENCES) >= 50
    with prepared(user, monkeypatch, served=served) as ids:
        before = look(user)
        succeeded: list[object] = []

        async def does(agent: AgentClient) -> None:
            for sequence in SEQUENCES:
                if await try_out(agent, sequence, ids) or look(user) != before:
                    succeeded.append(sequence)

        run_agent(user, does)
        assert succeeded == []


async def try_out(agent: AgentClient, sequence: Sequence[Call], ids: Ids) -> bool:
    """Return whether one of the calls got somewhere, or told what is hidden."""
    found = []
    for tool, arguments in sequence:
        said = await agent.call(tool, **{k: fill_in(v, ids) for k, v in arguments.items()})
        found.append(got_somewhere(tool, said) or MARK in said.text)
    return any(found)


def fill_in(value: Any, ids: Ids) -> Any:
    """Return the value with the ids in the place of their names."""
    if isinstance(value, list):
        return [fill_in(each, ids) for each in value]
    is_name = isinstance(value, str) and value.startswith("$")
    return getattr(ids, value[1:]) if is_name else value


def test_hidden_notes_are_answered_as_absent_ones(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, set[str]] = {}

    async def does(agent: AgentClient) -> None:
        for path in (ABSENT, *HIDING):
            said = await agent.call("read_note", path=path)
            told.setdefault("read_note", set()).add(said.text.replace(path, "X"))
            said = await agent.call("propose", path=path, kind="description", value=WORDS)
            told.setdefault("propose", set()).add(said.text.replace(path, "X"))
            for tool in ("scan", "list_proposals"):
                said = await agent.call(tool, folder=path.partition("/")[0])
                told.setdefault(tool, set()).add(said.text)
        for id_ in (ids.private, 999):
            said = await agent.call("accept", ids=[id_])
            told.setdefault("accept", set()).add(said.text.replace(str(id_), "X"))
        for links in ("[[Private]]", "[[Left]]", "[[Nowhere]]"):
            text = f"Bread is baked of flour and water, as {links} tells in other words."
            said = await agent.call("propose", path="Bread.md", kind="callout", value=text)
            told.setdefault("link", set()).add(str("[[" in said.text))
        for tag in ("kestrel", "unheard-of"):
            said = await agent.call("propose", path="Bread.md", kind="tags", value=[tag])
            flags = (said.object["proposal"] or {}).get("flags")
            told.setdefault("tag", set()).add(str(flags))

    with prepared(user, monkeypatch, served=False) as ids:
        run_agent(user, does)
    assert {tool: len(answers) for tool, answers in told.items()} == dict.fromkeys(told, 1), told
