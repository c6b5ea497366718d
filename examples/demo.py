"""The main job on a copy of the example vault, by the commands that a user types."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRATCH = HERE.parent / ".demo"


def main() -> None:
    """Copy the vault to a scratch folder, scan and enrich it, and do so once more."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    vault = shutil.copytree(HERE / "vault", SCRATCH / "vault")
    print(f"A copy of examples/vault lies in {vault.relative_to(HERE.parent)}; work on that.")
    run(vault, "companion", "scan", "--skipped")
    run(vault, "companion", "enrich", ".", "--diff")
    print("\nOnce more: there is nothing left to do.")
    run(vault, "companion", "scan")
    run(vault, "companion", "enrich", ".")
    run(vault, "companion", "history", "--limit", "3")
    print("\nThe notes are in .demo/vault. companion undo, in there, takes the run back.")


def run(vault: Path, *command: str) -> None:
    """Run a command in the vault, with settings of its own: the user's are not touched."""
    print(f"\n$ {shlex.join(command)}", flush=True)
    ours = ("COMPANION_BASE_URL", "COMPANION_API_KEY", "COMPANION_MODEL")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment["COMPANION_HOME"] = str(SCRATCH / "home")
    arguments = [sys.executable, "-m", *command]
    status = subprocess.run(arguments, cwd=vault, env=environment, check=False).returncode
    if status > 1:  # 1: a note was not filled, and it said why; small models do not always manage
        sys.exit(status)


if __name__ == "__main__":
    main()
