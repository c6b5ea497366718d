"""A real terminal around a process."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from tests.cli.user import User

_PATIENCE = 20.0  # seconds


def in_a_terminal(
    user: User, command: Sequence[str], extra: Mapping[str, str], typed: str = ""
) -> str:
    """Return everything that a command shows on a terminal. typed: what is typed ahead."""
    import pty

    ours, theirs = pty.openpty()
    os.write(ours, typed.encode())
    process = user.start(*command, stdout=theirs, stderr=theirs, stdin=theirs, env=extra)
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux's word for the end of a terminal
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert process.wait(_PATIENCE) == 0
    return shown.decode()
