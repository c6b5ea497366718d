"""The child process in which llama.cpp serves one model; run by its path, never imported.

It reads its orders as one line of JSON on standard input (so that the key is in no argument and
no environment variable), answers `{"url": ...}` or `{"error": ...}` on standard output, and ends
as soon as standard input does: with its parent, however that goes, even by kill -9.

It imports nothing of Companion, so that it starts without searching the current folder.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, BinaryIO

_NICENESS = 10  # added to the parent's; on Windows the parent sets the priority class


def main() -> None:
    """Serve until standard input ends."""
    answers = _take_stdout()
    orders = json.loads(sys.stdin.buffer.readline())
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    try:
        server = _start(orders)
        _tell(answers, {"url": server.listening_address})
    except Exception as error:  # of any kind: llama.cpp's come as RuntimeError, others as they are
        _tell(answers, {"error": str(error) or type(error).__name__})
        os._exit(1)
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)  # at once: there is nothing to save, and llama.cpp takes its time to wind up


def _take_stdout() -> BinaryIO:
    """Return standard output for ourselves; what llama.cpp prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return answers


def _tell(answers: Any, what: dict[str, str]) -> None:
    answers.write(json.dumps(what).encode() + b"\n")


def _start(orders: dict[str, Any]) -> Any:
    """Return the running server. Its defaults answer anybody, so all but the API is shut.

    Without the key only `/health` answers, which says `ok`. Browsers are refused by an empty
    Access-Control-Allow-Origin. With the key, `/slots` and `/metrics` are off, and `/props`
    cannot be changed.
    """
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = orders["model"]
    params.model_alias = {orders["alias"]}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [orders["key"]]
    params.ui = params.ui_mcp_proxy = False
    params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = False
    params.cors_origins = params.cors_methods = params.cors_headers = ""
    params.cors_credentials = False
    params.offline = True
    params.warmup = False  # the first call is on its way already
    params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE  # mapped, it is there twice
    params.n_parallel = orders["slots"]
    params.n_ctx = orders["context_tokens"] * orders["slots"]
    if orders["threads"]:
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = orders["threads"]
    params.cache_prompt = True  # the beginning that prompts share is read once a slot
    params.cache_ram_mib = 0  # not the 8 GiB of old prompts that are kept by default
    params.cache_idle_slots = False
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
