"""The MCP server with the official client: what agents see, propose, accept and take back."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.cli.serving import QUIET, serving
from tests.cli.user import User
from tests.mcp_server.agent_client import AgentClient, run_agent

NOTE = """---
description:
tags:
---

# Sourdough

Sourdough is bread that is raised by wild yeast. %%not for others%%

## Uses

> [!ai] Why does it rise?
"""
RYE = "---\ntags: [baking]\n---\n# Rye\n\nRye is a dark bread, as [[Sourdough]] can be.\n"
SAYS = "How sourdough bread is raised by wild yeast."
FILLED = NOTE.replace("description:", f"description: {SAYS}")


@pytest.fixture(params=["alone", "with a daemon"])
def vault(
    request: pytest.FixtureRequest, user: User, monkeypatch: pytest.MonkeyPatch
) -> Iterator[User]:
    """A vault that the server opens by itself, or writes to through its daemon."""
    monkeypatch.delenv("COMPANION_CHECKS")
    user.configure(f'{QUIET}[agents]\nmay_accept = ["description"]\n')
    user.note("Sourdough.md", NOTE)
    user.note("Rye.md", RYE)
    with ExitStack() as opened:
        if request.param != "alone":
            opened.enter_context(serving(user))
        yield user


def test_an_agent_reads_proposes_accepts_and_takes_back(vault: User) -> None:
    async def does(agent: AgentClient) -> None:
        await look_around(agent)
        await fill_description(agent, vault)
        await leave_the_rest(agent, vault)

    run_agent(vault, does, is_process=True)
    [latest, first] = vault.run("history", "--json").objects
    assert (first["model"], latest["undoes"]) == ("mcp:tester", first["id"])


async def look_around(agent: AgentClient) -> None:
    found = (await agent.call("scan")).object
    [note] = found["notes"]
    assert (found["total"], found["next"], note["path"]) == (1, None, "Sourdough.md")
    fields = [(need["kind"], need["question"]) for need in note["needs"]]
    question = ("callout", "Why does it rise?")
    assert fields == [("description", None), ("tags", None), ("callout", None), question]
    read = (await agent.call("read_note", path="Sourdough")).object
    assert [(need["kind"], need["question"]) for need in read["needs"]] == fields
    assert "raised by wild yeast" in read["text"] and "not for others" not in read["text"]
    assert "Rye is a dark bread" in read["text"]
    assert "sentence" in read["needs"][0]["instruction"]


async def fill_description(agent: AgentClient, vault: User) -> None:
    made = await propose(agent, kind="description", value=SAYS)
    assert (made["state"], made["flags"], made["model"]) == ("open", ["program"], "mcp:tester")
    assert vault.read("Sourdough.md") == NOTE
    [listed] = (await agent.call("list_proposals")).object["proposals"]
    assert listed["id"] == made["id"]
    assert listed["kind"] == made["kind"] == "description"
    [note] = (await agent.call("accept", ids=[made["id"]])).object["notes"]
    assert note["status"] == "enriched" and vault.read("Sourdough.md") == FILLED
    assert [each["kind"] for each in note["changes"]] == ["description"]
    [undone] = (await agent.call("undo", change=note["change"])).object["notes"]
    assert [each["state"] for each in undone["decided"]] == ["open"]
    assert vault.read("Sourdough.md") == NOTE


async def leave_the_rest(agent: AgentClient, vault: User) -> None:
    tags = await propose(agent, kind="tags", value=["Baking", "#new"])
    assert tags["text"] == ["baking"] and "new" in tags["remark"]
    answer = await propose(
        agent,
        kind="callout",
        question="Why does it rise?",
        value="Wild yeast, as in [[Rye]] but not in [[Nowhere]], makes gas.",
    )
    assert answer["text"] == ["Wild yeast, as in [[Rye]] but not in Nowhere, makes gas."]
    for waiting in (tags, answer):
        [note] = (await agent.call("accept", ids=[waiting["id"]])).object["notes"]
        assert note["status"] == "failed" and "waits for the user" in note["reason"]
    assert vault.read("Sourdough.md") == NOTE


async def propose(agent: AgentClient, **given: Any) -> dict[str, Any]:
    said = await agent.call("propose", path="Sourdough.md", **given)
    assert said.object.get("proposal"), said
    proposal: dict[str, Any] = said.object["proposal"]
    return proposal


WRONG = [
    pytest.param({"kind": "description", "value": ""}, "nothing to say", id="nothing"),
    pytest.param({"kind": "description", "value": "x " * 11_000}, "20,000", id="too long"),
    pytest.param({"kind": "colour", "value": "red"}, "there is no field colour", id="no field"),
    pytest.param({"kind": "aliases", "value": ["x"]}, "needs no aliases", id="no such need"),
    pytest.param({"kind": "callout", "heading": "No", "value": "x"}, "No", id="no such heading"),
    pytest.param(
        {"kind": "description", "value": "As an AI language model, I cannot help with that."},
        "description",
        id="a check",
    ),
]


@pytest.mark.parametrize("vault", ["alone"], indirect=True)
def test_what_cannot_be_proposed_is_said_in_a_sentence(vault: User) -> None:
    said: list[tuple[str, str]] = []

    async def does(agent: AgentClient) -> None:
        for row in WRONG:
            given, words = row.values
            assert isinstance(given, dict) and isinstance(words, str)
            answered = await agent.call("propose", path="Sourdough.md", **given)
            told = answered.text if answered.is_error else answered.object["rejected"]
            said.append((str(told), words))
        assert (await agent.call("list_proposals")).object["proposals"] == []

    run_agent(vault, does)
    assert len(said) == len(WRONG) and not [(told, w) for told, w in said if w not in told]


def test_wrong_arguments_are_refused(user: User) -> None:
    async def does(agent: AgentClient) -> None:
        for tool, arguments in (("scan", {"limit": 0}), ("accept", {"ids": []})):
            said = await agent.call(tool, **arguments)
            assert said.is_error and next(iter(arguments)) in said.text

    run_agent(user, does)


@pytest.mark.parametrize("vault", ["alone"], indirect=True)
def test_a_folder_run_leaves_what_an_agent_proposed_to_the_user(vault: User) -> None:
    async def does(agent: AgentClient) -> None:
        await propose(agent, kind="description", value=SAYS)

    run_agent(vault, does)
    vault.run("enrich", ".")
    assert "description:\n" in vault.read("Sourdough.md")


def test_without_the_package_it_says_what_to_install(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "companion.mcp_server", raising=False)
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    ran = user.run("mcp")
    assert ran.status == 2 and "callout-companion[mcp]" in ran.err
