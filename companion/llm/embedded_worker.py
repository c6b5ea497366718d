"""The child process in which llama.cpp serves one model; run by its path, never imported.

It reads its options as one line of JSON on standard input (so that the key is in no argument and
no environment variable), answers `{"url": ...}` or `{"error": ...}` on standard output, and ends
as soon as standard input does: with its parent, even one killed with SIGKILL.

It imports nothing of Companion, so that it starts without searching the current folder.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, BinaryIO


def main() -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what llama.cpp prints goes to standard error
    options = json.loads(sys.stdin.buffer.readline())
    if hasattr(os, "nice"):
        os.nice(options["niceness"])  # on Windows the parent sets the priority class
    try:
        server = _start_server(options)
        _write_line(answers, {"url": server.listening_address})
    except Exception as error:  # llama.cpp's are RuntimeError; imports and options raise others
        _write_line(answers, {"error": str(error) or type(error).__name__})
        os._exit(1)
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)  # at once: there is nothing to save, and llama.cpp is slow to shut down


def _write_line(answers: BinaryIO, answer: dict[str, str]) -> None:
    answers.write(json.dumps(answer).encode() + b"\n")


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
    params.load_mode = (
        xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    )  # mapped, it is in memory twice
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
