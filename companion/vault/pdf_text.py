"""The text of PDF files, read in a child process that ends when it takes too much.

A PDF may be broken or hostile. pypdf is pure Python, so the worst it can do is take time and
memory. The child is this file, run by its path: it gets the PDF on standard input, opens no other
file, and imports nothing from Companion.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from typing import Any, NamedTuple

LARGEST_PDF = 50_000_000  # bytes
_PAGES = 60  # from the first one that is read
_LETTERS = 100_000  # after which no further page is read
_SECONDS = 20.0
_MEMORY = 1_000_000_000  # bytes of address space, where the system limits it

ENCRYPTED = "it is encrypted"
NO_TEXT = "it has no text; it may be scanned"
UNREADABLE = "it cannot be read as a PDF"

_HYPHEN = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010]\n(?=[^\W\d_A-Z])")
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u00ad\ud800-\udfff]")  # the last: half a sign
_END = re.compile(r"(?<=[.!?:。！？：])[\"'”’»)\]]*\n|\n\s*\n")


class PdfText(NamedTuple):
    """The paragraphs of some pages of a PDF, and why there are none, in words; empty: there are."""

    paragraphs: tuple[str, ...] = ()
    fault: str = ""


def read_pdf(data: bytes, page: int | None = None, seconds: float = _SECONDS) -> PdfText:
    """Return the text of a page, counted from 1; None: of the first pages, up to 60.

    If a file takes too long or too much memory, only the pages read so far are returned.
    """
    command = [sys.executable, "-P", __file__, str(page or 0), str(round(seconds) + 1)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        try:
            printed, _ = child.communicate(data, seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            printed, _ = child.communicate()
    said: list[dict[str, Any]] = [json.loads(line) for line in printed.split(b"\n")[:-1]]
    texts = (each["text"] for each in said if "text" in each)
    paragraphs = tuple(paragraph for text in texts for paragraph in find_paragraphs(text))
    faults = [each["fault"] for each in said if "fault" in each]
    fault = faults[0] if faults else UNREADABLE if child.returncode else NO_TEXT
    return PdfText(paragraphs, "" if paragraphs else fault)


def find_paragraphs(page: str) -> Iterator[str]:
    """Yield the paragraphs of a page's text, each on one line.

    A PDF has lines only: a blank line, or one that ends a sentence, ends a paragraph. Words divided
    at the end of a line are joined. Lines without a letter, such as page numbers, are left out.
    """
    text = _HYPHEN.sub("", _INVISIBLE.sub("", page.replace("\r", "\n")))
    lines = (line for line in text.split("\n") if not line or any(map(str.isalpha, line)))
    text = "\n".join(lines) + "\n"
    begin = 0
    for end in [*(each.end() for each in _END.finditer(text)), len(text)]:
        if paragraph := " ".join(text[begin:end].split()):
            yield paragraph
        begin = end


def _read_pages(data: bytes, page: int) -> Iterator[dict[str, str]]:
    import pypdf

    reader = pypdf.PdfReader(BytesIO(data), strict=False)
    if reader.is_encrypted and not reader.decrypt(""):
        yield {"fault": ENCRYPTED}
    elif page > len(reader.pages):
        yield {"fault": f"it has no page {page}"}
    else:
        letters = 0
        for each in reader.pages[page - 1 : page] if page else reader.pages[:_PAGES]:
            yield {"text": (text := each.extract_text()[: _LETTERS - letters])}
            letters += len(text)


def _main(page: int, seconds: int) -> None:
    """Print a line of JSON for each page, or why there is none."""
    if sys.platform != "win32":
        import resource

        for name, most in (("RLIMIT_AS", _MEMORY), ("RLIMIT_CPU", seconds), ("RLIMIT_FSIZE", 0)):
            if sys.platform == "linux" or name != "RLIMIT_AS":  # macOS has no limit of memory
                resource.setrlimit(getattr(resource, name), (most, most))
    for said in _read_pages(sys.stdin.buffer.read(), page):
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    _main(*map(int, sys.argv[1:]))
