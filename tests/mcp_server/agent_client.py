"""An agent: the official client of the `mcp` package, and the real server, also as its process."""

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import anyio
from mcp import Client, StdioServerParameters
from mcp_types import Implementation, TextContent

from companion.mcp_server import make_server
from tests.cli.user import REPOSITORY, User

PATIENCE = 90.0  # seconds; a loaded machine is slow


class Said(NamedTuple):
    """What a tool answered: its text, or the text of an error, and the object in it."""

    is_error: bool
    text: str
    object: dict[str, Any]


class AgentClient:
    """One agent that is connected."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def call(self, tool: str, **arguments: Any) -> Said:
        """Return what the tool answers."""
        result = await self.client.call_tool(tool, arguments)
        texts = [part.text for part in result.content if isinstance(part, TextContent)]
        return Said(bool(result.is_error), "\n".join(texts), result.structured_content or {})


@asynccontextmanager
async def connected(user: User, name: str, is_process: bool) -> AsyncIterator[AgentClient]:
    """Connect an agent of that name to a server of the user's vault."""
    program = StdioServerParameters(
        command=sys.executable,
        args=["-m", "companion", "mcp", "--vault", str(user.vault)],
        env={**os.environ, **user.environment, "PYTHONPATH": str(REPOSITORY)},
        cwd=str(user.vault),
    )
    who = Implementation(name=name, version="1")
    server = program if is_process else make_server(user.vault)
    async with Client(server, client_info=who, read_timeout_seconds=PATIENCE) as client:
        yield AgentClient(client)


def run_agent(
    user: User,
    does: Callable[[AgentClient], Awaitable[None]],
    name: str = "tester",
    *,
    is_process: bool = False,
) -> None:
    """Run what an agent does, from its connection to its end.

    is_process: the server is a process, as an agent's program starts it.
    """

    async def main() -> None:
        async with connected(user, name, is_process) as agent:
            await does(agent)

    try:
        anyio.run(main)
    except BaseExceptionGroup as group:  # the client's task groups hold what a test raised
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
