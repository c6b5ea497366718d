"""A real terminal around a process."""

import os
import re
from collections.abc import Mapping, Sequence

from tests.cli.user import User

LAST = "the last number that is offered"
_PATIENCE = 60.0  # seconds


def in_a_terminal(
    user: User,
    command: Sequence[str],
    extra: Mapping[str, str] | None = None,
    typed: str = "",
    answers: Sequence[tuple[str, str]] = (),
    status: int = 0,
) -> str:
    """Return everything that a command shows on a terminal, and check its exit status.

    typed: what is typed ahead. answers: words of each question, and what is typed after it.
    """
    import pty

    ours, theirs = pty.openpty()
    os.write(ours, typed.encode())
    at = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    process = user.start(*command, **at, env=extra or {}, start_new_session=True)
    os.close(theirs)
    data, answered, waiting = b"", 0, list(answers)
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux's word for the end of a terminal
            break
        if not part:
            break
        data += part
        shown = data.decode(errors="replace")
        if waiting and waiting[0][0] in shown[answered:] and shown.endswith(": "):
            answered = len(shown)
            _, said = waiting.pop(0)
            if said == LAST:
                said = re.findall(r"(?m)^  (\d+)  ", shown)[-1]
            os.write(ours, f"{said}\n".encode())
    os.close(ours)
    assert process.wait(_PATIENCE) == status, data
    return data.decode()
