"""The child process in which the embedded model runs.

It is run by its path. It serves several processes, and ends when none of them uses it any more. It
imports nothing from Companion, so it starts without searching the current folder.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

_NICENESS = 5  # leaves a quarter of a core beside one other program; 10 leaves a tenth
_AUTOGROUP = Path("/proc/self/autogroup")


def main() -> None:
    """Serve the model until nobody uses it; answer `{"url": ...}` or `{"error": ...}` first.

    The options are one line of JSON on standard input, so that the key is in no argument and no
    environment variable.
    """
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what the libraries print goes to standard error
    if hasattr(os, "nice"):  # on Windows the parent sets the priority class
        os.nice(_NICENESS)
        # Linux shares the processor between sessions first (sched(7), autogroup), and this process
        # has its own: within it, a process's niceness means nothing.
        with suppress(OSError):
            _AUTOGROUP.write_text(str(_NICENESS), "ascii")
    options = json.loads(sys.stdin.buffer.readline())
    try:
        server = _start_server(options)
        answer = {"url": server.listening_address}
    except Exception as error:  # llama.cpp's are RuntimeError; imports and options raise others
        answer = {"error": str(error) or type(error).__name__}
    answers.write(json.dumps(answer).encode() + b"\n")
    users = Path(options["users"])
    while "url" in answer and is_in_use(users, options["idle"]):
        time.sleep(min(1.0, options["idle"]))
    os._exit("error" in answer)  # at once: llama.cpp is slow to shut down


def is_in_use(users: Path, idle: float | None = None) -> bool:
    """Return whether a process that lives uses the model, by the files in the folder.

    A file's name begins with the process id; it has the number of its calls, and was written when
    the last one began or ended. idle: seconds without a call that count as no use; None: any.
    """
    import psutil

    in_use = False
    for file in users.iterdir():
        with suppress(OSError, ValueError):
            if not psutil.pid_exists(int(file.name.partition(".")[0])):
                file.unlink()
            elif idle is None or int(file.read_text("ascii") or 1):
                in_use = True
            else:
                in_use |= time.time() - file.stat().st_mtime < idle
    return in_use


def _start_server(options: dict[str, Any]) -> Any:
    """Return the running server. Its defaults serve anybody, so all but the API is turned off.

    Without the key only `/health` answers, which says `ok`. Browsers are refused by an empty
    Access-Control-Allow-Origin. With the key, `/slots` and `/metrics` are off, and `/props`
    cannot be changed.
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = options["model"]
    params.model_alias = {options["alias"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [options["key"]]
    params.ui = params.ui_mcp_proxy = False
    params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = False
    params.cors_origins = params.cors_methods = params.cors_headers = ""
    params.cors_credentials = False
    params.offline = True
    params.warmup = False  # the first call comes at once
    # mapped, it is in memory twice
    params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    params.n_parallel = options["slots"]
    params.n_ctx = options["context_tokens"] * options["slots"]
    if options["threads"]:
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options["threads"]
    params.cache_prompt = True  # a common prefix of prompts is read once a slot
    params.cache_ram_mib = 0  # by default 8 GiB of old prompts
    params.cache_idle_slots = False
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
