"""The text of PDF files, read in a child process that is killed when it takes too much.

A PDF may be broken or hostile. pypdf is pure Python, so the worst it can do is take time and
memory. The child is this file, run by its path: it gets the PDF on standard input, opens no other
file, and imports nothing from Companion.
"""

from __future__ import annotations

import json
import logging
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any, NamedTuple

LARGEST_PDF = 50_000_000  # bytes
_PAGES = 60  # from the first one that is read
_LETTERS = 100_000  # after which no further page is read
_SECONDS = 20.0
_MEMORY = 1_000_000_000  # bytes of address space, where the system limits it
_NICENESS = 10

ENCRYPTED = "it is encrypted"
NO_TEXT = "it has no text; it may be scanned"
UNREADABLE = "it cannot be read as a PDF"
TOO_LONG = f"reading it took more than {_SECONDS:.0f} seconds"


class PdfText(NamedTuple):
    """The text of some pages of a PDF.

    paragraphs: each on one line, without page breaks. fault: why there are none, in words; empty if
    there are some. is_whole: whether all requested pages were read.
    """

    paragraphs: tuple[str, ...] = ()
    fault: str = ""
    is_whole: bool = True


def read_pdf(data: bytes, page: int | None = None, seconds: float = _SECONDS) -> PdfText:
    """Return the text of a page, counted from 1; None: of the first pages, up to 60.

    If a file takes too long or too much memory, only the pages read so far are returned.
    """
    lines, is_late = _run_child(data, page, seconds)
    pages, end = list[str](), dict[str, Any]()
    for line in lines:
        said = json.loads(line)
        if "text" in said:
            pages.append(said["text"])
        else:
            end = said
    paragraphs = tuple(paragraph for text in pages for paragraph in find_paragraphs(text))
    if paragraphs:
        return PdfText(paragraphs, is_whole=bool(end.get("whole")))
    fault = TOO_LONG if is_late else end.get("fault", "" if end else UNREADABLE) or NO_TEXT
    return PdfText(fault=fault, is_whole=False)


def _run_child(data: bytes, page: int | None, seconds: float) -> tuple[list[bytes], bool]:
    """Return the whole lines that the child printed, and whether it was killed for its time."""
    group: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
        group = {"creationflags": flags}
    child = subprocess.Popen(
        [sys.executable, "-P", __file__, str(page or 0), str(round(seconds) + 1)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        **group,
    )
    is_late = False
    with child:
        try:
            printed, _ = child.communicate(data, seconds)
        except subprocess.TimeoutExpired:
            is_late = True
            child.kill()
            printed, _ = child.communicate()
    return printed.split(b"\n")[:-1], is_late


_HYPHEN = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010]\n(?=[^\W\d_A-Z])")
_END = re.compile(r"[.!?:。！？：][\"'”’»)\]]*$")
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u00ad\ud800-\udfff]")  # the last: half a sign
_LIGATURES = str.maketrans(
    {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl"}
)
_SHORT = 0.75  # of a usual line, under which a line that ends a sentence ends its paragraph
_SHORTEST = 0.5  # of it, under which a line above a paragraph is none of it
_NO_WORD = re.compile(r"[\W\d_]*")


def find_paragraphs(page: str) -> Iterator[str]:
    """Yield the paragraphs of a page's text, each on one line.

    A PDF has lines only. A blank line ends a paragraph, and so does one that ends a sentence and is
    shorter than most; a much shorter one above it is a heading. Words divided at the end of a line
    are joined. Page numbers and other lines without a letter are left out.
    """
    text = _INVISIBLE.sub("", page.translate(_LIGATURES).replace("\r", "\n"))
    lines = [line.strip() for line in _HYPHEN.sub("", text).split("\n")]
    usual = statistics.median([len(line) for line in lines if line] or [0])
    paragraph: list[str] = []
    for line in [*lines, ""]:
        if line and not _NO_WORD.fullmatch(line):
            paragraph.append(line)
        is_heading = len(paragraph) == 1 and len(line) < _SHORTEST * usual
        is_end = len(line) < _SHORT * usual and _END.search(line)
        if paragraph and (not line or is_heading or is_end):
            yield " ".join(" ".join(paragraph).split())
            paragraph = []


def _main(arguments: Sequence[str]) -> None:
    """Print a line of JSON for each page, and one at the end."""
    page, seconds = map(int, arguments)
    _limit_resources(seconds)
    data = sys.stdin.buffer.read()
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what the library prints goes to standard error
    for said in _read_pages(data, page):
        answers.write(json.dumps(said).encode() + b"\n")
    os._exit(0)


def _limit_resources(seconds: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    os.nice(_NICENESS)
    limits = {"RLIMIT_AS": _MEMORY, "RLIMIT_CPU": seconds, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0}
    for name, most in limits.items():
        try:
            resource.setrlimit(getattr(resource, name), (most, most))
        except (AttributeError, OSError, ValueError):  # macOS has no limit of memory
            continue


def _read_pages(data: bytes, page: int) -> Iterator[dict[str, object]]:
    """Yield the text of each page, then a summary of the whole."""
    import pypdf

    logging.disable()
    try:
        reader = pypdf.PdfReader(BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            yield {"fault": ENCRYPTED}
            return
        count = len(reader.pages)
        if page > count:
            yield {"fault": f"it has no page {page}"}
            return
    except pypdf.errors.DependencyError:  # a cipher that pypdf does not have
        yield {"fault": ENCRYPTED}
        return
    except (Exception, RecursionError, MemoryError):
        yield {"fault": UNREADABLE}
        return
    first, last = (page, page) if page else (1, min(count, _PAGES))
    letters, faults, number = 0, 0, 0
    for number in range(first, last + 1):
        try:
            text = reader.pages[number - 1].extract_text()
        except (Exception, RecursionError, MemoryError):
            faults += 1
            continue
        yield {"text": text[: _LETTERS - letters]}
        letters += len(text)
        if letters >= _LETTERS:
            break
    is_whole = not faults and number == last and (bool(page) or last == count)
    yield {"whole": is_whole and letters <= _LETTERS, "fault": UNREADABLE if faults else ""}


if __name__ == "__main__":
    _main(sys.argv[1:])
